"""Configurations: presets, files, changes, and faults that say where they are."""

import pytest
from pydantic import ValidationError

from models.csn.training.config import PRESETS, TrainingConfig, read_config
from models.datasets.track import DIMENSIONS
from models.errors import ConfigInvalid

SMALLEST = "[objective]\ntriplet = 1\n"


@pytest.fixture
def written(tmp_path):
    def written(text):
        path = tmp_path / "own.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


@pytest.mark.parametrize("name", sorted(preset.stem for preset in PRESETS.glob("*.toml")))
def test_presets_can_be_used(name):
    config = read_config(name)
    assert config.network.spaces == DIMENSIONS
    assert config == TrainingConfig.model_validate_json(config.model_dump_json())


def test_the_preset_paper_is_paper_001():
    config = read_config("paper")
    assert (config.network.inputs, config.network.dimension, config.network.width) == ("multi", 384, 1.0)
    assert (config.network.columns, config.network.context_frames) == (129, 129)
    assert (config.objective.triplet, config.objective.tags, config.objective.track) == (1.0, 0.0, 0.0)
    assert (config.objective.margin, config.objective.disentangled) == (0.1, True)
    optimiser = config.optimiser
    assert (optimiser.learning_rate, optimiser.factor, optimiser.patience) == (1e-5, 0.2, 10)
    assert (optimiser.lowest, optimiser.schedule, optimiser.weight_decay) == (1e-10, "plateau", 0.0)


def test_a_file_says_only_what_differs(written):
    config = read_config(written(SMALLEST))
    assert config == TrainingConfig.model_validate({"objective": {"triplet": 1}})


def test_changes_come_on_top_of_the_file_the_last_one_last(written):
    changes = (
        "objective.margin=0.3",
        "epochs = 7",
        "network.spaces=['tempo', 'key']",
        "domains.mine.share=2",
        "domains.mine.ignore=['era']",
        "optimiser.schedule=cosine",
        "epochs=9",
    )
    config = read_config(written(SMALLEST + "margin = 0.2\n"), changes)
    assert config.objective.margin == 0.3
    assert config.epochs == 9
    assert config.network.spaces == ("tempo", "key")
    assert (config.domains["mine"].share, config.domains["mine"].ignore) == (2.0, ("era",))
    assert config.optimiser.schedule == "cosine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[objective]\ntripel = 1\n", r"objective\.tripel: Extra inputs"),
        ("epoch = 3\n" + SMALLEST, "epoch: Extra inputs"),
        ("", "objective: Field required"),
        ("[objective]\n", "objective: .*one of triplet, track and tags"),
        ("[objective]\ntriplet = -1\n", r"objective\.triplet: .*greater than or equal to 0"),
        ("[objective]\ntriplet = 'much'\n", r"objective\.triplet: .*valid number"),
        ("epochs = 0\n" + SMALLEST, "epochs: .*greater than or equal to 1"),
        ("epochs = 1.5\n" + SMALLEST, "epochs: .*integer"),
        ("seed = -1\n" + SMALLEST, "seed: .*greater than or equal to 0"),
        ("max_duration_s = inf\n" + SMALLEST, "max_duration_s: .*finite"),
        ("max_duration_s = 2\n" + SMALLEST, "max_duration_s: .*greater than or equal to 3"),
        (SMALLEST + "[batch]\ntracks = 7\n", r"batch\.tracks: .*multiple of 2"),
        (SMALLEST + "[batch]\ntracks = 2\n", r"batch\.tracks: .*greater than or equal to 4"),
        (SMALLEST + "[optimiser]\nlearning_rate = 0\n", r"optimiser\.learning_rate: .*greater than 0"),
        (SMALLEST + "[optimiser]\nlearning_rate = nan\n", r"optimiser\.learning_rate"),
        (SMALLEST + "[optimiser]\nfactor = 1\n", r"optimiser\.factor: .*less than 1"),
        (SMALLEST + "[optimiser]\nschedule = 'steps'\n", r"optimiser\.schedule: .*'plateau' or 'cosine'"),
        (SMALLEST + "[augmentation]\nstretch = 1.1\n", r"augmentation\.stretch: .*less than or equal to 1"),
        (SMALLEST + "[domains.mine]\nshare = 0\n", r"domains\.mine\.share: .*greater than 0"),
        (SMALLEST + "[domains.mine]\nignore = ['eras']\n", r"domains\.mine\.ignore\.0: .*'era'"),
        (SMALLEST + "[network]\ncolumns = 100\n", "network: .*columns: .*multiple of 64"),
        (SMALLEST + "[network]\nspaces = ['colour']\n", "network: .*spaces: expected different ones of"),
        (
            "[objective]\ntags = 1\norigins = 1\norigin_spaces = ['genre', 'key']\n[network]\nspaces = ['genre']\n",
            "objective.origin_spaces: the network has no key",
        ),
        ("[objective]\ntags = 1\norigin_spaces = ['all']\n", r"objective\.origin_spaces\.0\.\S+: .*'complete'"),
        ("[objective]\ntrack = 1\n", "objective.track compares segments of one track: batch.segments must be 2"),
        (
            SMALLEST + "[network]\ninputs = 'single'\n[augmentation]\ntranspose = 0.5\n",
            "transpose and stretch need network.inputs = 'multi'",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(written, text, message):
    path = written(text)
    with pytest.raises(ConfigInvalid, match=rf"own\.toml.* cannot be used: .*{message}"):
        read_config(path)


def test_every_fault_is_named_at_once(written):
    with pytest.raises(ConfigInvalid) as raised:
        read_config(written("epochs = 0\nseed = 'x'\n" + SMALLEST + "[batch]\nsegments = 0\n"))
    assert all(place in str(raised.value) for place in ("epochs: ", "seed: ", "batch.segments: "))


@pytest.mark.parametrize(
    "text", ["epochs = \n", "= 3", "[objective\n", b"\xff\xfe\x00", "epochs = 1\nepochs = 2\n"]
)
def test_what_is_no_toml_is_refused_with_the_place(written, text):
    with pytest.raises(ConfigInvalid, match=r"own\.toml is not TOML: "):
        read_config(written(text))


def test_a_file_or_preset_that_is_not_there_is_refused_with_the_presets(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    for name in ("smal", str(tmp_path / "none.toml"), str(tmp_path / "folder.toml")):
        with pytest.raises(ConfigInvalid, match=rf"no configuration '{name}'. Presets are paper, small"):
            read_config(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "'epochs' changes nothing; expected key=value"),
        ("", "changes nothing; expected key=value"),
        ("epochs.first=3", "'epochs.first=3': epochs is a value and holds no others"),
        ("objective.triplet.x=3", "triplet is a value and holds no others"),
        ("epochs=many", r"'small' cannot be used: epochs: .*integer"),
        ("epochs=", "epochs: .*integer"),
        ("objective.tripel=1", r"objective\.tripel: Extra inputs"),
        ("=3", "Extra inputs"),
        ("network.spaces=tempo", r"network\.spaces: "),
        ("network.columns=33", r"network: .*columns"),
    ],
)
def test_a_change_that_cannot_be_made_is_named(change, message):
    with pytest.raises(ConfigInvalid, match=message):
        read_config("small", ["objective.triplet=1", "epochs=5", change])


def test_a_configuration_cannot_be_changed_afterwards():
    config = read_config("small")
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3
