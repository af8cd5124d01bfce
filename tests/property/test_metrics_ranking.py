"""Ranking measures against their definitions, averaged over every order of what is tied."""

from itertools import pairwise, permutations
from math import log2

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import average_precision_score, ndcg_score
from torch import from_numpy
from torchmetrics.functional.retrieval import (
    retrieval_average_precision,
    retrieval_normalized_dcg,
    retrieval_precision,
    retrieval_reciprocal_rank,
)

from models.metrics.multilabel import multilabel_recall
from models.metrics.ordering import order, stand
from models.metrics.ranking import average_precision, ndcg, precision, reciprocal_rank

ITEMS = 5
DEPTHS = (1, 2, 3, 7)

item = st.tuples(st.integers(0, 3), st.booleans(), st.booleans())
lists = st.lists(item, min_size=1, max_size=ITEMS)


def slow_precision(relevance, k):
    return sum(relevance[:k]) / k


def slow_average_precision(relevance):
    hits = [place for place, relevant in enumerate(relevance, 1) if relevant]
    return sum(found / place for found, place in enumerate(hits, 1)) / len(hits)


def slow_ndcg(relevance, k):
    def dcg(ranked):
        return sum((2**relevant - 1) / log2(place + 1) for place, relevant in enumerate(ranked[:k], 1))

    return dcg(relevance) / dcg(sorted(relevance, reverse=True))


def slow_reciprocal_rank(relevance):
    return 1 / (1 + relevance.index(1))


def over_orders(scores, payload, measure):
    """Mean of a measure over every order in which nothing stands above something nearer."""
    ranked = [
        arrangement
        for arrangement in permutations(range(len(scores)))
        if all(scores[one] >= scores[next_one] for one, next_one in pairwise(arrangement))
    ]
    return np.mean([measure([payload[place] for place in arrangement]) for arrangement in ranked])


def standing_of(*queries):
    """Lists of (score, relevant, candidate), padded to one length with what is no candidate."""
    width = max(map(len, queries))
    rows = [[*query, *[(9, True, False)] * (width - len(query))] for query in queries]
    scores, relevant, candidates = np.moveaxis(np.array(rows, dtype=float), 2, 0)
    return stand(order(scores), relevant.astype(bool), candidates.astype(bool))


@given(lists, lists)
def test_each_measure_is_its_mean_over_all_orders_of_what_is_tied(one, other):
    standing = standing_of(one, other)
    for number, query in enumerate((one, other)):
        scores = [score for score, _, candidate in query if candidate]
        relevance = [int(relevant) for _, relevant, candidate in query if candidate]
        if not any(relevance):
            values = (
                average_precision(standing),
                reciprocal_rank(standing),
                ndcg(standing, 3),
                precision(standing, 3),
            )
            assert all(np.isnan(value[number]) for value in values)
            continue
        assert average_precision(standing)[number] == pytest.approx(
            over_orders(scores, relevance, slow_average_precision)
        )
        assert reciprocal_rank(standing)[number] == pytest.approx(
            over_orders(scores, relevance, slow_reciprocal_rank)
        )
        for k in DEPTHS:
            expected = over_orders(scores, relevance, lambda ranked, k=k: slow_ndcg(ranked, k))
            assert ndcg(standing, k)[number] == pytest.approx(expected)
            expected = over_orders(scores, relevance, lambda ranked, k=k: slow_precision(ranked, k))
            assert precision(standing, k)[number] == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 3)), st.booleans()), min_size=1, max_size=ITEMS)
)
def test_recall_of_tags_is_its_mean_over_all_orders_of_what_is_tied(tracks):
    wanted = {0, 1, 3}
    assume(any(candidate for _, _, candidate in tracks))
    tags = sparse.csr_array(np.array([[float(tag in carried) for tag in range(4)] for _, carried, _ in tracks]))
    own = sparse.csr_array(np.array([[float(tag in wanted) for tag in range(4)]]))
    scores = [score for score, _, _ in tracks]
    candidates = np.array([[candidate for _, _, candidate in tracks]])
    found = multilabel_recall(order(np.array([scores], dtype=float)), candidates, tags, own, DEPTHS)
    ranked_tags = [carried for _, carried, candidate in tracks if candidate]
    ranked_scores = [score for score, _, candidate in tracks if candidate]
    for k in DEPTHS:
        expected = over_orders(
            ranked_scores, ranked_tags, lambda ranked, k=k: len(wanted & set().union(*ranked[:k])) / len(wanted)
        )
        assert found[k][0] == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0.05, 0.95))
def test_without_ties_the_measures_agree_with_scikit_learn_and_torchmetrics(seed, tracks, share):
    generator = np.random.default_rng(seed)
    scores = generator.permutation(tracks)[None] / tracks + 0.5
    relevant = generator.random((1, tracks)) < share
    assume(relevant.any())
    standing = stand(order(scores), relevant, np.ones_like(relevant))
    predicted, target = from_numpy(scores[0]), from_numpy(relevant[0])
    average = average_precision(standing)[0]
    assert average == pytest.approx(average_precision_score(relevant[0], scores[0]))
    assert average == pytest.approx(float(retrieval_average_precision(predicted, target)), abs=1e-6)
    first = float(retrieval_reciprocal_rank(predicted, target))
    assert reciprocal_rank(standing)[0] == pytest.approx(first, abs=1e-6)
    for k in DEPTHS:
        share_found = float(retrieval_precision(predicted, target, top_k=k))
        assert precision(standing, k)[0] == pytest.approx(share_found, abs=1e-6)
        gained = float(retrieval_normalized_dcg(predicted, target, top_k=k))
        assert ndcg(standing, k)[0] == pytest.approx(gained, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6))
def test_with_ties_ndcg_agrees_with_scikit_learn(seed, tracks, levels):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, levels, (1, tracks)).astype(float)
    relevant = generator.random((1, tracks)) < 0.4
    assume(relevant.any())
    standing = stand(order(scores), relevant, np.ones_like(relevant))
    for k in DEPTHS:
        assert ndcg(standing, k)[0] == pytest.approx(ndcg_score(relevant.astype(int), scores, k=k))


@given(st.integers(0, 2**32 - 1))
def test_no_measure_depends_on_the_order_of_storage(seed):
    generator = np.random.default_rng(seed)
    scores, relevant = generator.integers(0, 3, (4, 30)).astype(float), generator.random((4, 30)) < 0.3
    shuffled = generator.permutation(30)
    everyone = np.ones_like(relevant)
    standing = stand(order(scores), relevant, everyone)
    moved = stand(order(scores[:, shuffled]), relevant[:, shuffled], everyone)
    for measure in (average_precision, reciprocal_rank, lambda one: ndcg(one, 10), lambda one: precision(one, 10)):
        np.testing.assert_allclose(measure(standing), measure(moved), rtol=1e-12)
