"""What only an index in a server promises: other processes, outages, graphs."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from milvus_lite.adapter.grpc.server import start_server_in_thread

from app.adapters import milvus_graph, milvus_index, milvus_search, milvus_server
from app.adapters.milvus_collection import Graph
from app.adapters.milvus_graph import measure_graph
from app.adapters.milvus_index import MilvusIndex
from app.adapters.milvus_server import MilvusServer
from app.domain import EncoderInfo, Space, Vectors
from app.errors import ConfigurationError, IndexCorrupt, IndexUnavailable

D = 8
MANY = 1200
NOWHERE = Path("nowhere")
NewIndex = Callable[[], MilvusIndex]


def random_vectors(rows: int, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).standard_normal((rows, D)).astype(np.float16).astype(np.float32)


@pytest.fixture
def new_index(milvus_lite: MilvusServer, encoder: EncoderInfo) -> Iterator[NewIndex]:
    """Indexes of one library, each as another process would have it."""
    library_id = uuid4().hex
    yield lambda: MilvusIndex(milvus_lite, library_id, encoder)
    MilvusIndex(milvus_lite, library_id, encoder).discard()


def unit_vectors(rows: int, seed: int = 0) -> Vectors:
    """Unit vectors of two spaces side by side, as encoders make them."""
    spaces = random_vectors(rows, seed).reshape(rows, 2, D // 2)
    return (spaces / np.linalg.norm(spaces, axis=2, keepdims=True)).reshape(rows, D).astype(np.float32)


@pytest.fixture
def published(new_index: NewIndex) -> MilvusIndex:
    index = new_index()
    index.add(np.arange(MANY), random_vectors(MANY))
    index.snapshot(NOWHERE, seq=7, identity="mine")
    return index


def small_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_index, "_GRAPH_FROM", MANY)
    monkeypatch.setattr(milvus_search, "_FEW", 0)


def test_another_process_takes_up_what_is_there_without_a_file(published: MilvusIndex, new_index: NewIndex) -> None:
    other = new_index()
    assert other.restore(NOWHERE, identity="mine") == 7
    query = random_vectors(1, seed=1)[0]
    np.testing.assert_array_equal(other.search(query, 9).numbers, published.search(query, 9).numbers)


def test_what_was_not_snapshotted_is_nobody_elses(new_index: NewIndex) -> None:
    new_index().add(np.arange(5), random_vectors(5))
    with pytest.raises(IndexCorrupt, match="cannot be read from Milvus"):
        new_index().restore(NOWHERE, identity="mine")


def test_processes_that_write_the_same_find_the_same(published: MilvusIndex, new_index: NewIndex) -> None:
    other = new_index()
    other.restore(NOWHERE, identity="mine")
    query = random_vectors(1, seed=2)[0]
    for index in (published, other):
        index.add(np.array([5000]), 10 * query[np.newaxis])
        index.remove(np.array([3]))
    assert published.search(query, 1).numbers == other.search(query, 1).numbers == [5000]
    assert len(published) == len(other) == MANY
    assert other.vectors(np.array([3])).tolist() == [[0.0] * D]


def test_what_another_process_has_written_is_found_once_this_one_knows_of_it(
    published: MilvusIndex, new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_search, "_SPARE", 0)
    ahead = new_index()
    ahead.restore(NOWHERE, identity="mine")
    query = random_vectors(1, seed=1)[0]
    before = published.search(query, 600)
    ahead.add(np.arange(5000, 5800), np.repeat(10 * query[np.newaxis], 800, axis=0))
    after = published.search(query, 600)
    np.testing.assert_array_equal(after.numbers, before.numbers)
    assert after.allowed == MANY


def test_an_index_built_anew_takes_the_place_of_the_one_before_in_every_process(
    published: MilvusIndex, new_index: NewIndex, milvus_lite: MilvusServer
) -> None:
    fresh = new_index()
    fresh.add(np.arange(50, 60), random_vectors(10, seed=3))
    assert len(new_index()) == 0
    np.testing.assert_array_equal(published.numbers(), np.arange(MANY))
    fresh.snapshot(NOWHERE, seq=9, identity="mine")
    assert published.vectors(np.array([50])).tolist() == random_vectors(10, seed=3)[:1].tolist()
    np.testing.assert_array_equal(published.numbers(), np.arange(50, 60))
    assert len(fresh._generations()) == 1


def test_what_a_killed_process_left_half_built_is_removed_a_day_later(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_built = new_index()
    half_built.add(np.arange(3), random_vectors(3))
    new_index().snapshot(NOWHERE, seq=1, identity="mine")
    assert len(half_built._generations()) == 2
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 100_000)
    new_index().snapshot(NOWHERE, seq=2, identity="mine")
    assert len(half_built._generations()) == 1


def test_a_collection_that_is_gone_is_named_with_the_remedy(
    published: MilvusIndex, milvus_lite: MilvusServer, new_index: NewIndex
) -> None:
    new_index().discard()
    with pytest.raises(IndexUnavailable, match="soundkin index rebuild"):
        published.search(random_vectors(1)[0], 3)


def test_a_collection_of_other_dimensions_is_refused(published: MilvusIndex, milvus_lite: MilvusServer) -> None:
    changed = EncoderInfo(id="e", name="n", version="1", digest="d", spaces=(Space("all", D + 1),))
    index = MilvusIndex(milvus_lite, published._whose.split()[0], changed)
    with pytest.raises(IndexCorrupt, match="has 8 dimensions"):
        index.restore(NOWHERE, identity="mine")


def test_spaces_of_any_name_can_be_searched(milvus_lite: MilvusServer) -> None:
    spaces = (Space("тембр & co", 4), Space("9-harmony", 4))
    index = MilvusIndex(milvus_lite, uuid4().hex, EncoderInfo("e", "n", "1", "d", spaces))
    index.add(np.arange(MANY), random_vectors(MANY))
    query = random_vectors(1, seed=1)[0] * ([1] * 4 + [0] * 4)
    expected = np.argsort(-(random_vectors(MANY).astype(np.float64) @ query))
    np.testing.assert_array_equal(index.search(query, 5).numbers, expected[:5])
    index.discard()


def test_many_queries_take_one_call_for_each_field_that_answers_them(
    published: MilvusIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = []
    call = MilvusServer.call

    def spy(server: MilvusServer, method: str, *args: object, **named: object) -> object:
        if method == "search":
            fields.append(named["anns_field"])
        return call(server, method, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(MilvusServer, "call", spy)
    queries = random_vectors(6)
    queries[3:5, 4:] = 0
    queries[5] = 0
    published.search_many(queries, 5)
    assert sorted(fields) == ["space_0_timbre", "whole"]


def test_ties_beyond_what_milvus_returns_are_not_called_exact(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_search, "MOST", 500)
    index = new_index()
    index.add(np.arange(MANY), np.ones((MANY, D), dtype=np.float32))
    hits = index.search(np.ones(D, dtype=np.float32), 5)
    assert not hits.exact
    assert hits.scores.tolist() == [D] * 5
    everything = index.search(np.ones(D, dtype=np.float32), 700)
    assert everything.exact
    np.testing.assert_array_equal(everything.numbers, np.arange(700))


@pytest.mark.parametrize("where", ["anywhere", "far away"])
def test_most_of_the_index_can_be_allowed_without_naming_each(
    published: MilvusIndex, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(milvus_search, "_LONG", 10)
    query = random_vectors(1, seed=5)[0]
    scores = random_vectors(MANY).astype(np.float64) @ query
    order = np.argsort(-scores) if where == "far away" else np.random.default_rng(6).permutation(MANY)
    allowed = np.sort(order[-800:])
    hits = published.search(query, 20, allowed)
    np.testing.assert_array_equal(hits.numbers, allowed[np.argsort(-scores[allowed])][:20])
    assert hits.exact
    assert hits.allowed == 800


def test_graphs_are_built_beside_with_what_is_written_meanwhile(
    milvus_lite: MilvusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_graphs(monkeypatch)
    library_id = uuid4().hex
    encoder = EncoderInfo("e", "n", "1", "d", (Space("timbre", D // 2), Space("harmony", D // 2)))
    index, other = (MilvusIndex(milvus_lite, library_id, encoder) for _ in range(2))
    index.add(np.arange(MANY), unit_vectors(MANY))
    index.snapshot(NOWHERE, seq=7, identity="mine")

    def busy(*given: object) -> object:
        index.add(np.array([9000]), unit_vectors(1, seed=4))
        index.remove(np.array([1]))
        return measure_graph(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(milvus_index, "measure_graph", busy)
    assert index.improve()
    assert not index.improve()
    assert index.stats()["kind"] == "milvus, graph"
    hits = index.search(unit_vectors(1, seed=4)[0], 5)
    assert hits.numbers[0] == 9000
    assert not hits.exact
    assert 0.99 <= hits.recall <= 1
    np.testing.assert_array_equal(index.numbers(), [0, *range(2, MANY), 9000])
    assert index.vectors(np.array([1])).tolist() == [[0.0] * D]
    assert other.restore(NOWHERE, identity="mine") == 7
    assert other.search(unit_vectors(1, seed=4)[0], 5).recall == hits.recall
    assert len(other._generations()) == 1
    index.discard()


def test_a_graph_that_misses_too_much_is_not_used(published: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A space of one dimension, whose vectors are not of one length, makes a graph of islands."""
    small_graphs(monkeypatch)
    monkeypatch.setattr(milvus_graph, "_BREADTHS", (128,))
    assert not published.improve()
    assert published.search(random_vectors(1)[0], 5).exact


@pytest.mark.parametrize("is_stopped", [True, False])
def test_graphs_that_are_not_finished_or_not_good_enough_are_not_used(
    published: MilvusIndex, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    small_graphs(monkeypatch)
    monkeypatch.setattr(milvus_index, "measure_graph", lambda *_: None)
    assert not published.improve(lambda: is_stopped)
    assert published.stats()["kind"] == "milvus, exact"
    assert len(published._generations()) == 1


def test_who_wants_all_of_the_best_gets_no_graph(
    milvus_lite: MilvusServer, encoder: EncoderInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_graphs(monkeypatch)
    index = MilvusIndex(milvus_lite, uuid4().hex, encoder, recall=1.0)
    index.add(np.arange(MANY), random_vectors(MANY))
    assert not index.improve()
    index.discard()


@pytest.fixture
def with_graphs(
    milvus_lite: MilvusServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[MilvusIndex, Callable[[float], MilvusIndex]]]:
    """An index searched by graphs of recall .9, and what takes it up with another."""
    small_graphs(monkeypatch)
    library_id = uuid4().hex
    encoder = EncoderInfo("e", "n", "1", "d", (Space("timbre", D // 2), Space("harmony", D // 2)))

    def taken_up(recall: float) -> MilvusIndex:
        index = MilvusIndex(milvus_lite, library_id, encoder, recall)
        index.restore(NOWHERE, identity="mine")
        return index

    index = MilvusIndex(milvus_lite, library_id, encoder, 0.9)
    index.add(np.arange(MANY), unit_vectors(MANY))
    assert index.improve()
    index.snapshot(NOWHERE, seq=7, identity="mine")
    yield index, taken_up
    index.discard()


def test_where_all_of_the_best_are_wanted_every_row_is_looked_at_though_there_were_graphs(
    with_graphs: tuple[MilvusIndex, Callable[[float], MilvusIndex]],
) -> None:
    former, taken_up = with_graphs
    index, query = taken_up(1.0), unit_vectors(1, seed=4)[0]
    assert not index.search(query, 5).exact
    assert index.improve()
    assert index.search(query, 5).exact
    assert index.stats()["kind"] == "milvus, exact"
    assert not index.improve()
    assert former.search(query, 5).exact, "other processes follow"
    assert taken_up(1.0).search(query, 5).exact
    assert taken_up(1.0).restore(NOWHERE, identity="mine") == 7
    assert len(index._generations()) == 1


def test_graphs_are_measured_anew_where_more_is_wanted_than_was_and_searched_broadly_until_then(
    with_graphs: tuple[MilvusIndex, Callable[[float], MilvusIndex]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, taken_up = with_graphs
    index, other = taken_up(0.99), taken_up(0.99)
    assert graph_of(index).breadth == milvus_graph.BROADEST
    assert index.improve()
    assert (graph_of(index).wanted, graph_of(index).measured_at) == (0.99, MANY)
    assert graph_of(index).breadth < milvus_graph.BROADEST
    assert not index.improve()
    monkeypatch.setattr(milvus_index, "measure_graph", None)  # one process does it for all
    assert other.improve()
    assert graph_of(other) == graph_of(taken_up(0.99)) == graph_of(index)
    assert len(index._generations()) == 1


def test_graphs_that_do_not_reach_what_is_wanted_now_give_way_to_every_row(
    with_graphs: tuple[MilvusIndex, Callable[[float], MilvusIndex]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, taken_up = with_graphs
    index = taken_up(0.99)

    def busy(*_: object) -> None:
        index.add(np.array([9000]), unit_vectors(1, seed=4))

    monkeypatch.setattr(milvus_index, "measure_graph", busy)
    assert index.improve()
    hits = index.search(unit_vectors(1, seed=4)[0], 5)
    assert hits.exact
    assert hits.numbers[0] == 9000
    assert not index.improve()


def test_graphs_are_measured_anew_once_the_catalogue_has_grown(
    with_graphs: tuple[MilvusIndex, Callable[[float], MilvusIndex]],
) -> None:
    index, _ = with_graphs
    assert not index.improve()
    index.add(np.arange(MANY, 2 * MANY), unit_vectors(MANY, seed=5))
    assert index.improve()
    assert graph_of(index).measured_at == 2 * MANY
    assert not index.improve()


def graph_of(index: MilvusIndex) -> Graph:
    assert index._collection is not None
    assert index._collection.graph is not None
    return index._collection.graph


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Callable[[], Callable[[], None]]]:
    """Starts a server, always at one address; returns what stops it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    stops = []

    def start() -> Callable[[], None]:
        server, database, _ = start_server_in_thread(str(tmp_path / "mortal.db"), port=port)

        def stop() -> None:
            server.stop(0).wait()
            database.close()

        stops.append(stop)
        start.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        return stop

    yield start
    stops[-1]()


def test_an_outage_is_named_at_once_and_over_when_the_server_is_back(
    mortal: Callable[[], Callable[[], None]], encoder: EncoderInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_server, "RECONNECT_S", 0.3)
    monkeypatch.setattr(milvus_server, "ANSWER_S", 2.0)
    stop = mortal()
    index = MilvusIndex(MilvusServer(mortal.url), "library", encoder)  # type: ignore[attr-defined]
    index.add(np.arange(600), random_vectors(600))
    stop()
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(IndexUnavailable, match="SOUNDKIN_MILVUS_URL"):
            index.search(random_vectors(1)[0], 3)
    with pytest.raises(IndexUnavailable):
        index.add(np.arange(600, 610), random_vectors(10))
    assert time.monotonic() - began < 5
    assert len(index) == 600
    mortal()
    for attempt in count():
        try:
            index.add(np.arange(600, 610), random_vectors(10))
            break
        except IndexUnavailable:
            assert attempt < 50
            time.sleep(0.2)
    assert len(index.numbers()) == 610


def test_a_server_that_says_nothing_is_not_waited_for(
    encoder: EncoderInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_server, "CONNECT_S", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        index = MilvusIndex(MilvusServer(f"http://127.0.0.1:{silent.getsockname()[1]}"), "library", encoder)
        began = time.monotonic()
        with pytest.raises(IndexUnavailable):
            index.restore(NOWHERE, identity="mine")
        assert time.monotonic() - began < 5


def test_an_address_that_is_none_is_a_fault_of_the_settings(encoder: EncoderInfo) -> None:
    with pytest.raises(ConfigurationError, match="SOUNDKIN_MILVUS_URL"):
        MilvusIndex(MilvusServer("milvus"), "library", encoder).restore(NOWHERE, identity="mine")
