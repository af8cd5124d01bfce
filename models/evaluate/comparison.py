"""Systems side by side, with paired significance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from models.evaluate.report import COMPLETE, Report, Row
from models.evaluate.writer import tasks
from models.metrics.bootstrap import Estimate, paired_p_value, summarise

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems on one measure of one task.

    Attributes:
        question: Of the report.
        task: Within the question.
        measure: Within the task.
        one: Name of the first system.
        other: Name of the second.
        values: Their figures.
        difference: First minus second, with its interval from the same resamples.
        p_value: Two-sided, of "both are equal", corrected for the number of comparisons (Holm 1979).
        lower_is_better: Of the measure.
    """

    question: str
    task: str
    measure: str
    one: str
    other: str
    values: tuple[Estimate, Estimate]
    difference: Estimate
    p_value: float
    lower_is_better: bool

    @property
    def better(self) -> str | None:
        """Name of the system that is significantly better."""
        if not self.p_value < SIGNIFICANCE:
            return None
        return self.one if (self.difference.value > 0) != self.lower_is_better else self.other


def differences(reports: Sequence[Report], systems: Sequence[str]) -> tuple[Difference, ...]:
    """Every pair of systems on every measure of some reports, complete spaces only.

    Args:
        reports: Answers to any questions, on the same resamples for all systems. Slanted tasks are passed over.
        systems: Names, at least two, in the order in which they are set against one another.
    """
    pairs = list(_pairs(reports, systems))
    raw = [paired_p_value(one.figures[measure], other.figures[measure]) for _, measure, one, other in pairs]
    return tuple(
        Difference(
            report.question,
            one.task,
            measure,
            one.system,
            other.system,
            (one.figures[measure], other.figures[measure]),
            _difference(one.figures[measure], other.figures[measure]),
            p_value,
            measure in report.lower,
        )
        for (report, measure, one, other), p_value in zip(pairs, holm(raw), strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979); NaN stays, and counts for nothing."""
    raw = np.array(p_values, np.float64)
    known = np.flatnonzero(np.isfinite(raw))
    order = known[np.argsort(raw[known])]
    scaled = raw[order] * (len(order) - np.arange(len(order)))
    corrected = raw.copy()
    corrected[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return [float(value) for value in corrected]


def _pairs(reports: Sequence[Report], systems: Sequence[str]) -> Iterator[tuple[Report, str, Row, Row]]:
    for report in reports:
        for task, rows in tasks(report):
            if task in report.slanted:
                continue
            found = {row.system: row for row in rows if row.space == COMPLETE}
            for one, other in combinations([found[name] for name in systems if name in found], 2):
                for measure in one.figures:
                    yield report, measure, one, other


def _difference(one: Estimate, other: Estimate) -> Estimate:
    return summarise(one.value - other.value, one.replicates - other.replicates, one.count)
