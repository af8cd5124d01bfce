"""Question: does a system put three similar tracks above three others? The protocol of paper 004, section 5.2.

For each query three random similar and three random dissimilar tracks are ranked (NDCG@1, NDCG@6, MAP), and fifteen
random pairs of a similar and a dissimilar one compared (PC). The skewed lists are those that a reference gets most
wrong: the three similar tracks with its worst score and the three dissimilar ones with its best; the n-th pair is
the similar track with the n-th worst score and the dissimilar one with the n-th best.

Deviations: a query with fewer than three similar or dissimilar tracks is left out (the paper says nothing of it),
and where fewer than fifteen of either are there, the skewed pairs are as many as there are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.datasets.annotations import MIN_JACCARD
from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Doubles, Embedded, Floats, Indices
from models.evaluate.intervals import Intervals, Table, intervals
from models.evaluate.relevance import TAGS, Relevance, relevance
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import blocks, check_systems, pair_similarity, similarity
from models.metrics.bootstrap import Resampling
from models.metrics.ordering import Bools, order, stand
from models.metrics.ranking import average_precision, ndcg
from models.metrics.triplet import ordered_right

EACH = 3
PAIRS = 15
ABSENT = -1
SKEWED = "skewed"

PROTOCOL = (
    "Per query 3 similar and 3 dissimilar tracks are ranked, and 15 pairs of one of each compared (paper 004, "
    "section 5.2); the same lists for all systems. By chance NDCG@1 is .5, NDCG@6 .775, MAP .645 and PC .5; at "
    "worst they are 0, .551, .383 and 0."
)
SKEW = (
    "`{}` are the lists and pairs that {} gets most wrong: what is alike and looks least so to it, what is not and "
    "looks most. Its own figures there are low by construction; the question is what others make of them."
)

Draw = Callable[[Indices, Bools, Bools], tuple[Indices, Indices]]
"""(B,) queries with the (B, N) tracks similar and dissimilar to each → lists (B, 6) and pairs (B, 15, 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """What Q queries are asked.

    Attributes:
        task: What is asked.
        queries: (Q,) numbers of tracks.
        ranked: (Q, 2·EACH) tracks to rank, similar ones first.
        pairs: (Q, PAIRS, 2) a similar and a dissimilar track; ABSENT where there are fewer pairs.
    """

    task: str
    queries: Indices
    ranked: Indices
    pairs: Indices


def evaluate_ranking(
    dataset: Dataset,
    systems: Sequence[Embedded],
    by: Sequence[str],
    resampling: Resampling,
    *,
    reference: Embedded | None = None,
    seed: int = 0,
    group_by_origin: bool = False,
) -> Report:
    """NDCG@1, NDCG@6, MAP and PC of the complete space of every system.

    Args:
        dataset: N tracks.
        systems: Their vectors by each system.
        by: Respects of similarity; see ``relevance``.
        resampling: Of the intervals.
        reference: Whose worst mistakes make the skewed lists (in the paper: the librosa model); ``None``: no skewed
            lists.
        seed: Draws lists and pairs.
        group_by_origin: Resample whole origins instead of queries.

    Raises:
        EvaluationImpossible: No two tracks are alike in some respect, no query has three similar and three
            dissimilar tracks in any, or a system does not fit the dataset. A respect in which no query has them is
            left out.
    """
    check_systems(dataset, [*systems, *([] if reference is None or reference in systems else [reference])])
    lists = [one for respect in by for one in _lists(relevance(dataset, respect), reference, seed)]
    if not any(len(one.queries) for one in lists):
        raise EvaluationImpossible(f"by {', '.join(by)} no track has {EACH} similar and {EACH} dissimilar ones")
    sure = intervals(dataset, resampling, group_by_origin=group_by_origin)
    skew = [] if reference is None else [SKEW.format(SKEWED, reference.system)]
    return Report(
        question="ranking",
        title=f"Ranking three similar and three dissimilar tracks on {dataset.name}",
        facts={
            "dataset": dataset.name,
            "tracks": len(dataset),
            "queries": {one.task: len(one.queries) for one in lists},
            "seed of the lists": seed,
            **({"similar by tags": f"from a Jaccard index of {MIN_JACCARD:g} on"} if TAGS in by else {}),
            **sure.facts,
        },
        rows=tuple(row for one in lists if len(one.queries) for row in _rows(one, systems, sure)),
        notes=(PROTOCOL, *skew, *sure.notes),
        slanted=frozenset(one.task for one in lists if one.task.endswith(SKEWED)),
    )


def random_lists(generator: np.random.Generator) -> Draw:
    """Lists without repetition, pairs drawn one by one from all."""

    def draw(_: Indices, similar: Bools, dissimilar: Bools) -> tuple[Indices, Indices]:
        noise = generator.random(similar.shape)
        ranked = np.hstack([lowest(noise, similar, EACH), lowest(noise, dissimilar, EACH)])
        return ranked, np.stack([pick(generator, similar, PAIRS), pick(generator, dissimilar, PAIRS)], axis=2)

    return draw


def skewed_lists(reference: Embedded, generator: np.random.Generator) -> Draw:
    """What the reference gets most wrong; equal scores in random order."""

    def draw(rows: Indices, similar: Bools, dissimilar: Bools) -> tuple[Indices, Indices]:
        shuffled = generator.permutation(similar.shape[1])
        scores = similarity(reference, rows)[:, shuffled]
        worst, best = (
            np.where(found == ABSENT, ABSENT, shuffled[found])
            for found in (
                lowest(scores, similar[:, shuffled], PAIRS),
                lowest(-scores, dissimilar[:, shuffled], PAIRS),
            )
        )
        pairs = np.stack([worst, best], axis=2)
        pairs[(pairs == ABSENT).any(axis=2)] = ABSENT
        return np.hstack([worst[:, :EACH], best[:, :EACH]]), pairs

    return draw


def lowest(scores: Floats | Doubles, among: Bools, count: int) -> Indices:
    """(B, count) tracks with the lowest of (B, N) scores among some, lowest first; ABSENT where there are fewer."""
    tracks = np.argsort(np.where(among, scores, np.inf), axis=1, kind="stable")[:, :count]
    missing = count - tracks.shape[1]
    found = np.where(np.take_along_axis(among, tracks, axis=1), tracks, ABSENT)
    return np.pad(found, ((0, 0), (0, missing)), constant_values=ABSENT)


def pick(generator: np.random.Generator, among: Bools, count: int) -> Indices:
    """(B, count) tracks drawn with replacement from those of each row, of which there are some."""
    sizes = among.sum(axis=1)
    tracks = np.nonzero(among)[1]
    starts = np.cumsum(sizes) - sizes
    drawn = generator.integers(0, sizes[:, None], (len(among), count))
    picked: Indices = tracks[starts[:, None] + drawn]
    return picked


def _lists(found: Relevance, reference: Embedded | None, seed: int) -> Iterator[Lists]:
    yield _draw(found, found.by, random_lists(np.random.default_rng(seed)))
    if reference is not None:
        yield _draw(found, f"{found.by}, {SKEWED}", skewed_lists(reference, np.random.default_rng(seed)))


def _draw(found: Relevance, task: str, draw: Draw) -> Lists:
    parts = []
    for rows in blocks(np.flatnonzero(found.labelled)):
        similar, candidates = found.relevant(rows)
        dissimilar = candidates & ~similar
        enough = np.minimum(similar.sum(axis=1), dissimilar.sum(axis=1)) >= EACH
        parts.append((rows[enough], *draw(rows[enough], similar[enough], dissimilar[enough])))
    queries, ranked, pairs = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Lists(task, queries, ranked, pairs)


def _rows(lists: Lists, systems: Sequence[Embedded], sure: Intervals) -> Iterator[Row]:
    tables = {system.system: score(lists, *_scores(lists, system)) for system in systems}
    similar = np.repeat([1.0, 0.0], EACH) + np.zeros((len(lists.queries), 1))
    pairs = np.array([1.0, 0.0]) + np.zeros((len(lists.queries), PAIRS, 1))
    tables |= {RANDOM: score(lists, 0 * similar, 0 * pairs), WORST: score(lists, -similar, -pairs)}
    for system, figures in zip(tables, sure.means(lists.queries, tables.values()), strict=True):
        yield Row(lists.task, system, COMPLETE, figures)


def _scores(lists: Lists, system: Embedded) -> tuple[Floats, Floats]:
    """Similarity of each query to what it ranks (Q, 6) and compares (Q, PAIRS, 2)."""
    others = np.hstack([lists.ranked, lists.pairs.reshape(len(lists.queries), -1)])
    queries = np.repeat(lists.queries, others.shape[1])
    found = pair_similarity(system, queries, others.ravel()).reshape(others.shape)
    return found[:, : 2 * EACH], found[:, 2 * EACH :].reshape(lists.pairs.shape)


def score(lists: Lists, ranked: Floats | Doubles, pairs: Floats | Doubles) -> Table:
    """(Q,) values by measure from the similarity to what is ranked (Q, 6) and to the pairs (Q, PAIRS, 2)."""
    similar = np.repeat([True, False], EACH) & np.ones((len(ranked), 1), np.bool_)
    standing = stand(order(ranked), similar, np.ones_like(similar))
    there = lists.pairs[:, :, 0] != ABSENT
    right = np.where(there, ordered_right(pairs[:, :, 0], pairs[:, :, 1]), 0).sum(axis=1)
    return {
        "NDCG@1": ndcg(standing, 1),
        f"NDCG@{2 * EACH}": ndcg(standing, 2 * EACH),
        "MAP": average_precision(standing),
        "PC": right / there.sum(axis=1),
    }
