"""What the benchmark of searching asks of an engine, ours or another."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from app.database import Numbers
from app.query import Query
from benchmarks.search_filters import NO_FILTER, Filters
from benchmarks.search_world import World

EXACT = "exact"
"""The name of a setting that looks at every track."""

Ask = Callable[[Query, int, str], Numbers]
"""The numbers of the k best for a query under a filter, best first."""


class TooSlow(Exception):
    """Building would take longer than one is willing to wait."""


class NotThere(Exception):
    """What the engine needs is not on this machine."""


class Pace:
    """Stops a build that would take too long.

    Args:
        budget_s: From now on.
    """

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        self._started = time.perf_counter()

    def check(self, done: int, total: int) -> None:
        """Say how far it got; raises ``TooSlow``. The first tenth foretells the rest badly, and is waited for."""
        expected_s = (time.perf_counter() - self._started) * total / done
        if 10 * done >= total and expected_s > self._budget_s:
            raise TooSlow(f"building would take about {expected_s:.0f} s, more than {self._budget_s:.0f} s")


@dataclass(frozen=True, slots=True)
class Case:
    """Queries of one sort.

    Attributes:
        pattern: How they weigh.
        filter: What may be found.
        k: How many are asked for.
        queries: The queries.
        right: For each query the numbers of the k best.
    """

    pattern: str
    filter: str
    k: int
    queries: list[Query]
    right: list[Numbers]


class Engine(ABC):
    """Something that finds tracks. It is built once and answers one query at a time, in the caller's thread."""

    name: ClassVar[str]
    in_process: ClassVar[bool] = True
    """Whether its work shows in this process' CPU time."""

    can_filter: ClassVar[bool] = True

    @abstractmethod
    def build(self, world: World, filters: Filters, pace: Pace) -> None:
        """Take all tracks in and make everything ready. Raises ``NotThere`` or ``TooSlow``."""

    @abstractmethod
    def settings(self) -> Mapping[str, Ask]:
        """Ways of asking by name, from quick to thorough."""

    @abstractmethod
    def size(self) -> float:
        """Bytes that it takes."""

    def fits(self, case: Case) -> bool:
        """Whether it can be asked so."""
        return self.can_filter or case.filter == NO_FILTER

    def touched(self, query: Query, filter_name: str) -> float | None:  # noqa: ARG002
        """Bytes that this query has to read at least; ``None`` where nobody can say."""
        return None

    def said_recall(self, query: Query, k: int, filter_name: str) -> float | None:  # noqa: ARG002
        """What the engine itself says of the recall of such an answer."""
        return None

    def close(self) -> None:  # noqa: B027 - most hold nothing but memory
        """Give back what it holds outside this process' memory."""


def batches(count: int, size: int) -> list[slice]:
    """Consecutive slices over so many rows."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def masks(world: World, filters: Filters) -> dict[str, np.ndarray]:
    """(N,) booleans by filter, for engines that filter by a column; columns are named ``filter0`` and so on."""
    found = {}
    for name, allowed in filters.items():
        found[name] = np.zeros(len(world), dtype=np.bool_)
        found[name][allowed] = True
    return found


def columns(filters: Filters) -> dict[str, str]:
    """By filter the name of its column."""
    return {name: f"filter{place}" for place, name in enumerate(filters)}
