"""Databases with vectors: Milvus Lite, LanceDB, pgvector. Filters are columns of the table."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from app.database import Numbers
from app.domain import Vectors
from app.query import Query
from benchmarks.search_engines import EXACT, Ask, Case, Engine, NotThere, Pace, batches, columns, masks
from benchmarks.search_filters import NO_FILTER, Filters
from benchmarks.search_graphs import BREADTH, EFFORTS, LINKS, library
from benchmarks.search_world import World

_BATCH = 2_000
_SHORT = 10
_TABLE = "soundkin_benchmark"


class _OnDisk(Engine):
    """What lies in a folder of its own."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()

    def size(self) -> float:
        return float(sum(path.stat().st_size for path in Path(self._folder.name).rglob("*") if path.is_file()))

    def close(self) -> None:
        self._folder.cleanup()


class MilvusLite(_OnDisk):
    """Milvus Lite: one inner-product field of whole vectors with an HNSW index, weights on the query's side."""

    name = "milvus lite"
    _client: Any = None

    def build(self, world: World, filters: Filters, pace: Pace) -> None:
        milvus = library("pymilvus")
        library("milvus_lite")
        self._client = milvus.MilvusClient(str(Path(self._folder.name) / "milvus.db"))
        self._columns = columns(filters)
        fields = self._fields(world)
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("number", milvus.DataType.INT64, is_primary=True)
        for column in self._columns.values():
            schema.add_field(column, milvus.DataType.BOOL)
        for field, place in fields.items():
            schema.add_field(field, milvus.DataType.FLOAT_VECTOR, dim=place.stop - place.start)
        self._client.create_collection(_TABLE, schema=schema)
        self._insert(world, masks(world, filters), fields, pace)
        indexes = self._client.prepare_index_params()
        for field in fields:
            indexes.add_index(field, metric_type="IP", **self._index())
        self._client.create_index(_TABLE, indexes)
        self._client.load_collection(_TABLE)

    def _insert(
        self, world: World, allowed: Mapping[str, np.ndarray], fields: Mapping[str, slice], pace: Pace
    ) -> None:
        for batch in batches(len(world), _BATCH):
            rows = [
                {"number": row}
                | {self._columns[name]: bool(mask[row]) for name, mask in allowed.items()}
                | {field: world.vectors[row, place] for field, place in fields.items()}
                for row in range(batch.start, batch.stop)
            ]
            self._client.insert(_TABLE, rows)
            pace.check(batch.stop, len(world))
        self._client.flush(_TABLE)

    def _fields(self, world: World) -> dict[str, slice]:
        return {"vector": slice(0, world.vectors.shape[1])}

    def _index(self) -> dict[str, object]:
        return {"index_type": "HNSW", "params": {"M": LINKS, "efConstruction": BREADTH}}

    def settings(self) -> Mapping[str, Ask]:
        return {f"ef {effort}": partial(self._search, effort) for effort in EFFORTS}

    def _search(self, effort: int, query: Query, k: int, filter_name: str) -> Numbers:
        found = self._client.search(
            _TABLE,
            [query.vector.tolist()],
            filter=self._expression(filter_name),
            limit=k,
            anns_field="vector",
            search_params={"metric_type": "IP", "params": {"ef": max(effort, k)}},
        )
        return _numbers_of(found)

    def _expression(self, filter_name: str) -> str:
        column = self._columns.get(filter_name)
        return f"{column} == true" if column else ""

    def close(self) -> None:
        if self._client:
            self._client.close()
        super().close()


def _numbers_of(found: list[list[dict[str, int]]]) -> Numbers:
    return np.array([hit["number"] for hit in found[0]], dtype=np.int64)


class MilvusHybrid(MilvusLite):
    """Milvus Lite's hybrid search: a field per space, scanned whole, whose lists a weighted ranker merges."""

    name = "milvus lite, hybrid"

    def _fields(self, world: World) -> dict[str, slice]:
        return world.encoder.slices()

    def _index(self) -> dict[str, object]:
        return {"index_type": "FLAT", "params": {}}

    def fits(self, case: Case) -> bool:
        """Few cases: merging takes seconds, whatever is filtered."""
        return case.filter == NO_FILTER and case.k == _SHORT

    def settings(self) -> Mapping[str, Ask]:
        return {f"depth {depth}": partial(self._search, depth) for depth in (100, 1000)}

    def _search(self, effort: int, query: Query, k: int, filter_name: str) -> Numbers:
        milvus = library("pymilvus")
        asked = [(space.name, part, share) for space, part, share in _parts(query) if share]
        requests = [
            milvus.AnnSearchRequest(
                [part.tolist()], name, {"metric_type": "IP"}, effort, expr=self._expression(filter_name)
            )
            for name, part, _ in asked
        ]
        ranker = milvus.WeightedRanker(*(abs(share) for _, _, share in asked))
        return _numbers_of(self._client.hybrid_search(_TABLE, requests, ranker, k))


def _parts(query: Query) -> Iterator[tuple[object, Vectors, float]]:
    start = 0
    for space, share in zip(query.spaces, query.shares.tolist(), strict=True):
        yield space, query.vector[start : start + space.dimension], share
        start += space.dimension


class LanceDb(_OnDisk):
    """LanceDB: a scan, and IVF-HNSW over 8-bit values whose candidates are scored again."""

    name = "lancedb"
    _REFINED = 20
    """Candidates scored again, in multiples of k."""

    def build(self, world: World, filters: Filters, pace: Pace) -> None:
        lancedb, arrow = library("lancedb"), library("pyarrow")
        self._columns = columns(filters)
        allowed = masks(world, filters)

        def record(batch: slice) -> object:
            vectors = arrow.FixedSizeListArray.from_arrays(world.vectors[batch].ravel(), world.vectors.shape[1])
            flags = {self._columns[name]: mask[batch] for name, mask in allowed.items()}
            return arrow.table({"number": np.arange(batch.start, batch.stop), **flags, "vector": vectors})

        first, *others = batches(len(world), 50_000)
        self._table = lancedb.connect(self._folder.name).create_table(_TABLE, record(first))
        for batch in others:
            self._table.add(record(batch))
        self._table.create_index(
            metric="dot", index_type="IVF_HNSW_SQ", num_partitions=1, m=LINKS, ef_construction=BREADTH
        )
        pace.check(1, 1)

    def settings(self) -> Mapping[str, Ask]:
        efforts = {f"ef {effort}": partial(self._search, effort) for effort in EFFORTS}
        return {**efforts, EXACT: partial(self._search, None)}

    def _search(self, effort: int | None, query: Query, k: int, filter_name: str) -> Numbers:
        asked = self._table.search(query.vector).distance_type("dot").select(["number", "_distance"]).limit(k)
        if effort is None:
            asked = asked.bypass_vector_index()
        else:
            asked = asked.nprobes(1).ef(max(effort, k)).refine_factor(max(1, min(self._REFINED, effort // k)))
        if filter_name in self._columns:
            asked = asked.where(f"{self._columns[filter_name]} = true", prefilter=True)
        return asked.to_arrow()["number"].to_numpy()


class Pgvector(Engine):
    """PostgreSQL with pgvector, where a server with it runs at ``SOUNDKIN_TEST_POSTGRES``. Its work is not ours."""

    name = "pgvector"
    in_process = False
    _connection: Any = None
    _HIGHEST_EFFORT = 1000
    """More it does not take."""

    def build(self, world: World, filters: Filters, pace: Pace) -> None:
        self._connection = _with_pgvector()
        self._columns = columns(filters)
        allowed = masks(world, filters)
        flags = ", ".join(f"{column} boolean" for column in self._columns.values())
        width = world.vectors.shape[1]
        self._connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
        self._connection.execute(
            f"CREATE TABLE {_TABLE} (number integer PRIMARY KEY, {flags}, vector vector({width}))"
        )
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {_TABLE} FROM STDIN") as copy:
            for row, vector in enumerate(world.vectors):
                copy.write_row((row, *(bool(mask[row]) for mask in allowed.values()), str(vector.tolist())))
                if row % _BATCH == _BATCH - 1:
                    pace.check(row + 1, len(world))
        self._connection.execute("SET maintenance_work_mem = '2GB'")
        self._connection.execute(
            f"CREATE INDEX ON {_TABLE} USING hnsw (vector vector_ip_ops) "
            f"WITH (m = {LINKS}, ef_construction = {BREADTH})"
        )
        self._connection.execute(f"VACUUM ANALYZE {_TABLE}")

    def settings(self) -> Mapping[str, Ask]:
        efforts = sorted({min(effort, self._HIGHEST_EFFORT) for effort in EFFORTS})
        ways = {f"ef {effort}": partial(self._search, effort, None) for effort in efforts}
        if self._can_iterate():
            ways[f"ef {efforts[-1]}, iterative"] = partial(self._search, efforts[-1], "strict_order")
        return {**ways, EXACT: partial(self._search, 0, None)}

    def _can_iterate(self) -> bool:
        [(version,)] = self._connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        return [int(part) for part in version.split(".")[:2]] >= [0, 8]

    def _search(self, effort: int, iterative: str | None, query: Query, k: int, filter_name: str) -> Numbers:
        where = f"WHERE {self._columns[filter_name]}" if filter_name in self._columns else ""
        with self._connection.transaction():
            self._connection.execute(f"SET LOCAL enable_indexscan = {'on' if effort else 'off'}")
            self._connection.execute(f"SET LOCAL hnsw.ef_search = {max(effort, k)}")
            if iterative:
                self._connection.execute(f"SET LOCAL hnsw.iterative_scan = {iterative}")
            found = self._connection.execute(
                f"SELECT number FROM {_TABLE} {where} ORDER BY vector <#> %s::vector LIMIT %s",
                (str(query.vector.tolist()), k),
            )
            return np.array([number for (number,) in found], dtype=np.int64)

    def size(self) -> float:
        [(size,)] = self._connection.execute("SELECT pg_total_relation_size(%s)", (_TABLE,))
        return float(size)

    def close(self) -> None:
        if self._connection:
            self._connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
            self._connection.close()


def _with_pgvector() -> object:
    psycopg = library("psycopg")
    address = os.environ.get("SOUNDKIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
    try:
        connection = psycopg.connect(address, autocommit=True, prepare_threshold=None)  # plans follow settings
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.Error as error:
        raise NotThere(f"no PostgreSQL with pgvector ({str(error).splitlines()[0]})") from error
    return connection
