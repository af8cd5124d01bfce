"""Every index against the reference, whatever is written and asked in whatever order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar
from unittest.mock import patch
from uuid import uuid4

import faiss
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.adapters import faiss_index, gpu_mirror, half_rows, milvus_search, row_view, search_depth, shortcut
from app.adapters.faiss_index import FaissIndex
from app.adapters.gpu_mirror import CPU, Device
from app.adapters.memory_index import MemoryIndex
from app.adapters.milvus_index import MilvusIndex
from app.adapters.milvus_server import MilvusServer
from app.domain import EncoderInfo, Space, Vectors
from app.index_rows import as_stored
from app.ports import VectorIndex

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
    device: ClassVar[Device] = CPU

    def __init__(self) -> None:
        super().__init__()
        self.reference, self.index = MemoryIndex(ENCODER), self.new_index()
        self.seq = 0

    def new_index(self) -> VectorIndex:
        return FaissIndex(ENCODER, device=self.device)

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
            self.index = self.new_index()
            assert self.index.restore(Path(folder), identity="mine") == self.seq

    @invariant()
    def holds_the_same_rows(self) -> None:
        held = self.reference.numbers()
        np.testing.assert_array_equal(self.index.numbers(), held)
        np.testing.assert_array_equal(self.index.vectors(held), self.reference.vectors(held))


class Shrunken(SameAsReference):
    """With limits so low that few rows reach what is meant for many: scans by FAISS, chunks, codes."""

    limits: ClassVar[dict[tuple[ModuleType, str], int]] = {}

    def __init__(self) -> None:
        self.patches = [patch.object(module, name, limit) for (module, name), limit in self.limits.items()]
        for each in self.patches:
            each.start()
        super().__init__()

    def teardown(self) -> None:
        for each in self.patches:
            each.stop()


class ScansEvenSmallIndexes(Shrunken):
    limits: ClassVar = {
        (row_view, "FEW"): 0,
        (row_view, "SPARE"): 1,
        (half_rows, "CHUNK"): 32,
        (half_rows, "_CACHED"): 7,
    }


class CodesEvenSmallIndexes(Shrunken):
    """All rows are named as candidates, so that answers must be exact; what codes say of each is checked apart."""

    limits: ClassVar = {
        (row_view, "FEW"): 0,
        (row_view, "SPARE"): 1,
        (shortcut, "SCARCE"): 0,
        (faiss_index, "_SLICE"): 50,
        (faiss_index, "EXACT_UP_TO"): 110,
        (half_rows, "CHUNK"): 64,
        (search_depth, "_SHALLOWEST"): 10_000,
        (search_depth, "_QUERIES"): 4,
        (search_depth, "_FEWEST"): 2,
    }

    @initialize(seed=st.integers(0, 99))
    def fill(self, seed: int) -> None:
        vectors = np.random.default_rng(seed).standard_normal((130, 5)).astype(np.float16)
        for index in (self.reference, self.index):
            index.add(np.arange(130), vectors.astype(np.float32))
        self.index.improve()
        assert self.index.stats()["measured_at"] == 130

    @rule()
    def improve(self) -> None:
        self.index.improve()

    @invariant()
    def codes_say_of_every_row_what_fresh_ones_would(self) -> None:
        if self.index._shortcut is None:
            return
        for part in self.index._shortcut.codes.parts:
            rows = part._own(self.index._rows.take(np.arange(len(self.index))))
            fresh = part._index.pq.decode(part._index.pq.compute_codes(rows)) if len(rows) else rows
            assert len(part) == len(rows)
            held = part._index.reconstruct_n(0, len(rows)) if len(rows) else rows
            np.testing.assert_array_equal(held, fresh)


class RoundingFlat:
    """What a GPU is to an index, for machines without one: rows and queries in half precision, inexact scores."""

    def __init__(self, dimension: int) -> None:
        self._flat = faiss.IndexFlatIP(dimension)

    @property
    def ntotal(self) -> int:
        return self._flat.ntotal

    def reset(self) -> None:
        self._flat.reset()

    def add(self, rows: Vectors) -> None:
        self._flat.add(as_stored(rows))

    def search(self, query: Vectors, k: int) -> tuple[Vectors, np.ndarray]:
        return self._flat.search(as_stored(query), k)


class MirrorsEvenSmallIndexes(Shrunken):
    """With rows on what behaves as a GPU does, which are copied now and then."""

    device: ClassVar = Device("cuda:0", RoundingFlat)
    limits: ClassVar = {
        (row_view, "FEW"): 0,
        (gpu_mirror, "SPARE"): 1,
        (row_view, "SPARE"): 1,
        (gpu_mirror, "_STALE"): 60,
        (half_rows, "CHUNK"): 64,
        (half_rows, "_BLOCK"): 16,
    }

    @rule()
    def improve(self) -> None:
        self.index.improve()


TestMirrorsEvenSmallIndexes = MirrorsEvenSmallIndexes.TestCase
TestMirrorsEvenSmallIndexes.settings = settings(max_examples=60, stateful_step_count=20)


class InMilvus(Shrunken):
    limits: ClassVar = {(milvus_search, name): limit for name, limit in (("_FEW", 0), ("_SPARE", 1), ("_LONG", 3))}
    server: ClassVar[MilvusServer]

    def __init__(self) -> None:
        self.library_id = uuid4().hex
        super().__init__()

    def new_index(self) -> VectorIndex:
        return MilvusIndex(self.server, self.library_id, ENCODER)

    def teardown(self) -> None:
        self.index.discard()
        super().teardown()


@pytest.fixture(scope="module")
def _milvus_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    InMilvus.server = MilvusServer(str(tmp_path_factory.mktemp("milvus") / "index.db"))
    yield
    InMilvus.server.close()


@pytest.mark.usefixtures("_milvus_lite")
class TestInMilvus(InMilvus.TestCase):
    settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


TestSameAsReference = SameAsReference.TestCase
TestSameAsReference.settings = settings(max_examples=15, stateful_step_count=15)
TestScansEvenSmallIndexes = ScansEvenSmallIndexes.TestCase
TestScansEvenSmallIndexes.settings = settings(max_examples=60, stateful_step_count=20)
TestCodesEvenSmallIndexes = CodesEvenSmallIndexes.TestCase
TestCodesEvenSmallIndexes.settings = settings(max_examples=60, stateful_step_count=15)
