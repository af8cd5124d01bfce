"""The FAISS index against the reference, whatever is written and asked in whatever order."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.adapters import faiss_index
from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.domain import EncoderInfo, Space, Vectors

SPACES = (Space("timbre", 3), Space("rhythm", 2))
ENCODER = EncoderInfo(id="e", name="n", version="1", digest="d", spaces=SPACES)

few_numbers = st.lists(st.integers(0, 60), max_size=12).map(lambda values: np.array(values, dtype=np.int64))
coordinates = st.sampled_from([0, 0.5, -0.5, 1, 1 / 3, -2, 1e-20])
"""Few different values, so that ties are common."""
queries = arrays(np.float32, 5, elements=coordinates.map(np.float32))


def vectors_for(seed: int, count: int) -> Vectors:
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, 0.5, -0.5, 1, 1 / 3], dtype=np.float32), (count, 5))


class SameAsReference(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.reference, self.index = MemoryIndex(ENCODER), FaissIndex(ENCODER)
        self.seq = 0

    @rule(numbers=few_numbers, seed=st.integers(0, 99))
    def add(self, numbers: np.ndarray, seed: int) -> None:
        for index in (self.reference, self.index):
            index.add(numbers, vectors_for(seed, len(numbers)))

    @rule(first=st.integers(0, 50), seed=st.integers(0, 99))
    def add_many(self, first: int, seed: int) -> None:
        for index in (self.reference, self.index):
            index.add(np.arange(first, first + 80), vectors_for(seed, 80))

    @rule(numbers=few_numbers)
    def remove(self, numbers: np.ndarray) -> None:
        for index in (self.reference, self.index):
            index.remove(numbers)

    @rule(first=st.integers(0, 130))
    def remove_many(self, first: int) -> None:
        for index in (self.reference, self.index):
            index.remove(np.arange(first, first + 40))

    @rule(query=queries, k=st.integers(1, 90), allowed=st.none() | few_numbers)
    def search(self, query: Vectors, k: int, allowed: np.ndarray | None) -> None:
        self._compare(query, k, allowed)

    @rule(query=queries, space=st.sampled_from([slice(0, 3), slice(3, 5)]), k=st.integers(1, 5), odd=st.booleans())
    def search_one_space(self, query: Vectors, space: slice, k: int, odd: bool) -> None:
        alone = np.zeros_like(query)
        alone[space] = query[space]
        self._compare(alone, k, np.arange(1, 200, 2) if odd else None)

    def _compare(self, query: Vectors, k: int, allowed: np.ndarray | None) -> None:
        expected, found = self.reference.search(query, k, allowed), self.index.search(query, k, allowed)
        np.testing.assert_array_equal(found.numbers, expected.numbers)
        np.testing.assert_array_equal(found.scores, expected.scores)
        assert found.allowed == expected.allowed

    @rule()
    def restart(self) -> None:
        self.seq += 1
        with tempfile.TemporaryDirectory() as folder:
            self.index.snapshot(Path(folder), seq=self.seq, identity="mine")
            self.index = FaissIndex(ENCODER)
            assert self.index.restore(Path(folder), identity="mine") == self.seq

    @invariant()
    def holds_the_same_rows(self) -> None:
        held = self.reference.numbers()
        np.testing.assert_array_equal(self.index.numbers(), held)
        np.testing.assert_array_equal(self.index.vectors(held), self.reference.vectors(held))


class ScansEvenSmallIndexes(SameAsReference):
    """Without the shortcut for few rows, so that small cases reach FAISS's scan."""

    def __init__(self) -> None:
        super().__init__()
        self.shortcut, self.spare = faiss_index._FEW, faiss_index._SPARE
        faiss_index._FEW, faiss_index._SPARE = 0, 1

    def teardown(self) -> None:
        faiss_index._FEW, faiss_index._SPARE = self.shortcut, self.spare


TestSameAsReference = SameAsReference.TestCase
TestSameAsReference.settings = settings(max_examples=15, stateful_step_count=15)
TestScansEvenSmallIndexes = ScansEvenSmallIndexes.TestCase
TestScansEvenSmallIndexes.settings = settings(max_examples=60, stateful_step_count=20)
