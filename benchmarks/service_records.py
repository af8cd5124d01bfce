"""Figures of the benchmark of the whole service, each a row of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.service_clients import Answers, Pace
from benchmarks.service_process import Service
from benchmarks.service_questions import Questions
from benchmarks.service_updates import Updates


@dataclass(frozen=True, slots=True)
class Start:
    """How a start went.

    Attributes:
        start: From what.
        ready_s: Until it could serve.
        codes_s: From then until the approximate structure was in use; ``None`` where there is none.
        ready_mib: Resident memory when ready.
        searched_mib: After the searches.
        peak_mib: The most since the start.
        index_bytes_per_track: By its own account.
        stop_s: From the signal to the end of the process.
    """

    start: str
    ready_s: float
    codes_s: float | None
    ready_mib: float
    searched_mib: float
    peak_mib: float
    index_bytes_per_track: float
    stop_s: float


class Running:
    """A service from its start to its stop."""

    def __init__(self, service: Service, start: str) -> None:
        self._service, self._start = service, start
        self.ready_s = service.start()
        self._ready_mib = service.resident_mib()
        self._codes_s: float | None = None

    def wait_for_codes(self) -> None:
        self._codes_s = self._service.wait_for_codes()

    def stop(self) -> Start:
        """Stop it, and say how it went."""
        index = self._service.index()
        per_track = index["details"]["bytes"] / max(1, index["tracks"])
        memory = self._service.resident_mib(), self._service.peak_mib()
        return Start(
            self._start, self.ready_s, self._codes_s, self._ready_mib, *memory, per_track, self._service.stop()
        )


@dataclass(frozen=True, slots=True)
class Searched:
    """Searches of one client: medians in milliseconds, by stage as the service says, and what HTTP adds to that."""

    filter: str
    weights: str
    searches: int
    p50_ms: float
    p99_ms: float
    overhead_ms: float
    resolve: float
    filtering: float
    index: float
    rerank: float
    explain: float
    http: float

    @classmethod
    def of(cls, questions: Questions, answers: Answers) -> "Searched":
        """Sum it up."""
        stages = answers.stages_ms()
        outside = [latency - sum(took.values()) for latency, took in answers.found]
        return cls(
            questions.filter,
            questions.weights,
            len(answers.found),
            *_percentiles(answers.latency_ms()),
            _percentiles(answers.overhead_ms())[0],
            *(stages.get(stage, 0.0) for stage in ("resolve", "filter", "index", "rerank", "explain")),
            _percentiles(outside)[0],
        )


@dataclass(frozen=True, slots=True)
class Load:
    """Many clients at once; overhead is latency without the index call, in which a search also waits for a core."""

    clients: str
    searches_per_s: float
    refused: int
    p50_ms: float
    p99_ms: float
    index_p50_ms: float
    overhead_p50_ms: float
    overhead_p99_ms: float

    @classmethod
    def of(cls, pace: Pace, answers: Answers) -> "Load":
        """Sum it up."""
        pause = f"one search every {pace.every_s} s each" if pace.every_s else "as fast as they can"
        return cls(
            f"{pace.clients}, {pause}",
            len(answers.found) / answers.seconds,
            answers.refused,
            *_percentiles(answers.latency_ms()),
            answers.stages_ms().get("index", 0.0),
            *_percentiles(answers.overhead_ms()),
        )


@dataclass(frozen=True, slots=True)
class Live:
    """One client while so many tracks a second change, and milliseconds until a change was seen.

    Ratios are to the searches without changes; seen are the median and the most of those that were watched.
    """

    filter: str
    changes_per_s: float
    searches: int
    p50_ms: float
    p99_ms: float
    p50_ratio: float
    p99_ratio: float
    added_seen_ms: str
    removed_seen_ms: str

    @classmethod
    def of(cls, asked: Questions, answers: Answers, before: Answers, updates: Updates | None = None) -> "Live":
        """Compare."""
        now, then = _percentiles(answers.latency_ms()), _percentiles(before.latency_ms())
        return cls(
            asked.filter,
            updates.done / answers.seconds if updates else 0.0,
            len(answers.found),
            *now,
            *(one / other for one, other in zip(now, then, strict=True)),
            *(_seen(updates.sightings.of(kind) if updates else ()) for kind in ("add", "remove")),
        )


def _percentiles(milliseconds: Sequence[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(milliseconds or [np.nan], [50, 99])
    return float(p50), float(p99)


def _seen(milliseconds: Sequence[float]) -> str:
    return f"{np.median(milliseconds):.0f}, {max(milliseconds):.0f}" if milliseconds else "–"
