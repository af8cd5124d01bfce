"""What crosses splits is named, twins are told from neighbours, and shortcuts are judged by what they gain."""

from dataclasses import replace

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.crossings import crossings, twin_reach, twins
from models.evaluate.embedded import Embedded
from models.evaluate.leakage import evaluate_leakage, solves, verdict
from models.evaluate.listening import Heard
from models.evaluate.report import COMPLETE, RANDOM, Row
from models.evaluate.view import CANONICAL
from models.metrics.bootstrap import Estimate, Resampling

ALBUMS, PER_ALBUM = 12, 6
TRACKS = ALBUMS * PER_ALBUM


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.wav").write_bytes(bytes([number]) * 8)
    return tmp_path


def track(number, folder, split, **labels):
    return LabelledTrack(f"t{number}", folder / f"{number}.wav", split=split, **labels)


def found(*tracks):
    return {(each.kind, each.name): dict(each.splits) for each in crossings(Dataset("x", tracks))}


def test_an_artist_on_two_sides_is_named_with_the_number_of_tracks(folder):
    tracks = [track(n, folder, "train" if n < 2 else "test", artist="Ann", source=f"s{n}") for n in range(3)]
    assert found(*tracks) == {("artist", "Ann"): {"test": 1, "train": 2}}


def test_an_origin_on_two_sides_is_named(folder):
    tracks = [track(0, folder, "train", album="One"), track(1, folder, "validation", album="One")]
    assert found(*tracks) == {("origin", "One"): {"train": 1, "validation": 1}}


def test_labelled_duplicates_on_two_sides_are_named_by_their_ids(folder):
    tracks = [track(0, folder, "train", duplicates=frozenset({"t1"})), track(1, folder, "test")]
    assert found(*tracks) == {("near duplicates", "t0, t1"): {"test": 1, "train": 1}}


def test_files_of_the_same_bytes_are_named_whatever_they_are_called(folder):
    (folder / "1.wav").write_bytes((folder / "0.wav").read_bytes())
    assert found(track(0, folder, "train"), track(1, folder, "test")) == {
        ("identical files", "t0, t1"): {"test": 1, "train": 1}
    }


def test_what_stays_on_one_side_or_is_unknown_is_not_named(folder):
    tracks = [
        track(0, folder, "train", artist="Ann"),
        track(1, folder, "train", artist="Ann"),
        track(2, folder, "test"),
        track(3, folder, "", artist="Ann"),
    ]
    assert found(*tracks) == {}


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def dataset(tmp_path):
    """Twelve albums of six tracks; every third album is for testing."""
    tracks = []
    for number in range(TRACKS):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(str(number).encode())
        album = number // PER_ALBUM
        split = "test" if album % 3 == 0 else "train"
        tracks.append(LabelledTrack(f"t{number}", path, album=f"a{album}", split=split))
    return Dataset("albums", tuple(tracks))


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def noise(generator, dimension=16):
    return generator.standard_normal((TRACKS, dimension))


def by_album(generator, share):
    """Vectors of which a share is the album's and the rest chance."""
    albums = np.repeat(generator.standard_normal((ALBUMS, 16)), PER_ALBUM, axis=0)
    return unit(share * albums + (1 - share) * noise(generator))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_twin_across_splits_is_found_and_neighbours_are_not(dataset, generator, metric):
    vectors = unit(noise(generator))
    alone = Embedded("x", vectors.copy(), metric=metric)
    assert twins(alone, dataset, twin_reach(alone, dataset)) == ()
    vectors[10] = unit(vectors[:1] + 0.01 * noise(generator)[:1])[0]
    system = Embedded("x", vectors, metric=metric)
    pairs = twins(system, dataset, twin_reach(system, dataset))
    assert [(pair.one.id, pair.other.id) for pair in pairs] == [("t0", "t10")]


def test_twins_of_one_side_are_no_leak(dataset, generator):
    vectors = unit(noise(generator))
    vectors[1] = vectors[0]
    system = Embedded("x", vectors)
    assert twins(system, dataset, twin_reach(system, dataset)) == ()


def test_labelled_duplicates_are_not_listed_as_twins(dataset, generator):
    vectors = unit(noise(generator))
    vectors[10] = vectors[0]
    tracks = list(dataset.tracks)
    tracks[0] = replace(tracks[0], duplicates=frozenset({"t10"}))
    system = Embedded("x", vectors)
    labelled = Dataset("x", tuple(tracks))
    assert twins(system, labelled, twin_reach(system, labelled)) == ()


def test_without_splits_nothing_is_near(dataset, generator):
    bare = Dataset("bare", tuple(replace(each, split="") for each in dataset.tracks))
    system = Embedded("x", unit(noise(generator)))
    assert twin_reach(system, bare) == 0
    assert twins(system, bare, 0.0) == ()


def heard_by(dataset, *systems):
    return Heard(dataset, systems, {}, CANONICAL)


def report_of(dataset, generator, music, files, clips):
    """A system that hears music, and the two shortcuts, each with its share of the album."""
    shares = {"ear": music, "file-facts": files, "clip-facts": clips}
    systems = [Embedded(name, by_album(generator, share)) for name, share in shares.items()]
    heard = heard_by(dataset, *systems)
    return evaluate_leakage(heard, heard, ["album"], Resampling(200))


def test_a_task_that_files_give_away_is_called_solved(dataset, generator):
    report = report_of(dataset, generator, music=0.6, files=0.6, clips=0.0)
    assert "**album** is solved by file-facts:" in report.notes[0]
    assert "(`ear`)" in report.notes[0]


def test_a_task_that_both_shortcuts_solve_names_both(dataset, generator):
    report = report_of(dataset, generator, music=0.6, files=0.7, clips=0.7)
    assert "solved by file-facts and clip-facts" in report.notes[0]


def test_a_task_that_only_music_solves_is_called_unsolved(dataset, generator):
    report = report_of(dataset, generator, music=0.7, files=0.0, clips=0.0)
    assert "**album** is solved by no shortcut" in report.notes[0]


def test_rows_are_those_of_retrieval_with_complete_spaces_and_baselines(dataset, generator):
    report = report_of(dataset, generator, music=0.6, files=0.1, clips=0.1)
    assert [row.system for row in report.rows] == ["ear", "file-facts", "clip-facts", "random", "worst"]
    assert {row.space for row in report.rows} == {COMPLETE}
    assert set(report.rows[0].figures) == {"MAP", "P@10"}


def test_what_crosses_splits_is_counted_and_listed(dataset, generator):
    tracks = [replace(each, artist="Everyone") for each in dataset.tracks]
    report = report_of(Dataset("x", tuple(tracks)), generator, music=0.6, files=0.1, clips=0.1)
    assert report.facts["on two sides of the split"] == {
        "artist": 1,
        "origin": 0,
        "near duplicates": 0,
        "identical files": 0,
    }
    assert any("artist Everyone (24 in test, 48 in train)" in note for note in report.notes)


def test_leakage_without_shortcuts_is_refused(dataset, generator):
    heard = heard_by(dataset, Embedded("ear", unit(noise(generator))))
    with pytest.raises(EvaluationImpossible, match="add file-facts and clip-facts"):
        evaluate_leakage(heard, heard, ["album"], Resampling(10))


def test_leakage_without_a_system_that_hears_is_refused(dataset, generator):
    heard = heard_by(dataset, *(Embedded(name, unit(noise(generator))) for name in ("file-facts", "clip-facts")))
    with pytest.raises(EvaluationImpossible, match="systems that hear music"):
        evaluate_leakage(heard, heard, ["album"], Resampling(10))


def estimate(value, spread=0.01):
    replicates = value + spread * np.linspace(-1, 1, 101)
    return Estimate(value, replicates.min(), replicates.max(), 100, replicates)


@pytest.mark.parametrize(
    ("shortcut", "best", "solved"),
    [
        (0.31, 0.5, True),
        (0.29, 0.5, False),
        (0.6, 0.5, True),
        (0.1, 0.5, False),
        (0.2, 0.1, True),
        (0.1, 0.05, False),
    ],
)
def test_a_shortcut_has_to_gain_more_than_half_of_the_best_gain(shortcut, best, solved):
    """Chance is 0.1; where the best gains nothing, any gain is enough."""
    assert solves(estimate(shortcut, 0.0), estimate(0.1, 0.0), estimate(best, 0.0)) is solved


def test_an_unsure_gain_solves_nothing():
    generator = np.random.default_rng(0)
    unsure = replace(estimate(0.35), replicates=0.35 + 0.2 * generator.standard_normal(500))
    flat = [replace(estimate(value), replicates=np.full(500, value)) for value in (0.1, 0.5)]
    assert not solves(unsure, *flat)


def test_the_verdict_says_how_much_of_the_gain_was_reached():
    values = {"ear": 0.5, "file-facts": 0.2, "clip-facts": 0.1, RANDOM: 0.1}
    rows = [Row("genre", name, COMPLETE, {"MAP": estimate(value)}) for name, value in values.items()]
    text = verdict("genre", rows)
    assert "`file-facts` has 0.200, 25% of the best gain" in text
    assert "`clip-facts` has 0.100, 0% of the best gain" in text
