"""From datasets to what is learnt from: sides of the split, what is left alone, and what is refused."""

from dataclasses import replace
from hashlib import sha256

import pytest

from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.material import gather
from models.datasets.track import Dataset
from models.errors import TrainingImpossible

SPLIT = ("train", "train", "train", "validation", "test")


@pytest.fixture
def cache(tmp_path):
    (tmp_path / "cache").mkdir()
    return CsnFeatureCache(tmp_path / "cache", 90.0)


@pytest.fixture
def dataset(make, cache, tmp_path):
    """Makes datasets of files that are no audio, but whose features lie in the cache already."""

    def dataset(name, numbers, **changes):
        (tmp_path / name).mkdir()
        tracks = []
        for place, number in enumerate(numbers):
            id_ = f"{name}/{number}.wav"
            side = {"split": SPLIT[place // 2 % len(SPLIT)]}
            track = make.track(number, id=id_, path=tmp_path / id_, **{**side, **changes})
            track.path.write_text(str(number))
            cache.write(cache.entry(sha256(str(number).encode()).hexdigest()), make.features(track, frames=10))
            tracks.append(track)
        return Dataset(name, tuple(tracks))

    return dataset


@pytest.fixture
def gathered(make, cache):
    """Gathers datasets, and says which files were looked at."""

    def gathered(*datasets, **sections):
        seen = []
        material = gather(datasets, cache, make.config(**sections), 1, seen.append)
        return material, [found.path.stem for found in seen]

    return gathered


def entries(cache, numbers):
    return {cache.entry(sha256(str(number).encode()).hexdigest()) for number in numbers}


def test_tracks_go_to_their_side_of_the_split_and_test_tracks_are_never_opened(dataset, gathered, cache):
    made = dataset("made", range(60))
    tests = [track for track in made.tracks if track.split == "test"]
    for track in tests:
        track.path.unlink()
    material, seen = gathered(("made", made))
    by_side = {side: [int(track.path.stem) for track in made.tracks if track.split == side] for side in SPLIT}
    assert set(material.train.entries) == entries(cache, by_side["train"])
    assert set(material.validation.entries) == entries(cache, by_side["validation"])
    assert len(tests) == 12
    assert set(seen).isdisjoint(track.path.stem for track in tests)
    facts = material.domains["made"]
    assert (facts.train, facts.validation, facts.test, facts.refused) == (36, 12, 12, 0)


@pytest.mark.parametrize("side", ["validation", "test"])
def test_an_origin_held_out_in_one_dataset_of_a_domain_is_held_out_in_all(dataset, gathered, cache, side):
    made, more = dataset("made", range(60)), dataset("more", range(100, 110), split="train")
    held_out = [replace(track, source="held out") for track in made.tracks[:1]]
    held_out = [replace(track, split=side) for track in held_out]
    made = replace(made, tracks=(*held_out, *made.tracks[1:]))
    more = replace(more, tracks=tuple(replace(track, source="held out") for track in more.tracks[:4]))
    material, seen = gathered(("one", made), ("one", more))
    inside = entries(cache, range(100, 104)) & set(material.validation.entries)
    assert len(inside) == (4 if side == "validation" else 0)
    assert not entries(cache, [0, *range(100, 104)]) & set(material.train.entries)
    assert ("100" in seen) == (side == "validation")
    assert material.domains["one"].test == (12 if side == "validation" else 17)


def test_in_another_domain_the_same_origin_is_another(dataset, gathered, cache):
    made, more = dataset("made", range(60)), dataset("more", range(100, 104), split="train")
    made = replace(made, tracks=(replace(made.tracks[0], source="shared", split="test"), *made.tracks[1:]))
    more = replace(more, tracks=tuple(replace(track, source="shared") for track in more.tracks))
    material, _ = gathered(("one", made), ("two", more))
    assert entries(cache, range(100, 104)) <= set(material.train.entries)


def test_a_dataset_without_a_split_gets_one_by_origin_and_the_seed(dataset, gathered):
    made = dataset("made", range(80), split="")
    one, again, other = (gathered(("made", made), seed=seed)[0] for seed in (1, 1, 2))
    assert one.train.entries == again.train.entries
    assert set(one.train.entries) != set(other.train.entries)
    assert len(one.train) == pytest.approx(40, abs=4)
    assert one.domains["made"].test == pytest.approx(20, abs=4)


def test_a_file_that_stands_there_twice_counts_once_and_on_the_side_that_is_held_out(dataset, gathered, cache):
    made, copies = dataset("made", range(60)), dataset("copies", range(8), split="train")
    material, _ = gathered(("one", made), ("one", copies))
    every = [*material.train.entries, *material.validation.entries]
    assert len(every) == len(set(every))
    assert entries(cache, [6, 7]) <= set(material.validation.entries)


def test_files_that_cannot_be_used_are_told_and_counted(make, dataset, gathered, cache):
    made = dataset("made", range(60))
    made.tracks[0].path.write_text("features of this are nowhere, and it is no audio")
    made.tracks[1].path.unlink()
    seen = []
    material = gather([("made", made)], cache, make.config(), 1, seen.append)
    refusals = {found.path.stem: found.refusal for found in seen if found.refusal}
    assert refusals.keys() == {"0", "1"}
    assert "not an audio file" in refusals["0"]
    assert "No such file" in refusals["1"]
    assert material.domains["made"].refused == 2
    assert material.domains["made"].train == 34


def test_the_facts_name_the_data_by_its_bytes_whatever_its_order(dataset, gathered):
    made = dataset("made", range(60))
    turned = replace(made, tracks=tuple(reversed(made.tracks)))
    fewer = replace(made, tracks=made.tracks[1:])
    digests = [gathered(("made", each))[0].domains["made"].data_sha256 for each in (made, turned, fewer)]
    assert digests[0] == digests[1] != digests[2]


def test_too_few_tracks_are_refused_with_how_many_there_are(dataset, gathered):
    made = dataset("made", range(30))
    with pytest.raises(TrainingImpossible, match=r"18 tracks for training and 6 for validation .* 20 and 1"):
        gathered(("made", made))
    made = replace(made, tracks=tuple(replace(track, split="train") for track in made.tracks))
    with pytest.raises(TrainingImpossible, match="30 tracks for training and 0 for validation"):
        gathered(("made", made))


def test_tracks_that_nothing_can_be_judged_by_are_refused_before_training(dataset, gathered):
    made = dataset("made", range(60))
    changes = {"validation": {"source": "the only origin"}}
    tracks = tuple(replace(track, **changes.get(track.split, {})) for track in made.tracks)
    with pytest.raises(TrainingImpossible, match="The 12 tracks for validation make no triplet"):
        gathered(("made", replace(made, tracks=tracks)))


def test_the_vocabulary_is_that_of_the_training_tracks(dataset, gathered):
    made = dataset("made", range(60))
    changes = {"validation": {"tags": {"genre": frozenset(["polka"])}}}
    tracks = tuple(replace(track, **changes.get(track.split, {})) for track in made.tracks)
    material, _ = gathered(("made", replace(made, tracks=tracks)))
    assert material.train.vocabulary == material.validation.vocabulary
    assert "polka" not in material.train.vocabulary["genre"]
    assert not material.validation.known["genre"].any()


def test_a_run_is_another_if_it_learns_something_else_but_not_if_it_is_slower_or_longer(make, dataset, gathered):
    made = dataset("made", range(60))
    material, _ = gathered(("made", made))
    fewer, _ = gathered(("made", replace(made, tracks=made.tracks[1:])))
    config = make.config()
    identity = material.identity(config)
    assert identity == gathered(("made", made))[0].identity(make.config())
    same = [{"epochs": 9}, {"optimiser": {"learning_rate": 0.1}}]
    assert {material.identity(make.config(**sections)) for sections in same} == {identity}
    others = [
        material.identity(make.config(seed=1)),
        material.identity(make.config(network={"space_dimension": 9})),
        material.identity(make.config(objective={"triplet": 0.5})),
        material.identity(make.config(batch={"tracks": 4, "segments": 2})),
        material.identity(make.config(domains={"made": {"share": 2}})),
        fewer.identity(config),
    ]
    assert len({identity, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    "label", [{"tempo_bpm": 133.0}, {"key": "F# minor"}, {"source": "elsewhere"}, {"tags": {}}]
)
def test_a_run_is_another_if_a_label_was_corrected(make, dataset, gathered, label):
    made = dataset("made", range(60))
    place = next(number for number, track in enumerate(made.tracks) if track.split == "train")
    tracks = list(made.tracks)
    tracks[place] = replace(tracks[place], **label)
    corrected, _ = gathered(("made", replace(made, tracks=tuple(tracks))))
    assert corrected.identity(make.config()) != gathered(("made", made))[0].identity(make.config())
