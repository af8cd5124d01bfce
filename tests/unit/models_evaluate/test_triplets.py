from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.datasets.triplet import Excerpt, JudgedTriplet
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded
from models.evaluate.relevance import relevance
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.evaluate.triplet_sample import sample
from models.evaluate.triplets import evaluate_triplets
from models.evaluate.writer import write_report
from models.metrics.bootstrap import Resampling

TRACKS = 60
RESAMPLING = Resampling(replicates=100)
DIMENSIONS = ("genre", "mood", "key")


@pytest.fixture
def labels():
    """(N,) labels of three dimensions, independent of each other."""
    generator = np.random.default_rng(0)
    return {dimension: generator.integers(0, 3, TRACKS) for dimension in DIMENSIONS}


@pytest.fixture
def dataset(labels):
    tracks = tuple(
        LabelledTrack(
            str(n),
            Path(str(n)),
            tags={name: frozenset({f"{name} {labels[name][n]}"}) for name in ("genre", "mood")},
            key=f"{'CDE'[labels['key'][n]]} major",
        )
        for n in range(TRACKS)
    )
    return Dataset("made up", tracks)


@pytest.fixture
def oracle(labels):
    """One sub-space per dimension."""
    vectors = np.hstack([np.eye(3, dtype=np.float32)[labels[dimension]] for dimension in DIMENSIONS])
    return Embedded("oracle", vectors, {name: slice(3 * n, 3 * n + 3) for n, name in enumerate(DIMENSIONS)})


def judgement(name, *tracks):
    return JudgedTriplet(name, *(Excerpt(track, 0.0, 3.0) for track in tracks), 1, 1.0)


def accuracy(report, task, system, space=COMPLETE):
    (row,) = [row for row in report.rows if (row.task, row.system, row.space) == (task, system, space)]
    return row.figures["accuracy"]


def test_each_sub_space_knows_its_own_dimension_and_no_other(dataset, oracle):
    report = evaluate_triplets(dataset, [oracle], DIMENSIONS, RESAMPLING, count=3_000)
    for dimension in DIMENSIONS:
        for space in DIMENSIONS:
            expected = 1 if space == dimension else pytest.approx(0.5, abs=0.08)
            assert accuracy(report, dimension, "oracle", space).value == expected
        assert 0.7 < accuracy(report, dimension, "oracle").value < 1


def test_chance_is_one_half_and_the_worst_is_nothing(dataset, oracle):
    report = evaluate_triplets(dataset, [oracle], ["genre"], RESAMPLING)
    for system, value in ((RANDOM, 0.5), (WORST, 0.0)):
        found = accuracy(report, "genre", system)
        assert (found.value, found.low, found.high) == (value, value, value)


def test_vectors_opposed_to_the_labels_are_always_wrong(dataset, labels):
    alike = labels["genre"][:, None] == labels["genre"]
    values, vectors = np.linalg.eigh(TRACKS * np.eye(TRACKS) - alike)
    opposed = Embedded("opposed", (vectors * np.sqrt(values)).astype(np.float32))
    assert accuracy(evaluate_triplets(dataset, [opposed], ["genre"], RESAMPLING), "genre", "opposed").value == 0


def test_a_constant_system_is_right_by_half(dataset):
    constant = Embedded("constant", np.ones((TRACKS, 4), np.float32), {}, "euclidean")
    found = accuracy(evaluate_triplets(dataset, [constant], ["mood"], RESAMPLING), "mood", "constant")
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_the_interval_of_random_vectors_mostly_holds_one_half(dataset):
    held = []
    for seed in range(30):
        noise = Embedded("noise", np.random.default_rng(seed).standard_normal((TRACKS, 30)).astype(np.float32))
        found = accuracy(evaluate_triplets(dataset, [noise], ["genre"], RESAMPLING, count=2_000), "genre", "noise")
        held.append(found.low <= 0.5 <= found.high)
    assert np.mean(held) >= 0.75


def test_of_few_triplets_all_are_taken_each_once(dataset, labels):
    found = sample(relevance(dataset, "genre"), 10**6, seed=0)
    triplets = {(a, p, n) for a, p, n in zip(found.anchors, found.positives, found.negatives, strict=True)}
    genre = labels["genre"]
    expected = {
        (a, p, n)
        for a in range(TRACKS)
        for p in range(TRACKS)
        for n in range(TRACKS)
        if a != p and genre[a] == genre[p] and genre[a] != genre[n]
    }
    assert triplets == expected
    assert len(found) == len(expected)


def test_of_many_triplets_each_anchor_has_as_many_all_different(dataset, labels):
    found = sample(relevance(dataset, "genre"), 1_230, seed=0)
    assert np.unique(found.anchors, return_counts=True)[1].tolist() == [20] * TRACKS
    assert len({*zip(found.anchors, found.positives, found.negatives, strict=True)}) == len(found)
    genre = labels["genre"]
    assert (genre[found.anchors] == genre[found.positives]).all()
    assert (genre[found.anchors] != genre[found.negatives]).all()
    assert (found.anchors != found.positives).all()


def test_with_more_anchors_than_triplets_some_anchors_have_one_each(dataset):
    found = sample(relevance(dataset, "genre"), 7, seed=0)
    assert len(set(found.anchors)) == len(found) == 7


def test_the_same_seed_draws_the_same_triplets(dataset):
    one, again, other = (sample(relevance(dataset, "key"), 100, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.negatives, again.negatives)
    assert (one.negatives != other.negatives).any()


def test_anchors_are_resampled_and_not_triplets(dataset, oracle):
    """A system that is right for half of the anchors and wrong for the others is as unsure as they are few."""
    report = evaluate_triplets(dataset, [oracle], ["genre"], Resampling(500), count=40_000)
    found = accuracy(report, "genre", "oracle", "mood")
    assert found.count == TRACKS
    assert found.high - found.low > 4 * np.sqrt(0.25 / report.facts["triplets"]["genre"])


def test_a_dimension_in_which_all_are_alike_is_left_out_and_alone_refused(dataset, oracle):
    alike = [LabelledTrack(one.id, one.path, tags=one.tags, album="one") for one in dataset.tracks]
    tracks = Dataset("alike", tuple(alike))
    report = evaluate_triplets(tracks, [oracle], ["album", "genre"], RESAMPLING, count=100)
    assert {row.task for row in report.rows} == {"genre"}
    assert report.facts["triplets"]["album"] == 0
    with pytest.raises(EvaluationImpossible, match="by album no track has a similar and a dissimilar one"):
        evaluate_triplets(tracks, [], ["album"], RESAMPLING)
    with pytest.raises(EvaluationImpossible, match="by nothing no track"):
        evaluate_triplets(tracks, [], [], RESAMPLING)


def test_what_listeners_judged_is_one_more_task(dataset):
    line = Embedded("line", np.arange(TRACKS, dtype=np.float32)[:, None], {}, "euclidean")
    judged = [
        judgement("right", "0", "1", "5"),
        judgement("wrong", "0", "9", "2"),
        judgement("right too", "7", "8", "20"),
        judgement("elsewhere", "0", "1", "not here"),
    ]
    report = evaluate_triplets(dataset, [line], ["genre"], RESAMPLING, judged=judged)
    assert accuracy(report, "judged", "line").value == pytest.approx(2 / 3)
    assert accuracy(report, "judged", "line").count == 2  # anchors
    assert report.facts["judged triplets left out"] == 1
    with pytest.raises(EvaluationImpossible, match="none of 1 judged triplets has its three tracks in made up"):
        evaluate_triplets(dataset, [line], ["genre"], RESAMPLING, judged=judged[3:])


def test_judged_triplets_alone_can_be_asked_for(dataset, oracle):
    report = evaluate_triplets(dataset, [oracle], [], RESAMPLING, judged=[judgement("one", "0", "1", "5")])
    assert {row.task for row in report.rows} == {"judged", "judged, sub-spaces of oracle"}


def test_combinations_of_sub_spaces_are_ranked_and_hold_the_whole_and_each_alone(dataset, labels, oracle):
    agreeing = [
        judgement(f"{a} {p} {n}", str(a), str(p), str(n))
        for a, p, n in np.random.default_rng(1).integers(0, TRACKS, (4_000, 3))
        if _shared(labels, a, p) > _shared(labels, a, n) and len({a, p, n}) == 3
    ]
    report = evaluate_triplets(dataset, [oracle], ["genre"], RESAMPLING, judged=agreeing)
    rows = [row for row in report.rows if row.task == "judged, sub-spaces of oracle"]
    values = {row.space: row.figures["accuracy"].value for row in rows}
    assert values["genre + mood"] == 1  # what made the judgement
    assert next(iter(values)) == "genre + mood"
    assert list(values.values()) == sorted(values.values(), reverse=True)
    assert {*DIMENSIONS, "genre + mood + key"} < values.keys()
    assert values["genre + mood + key"] == pytest.approx(accuracy(report, "judged", "oracle").value)


def _shared(labels, one, other):
    return sum(labels[dimension][one] == labels[dimension][other] for dimension in ("genre", "mood"))


def test_only_the_best_of_many_combinations_are_shown(dataset):
    vectors = np.random.default_rng(0).standard_normal((TRACKS, 12)).astype(np.float32)
    six = Embedded("six", vectors, {f"space {n}": slice(2 * n, 2 * n + 2) for n in range(6)})
    seven = Embedded("seven", vectors, {f"space {n}": slice(n, n + 1) for n in range(7)})
    report = evaluate_triplets(dataset, [six, seven], ["genre", "mood"], RESAMPLING, count=500)
    shown = [row.space for row in report.rows if row.task == "all dimensions, sub-spaces of six"]
    assert 6 + 1 <= len(shown) <= 6 + 6 + 1
    assert len(set(shown)) == len(shown)
    assert not [row for row in report.rows if row.task.endswith("of seven")]


def test_the_report_is_written_with_its_pictures(dataset, oracle, tmp_path):
    judged = [judgement("one", "0", "1", "5"), judgement("two", "3", "4", "6")]
    report = evaluate_triplets(dataset, [oracle], DIMENSIONS, RESAMPLING, judged=judged, count=500)
    assert set(report.plots) == {"kiviat-oracle", "ticks-judged-oracle", "ticks-all-dimensions-oracle"}
    assert all(path.stat().st_size for path in write_report(report, tmp_path))
