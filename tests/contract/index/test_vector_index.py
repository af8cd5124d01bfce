"""What every index promises (ports.VectorIndex)."""

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.domain import EncoderInfo, Space, Vectors
from app.ports import VectorIndex

D = 8
MANY = 3000
"""More than an adapter scores directly, so that its scan is tested."""


def numbers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def random_vectors(count: int, seed: int = 0) -> Vectors:
    """Values that half precision holds as they are."""
    return np.random.default_rng(seed).standard_normal((count, D)).astype(np.float16).astype(np.float32)


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    hits = index.search(np.ones(D, dtype=np.float32), 5)
    assert len(index) == len(hits.numbers) == len(hits.scores) == hits.allowed == 0
    assert hits.exact


def test_the_best_come_first_with_their_exact_scores(index: VectorIndex) -> None:
    vectors = random_vectors(MANY)
    index.add(np.arange(MANY) * 3, vectors)
    query = random_vectors(1, seed=1)[0]
    expected = vectors.astype(np.float64) @ query.astype(np.float64)
    hits = index.search(query, 20)
    np.testing.assert_array_equal(hits.numbers, np.argsort(-expected)[:20] * 3)
    np.testing.assert_allclose(hits.scores, np.sort(expected)[::-1][:20], rtol=1e-6)
    assert hits.scores.dtype == np.float32
    assert hits.allowed == MANY


@pytest.mark.parametrize("space", [slice(0, 4), slice(4, 7), slice(7, 8), slice(4, 8)])
def test_zero_spaces_do_not_count(index: VectorIndex, space: slice) -> None:
    vectors = random_vectors(MANY)
    index.add(np.arange(MANY), vectors)
    query = np.zeros(D, dtype=np.float32)
    query[space] = random_vectors(1, seed=2)[0, space]
    expected = vectors[:, space].astype(np.float64) @ query[space].astype(np.float64)
    np.testing.assert_array_equal(index.search(query, 50).numbers, np.argsort(-expected, kind="stable")[:50])


def test_a_zero_query_finds_the_lowest_numbers_at_score_zero(index: VectorIndex) -> None:
    index.add(np.arange(MANY)[::-1], random_vectors(MANY))
    hits = index.search(np.zeros(D, dtype=np.float32), 3)
    np.testing.assert_array_equal(hits.numbers, [0, 1, 2])
    np.testing.assert_array_equal(hits.scores, [0, 0, 0])


def test_ties_are_broken_by_number_also_at_the_cut(index: VectorIndex) -> None:
    order = np.random.default_rng(3).permutation(MANY)
    vectors = np.repeat(random_vectors(2), MANY // 2, axis=0)
    for start in range(0, MANY, 50):
        index.add(order[start : start + 50], vectors[start : start + 50])
    query = vectors[0]
    same_as_query = np.sort(order[: MANY // 2])
    for k in (1, 7, 1400):
        np.testing.assert_array_equal(index.search(query, k).numbers, same_as_query[:k])


def test_rows_that_differ_only_by_rounding_are_still_in_exact_order(index: VectorIndex) -> None:
    steps = np.random.default_rng(12).integers(-3, 4, (MANY, D))
    vectors = (random_vectors(1) * (1 + steps * np.float32(2**-10))).astype(np.float16).astype(np.float32)
    index.add(np.arange(MANY), vectors)
    query = np.random.default_rng(4).standard_normal(D).astype(np.float32)
    scores = np.multiply(vectors, query, dtype=np.float64).sum(axis=1).astype(np.float32)
    expected = np.lexsort((np.arange(MANY), -scores))
    np.testing.assert_array_equal(index.search(query, 100).numbers, expected[:100])


@pytest.mark.parametrize("k", [4, 5, 1000])
def test_asking_for_more_than_there_is_gives_all_there_is(index: VectorIndex, k: int) -> None:
    index.add(numbers(7, 3, 5, 1), random_vectors(4))
    hits = index.search(random_vectors(1)[0], k)
    assert sorted(hits.numbers) == [1, 3, 5, 7]
    assert hits.allowed == 4


def test_asking_a_large_index_for_everything_gives_everything(index: VectorIndex) -> None:
    index.add(np.arange(MANY), random_vectors(MANY))
    hits = index.search(random_vectors(1)[0], 10 * MANY)
    np.testing.assert_array_equal(np.sort(hits.numbers), np.arange(MANY))
    assert (np.diff(hits.scores) <= 0).all()


def test_adding_a_number_again_replaces_its_vector(index: VectorIndex) -> None:
    index.add(numbers(1, 2), random_vectors(2))
    replacement = random_vectors(1, seed=9)
    index.add(numbers(2), replacement)
    assert len(index) == 2
    np.testing.assert_array_equal(index.vectors(numbers(2)), replacement)
    assert index.search(replacement[0], 1).scores[0] == pytest.approx(float((replacement**2).sum()), rel=1e-6)


def test_of_a_number_given_twice_in_one_call_the_last_row_stays(index: VectorIndex) -> None:
    vectors = random_vectors(3)
    index.add(numbers(4, 2, 4), vectors)
    np.testing.assert_array_equal(index.vectors(numbers(2, 4)), vectors[[1, 2]])
    assert len(index) == 2


def test_removed_numbers_are_gone_and_the_others_stay(index: VectorIndex) -> None:
    vectors = random_vectors(MANY)
    index.add(np.arange(MANY), vectors)
    gone = np.random.default_rng(5).choice(MANY, MANY // 3, replace=False)
    index.remove(gone)
    left = np.setdiff1d(np.arange(MANY), gone)
    np.testing.assert_array_equal(index.numbers(), left)
    np.testing.assert_array_equal(index.vectors(left), vectors[left])
    query = random_vectors(1, seed=6)[0]
    expected = left[np.argsort(-(vectors[left].astype(np.float64) @ query))]
    np.testing.assert_array_equal(index.search(query, 10).numbers, expected[:10])


def test_removing_all_leaves_an_empty_index_that_can_be_filled_again(index: VectorIndex) -> None:
    index.add(numbers(1, 2), random_vectors(2))
    index.remove(numbers(2, 1))
    assert len(index) == 0
    index.add(numbers(5), random_vectors(1))
    np.testing.assert_array_equal(index.search(random_vectors(1)[0], 3).numbers, [5])


def test_removing_unknown_or_repeated_numbers_does_no_harm(index: VectorIndex) -> None:
    index.add(numbers(1, 2), random_vectors(2))
    index.remove(numbers(9, 2, 2))
    index.remove(numbers())
    np.testing.assert_array_equal(index.numbers(), [1])


@pytest.mark.parametrize("share", [0.01, 0.6])
def test_only_allowed_numbers_are_found(index: VectorIndex, share: float) -> None:
    vectors = random_vectors(MANY)
    index.add(np.arange(MANY), vectors)
    rng = np.random.default_rng(7)
    allowed = rng.permutation(np.flatnonzero(rng.random(MANY) < share))
    query = random_vectors(1, seed=8)[0]
    hits = index.search(query, 10, np.concatenate([allowed, allowed, [MANY + 5, -1]]))
    ascending = np.sort(allowed)
    expected = ascending[np.argsort(-(vectors[ascending].astype(np.float64) @ query))]
    np.testing.assert_array_equal(hits.numbers, expected[:10])
    assert hits.allowed == len(allowed)


def test_no_allowed_number_means_no_hit(index: VectorIndex) -> None:
    index.add(numbers(1, 2), random_vectors(2))
    for allowed in (numbers(), numbers(99)):
        hits = index.search(random_vectors(1)[0], 3, allowed)
        assert (len(hits.numbers), hits.allowed) == (0, 0)


def test_vectors_come_in_the_order_asked_for_and_unknown_ones_are_zero(index: VectorIndex) -> None:
    vectors = random_vectors(3)
    index.add(numbers(10, 20, 30), vectors)
    found = index.vectors(numbers(30, 15, 10, 30))
    np.testing.assert_array_equal(found, [vectors[2], np.zeros(D), vectors[0], vectors[2]])


def test_vectors_are_kept_in_half_precision_and_scored_as_they_are_kept(index: VectorIndex) -> None:
    vectors = np.random.default_rng(20).standard_normal((MANY, D)).astype(np.float32)
    kept = vectors.astype(np.float16).astype(np.float32)
    index.add(np.arange(MANY), vectors)
    np.testing.assert_array_equal(index.vectors(np.arange(MANY)), kept)
    query = np.random.default_rng(21).standard_normal(D).astype(np.float32)
    hits = index.search(query, 40)
    expected = np.multiply(kept, query, dtype=np.float64).sum(axis=1).astype(np.float32)
    np.testing.assert_array_equal(hits.numbers, np.argsort(-expected, kind="stable")[:40])
    np.testing.assert_array_equal(hits.scores, expected[hits.numbers])


@pytest.mark.parametrize("share", [None, 0.3, 0.01])
def test_many_queries_together_find_what_each_finds_alone(index: VectorIndex, share: float | None) -> None:
    index.add(np.arange(MANY), random_vectors(MANY))
    allowed = None if share is None else np.flatnonzero(np.random.default_rng(22).random(MANY) < share)
    queries = random_vectors(7, seed=23)
    queries[3, 4:] = 0
    queries[5] = 0
    for query, hits in zip(queries, index.search_many(queries, 9, allowed), strict=True):
        alone = index.search(query, 9, allowed)
        np.testing.assert_array_equal(hits.numbers, alone.numbers)
        np.testing.assert_array_equal(hits.scores, alone.scores)
        assert (hits.allowed, hits.exact) == (alone.allowed, alone.exact)


def test_no_queries_together_find_nothing(index: VectorIndex) -> None:
    index.add(np.arange(10), random_vectors(10))
    assert list(index.search_many(np.empty((0, D), dtype=np.float32), 3)) == []


def test_improving_changes_no_answer_of_a_small_index(index: VectorIndex) -> None:
    index.add(np.arange(MANY), random_vectors(MANY))
    query = random_vectors(1, seed=24)[0]
    before = index.search(query, 30)
    index.improve()
    after = index.search(query, 30)
    np.testing.assert_array_equal(after.numbers, before.numbers)
    np.testing.assert_array_equal(after.scores, before.scores)
    assert after.exact
    assert after.recall == 1


def test_given_arrays_are_copied(index: VectorIndex) -> None:
    given_numbers, vectors = numbers(1, 2), random_vectors(2)
    index.add(given_numbers, vectors)
    given_numbers[:], vectors[:] = 0, 0
    np.testing.assert_array_equal(index.vectors(numbers(1, 2)), random_vectors(2))


@pytest.mark.parametrize("value", [np.nan, np.inf, 70_000])
def test_vectors_that_are_not_finite_are_refused_and_change_nothing(index: VectorIndex, value: float) -> None:
    index.add(numbers(1), random_vectors(1))
    bad = random_vectors(2)
    bad[1, 3] = value
    with pytest.raises(ValueError, match="NaN or infinity"):
        index.add(numbers(1, 2), bad)
    np.testing.assert_array_equal(index.numbers(), [1])
    np.testing.assert_array_equal(index.vectors(numbers(1)), random_vectors(1))


@pytest.mark.parametrize("shape", [(2, D - 1), (2, D + 1), (3, D), (D,)])
def test_vectors_of_the_wrong_shape_are_refused(index: VectorIndex, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(N,\) and \(N, 8\)"):
        index.add(numbers(1, 2), np.ones(shape, dtype=np.float32))


@pytest.mark.parametrize("query", [np.ones(D - 1), np.ones((1, D)), np.full(D, np.nan), np.full(D, -np.inf)])
def test_a_query_of_the_wrong_shape_or_not_finite_is_refused(index: VectorIndex, query: Vectors) -> None:
    index.add(numbers(1), random_vectors(1))
    with pytest.raises(ValueError, match="The query"):
        index.search(query.astype(np.float32), 1)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(index: VectorIndex, k: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        index.search(np.ones(D, dtype=np.float32), k)


def test_an_encoder_with_one_space_is_searched_like_any_other(
    make_index: Callable[[EncoderInfo], VectorIndex],
) -> None:
    index = make_index(EncoderInfo(id="e", name="n", version="1", digest="d", spaces=(Space("all", D),)))
    vectors = random_vectors(MANY)
    index.add(np.arange(MANY), vectors)
    assert index.search(vectors[5] / np.linalg.norm(vectors[5]), 1, numbers(5, 6, 7)).numbers[0] == 5
    query = random_vectors(1, seed=1)[0]
    expected = np.argsort(-(vectors.astype(np.float64) @ query))
    np.testing.assert_array_equal(index.search(query, 5).numbers, expected[:5])


def test_stats_say_what_is_held(index: VectorIndex) -> None:
    index.add(np.arange(100), random_vectors(100))
    stats = index.stats()
    assert (stats["tracks"], stats["dimension"]) == (100, D)
    assert isinstance(stats["bytes"], int)
    assert stats["bytes"] >= 100 * (2 * D + 8)


def test_what_is_discarded_is_an_empty_index_and_a_second_time_does_no_harm(
    index: VectorIndex, tmp_path: Path
) -> None:
    index.add(np.arange(MANY), random_vectors(MANY))
    index.snapshot(tmp_path, seq=1, identity="mine")
    for _ in range(2):
        index.discard()
        assert len(index) == len(index.numbers()) == 0
        assert index.search(random_vectors(1)[0], 3).allowed == 0
    index.add(numbers(5), random_vectors(1))
    np.testing.assert_array_equal(index.search(random_vectors(1)[0], 3).numbers, [5])


def test_both_indexes_give_the_same_scores_to_the_last_bit(encoder: EncoderInfo) -> None:
    found = []
    for kind in (MemoryIndex, FaissIndex):
        index = kind(encoder)
        index.add(np.arange(MANY), random_vectors(MANY))
        found.append(index.search(random_vectors(1, seed=11)[0], 200))
    np.testing.assert_array_equal(found[0].numbers, found[1].numbers)
    np.testing.assert_array_equal(found[0].scores, found[1].scores)


def test_searches_beside_writes_never_see_a_half_written_index(index: VectorIndex) -> None:
    """Every row of one generation holds the same vector: a search must not find two generations mixed."""
    rows = np.arange(MANY)
    index.add(rows, np.full((MANY, D), 1, dtype=np.float32))
    stop, faults = threading.Event(), []

    def search() -> None:
        query = np.ones(D, dtype=np.float32)
        while not stop.is_set():
            hits = index.search(query, 50)
            if len(hits.numbers) != 50 or len(set(hits.scores)) != 1:
                faults.append(hits)

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    enough = time.monotonic() + 10
    for generation in range(2, 22):
        index.add(rows, np.full((MANY, D), generation, dtype=np.float32))
        index.remove(rows[generation::7])
        if generation > 5 and time.monotonic() > enough:
            break  # in a slow index there were many searches for each generation
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []


def change(indexes: Iterable[VectorIndex], changed: np.ndarray, gone: np.ndarray, seed: int) -> None:
    for each in indexes:
        each.add(changed, random_vectors(len(changed), seed))
        each.remove(gone)


def assert_same(index: VectorIndex, reference: VectorIndex) -> None:
    np.testing.assert_array_equal(index.numbers(), reference.numbers())
    np.testing.assert_array_equal(index.vectors(index.numbers()), reference.vectors(index.numbers()))
    for query in random_vectors(5, seed=33):
        hits, expected = index.search(query, 30), reference.search(query, 30)
        np.testing.assert_array_equal(hits.numbers, expected.numbers)
        np.testing.assert_array_equal(hits.scores, expected.scores)


def test_writes_searches_and_improvements_beside_each_other_end_as_in_the_reference(
    index: VectorIndex, encoder: EncoderInfo
) -> None:
    reference, rng = MemoryIndex(encoder), np.random.default_rng(30)
    stop, faults = threading.Event(), []

    def search() -> None:
        query = random_vectors(1, seed=31)[0]
        while not stop.is_set():
            hits = index.search(query, 20)
            if len(set(hits.numbers)) != len(hits.numbers) or (np.diff(hits.scores) > 0).any():
                faults.append(hits)

    def improve() -> None:
        while not stop.is_set():
            index.improve(stop.is_set)
            index.search_many(random_vectors(3, seed=32), 5)

    beside = [threading.Thread(target=work) for work in (search, improve)]
    for each in (index, reference):
        each.add(np.arange(0, 2000, 2), random_vectors(1000))
    for thread in beside:
        thread.start()
    for seed in range(20):
        change((index, reference), rng.integers(0, 2500, 120), rng.integers(0, 2500, 80), seed)
    stop.set()
    for thread in beside:
        thread.join()
    assert faults == []
    assert_same(index, reference)
