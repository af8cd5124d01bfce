"""Question: of two tracks, is the one that is alike to a third the nearer one? In the whole, and in each sub-space.

Triplet accuracy as in papers 001 (section 4) and 003: the share of triplets with D(a, p) < D(a, n). Which
sub-spaces it takes together is the multi-dimensional analysis of paper 001 (table 2, figure 2).

Deviations: distance there is Euclidean on masked embeddings; here a combination's similarity is the mean of its
spaces' similarities, which under cosine orders alike where every space is of unit length. A tie counts one half.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from models.datasets.track import Dataset
from models.datasets.triplet import JudgedTriplet
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Doubles, Embedded, Floats, Indices
from models.evaluate.intervals import Intervals, intervals
from models.evaluate.relevance import relevance
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import check_systems, pair_similarity, spaces_of
from models.evaluate.triplet_charts import kiviat, ticked_chart
from models.evaluate.triplet_sample import JUDGED, Triplets, judged_triplets, sample, together
from models.metrics.bootstrap import Estimate, Resampling, estimate
from models.metrics.triplet import ordered_right

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT = 40_000
"""Triplets per dimension (paper 003)."""

ACCURACY = "accuracy"
ALL_DIMENSIONS = "all dimensions"
MAX_COMBINED = 6
BEST_COMBINATIONS = 6
MIN_AXES = 3

TRIPLETS = (
    "Accuracy is the share of triplets whose positive is nearer to the anchor than the negative; a tie counts one "
    "half. The triplets are the same for all systems. Anchors are resampled, since triplets of one are dependent."
)
COMBINED = (
    "Combinations of sub-spaces: of all of them the best six, the whole, and each sub-space alone, best first. The "
    "first is the best of many on these very triplets, so a little of its lead is luck."
)

Compared = Mapping[str, Floats]
"""By space (2, T) similarity of the anchors to their positives, and to their negatives."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A task's triplets by anchor, with the resamples that all of its rows share.

    Attributes:
        triplets: T of them.
        span: Where they stand among those of all tasks.
        queries: (Q,) their anchors, each once.
        asked: (Q,) triplets of each.
        draws: Resamples of the anchors.
    """

    triplets: Triplets
    span: slice
    queries: Indices
    asked: Indices
    draws: list[Indices]

    def row(self, system: str, space: str, right: Doubles) -> Row:
        """A line of the report from the (T,) triplets that a system orders right."""
        return Row(self.triplets.task, system, space, {ACCURACY: self.accuracy(right)})

    def accuracy(self, right: Doubles) -> Estimate:
        """The share of triplets, whatever number each anchor has."""
        sums = np.bincount(np.searchsorted(self.queries, self.triplets.anchors), right, len(self.queries))
        return estimate(
            lambda draw: float(sums[draw].sum() / self.asked[draw].sum()), self.draws, len(self.queries)
        )


def evaluate_triplets(
    dataset: Dataset,
    systems: Sequence[Embedded],
    by: Sequence[str],
    resampling: Resampling,
    *,
    judged: Sequence[JudgedTriplet] = (),
    count: int = COUNT,
    seed: int = 0,
    group_by_origin: bool = False,
) -> Report:
    """Triplet accuracy of every system and space on every dimension, and of combinations of sub-spaces.

    Args:
        dataset: N tracks.
        systems: Their vectors by each system.
        by: Dimensions of similarity, each a task; see ``relevance``.
        resampling: Of the intervals.
        judged: What listeners said, one more task; those of tracks elsewhere are left out and counted.
        count: Triplets per dimension at most.
        seed: Draws triplets.
        group_by_origin: Resample whole origins instead of anchors.

    Raises:
        EvaluationImpossible: No two tracks are alike in some dimension, there are no triplets at all, or a system
            does not fit the dataset. A dimension in which all labelled tracks are alike is left out.
    """
    check_systems(dataset, systems)
    sure = intervals(dataset, resampling, group_by_origin=group_by_origin)
    sampled = [sample(relevance(dataset, dimension), count, seed) for dimension in by]
    drawn = [triplets for triplets in sampled if len(triplets)]
    listened = [judged_triplets(dataset, judged)] if judged else []
    if not drawn and not listened:
        raise EvaluationImpossible(f"by {', '.join(by) or 'nothing'} no track has a similar and a dissimilar one")
    stacked = together("all", [*drawn, *listened])
    tasks = list(_tasks(drawn, listened, sure))
    found = {system.system: _compare(system, stacked) for system in systems}
    plain = [row for task in tasks for row in _rows(task, found)]
    multiple, plots = _combine(tasks, found)
    return Report(
        question="triplets",
        title=f"Triplets on {dataset.name}",
        facts=_facts(dataset, tasks, by, judged) | {"seed of the triplets": seed} | sure.facts,
        rows=(*plain, *multiple),
        notes=(TRIPLETS, *([COMBINED] if multiple else []), *sure.notes),
        plots=plots | _kiviats(plain, found),
    )


def _tasks(drawn: Sequence[Triplets], listened: Sequence[Triplets], sure: Intervals) -> Iterator[_Task]:
    """Each dimension, what listeners said, and all dimensions together."""
    start = 0
    for triplets in (*drawn, *listened):
        yield _task(triplets, start, sure)
        start += len(triplets)
    if len(drawn) > 1:
        yield _task(together(ALL_DIMENSIONS, drawn), 0, sure)


def _task(triplets: Triplets, start: int, sure: Intervals) -> _Task:
    queries, asked = np.unique(triplets.anchors, return_counts=True)
    return _Task(triplets, slice(start, start + len(triplets)), queries, asked, sure.draws(queries))


def _compare(system: Embedded, triplets: Triplets) -> dict[str, Floats]:
    anchors, others = np.tile(triplets.anchors, 2), np.concatenate([triplets.positives, triplets.negatives])
    return {
        label: pair_similarity(system, anchors, others, space).reshape(2, -1)
        for label, space in spaces_of(system).items()
    }


def _rows(task: _Task, found: Mapping[str, Compared]) -> Iterator[Row]:
    for system, spaces in found.items():
        for space, compared in spaces.items():
            yield task.row(system, space, ordered_right(*compared[:, task.span]))
    yield task.row(RANDOM, COMPLETE, np.full(len(task.triplets), 0.5))
    yield task.row(WORST, COMPLETE, np.zeros(len(task.triplets)))


def _combine(tasks: Sequence[_Task], found: Mapping[str, Compared]) -> tuple[list[Row], dict[str, "Figure"]]:
    """Tables and pictures of combinations: of what listeners judged and of all dimensions together."""
    rows: list[Row] = []
    plots = {}
    for task, system in product(tasks, found):
        spaces = [space for space in found[system] if space != COMPLETE]
        if task.triplets.task in {JUDGED, ALL_DIMENSIONS} and 1 < len(spaces) <= MAX_COMBINED:
            table = _table(task, {space: found[system][space][:, task.span] for space in spaces})
            title = f"{task.triplets.task}, sub-spaces of {system}"
            rows += [Row(title, system, " + ".join(active), {ACCURACY: score}) for active, score in table.items()]
            plots[f"ticks-{task.triplets.task}-{system}".replace(" ", "-")] = ticked_chart(title, spaces, table)
    return rows, plots


def _table(task: _Task, spaces: Compared) -> dict[tuple[str, ...], Estimate]:
    """Of all combinations the best, the whole and the single ones, best first."""
    every = [active for size in range(1, len(spaces) + 1) for active in combinations(spaces, size)]
    right = {active: ordered_right(*np.mean([spaces[space] for space in active], axis=0)) for active in every}
    ranked = sorted(every, key=lambda active: -right[active].mean())
    shown = [one for one in ranked if one in ranked[:BEST_COMBINATIONS] or len(one) in {1, len(spaces)}]
    return {active: task.accuracy(right[active]) for active in shown}


def _kiviats(rows: Sequence[Row], systems: Iterable[str]) -> dict[str, "Figure"]:
    """One picture per system of enough sub-spaces."""
    plots = {}
    for system in systems:
        own = [row for row in rows if row.system == system and row.space != COMPLETE]
        spaces = list(dict.fromkeys(row.space for row in own))
        scores: dict[str, list[float]] = {}
        for row in own:
            scores.setdefault(row.task, []).append(row.figures[ACCURACY].value)
        if len(spaces) >= MIN_AXES:
            plots[f"kiviat-{system}".replace(" ", "-")] = kiviat(
                f"Triplet accuracy of each sub-space of {system}", spaces, scores
            )
    return plots


def _facts(
    dataset: Dataset, tasks: Sequence[_Task], by: Sequence[str], judged: Sequence[JudgedTriplet]
) -> dict[str, object]:
    used = {task.triplets.task: len(task.triplets) for task in tasks}
    return {
        "dataset": dataset.name,
        "tracks": len(dataset),
        "triplets": dict.fromkeys(by, 0) | used,
        "anchors": {task.triplets.task: len(task.queries) for task in tasks},
        **({"judged triplets left out": len(judged) - used[JUDGED]} if judged else {}),
    }
