from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.evaluate.retrieval import evaluate_retrieval
from models.evaluate.similarities import pair_similarity, similarity
from models.metrics.bootstrap import Resampling

ALBUMS, TRACKS = 6, 60
TAGS = np.array(["rock", "folk", "jazz"])
RESAMPLING = Resampling(replicates=200, seed=3)


@pytest.fixture
def dataset():
    """Ten tracks of each album in turn; each with one genre, which an album does not settle; two unlabelled."""
    generator = np.random.default_rng(0)
    labels = [
        LabelledTrack(
            id=str(number),
            path=Path(str(number)),
            album=f"album {number % ALBUMS}",
            tags={} if number < 2 else {"genre": frozenset({str(generator.choice(TAGS))})},
        )
        for number in range(TRACKS)
    ]
    return Dataset("made up", tuple(labels))


def one_hot(labels):
    return (np.array(labels)[:, None] == np.unique(labels)).astype(np.float32)


def oracle(dataset, name="oracle"):
    """Vectors that are the labels, one space for each of album and genre."""
    albums = one_hot([track.album for track in dataset.tracks])
    genres = one_hot([next(iter(track.tags.get("genre", [""]))) for track in dataset.tracks])
    spaces = {"album": slice(0, albums.shape[1]), "genre": slice(albums.shape[1], None)}
    return Embedded(name, np.hstack([albums, genres]), spaces)


def row(report, task, system, space=COMPLETE):
    (found,) = [one for one in report.rows if (one.task, one.system, one.space) == (task, system, space)]
    return {measure: figure.value for measure, figure in found.figures.items()}


def test_vectors_that_are_the_labels_find_everything(dataset):
    report = evaluate_retrieval(dataset, [oracle(dataset)], ["album", "genre"], RESAMPLING)
    expected = {"P@1": 1, "P@10": 0.9, "MAP": 1, "NDCG@10": 1, "MRR": 1}  # nine others on an album
    assert row(report, "album", "oracle", "album") == pytest.approx(expected)
    assert row(report, "genre", "oracle", "genre") == pytest.approx(
        {"R@1": 1, "R@2": 1, "R@4": 1, "R@8": 1, "P@1": 1, "P@10": 1, "MAP": 1, "NDCG@10": 1, "MRR": 1}
    )


def test_one_space_knows_nothing_of_the_other_respect(dataset):
    report = evaluate_retrieval(dataset, [oracle(dataset)], ["album", "genre"], RESAMPLING)
    by_chance = row(report, "genre", RANDOM)["MAP"]
    assert row(report, "genre", "oracle", "album")["MAP"] == pytest.approx(by_chance, abs=0.12)
    assert row(report, "genre", "oracle", COMPLETE)["MAP"] > by_chance + 0.2


def opposed(dataset):
    """A system to which what is alike is the farthest: vectors whose products are n·I minus "alike"."""
    labels = np.array([track.album for track in dataset.tracks])
    products = TRACKS * np.eye(TRACKS) - (labels[:, None] == labels)
    values, vectors = np.linalg.eigh(products)
    return Embedded("opposed", (vectors * np.sqrt(values)).round(6).astype(np.float32))


def test_vectors_opposed_to_the_labels_rank_as_badly_as_the_worst(dataset):
    report = evaluate_retrieval(dataset, [opposed(dataset)], ["album"], RESAMPLING)
    assert row(report, "album", "opposed") == pytest.approx(row(report, "album", WORST))
    assert row(report, "album", WORST)["P@10"] == 0


def test_vectors_all_alike_have_the_value_of_chance(dataset):
    constant = Embedded("constant", np.ones((TRACKS, 3), np.float32))
    report = evaluate_retrieval(dataset, [constant], ["album", "genre"], RESAMPLING)
    for task in ("album", "genre"):
        assert row(report, task, "constant") == pytest.approx(row(report, task, RANDOM))
    assert row(report, "album", RANDOM)["P@1"] == pytest.approx(9 / 59)


def test_the_interval_of_random_vectors_mostly_holds_the_value_of_chance(dataset):
    """Not in 95 of 100: each track is query and candidate, so that queries share what they are measured on."""
    held = []
    for seed in range(30):
        vectors = np.random.default_rng(seed).standard_normal((TRACKS, 40)).astype(np.float32)
        noise = Embedded("noise", vectors, {}, "euclidean")
        rows = evaluate_retrieval(dataset, [noise], ["album"], RESAMPLING, group_by_origin=True).rows
        found = [figure for row in rows if row.system == "noise" for figure in row.figures.values()]
        chance = [figure.value for row in rows if row.system == RANDOM for figure in row.figures.values()]
        held.append([one.low <= value <= one.high for one, value in zip(found, chance, strict=True)])
    assert np.mean(held) >= 0.75


def test_queries_without_an_answer_are_left_out_and_counted(dataset):
    alone = LabelledTrack("alone", Path("alone"), album="of its own")
    grown = Dataset("made up", (*dataset.tracks, alone))
    report = evaluate_retrieval(grown, [oracle(grown)], ["album", "genre"], RESAMPLING)
    assert report.facts["queries"] == {"album": TRACKS, "genre": TRACKS - 2}
    assert report.facts["labelled, nothing alike"] == {"album": 1, "genre": 0}
    assert {figure.count for one in report.rows if one.task == "album" for figure in one.figures.values()} == {
        TRACKS
    }


def test_across_origins_the_own_album_is_no_candidate(dataset):
    plain, across = (
        evaluate_retrieval(dataset, [oracle(dataset)], ["genre"], RESAMPLING, across_origins=option)
        for option in (False, True)
    )
    assert row(across, "genre", "oracle", "genre")["MAP"] == pytest.approx(1)
    assert across.facts["candidates"] == "of other origins"
    assert row(plain, "genre", RANDOM)["MAP"] != pytest.approx(row(across, "genre", RANDOM)["MAP"])
    with pytest.raises(EvaluationImpossible, match="alike across origins"):
        evaluate_retrieval(dataset, [oracle(dataset)], ["album"], RESAMPLING, across_origins=True)


def test_whole_origins_can_be_resampled(dataset):
    by_album = np.repeat(np.eye(ALBUMS, dtype=np.float32)[[0, 0, 0, 3, 4, 5]][None], TRACKS // ALBUMS, 0)
    mixed_up = Embedded("mixed up", by_album.reshape(TRACKS, ALBUMS))  # three albums are as one
    single, whole = (
        evaluate_retrieval(dataset, [mixed_up], ["album"], Resampling(500), group_by_origin=option).rows[0]
        for option in (False, True)
    )
    assert single.figures["MAP"].value == whole.figures["MAP"].value
    width = {
        name: one.figures["MAP"].high - one.figures["MAP"].low
        for name, one in zip("sw", (single, whole), strict=True)
    }
    assert width["w"] > 2 * width["s"]


def test_the_report_is_the_same_each_time_and_pairs_systems_on_the_same_resamples(dataset):
    systems = [oracle(dataset, "one"), oracle(dataset, "two")]
    report, again = (evaluate_retrieval(dataset, systems, ["album"], RESAMPLING) for _ in range(2))
    for one, other in zip(report.rows, again.rows, strict=True):
        np.testing.assert_array_equal(one.figures["MAP"].replicates, other.figures["MAP"].replicates)
    one, other = (found for found in report.rows if found.system in {"one", "two"} and found.space == "genre")
    np.testing.assert_array_equal(one.figures["MAP"].replicates, other.figures["MAP"].replicates)


@pytest.mark.parametrize(
    ("systems", "reason"),
    [
        ([Embedded("short", np.ones((3, 2), np.float32))], "short has 3 vectors for 60 tracks"),
        ([Embedded("holes", np.full((TRACKS, 2), np.nan, np.float32))], "holes has vectors that are not finite"),
        ([Embedded("one", np.ones((TRACKS, 2), np.float32))] * 2, "two rows would be called one"),
        ([Embedded(RANDOM, np.ones((TRACKS, 2), np.float32))], "two rows would be called random"),
    ],
)
def test_systems_that_do_not_fit_are_refused(dataset, systems, reason):
    with pytest.raises(EvaluationImpossible, match=reason):
        evaluate_retrieval(dataset, systems, ["album"], RESAMPLING)


def test_pairs_have_the_similarity_that_rows_have():
    generator = np.random.default_rng(2)
    system = Embedded("noise", generator.standard_normal((700, 5)).astype(np.float32), metric="euclidean")
    one, other = generator.integers(0, 700, (2, 2_000))
    expected = -np.linalg.norm(system.vectors[one] - system.vectors[other], axis=1)
    np.testing.assert_allclose(pair_similarity(system, one, other), expected, atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_equal_vectors_are_equally_near_wherever_they_are_stored(metric):
    kinds = np.random.default_rng(0).standard_normal((5, 53)).astype(np.float32)
    copies = Embedded("copies", kinds[np.arange(603) % 5], {}, metric)
    found = similarity(copies, np.arange(0, 603, 7))
    for kind in range(5):
        assert (found[:, kind::5] == found[:, [kind]]).all()
