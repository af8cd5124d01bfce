"""Configurations: presets that can be used, and faults that say where they are."""

import pytest

from models.errors import ConfigInvalid
from models.wavenet.settings import WavenetSettings
from models.wavenet.training.config import PRESETS, ListSettings, WavenetConfig, read_config


@pytest.fixture
def written(tmp_path):
    def written(text):
        path = tmp_path / "own.toml"
        path.write_text(text)
        return str(path)

    return written


@pytest.mark.parametrize("name", ["paper", "samples", "small"])
def test_presets_can_be_used_and_kept(name):
    config = read_config(name)
    assert config == WavenetConfig.model_validate_json(config.model_dump_json())
    assert {preset.stem for preset in PRESETS.iterdir()} == {"paper", "samples", "small"}


def test_the_preset_paper_is_paper_004():
    config = read_config("paper")
    network = config.network
    assert (network.signal, network.mean_pool, network.padding) == ("samples", 5, "causal")
    assert (network.filter, network.dilations) == (4, (1, 4, 16, 64))
    assert (config.lists.similar, config.lists.dissimilar, config.lists.by_annotations) == (3, 3, 1.0)
    assert not config.prediction.epochs
    assert not any(config.augmentation.model_dump().values())


@pytest.mark.parametrize(
    ("changes", "width", "step", "dimension"),
    [
        ({}, 1, 256, 64),
        ({"connected": ()}, 1, 256, 1_024),
        ({"signal": "mel", "mel_bands": 40, "stacks": 3, "pool": 2}, 40, 8, 64),
        ({"connected": (128, 32)}, 1, 256, 32),
    ],
)
def test_sizes_follow_from_settings(changes, width, step, dimension):
    settings = WavenetSettings(**changes)
    assert (settings.width, settings.step, settings.dimension) == (width, step, dimension)


def test_prediction_comes_before_ranking_where_it_is_asked_for(written):
    config = read_config(written("learning_rate = 1e-3\n[prediction]\nepochs = 2\n"), ["prediction.crop_s=1"])
    assert (config.prediction.epochs, config.prediction.crop_s, config.prediction.learning_rate) == (2, 1.0, 1e-3)
    centred = written("learning_rate = 1e-3\n[network]\npadding = 'centred'\n")
    assert read_config(centred).network.padding == "centred"
    with pytest.raises(ConfigInvalid, match=r"what predicts may not see what comes: .* padding is 'causal'"):
        read_config(centred, ["prediction.epochs=1"])


RATE = "learning_rate = 1e-3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "learning_rate: Field required"),
        ("learning_rate = 0\n", "learning_rate: .*greater than 0"),
        (RATE + "epoch = 3\n", "epoch: Extra inputs"),
        (RATE + "per_epoch = 0\n", "per_epoch: .*greater than or equal to 1"),
        (RATE + "crop_s = nan\n", "crop_s: .*"),
        (RATE + "crop_s = 0.5\n", "crop_s: .*greater than or equal to 1"),
        (RATE + "max_duration_s = inf\n", "max_duration_s: .*finite"),
        (RATE + "seed = -1\n", "seed: .*greater than or equal to 0"),
        (RATE + "[network]\nsignal = 'midi'\n", r"network\.signal: .*'samples' or 'mel'"),
        (RATE + "[network]\nfilter = 1\n", r"network\.filter: .*greater than or equal to 2"),
        (RATE + "[network]\nlayer = 1\n", r"network\.layer: Extra inputs"),
        (RATE + "[network]\nconnected = [64, 0]\n", r"network\.connected\.1: .*greater than or equal to 1"),
        (RATE + "[network]\ndropout = 1\n", r"network\.dropout: .*less than 1"),
        (RATE + "[network]\nsegment_s = 0.5\n", r"network\.segment_s: .*greater than or equal to 1"),
        (RATE + "[lists]\ngroups = 1\n", r"lists\.groups: .*greater than or equal to 2"),
        (RATE + "[lists]\nby_annotations = 1.5\n", r"lists\.by_annotations: .*less than or equal to 1"),
        (RATE + "[lists]\nmin_jaccard = 0\n", r"lists\.min_jaccard: .*greater than 0"),
        (RATE + "[lists]\nsimilar = -1\n", r"lists\.similar: .*greater than or equal to 0"),
        (RATE + "[lists]\nsimilar = 3\n", "lists: .*give both numbers, or 0 and 0 for all"),
        (RATE + "[lists]\ndissimilar = 3\n", "lists: .*give both numbers, or 0 and 0 for all"),
        (
            RATE + "[lists]\nsimilar = 4\ndissimilar = 1\n",
            "lists: .*a group of 4 tracks has no 4 that are similar to one of them",
        ),
        (
            RATE + "[lists]\ngroups = 3\ntracks = 2\nsimilar = 1\ndissimilar = 5\n",
            "lists: .*the other groups of a batch have 4 tracks, not 5 dissimilar ones",
        ),
        (RATE + "[objective]\nloss = 'triplet'\n", r"objective\.loss: .*'hinge', 'ndcg1'"),
        (RATE + "[objective]\nsigma = 0\n", r"objective\.sigma: .*greater than 0"),
        (RATE + "[augmentation]\nmasked_time = 1.1\n", r"augmentation\.masked_time: .*less than or equal to 1"),
        (RATE + "[prediction]\nepochs = -1\n", r"prediction\.epochs: .*greater than or equal to 0"),
        (RATE + "[prediction]\ncrop_s = 0\n", r"prediction\.crop_s: .*greater than or equal to 0\.1"),
    ],
)
def test_a_fault_is_named_with_its_place(written, text, message):
    with pytest.raises(ConfigInvalid, match=rf"own\.toml.* cannot be used: .*{message}"):
        read_config(written(text))


def test_every_fault_is_named_at_once(written):
    faults = (
        "seed = 'x'\nwidth = 3\n[network]\nfilter = 1\n[lists]\nsimilar = 4\ndissimilar = 4\n[objective]\nmu = -1\n"
    )
    with pytest.raises(ConfigInvalid) as raised:
        read_config(written(faults))
    places = ("seed: ", "width: ", "network.filter: ", "lists: ", "objective.mu: ", "learning_rate: ")
    assert all(place in str(raised.value) for place in places)


def test_the_most_that_can_be_asked_for_is_taken():
    assert ListSettings(groups=3, tracks=2, similar=1, dissimilar=4).dissimilar == 4


@pytest.mark.parametrize("name", ["larg", "none.toml"])
def test_what_is_no_configuration_is_refused_with_the_presets(name):
    with pytest.raises(ConfigInvalid, match=rf"no configuration '{name}'. Presets are paper, samples, small"):
        read_config(name)
