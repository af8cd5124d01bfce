"""One collection in Milvus: how vectors lie in it, and how rows get in and out.

A row is its number (the primary key), the whole vector, and once more the part of each space, where there are
several: a field can only be searched whole, and what a query does not weigh should cost nothing. Fields are of 32
bits though the values are rounded to 16, because Milvus Lite has no others and both should be tested by one suite.
Servers before 2.4 allow one vector field, so there the whole one serves every query.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from pymilvus import DataType, MilvusClient

from app.adapters.milvus_server import CollectionGone, MilvusServer
from app.database import Numbers
from app.domain import EncoderInfo, Vectors
from app.index_rows import find

MOST: Final = 16_384
"""Rows that Milvus returns at most for one question."""

_MESSAGE_BYTES: Final = 16 << 20
"""Less than a message to or from a server may have (64 MiB), with room for its overhead."""

_LOAD_S: Final = 60.0
_NUMBER_BYTES: Final = 16
"""Of a number with its score, in a message."""

_LOOK_S: Final = 0.5

_PREFIX: Final = "soundkin."
"""Our properties of a collection begin with it; Milvus has some of its own."""

_BUILD_S: Final = 600.0
_SESSION: Final[Mapping[str, Any]] = {"consistency_level": "Session"}
"""What this process has written is seen at once. ``Strong`` would wait for a tick of the server's clock, 200 ms or
more, at every search, in order to see at once what other processes write too."""

_GRAPH_PARAMETERS: Final = {"M": 16, "efConstruction": 200}


@dataclass(frozen=True, slots=True)
class Graph:
    """A hierarchical navigable small world graph over each field, and how it is searched.

    Attributes:
        breadth: Nodes that a search keeps in view (``ef``).
        recall: Share of the best that it finds so, as measured.
        wanted: What that should be at least.
        measured_at: How many rows there were then.
    """

    breadth: int
    recall: float = 0.0
    wanted: float = 0.0
    measured_at: int = 0

    @classmethod
    def noted(cls, properties: Mapping[str, str]) -> "Graph | None":
        """Read what ``notes`` gave; earlier versions gave less."""
        if "breadth" not in properties:
            return None
        return cls(
            int(properties["breadth"]),
            float(properties["recall"]),
            float(properties.get("wanted", "0")),
            int(properties.get("measured_at", "0")),
        )

    def notes(self) -> Mapping[str, str]:
        """Return it as properties of a collection."""
        return {field.name: repr(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Candidates:
    """What Milvus found, best first: (N,) numbers and (N,) its own float32 scores."""

    numbers: Numbers
    scores: Vectors


class MilvusCollection:
    """A collection of the vectors of one encoder.

    Attributes:
        name: Its own name, never an alias: pymilvus remembers under this name up to where it must see its writes.
        graph: How its graphs are searched; ``None`` where Milvus looks at every row.
    """

    def __init__(self, server: MilvusServer, name: str, encoder: EncoderInfo, graph: Graph | None) -> None:
        self.name = name
        self.graph = graph
        self._server = server
        self._dimension = encoder.dimension
        self._fields = {"whole": slice(0, encoder.dimension), **self._spaces_of(encoder)}

    def _spaces_of(self, encoder: EncoderInfo) -> Mapping[str, slice]:
        slices = encoder.slices()
        if len(slices) == 1 or not (self._server.is_since(2, 4) or self._server.is_lite()):
            return {}
        return {
            f"space_{place}_{re.sub('[^0-9a-zA-Z]', '_', name)}"[:255]: dimensions
            for place, (name, dimensions) in enumerate(slices.items())
        }

    @classmethod
    def create(cls, server: MilvusServer, name: str, encoder: EncoderInfo, graph: Graph | None = None) -> Self:
        """Make an empty one."""
        made = cls(server, name, encoder, graph)
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("number", DataType.INT64, is_primary=True)
        parameters = MilvusClient.prepare_index_params()
        for field, dimensions in made._fields.items():
            schema.add_field(field, DataType.FLOAT_VECTOR, dim=dimensions.stop - dimensions.start)
            kind, build = ("HNSW", _GRAPH_PARAMETERS) if graph else ("FLAT", {})
            parameters.add_index(field, index_type=kind, metric_type="IP", params=build)
        server.call("create_collection", name, schema=schema, **_SESSION)
        server.call("create_index", name, parameters, sync=False)
        made.load()
        return made

    @classmethod
    def attach(cls, server: MilvusServer, name: str, encoder: EncoderInfo) -> Self:
        """Return the one of this name or alias. Raises ``CollectionGone``, also for one of other dimensions."""
        found = server.call("describe_collection", name)
        attached = cls(server, found["collection_name"], encoder, None)
        (whole,) = (field["params"]["dim"] for field in found["fields"] if field["name"] == "whole")
        names = {field["name"] for field in found["fields"]}
        if int(whole) != encoder.dimension or names != {"number", *attached._fields}:
            raise CollectionGone(f"the one there has {whole} dimensions and the fields {sorted(names)}")
        attached.load()
        attached.graph = Graph.noted(attached.noted())
        return attached

    def load(self, limit_s: float = _BUILD_S) -> bool:
        """Make it searchable; return whether it is there."""
        try:
            self._server.call("load_collection", self.name, timeout=limit_s)
        except CollectionGone:
            return False
        return True

    def drop(self) -> None:
        """Remove it; silent if it is not there."""
        self._server.call("drop_collection", self.name)

    def note(self, properties: Mapping[str, str]) -> None:
        """Keep properties beside the rows."""
        own = {_PREFIX + name: value for name, value in properties.items()}
        self._server.call("alter_collection_properties", self.name, own)

    def noted(self) -> Mapping[str, str]:
        """Return the properties that were noted."""
        found = self._server.call("describe_collection", self.name)["properties"]
        return {name.removeprefix(_PREFIX): value for name, value in found.items() if name.startswith(_PREFIX)}

    def stand_behind(self, alias: str) -> str | None:
        """Let an alias mean this collection; return the name of the one that it meant before."""
        try:
            former = str(self._server.call("describe_alias", alias)["collection_name"])
        except CollectionGone:
            self._server.call("create_alias", self.name, alias)
            return None
        self._server.call("alter_alias", self.name, alias)
        return former

    def finish(self, is_stopped: Callable[[], bool]) -> bool:
        """Wait until graphs are built over all rows so far and serve; return whether that came about."""
        self._server.call("flush", self.name, timeout=_BUILD_S)
        return _wait(self._is_built, is_stopped, _BUILD_S) and (
            self._server.is_lite() or _wait(self._serves_graphs, is_stopped, _LOAD_S) or not is_stopped()
        )

    def _is_built(self) -> bool:
        told = [self._server.call("describe_index", self.name, field) for field in self._fields]
        return not any(field.get("pending_index_rows", 0) for field in told)

    def _serves_graphs(self) -> bool:
        """Not every server says so; until they do, the rows are searched without."""
        return all(segment.index_name for segment in self._server.call("list_loaded_segments", self.name))

    def upsert(self, numbers: Numbers, vectors: Vectors) -> None:
        """Store rows; one call to Milvus unless they are too many for a message."""
        for part in _parts(len(numbers), self._row_bytes()):
            rows = [
                {"number": number} | {field: row[place] for field, place in self._fields.items()}
                for number, row in zip(numbers[part].tolist(), vectors[part], strict=True)
            ]
            self._server.call("upsert", self.name, rows)

    def delete(self, numbers: Numbers) -> None:
        """Remove rows; unknown numbers are ignored."""
        for part in _parts(len(numbers), _NUMBER_BYTES):
            self._server.call("delete", self.name, ids=numbers[part].tolist())

    def numbers(self) -> Numbers:
        """Read all numbers, ascending, as they are now for all processes."""
        self._server.call("query", self.name, output_fields=["count(*)"], consistency_level="Strong")
        pages = self._server.call(
            "query_iterator", self.name, batch_size=MOST, output_fields=["number"], consistency_level="Strong"
        )
        found: list[int] = []
        with self._server.naming_errors():
            while page := pages.next():
                found += [row["number"] for row in page]
            pages.close()
        return np.unique(np.array(found, dtype=np.int64))

    def rows(self, numbers: Numbers) -> tuple[Numbers, Vectors]:
        """Return those of the numbers that are there, ascending, and their vectors."""
        numbers = np.unique(numbers)
        found = np.zeros(len(numbers), dtype=np.bool_)
        vectors = np.zeros((len(numbers), self._dimension), dtype=np.float32)
        for part in _parts(len(numbers), self._row_bytes()):
            answer = self._server.call(
                "get", self.name, numbers[part].tolist(), output_fields=["number", "whole"], **_SESSION
            )
            places, which = find(numbers, np.array([row["number"] for row in answer], dtype=np.int64))
            found[places] = True
            if len(which):
                vectors[places] = np.array([row["whole"] for row in answer], dtype=np.float32)[which]
        return numbers[found], vectors[found]

    def field_for(self, query: Vectors) -> str:
        """Return the field of the only space that a query weighs, or the whole one."""
        spaces = {field: place for field, place in self._fields.items() if field != "whole"}
        active = [field for field, place in spaces.items() if query[place].any()]
        return active[0] if len(active) == 1 else "whole"

    def search(
        self, field: str, queries: Sequence[Vectors], limit: int, selection: Mapping[str, Any]
    ) -> Iterator[Candidates]:
        """Return the best of each query, without their vectors.

        For those Milvus would look a second time, and fail where another process has written in between.
        """
        place = self._fields[field]
        breadth = {"params": {"ef": max(self.graph.breadth, limit)}} if self.graph else {}
        for part in _parts(len(queries), limit * _NUMBER_BYTES):
            answers = self._server.call(
                "search",
                self.name,
                data=[query[place] for query in queries[part]],
                anns_field=field,
                limit=limit,
                search_params={"metric_type": "IP", **breadth},
                **selection,
                **_SESSION,
            )
            for answer in answers:
                numbers = np.array([hit.id for hit in answer], dtype=np.int64)
                yield Candidates(numbers, np.array([hit.distance for hit in answer], dtype=np.float32))

    def selection(self, chosen: Numbers, held: Numbers) -> Mapping[str, Any]:
        """Return what limits a search to the chosen ones of all that are held."""
        others = np.setdiff1d(held, chosen, assume_unique=True)
        if not len(others):
            return {}
        word, listed = ("in", chosen) if len(chosen) <= len(others) else ("not in", others)
        if self._server.is_since(2, 5):
            return {"filter": f"number {word} {{listed}}", "filter_params": {"listed": listed.tolist()}}
        return {"filter": f"number {word} {listed.tolist()}"}

    def bytes(self, count: int) -> int:
        """Return what so many rows take."""
        return count * self._row_bytes()

    def _row_bytes(self) -> int:
        return 8 + 4 * sum(int(place.stop) - int(place.start) for place in self._fields.values())


def _parts(count: int, bytes_each: int) -> Iterator[slice]:
    """Cut so many things, each of some bytes, into what one call may have."""
    step = max(1, min(MOST, _MESSAGE_BYTES // bytes_each))
    return (slice(start, start + step) for start in range(0, count, step))


def fresh_name(alias: str) -> str:
    """Return a name for a collection that shall stand behind an alias; it tells when it was given."""
    return f"{alias}_{time.time_ns():x}"


def age_s(name: str) -> float:
    """Return how long ago ``fresh_name`` gave this name."""
    return time.time() - int(name.rsplit("_", 1)[1], 16) / 1e9


def _wait(is_done: Callable[[], bool], is_stopped: Callable[[], bool], limit_s: float) -> bool:
    """Look again and again; return whether it is done before the limit."""
    until = time.monotonic() + limit_s
    while not (done := is_done()) and not is_stopped() and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return done
