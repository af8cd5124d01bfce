from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded
from models.evaluate.ranking import evaluate_ranking, lowest, pick, random_lists, skewed_lists
from models.evaluate.relevance import relevance
from models.evaluate.report import RANDOM, WORST
from models.metrics.bootstrap import Resampling

ALBUMS, TRACKS = 8, 80
RESAMPLING = Resampling(replicates=100)
ANCHORS = {"NDCG@1": 0.5, "NDCG@6": 0.7754, "MAP": 0.645, "PC": 0.5}
WORST_ANCHORS = {"NDCG@1": 0, "NDCG@6": 0.5508, "MAP": 0.3833, "PC": 0}


@pytest.fixture
def dataset():
    labels = [LabelledTrack(str(n), Path(str(n)), album=f"album {n % ALBUMS}") for n in range(TRACKS)]
    return Dataset("made up", tuple(labels))


@pytest.fixture
def oracle():
    return Embedded("oracle", np.eye(ALBUMS, dtype=np.float32)[np.arange(TRACKS) % ALBUMS])


@pytest.fixture
def noise():
    return Embedded("noise", np.random.default_rng(4).standard_normal((TRACKS, 30)).astype(np.float32))


@pytest.fixture
def halves(dataset, noise):
    """Noise with a trace of the albums."""
    albums = 2 * np.eye(ALBUMS, dtype=np.float32)[np.arange(TRACKS) % ALBUMS]
    return Embedded("halves", np.hstack([noise.vectors, albums]))


def values(report, task, system):
    (row,) = [row for row in report.rows if (row.task, row.system) == (task, system)]
    return {measure: figure.value for measure, figure in row.figures.items()}


def test_the_rows_of_chance_and_of_the_worst_have_their_analytic_values(dataset, oracle):
    report = evaluate_ranking(dataset, [oracle], ["album"], RESAMPLING, reference=oracle)
    for task in ("album", "album, skewed"):
        assert values(report, task, RANDOM) == pytest.approx(ANCHORS, abs=5e-5)
        assert values(report, task, WORST) == pytest.approx(WORST_ANCHORS, abs=5e-5)


def test_vectors_that_are_the_labels_rank_all_right(dataset, oracle):
    report = evaluate_ranking(dataset, [oracle], ["album"], RESAMPLING)
    assert values(report, "album", "oracle") == pytest.approx(dict.fromkeys(ANCHORS, 1))
    assert {row.task for row in report.rows} == {"album"}


def test_vectors_opposed_to_the_labels_rank_as_badly_as_the_worst(dataset):
    albums = np.arange(TRACKS) % ALBUMS
    eigenvalues, eigenvectors = np.linalg.eigh(TRACKS * np.eye(TRACKS) - (albums[:, None] == albums))
    opposed = Embedded("opposed", (eigenvectors * np.sqrt(eigenvalues)).astype(np.float32))
    report = evaluate_ranking(dataset, [opposed], ["album"], RESAMPLING)
    assert values(report, "album", "opposed") == pytest.approx(WORST_ANCHORS, abs=5e-5)


def test_the_interval_of_random_vectors_nearly_always_holds_the_value_of_chance(dataset):
    held = []
    for seed in range(40):
        vectors = np.random.default_rng(seed).standard_normal((TRACKS, 30)).astype(np.float32)
        row = evaluate_ranking(dataset, [Embedded("noise", vectors)], ["album"], Resampling(200)).rows[0]
        held.append(
            [row.figures[measure].low <= anchor <= row.figures[measure].high for measure, anchor in ANCHORS.items()]
        )
    assert np.mean(held, axis=0).min() >= 0.85


def test_skewed_lists_are_hard_for_their_reference_and_not_for_who_knows_better(dataset, oracle, halves):
    report = evaluate_ranking(dataset, [oracle, halves], ["album"], RESAMPLING, reference=halves)
    assert values(report, "album", "halves")["PC"] > 0.6
    assert values(report, "album, skewed", "halves")["PC"] < 0.4
    assert values(report, "album, skewed", "halves")["MAP"] < ANCHORS["MAP"]
    assert values(report, "album, skewed", "oracle") == pytest.approx(dict.fromkeys(ANCHORS, 1))


def test_random_lists_hold_three_different_tracks_of_each_kind_in_even_chance(dataset):
    similar, candidates = relevance(dataset, "album").relevant(np.arange(TRACKS))
    draw = random_lists(np.random.default_rng(0))
    chosen = np.zeros((TRACKS, TRACKS))
    for _ in range(200):
        ranked, pairs = draw(np.arange(TRACKS), similar, candidates & ~similar)
        kinds = np.take_along_axis(similar, ranked, 1)
        assert kinds[:, :3].all()
        assert not kinds[:, 3:].any()
        assert all(len(set(row)) == 6 and number not in row for number, row in enumerate(ranked))
        assert np.take_along_axis(similar, pairs[:, :, 0], 1).all()
        assert not np.take_along_axis(similar, pairs[:, :, 1], 1).any()
        assert (pairs[:, :, 1] != np.arange(TRACKS)[:, None]).all()
        np.add.at(chosen, (np.arange(TRACKS)[:, None], ranked), 1)
    expected = similar * 200 * 3 / 9
    assert abs(chosen - expected)[similar].max() < 45  # 7 standard deviations of a binomial of 200 draws
    assert chosen[similar].mean() == pytest.approx(200 / 3)


def test_skewed_lists_take_the_worst_similar_and_the_best_dissimilar_in_order(dataset, noise):
    similar, candidates = relevance(dataset, "album").relevant(np.arange(TRACKS))
    draw = skewed_lists(noise, np.random.default_rng(0))
    ranked, pairs = draw(np.arange(TRACKS), similar, candidates & ~similar)
    scores = noise.similarity(np.arange(TRACKS))
    for query in range(TRACKS):
        others = [track for track in range(TRACKS) if track != query]
        worst = sorted((track for track in others if similar[query, track]), key=lambda track: scores[query, track])
        best = sorted(
            (track for track in others if not similar[query, track]), key=lambda track: -scores[query, track]
        )
        assert ranked[query].tolist() == worst[:3] + best[:3]
        assert pairs[query, :9].tolist() == [list(pair) for pair in zip(worst, best[:9], strict=True)]
        assert (pairs[query, 9:] == -1).all()  # nine others on an album


def test_equal_scores_of_the_reference_do_not_favour_who_is_stored_first(dataset):
    constant = Embedded("constant", np.ones((TRACKS, 2), np.float32))
    similar, candidates = relevance(dataset, "album").relevant(np.arange(TRACKS))
    ranked, _ = skewed_lists(constant, np.random.default_rng(0))(np.arange(TRACKS), similar, candidates & ~similar)
    assert np.median(ranked[:, 3:]) > 10


def test_the_same_seed_asks_the_same_of_all_systems_and_another_seed_something_else(dataset, halves):
    twin = Embedded("twin", halves.vectors)
    report = evaluate_ranking(dataset, [halves, twin], ["album"], RESAMPLING, seed=1)
    assert values(report, "album", "halves") == values(report, "album", "twin")
    again = evaluate_ranking(dataset, [twin], ["album"], RESAMPLING, seed=1)
    assert values(again, "album", "twin") == values(report, "album", "twin")
    other = evaluate_ranking(dataset, [twin], ["album"], RESAMPLING, seed=2)
    assert values(other, "album", "twin") != values(report, "album", "twin")


def test_queries_with_fewer_than_three_of_either_kind_are_left_out(dataset, oracle):
    few = tuple(LabelledTrack(f"x{n}", Path("x"), album="small") for n in range(3))
    grown = Dataset("made up", dataset.tracks + few)
    vectors = np.vstack([oracle.vectors, np.zeros((3, ALBUMS), np.float32)])
    report = evaluate_ranking(grown, [Embedded("oracle", vectors)], ["album"], RESAMPLING)
    assert report.facts["queries"] == {"album": TRACKS}
    pairs = Dataset("pairs", tuple(LabelledTrack(str(n), Path("x"), album=str(n // 2)) for n in range(10)))
    with pytest.raises(EvaluationImpossible, match="by album no track has 3 similar and 3 dissimilar ones"):
        evaluate_ranking(pairs, [], ["album"], RESAMPLING)


def test_a_respect_that_cannot_be_asked_is_left_out(dataset, oracle):
    tracks = [
        LabelledTrack(one.id, one.path, album=one.album, artist=str(n // 2)) for n, one in enumerate(dataset.tracks)
    ]
    report = evaluate_ranking(Dataset("pairs", tuple(tracks)), [oracle], ["artist", "album"], RESAMPLING)
    assert report.facts["queries"] == {"artist": 0, "album": TRACKS}
    assert {row.task for row in report.rows} == {"album"}


def test_picks_come_from_their_own_row_only():
    among = np.array([[True, False, True], [False, True, False]])
    picked = pick(np.random.default_rng(0), among, 50)
    assert set(picked[0]) == {0, 2}
    assert set(picked[1]) == {1}


def test_the_lowest_are_padded_where_there_are_fewer():
    found = lowest(np.array([[3.0, 1.0, 2.0]]), np.array([[True, False, True]]), 4)
    assert found.tolist() == [[2, 0, -1, -1]]


def test_a_report_by_tags_says_from_when_on_tracks_are_alike(dataset, oracle):
    tagged = tuple(replace(track, free_tags=frozenset({track.album, "music"})) for track in dataset.tracks)
    report = evaluate_ranking(replace(dataset, tracks=tagged), [oracle], ["album", "tags"], RESAMPLING)
    assert report.facts["similar by tags"] == "from a Jaccard index of 0.5 on"
    assert "similar by tags" not in evaluate_ranking(dataset, [oracle], ["album"], RESAMPLING).facts
