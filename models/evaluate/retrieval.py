"""Question: does a track find those that are alike to it, by album, artist, tags, tempo, key … ?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.datasets.track import Dataset
from models.evaluate.embedded import Doubles, Embedded, Indices
from models.evaluate.intervals import Intervals, intervals
from models.evaluate.relevance import Relevance, relevance
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import blocks, check_systems, similarity, spaces_of
from models.metrics.bootstrap import Resampling
from models.metrics.multilabel import multilabel_recall
from models.metrics.ordering import Bools, Ordering, order, stand
from models.metrics.ranking import average_precision, ndcg, precision, reciprocal_rank

RECALL_DEPTHS = (1, 2, 4, 8)
PRECISION_DEPTHS = (1, 10)
NDCG_DEPTH = 10

CANDIDATES = (
    "A query is ranked against every labelled track but itself and its near duplicates; a query that nothing is "
    "alike to is left out. What is equally near counts by its expectation over all orders."
)
BASELINES = (
    "`random` is the exact expectation of a random order and `worst` the ranking that puts everything alike last, "
    "on the same queries; their intervals show how far the queries themselves differ."
)
RECALL = "R@K is the share of the query's tags that its K nearest carry between them (Lee et al., 2020)."
ACROSS_ORIGINS = "Tracks of the query's own origin (album, composer) are no candidates."

Values = dict[str, Doubles]
RowName = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some queries of one task: (B, N) what is alike to each and what is ranked, and (B,) which have an answer."""

    rows: Indices
    relevant: Bools
    candidates: Bools
    answerable: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One respect of similarity and what was measured of it so far, block by block."""

    relevance: Relevance
    queries: list[Indices] = field(default_factory=list)
    values: dict[RowName, list[Values]] = field(default_factory=dict)

    def block(self, rows: Indices) -> _Block:
        relevant, candidates = self.relevance.relevant(rows)
        found = _Block(rows, relevant, candidates, relevant.sum(axis=1) > 0)
        self.queries.append(rows[found.answerable])
        return found

    def measure(self, name: RowName, block: _Block, ordering: Ordering) -> None:
        values = measures(ordering, block.relevant, block.candidates)
        tags = self.relevance.tags
        if tags is not None:
            recall = multilabel_recall(ordering, block.candidates, tags, tags[block.rows], RECALL_DEPTHS)
            values = {**{f"R@{k}": found for k, found in recall.items()}, **values}
        kept = {measure: found[block.answerable] for measure, found in values.items()}
        self.values.setdefault(name, []).append(kept)

    def tables(self) -> dict[RowName, Values]:
        """(Q,) values by measure, for each row of the report."""
        return {
            name: {measure: np.concatenate([part[measure] for part in parts]) for measure in parts[0]}
            for name, parts in self.values.items()
        }


def evaluate_retrieval(
    dataset: Dataset,
    systems: Sequence[Embedded],
    by: Sequence[str],
    resampling: Resampling,
    *,
    group_by_origin: bool = False,
    across_origins: bool = False,
) -> Report:
    """R@K of tags, P@K, MAP, NDCG and MRR of every system and space.

    Args:
        dataset: N tracks.
        systems: Their vectors by each system.
        by: Respects of similarity, each a task; see ``relevance``.
        resampling: Of the intervals.
        group_by_origin: Resample whole origins instead of queries.
        across_origins: Leave candidates of the query's own origin out.

    Raises:
        EvaluationImpossible: In some respect no two tracks are alike, or a system does not fit the dataset.
    """
    check_systems(dataset, systems)
    tasks = [_Task(relevance(dataset, respect, across_origins=across_origins)) for respect in by]
    for rows in blocks(np.arange(len(dataset))):
        _measure_block(tasks, systems, rows)
    sure = intervals(dataset, resampling, group_by_origin=group_by_origin)
    return Report(
        question="retrieval",
        title=f"Retrieval on {dataset.name}",
        facts=_facts(dataset, tasks, across_origins) | sure.facts,
        rows=tuple(row for task in tasks for row in _rows(task, sure)),
        notes=(CANDIDATES, *([ACROSS_ORIGINS] if across_origins else []), BASELINES, RECALL, *sure.notes),
    )


def measures(ordering: Ordering, relevant: Bools, candidates: Bools) -> Values:
    """(B,) values by measure."""
    standing = stand(ordering, relevant, candidates)
    return {
        **{f"P@{k}": precision(standing, k) for k in PRECISION_DEPTHS},
        "MAP": average_precision(standing),
        f"NDCG@{NDCG_DEPTH}": ndcg(standing, NDCG_DEPTH),
        "MRR": reciprocal_rank(standing),
    }


def _measure_block(tasks: Sequence[_Task], systems: Sequence[Embedded], rows: Indices) -> None:
    """Sort once per system and space, measure for all tasks."""
    asked = [(task, task.block(rows)) for task in tasks]
    for system in systems:
        for label, space in spaces_of(system).items():
            ordering = order(similarity(system, rows, space))
            for task, block in asked:
                task.measure((system.system, label), block, ordering)
    for task, block in asked:
        task.measure((RANDOM, COMPLETE), block, order(np.zeros(block.relevant.shape, np.float32)))
        task.measure((WORST, COMPLETE), block, order(-block.relevant.astype(np.float32)))


def _rows(task: _Task, sure: Intervals) -> Iterator[Row]:
    tables = task.tables()
    estimates = sure.means(np.concatenate(task.queries), tables.values())
    for (system, space), figures in zip(tables, estimates, strict=True):
        yield Row(task.relevance.by, system, space, figures)


def _facts(dataset: Dataset, tasks: Sequence[_Task], across_origins: bool) -> dict[str, object]:
    asked = {task.relevance.by: sum(map(len, task.queries)) for task in tasks}
    return {
        "dataset": dataset.name,
        "tracks": len(dataset),
        "candidates": "of other origins" if across_origins else "all",
        "queries": asked,
        "labelled, nothing alike": {
            task.relevance.by: int(task.relevance.labelled.sum()) - asked[task.relevance.by] for task in tasks
        },
    }
