"""An index that is larger than what is scanned exactly: recall by every weighting, filters, writes, snapshots."""

import threading
import time

import faiss
import numpy as np
import pytest
from structlog.testing import capture_logs

from app.adapters import faiss_index, half_rows
from app.adapters.faiss_index import FaissIndex
from app.adapters.four_bit_codes import PairCodes
from app.adapters.gpu_mirror import CPU, Device, find_device
from app.adapters.memory_index import MemoryIndex
from app.adapters.weight_patterns import PATTERNS, REFERENCES, alone, queries
from app.domain import EncoderInfo, Space
from app.errors import IndexCorrupt

TRACKS = 20_000
WIDTHS = {"genre": 24, "mood": 15, "tempo": 1}
ENCODER = EncoderInfo("e", "n", "1", "d", tuple(Space(name, width) for name, width in WIDTHS.items()))
SPACES = list(ENCODER.slices().values())
TRIED = 20


def related_vectors(count, seed):
    """Spaces that have something to do with each other, as those of music do."""
    rng = np.random.default_rng(seed)
    cause = np.random.default_rng(0).standard_normal((50, 12))[rng.integers(50, size=count)]
    cause += rng.standard_normal((count, 12))
    maps = np.random.default_rng(1)
    parts = [cause @ maps.standard_normal((12, width)) for width in WIDTHS.values()]
    parts = [part + rng.standard_normal(part.shape) for part in parts]
    return np.hstack([part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts]).astype(np.float32)


def queries_of(pattern):
    sources = related_vectors(TRIED * REFERENCES, seed=3)
    if pattern in WIDTHS:
        return alone(ENCODER.slices()[pattern], sources)
    return queries(pattern, sources, SPACES, np.random.default_rng(4))


@pytest.fixture(autouse=True)
def lower_limits(monkeypatch):
    monkeypatch.setattr(faiss_index, "EXACT_UP_TO", 5000)
    monkeypatch.setattr(half_rows, "CHUNK", 1 << 13)


def filled(kind, count=TRACKS):
    index = kind(ENCODER)
    index.add(np.arange(count) * 2, related_vectors(count, seed=2))
    return index


@pytest.fixture
def index(lower_limits):
    index = filled(FaissIndex)
    assert index.improve()
    return index


@pytest.fixture(scope="module")
def reference():
    return filled(MemoryIndex)


def recall(index, reference, asked, k, allowed=None):
    """Share of the best that are found; ties count as found."""
    found = wanted = 0
    for query in asked:
        best = reference.search(query, k, allowed)
        hits = index.search(query, k, allowed)
        assert (np.diff(hits.scores) <= 0).all()
        found += int((hits.scores >= best.scores[-1]).sum())
        wanted += len(best.scores)
    return found / wanted


@pytest.mark.parametrize("pattern", [*PATTERNS, "genre", "mood"])
@pytest.mark.parametrize("share", [1, 0.5, 0.1, 0.01, 0.001])
def test_recall_is_kept_by_every_weighting_and_filter(index, reference, pattern, share):
    allowed = None if share == 1 else np.flatnonzero(np.random.default_rng(5).random(2 * TRACKS) < share)
    for k in (10, 100):
        assert recall(index, reference, queries_of(pattern), k, allowed) >= 0.99


def test_a_filter_that_hides_all_that_looks_best_is_answered_exactly(index, reference):
    query = queries_of("uniform")[0]
    best = reference.search(query, TRACKS // 2).numbers
    allowed = np.setdiff1d(reference.numbers(), best)
    hits = index.search(query, 10, allowed)
    np.testing.assert_array_equal(hits.numbers, reference.search(query, 10, allowed).numbers)
    assert hits.exact


def test_answers_say_how_sure_they_are(index):
    query = queries_of("dirichlet")[0]
    hits = index.search(query, 10)
    assert not hits.exact
    assert 0.99 <= hits.recall <= 1
    assert index.search(query, 10, np.arange(0, 400, 2)).exact
    stats = index.stats()
    assert stats["recall"] <= hits.recall
    assert "four-bit" in stats["kind"]


def test_scores_are_exact_even_where_candidates_are_not(index, reference):
    for query in queries_of("contrast"):
        hits = index.search(query, 20)
        expected = np.multiply(reference.vectors(hits.numbers), query, dtype=np.float64).sum(axis=1)
        np.testing.assert_array_equal(hits.scores, expected.astype(np.float32))


def test_one_who_wants_all_gets_no_codes(lower_limits):
    index = FaissIndex(ENCODER, recall=1.0)
    index.add(np.arange(TRACKS), related_vectors(TRACKS, seed=2))
    assert not index.improve()
    assert index.search(queries_of("uniform")[0], 5).exact


def test_codes_that_cannot_reach_the_target_are_not_used(lower_limits, monkeypatch):
    monkeypatch.setattr("app.adapters.search_depth.DEEPEST", 20)
    index = filled(FaissIndex)
    index.improve()
    assert index.search(queries_of("uniform")[0], 5).exact
    assert not index.improve()


def test_a_space_of_one_dimension_that_codes_cannot_tell_apart_is_searched_all_the_same(index, reference):
    query = queries_of("tempo")[0]
    np.testing.assert_array_equal(index.search(query, 5).scores, reference.search(query, 5).scores)


def test_added_replaced_and_removed_tracks_count_at_once(index):
    query = queries_of("uniform")[0]
    index.add(np.array([1, 4]), np.stack([query, query]))
    assert set(index.search(query, 2).numbers) == {1, 4}
    index.remove(np.array([1]))
    assert index.search(query, 1).numbers[0] == 4
    index.add(np.array([4]), -query[np.newaxis])
    assert not {1, 4} & set(index.search(query, 50).numbers)


def test_an_index_that_has_shrunk_is_exact_again_and_gives_memory_back(index):
    before = index.stats()["bytes"]
    index.remove(np.arange(2 * TRACKS)[9_000:])  # 4 500 are left
    index.improve()
    assert not index.search(queries_of("uniform")[0], 5).exact, "a little below what codes are built at they stay"
    index.remove(np.arange(2 * TRACKS)[7_000:])
    assert index.improve()
    assert index.search(queries_of("uniform")[0], 5).exact
    assert index.stats()["bytes"] < 0.3 * before


def test_codes_are_made_anew_once_the_catalogue_has_grown(index):
    assert not index.improve()
    index.add(np.arange(TRACKS) * 2 + 1, related_vectors(TRACKS, seed=6))
    assert index.improve()
    assert index.stats()["measured_at"] == 2 * TRACKS


def test_codes_come_back_with_the_snapshot(index, tmp_path):
    index.snapshot(tmp_path, seq=7, identity="mine")
    again = FaissIndex(ENCODER)
    assert again.restore(tmp_path, identity="mine") == 7
    for query in [*queries_of("references"), *queries_of("genre")]:
        hits, expected = again.search(query, 10), index.search(query, 10)
        np.testing.assert_array_equal(hits.numbers, expected.numbers)
        assert (hits.exact, hits.recall) == (False, expected.recall)
    assert not again.improve()
    again.add(np.array([1]), queries_of("uniform")[:1])
    again.remove(np.array([0, 2]))
    assert again.search(queries_of("uniform")[0], 1).numbers[0] == 1


def test_codes_that_were_measured_for_another_recall_are_made_anew(index, tmp_path):
    index.snapshot(tmp_path, seq=7, identity="mine")
    again = FaissIndex(ENCODER, recall=0.9)
    again.restore(tmp_path, identity="mine")
    assert again.search(queries_of("uniform")[0], 5).exact
    assert again.improve()
    assert again.search(queries_of("uniform")[0], 5).recall < index.search(queries_of("uniform")[0], 5).recall


def test_codes_that_faiss_cannot_read_make_a_snapshot_that_is_not_used(index, tmp_path, monkeypatch):
    monkeypatch.setattr(PairCodes, "to_bytes", lambda _: np.arange(100, dtype=np.uint8))
    index.snapshot(tmp_path, seq=7, identity="mine")
    with pytest.raises(IndexCorrupt, match="rebuild"):
        FaissIndex(ENCODER).restore(tmp_path, identity="mine")


def test_many_queries_together_find_what_each_finds_alone(index):
    asked = np.concatenate([queries_of("dirichlet"), queries_of("genre"), queries_of("mood")])
    for allowed in (None, np.arange(0, TRACKS, 3)):
        for query, hits in zip(asked, index.search_many(asked, 10, allowed), strict=True):
            np.testing.assert_array_equal(hits.numbers, index.search(query, 10, allowed).numbers)


def test_building_that_is_stopped_leaves_everything_as_it_was(lower_limits):
    index = filled(FaissIndex)
    assert not index.improve(lambda: True)
    assert index.search(queries_of("uniform")[0], 5).exact
    assert index.improve()


def test_building_beside_a_restore_is_given_up(lower_limits, tmp_path):
    index = filled(FaissIndex)
    index.snapshot(tmp_path, seq=1, identity="mine")
    begun = threading.Event()
    restorer = threading.Thread(target=lambda: (begun.wait(), index.restore(tmp_path, identity="mine")))
    restorer.start()
    index.improve(lambda: bool(begun.set()))  # never stopped: it says when building has begun
    restorer.join()
    assert len(index) == TRACKS
    index.improve()
    assert not index.search(queries_of("uniform")[0], 5).exact


class Beside:
    """Threads that search and build until they are stopped; what looked wrong is kept."""

    def __init__(self, index):
        self.index, self.faults, self._stop = index, [], threading.Event()
        work = [lambda: self._search(1), lambda: self._search(2), self._build]
        self._threads = [threading.Thread(target=each) for each in work]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _search(self, seed):
        rng = np.random.default_rng(seed)
        asked = np.concatenate([queries_of("uniform"), queries_of("genre")])
        while not self._stop.is_set():
            hits = self.index.search(asked[rng.integers(len(asked))], 10)
            if len(set(hits.numbers)) != 10 or (np.diff(hits.scores) > 0).any():
                self.faults.append(hits)

    def _build(self):
        while not self._stop.is_set():
            self.index._measured_at = 0
            self.index.improve(self._stop.is_set)


def test_searches_writes_and_building_beside_each_other_end_up_as_the_reference_does(lower_limits):
    """Adds, removals, swaps of codes and searches, interleaved; afterwards both hold and find the same."""
    index, reference = filled(FaissIndex, 8000), filled(MemoryIndex, 8000)
    rng = np.random.default_rng(9)
    with Beside(index) as beside:
        for seed in range(40):
            changed, gone = rng.integers(0, 18_000, 300), rng.integers(0, 18_000, 250)
            for each in (index, reference):
                each.add(changed, related_vectors(300, seed))
                each.remove(gone)
    assert beside.faults == []
    np.testing.assert_array_equal(index.numbers(), reference.numbers())
    np.testing.assert_array_equal(index.vectors(index.numbers()), reference.vectors(index.numbers()))
    index._measured_at = 0
    assert index.improve()
    assert recall(index, reference, queries_of("dirichlet"), 10) >= 0.99


class Gpu:
    """An index that stands for one on a GPU, and can be made to fail."""

    def __init__(self, dimension):
        self.flat = faiss.IndexFlatIP(dimension)
        self.asked, self.broken = 0, False

    ntotal = property(lambda self: self.flat.ntotal)

    def reset(self):
        self.flat.reset()

    def add(self, rows):
        self._answer(self.flat.add, rows)

    def search(self, query, k):
        self.asked += 1
        return self._answer(self.flat.search, query, k)

    def _answer(self, call, *arguments):
        if self.broken:
            raise RuntimeError("CUDA error 700 an illegal memory access was encountered")
        return call(*arguments)


@pytest.fixture
def on_gpu(lower_limits):
    made = []
    device = Device("cuda:1", lambda dimension: made.append(Gpu(dimension)) or made[0])
    index = FaissIndex(ENCODER, device=device)
    index.add(np.arange(TRACKS) * 2, related_vectors(TRACKS, seed=2))
    index.improve()
    return index, made[0]


@pytest.mark.parametrize("share", [1, 0.5, 0.001])
def test_a_gpu_finds_what_the_reference_does_also_behind_filters_and_after_writes(on_gpu, reference, share):
    index, gpu = on_gpu
    allowed = None if share == 1 else np.flatnonzero(np.random.default_rng(5).random(2 * TRACKS) < share)
    for query in queries_of("dirichlet"):
        hits = index.search(query, 10, allowed)
        np.testing.assert_array_equal(hits.numbers, reference.search(query, 10, allowed).numbers)
        assert hits.exact
    assert (gpu.asked > 0) == (share != 0.001)
    query = queries_of("uniform")[0]
    index.add(np.array([3]), query[np.newaxis])
    assert index.search(query, 1).numbers[0] == 3
    index.remove(np.array([3]))
    assert index.search(query, 1).numbers[0] != 3
    assert index.stats()["device"] == "cuda:1"


def test_a_gpu_that_fails_is_left_and_that_is_said(on_gpu, reference):
    index, gpu = on_gpu
    gpu.broken = True
    query = queries_of("uniform")[0]
    with capture_logs() as told:
        np.testing.assert_array_equal(index.search(query, 5).numbers, reference.search(query, 5).numbers)
        index.search(query, 5)
    assert [line["log_level"] for line in told] == ["error"]
    assert (index.stats()["device"], "illegal memory" in index.stats()["device_trouble"]) == ("cpu", True)


def test_a_search_on_a_gpu_goes_on_while_another_leaves_it(on_gpu, reference, monkeypatch):
    index, gpu = on_gpu
    looks = iter([index._mirror])
    monkeypatch.setattr(FaissIndex, "_mirror", property(lambda _: next(looks, None)), raising=False)
    query = queries_of("uniform")[0]
    np.testing.assert_array_equal(index.search(query, 5).numbers, reference.search(query, 5).numbers)
    assert gpu.asked


def test_a_gpu_that_is_asked_for_and_not_there_is_told_about(lower_limits):
    find_device.cache_clear()
    with capture_logs() as told:
        index = FaissIndex(ENCODER, device=find_device("cuda:3"))
    assert "SOUNDKIN_INDEX_DEVICE" in told[0]["why"]
    assert (index.stats()["device"], "'cuda:3'" in index.stats()["device_trouble"]) == ("cpu", True)
    assert find_device("cpu") == find_device("auto") == CPU


def test_a_gpu_without_room_is_left_when_rows_are_copied(lower_limits, reference):
    def no_room(_):
        raise RuntimeError("Failed to cudaMalloc 10 bytes on device 0")

    index = FaissIndex(ENCODER, device=Device("cuda:0", no_room))
    index.add(np.arange(TRACKS) * 2, related_vectors(TRACKS, seed=2))
    with capture_logs() as told:
        assert index.improve()
    assert [line["log_level"] for line in told] == ["error"]
    query = queries_of("uniform")[0]
    assert index.search(query, 1).numbers == reference.search(query, 1).numbers
    assert "cudaMalloc" in index.stats()["device_trouble"]


@pytest.mark.parametrize(("method", "call"), [("append", 2), ("cut", 1), ("write", 1)])
def test_a_write_that_fails_midway_can_be_made_again(index, monkeypatch, method, call):
    """As the follower does after any error: memory runs out at one of the tables of codes."""
    query = queries_of("uniform")[0]
    changed, gone = np.array([0, 1, 3, 5, 40_001]), np.array([2, 4, 39_998])
    vectors = np.stack([query, *related_vectors(4, seed=8)])
    whole, calls = getattr(PairCodes, method), []

    def failing(self, *arguments):
        calls.append(self)
        if len(calls) == call:
            raise MemoryError
        whole(self, *arguments)

    monkeypatch.setattr(PairCodes, method, failing)

    def change(index):
        index.add(changed, vectors)
        index.remove(gone)

    with pytest.raises(MemoryError):
        change(index)
    monkeypatch.setattr(PairCodes, method, whole)
    change(index)
    reference = filled(MemoryIndex)
    change(reference)
    np.testing.assert_array_equal(index.numbers(), reference.numbers())
    np.testing.assert_array_equal(index.vectors(reference.numbers()), reference.vectors(reference.numbers()))
    np.testing.assert_array_equal(index.search(query, 20).numbers, reference.search(query, 20).numbers)
    assert index.improve()
    assert recall(index, reference, queries_of("genre"), 10) >= 0.99


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_recall_is_kept_and_told_also_in_a_space_that_few_tracks_have(lower_limits, share):
    vectors = related_vectors(TRACKS, seed=2)
    absent = np.random.default_rng(11).random(TRACKS) >= share
    vectors[absent, SPACES[1]] = 0
    index, reference = FaissIndex(ENCODER), MemoryIndex(ENCODER)
    for each in (index, reference):
        each.add(np.arange(TRACKS), vectors)
    index.improve()
    asked = queries_of("mood")
    found = recall(index, reference, asked, 10)
    assert found >= 0.985
    assert found >= index.search(asked[0], 10).recall - 0.01


def test_searches_go_on_while_a_snapshot_is_written_and_codes_are_swapped(lower_limits, tmp_path, monkeypatch):
    index = filled(FaissIndex)
    writing, waits = threading.Event(), []

    def slow_disk(*_):
        writing.set()
        time.sleep(2)

    monkeypatch.setattr("os.fsync", slow_disk)
    saver = threading.Thread(target=lambda: index.snapshot(tmp_path, seq=1, identity="mine"))
    saver.start()
    writing.wait()
    builder = threading.Thread(target=index.improve)
    builder.start()
    while saver.is_alive():
        started = time.monotonic()
        index.search(queries_of("genre")[0], 10)
        waits.append(time.monotonic() - started)
    builder.join()
    assert max(waits) < 1
    assert index.stats()["measured_at"] == TRACKS
