import numpy as np
import pytest

from app.services.reranking import diversify, percentiles, within_artist_limit


def by_artist(*artists):
    return dict(enumerate(artists))


def unit_rows(count, width=4, seed=0):
    rows = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mmr(relevance, vectors, trade_off, k):
    """Carbonell and Goldstein, equation 1, word by word."""
    chosen = []
    while len(chosen) < k:
        left = [place for place in range(len(relevance)) if place not in chosen]
        chosen.append(
            max(
                left,
                key=lambda place: (
                    trade_off * relevance[place]
                    - (1 - trade_off) * max((vectors[place] @ vectors[other] for other in chosen), default=0)
                ),
            )
        )
    return chosen


@pytest.mark.parametrize("diversity", [0.0, 0.25, 0.5, 0.9])
def test_diversity_is_maximal_marginal_relevance(diversity):
    vectors = unit_rows(30)
    relevance = np.sort(np.random.default_rng(1).random(30).astype(np.float32))[::-1]
    assert diversify(relevance, vectors, diversity, 10) == mmr(relevance, vectors, 1 - diversity, 10)


def test_no_diversity_is_the_order_of_relevance():
    assert diversify(np.array([0.9, 0.5, 0.4], np.float32), unit_rows(3), 0.0, 3) == [0, 1, 2]


def test_full_diversity_begins_with_the_best_and_goes_as_far_away_as_it_can():
    vectors = np.array([[1, 0], [0.99, 0.14], [-1, 0]], np.float32)
    assert diversify(np.array([0.9, 0.8, -0.9], np.float32), vectors, 1.0, 2) == [0, 2]


def test_diversity_of_nothing_is_nothing():
    assert diversify(np.empty(0, np.float32), np.empty((0, 4), np.float32), 0.5, 3) == []


def test_no_artist_comes_more_often_than_the_limit():
    tracks = by_artist("Ada", "ADA ", "Bob", "ada", None, "", None)
    assert within_artist_limit(range(7), tracks, 1) == [0, 2, 4, 5, 6]
    assert within_artist_limit(range(7), tracks, 2) == [0, 1, 2, 4, 5, 6]


def test_without_a_limit_all_tracks_that_still_exist_stay():
    assert within_artist_limit([0, 5, 1], by_artist("Ada", "Ada"), None) == [0, 2]


def test_a_percentile_counts_what_is_strictly_less_similar():
    background = np.array([0.1, 0.2, 0.2, 0.9], np.float32)
    np.testing.assert_array_equal(percentiles(np.array([1, 0.2, 0.0], np.float32), background), [100, 25, 0])


def test_a_percentile_does_not_count_a_tie_that_rounding_has_split():
    background = np.array([0.5, 0.1], np.float32)
    np.testing.assert_array_equal(percentiles(np.nextafter(background[:1], np.float32(1)), background), [50])
