"""Question: is a track found by an altered copy of itself?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.datasets.track import Dataset
from models.evaluate.alteration import ALTERATIONS
from models.evaluate.embedded import Doubles, Embedded, Floats, Indices
from models.evaluate.heat_map import heat_map
from models.evaluate.listening import MeasuredDataset, Progress, measure_dataset, measure_views
from models.evaluate.relevance import families, origins
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import blocks, similarity, spaces_of
from models.evaluate.system import Measured, System
from models.evaluate.systems.shortcuts import FileFactsSystem
from models.evaluate.view import View
from models.metrics.bootstrap import Estimate, Resampling, estimate, estimate_mean
from models.metrics.ordering import Bools, order, stand
from models.metrics.ranking import precision, reciprocal_rank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATER_S = 10.0
SHORTER_S = 15.0
MEDIAN_RANK = "median rank"
KEPT = "likeness kept"

Measures = dict[str, Doubles]
"""(Q,) values by measure."""

SETTING = (
    "Each query is an altered copy of a track, the gallery all tracks as they are, each heard as the view has it. "
    "The copy's own track should come first; its near duplicates are left out. Ties count by their expectation."
)
ALTERED = (
    "Alterations are made of the piece of the decoded track that is heard, before it is made canonical. "
    f"`starts {LATER_S:g} s later` is another piece, of which the gallery's holds two thirds, or less where the "
    f"track ends; `{SHORTER_S:g} s` is the middle of the gallery's piece. Noise is white, shifts are by phase "
    "vocoder, the mp3 is mono at 44.1 kHz."
)
LEARNT = (
    "Vectors that learn from the dataset learn from tracks for training alone, never from copies. `file-facts` "
    "takes no part: it looks at the file, which an altered copy does not have."
)
MOVED = (
    "Likeness kept is 1 where the copy is where its original is, and 0 where it is no nearer to it than to other "
    "tracks: a space that hears nothing of an alteration keeps all of it."
)
BASELINES = "`random` is the exact expectation of a random order; `worst` ranks the own track last."


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Q queries into a gallery of N tracks: where each own track is, and (Q, N) which tracks are ranked."""

    own: Indices
    candidates: Bools


def evaluate_robustness(
    gallery: Dataset,
    queries: Dataset,
    systems: Sequence[System],
    view: View,
    *,
    cache: Path,
    resampling: Resampling,
    group_by_origin: bool = False,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> Report:
    """R@1, MRR and median rank of the original, and how near it is, by alteration, system and space.

    Args:
        gallery: What is searched.
        queries: Of its tracks those that are altered, a sample where all would cost too much. A track of which
            one copy cannot be heard is not asked about at all, so that all alterations are asked the same.
        systems: Those that hear; ``file-facts`` is passed over.
        view: How the gallery is heard.
        cache: Folder of what was measured.
        resampling: Of the intervals.
        group_by_origin: Resample whole origins instead of queries.
        jobs: Threads.
        on_progress: Called after each query was altered and measured.

    Raises:
        EvaluationImpossible: No track can be heard in all ways by all systems.
    """
    hearing = [system for system in systems if not isinstance(system, FileFactsSystem)]
    views = altered_views(view)
    originals = measure_dataset(gallery, hearing, view, cache, jobs=jobs)
    known = {track.id for track in originals.dataset.tracks}
    asked = replace(queries, tracks=tuple(track for track in queries.tracks if track.id in known))
    copies = measure_views(asked, hearing, views, cache, jobs=jobs, on_progress=on_progress)
    search = _search(originals.dataset, copies[0].dataset)
    tables = _tables(hearing, originals, copies, search)
    groups = origins(copies[0].dataset) if group_by_origin else None
    draws = resampling.draws(len(search.own), groups)
    rows = tuple(
        Row(copy.name, system, space, _estimates(values, draws))
        for copy, table in zip(views, tables, strict=True)
        for (system, space), values in table.items()
    )
    return Report(
        question="robustness",
        title=f"Robustness on {gallery.name}",
        facts={
            "gallery": len(originals.dataset),
            "queries": len(search.own),
            "queries left out": len(queries) - len(search.own),
            "resampled": "origins" if group_by_origin else "queries",
            "resamples": resampling.replicates,
            "seed": resampling.seed,
        },
        rows=rows,
        notes=(SETTING, ALTERED, MOVED, LEARNT, BASELINES),
        lower=frozenset({MEDIAN_RANK}),
        plots={"overview": _overview(rows)},
    )


def altered_views(view: View) -> tuple[View, ...]:
    """Each alteration of a view, named by what happens."""
    trimmed = (
        replace(view, name=f"starts {LATER_S:g} s later", shift_s=view.shift_s + LATER_S),
        replace(view, name=f"{SHORTER_S:g} s", duration_s=SHORTER_S),
    )
    altered = (replace(view, name=name, alteration=alteration) for name, alteration in ALTERATIONS.items())
    return *trimmed, *altered


def measures(similar: Floats, search: _Search, identical: float) -> Measures:
    """(Q, N) similarity of queries to the gallery → (Q,) by measure; ``identical`` is that of equal vectors."""
    standing = stand(order(similar), _own_alone(search), search.candidates)
    return {
        "R@1": precision(standing, 1),
        "MRR": reciprocal_rank(standing),
        KEPT: likeness_kept(similar, search, identical),
        MEDIAN_RANK: standing.above + (standing.tied + 1) / 2,
    }


def likeness_kept(similar: Floats, search: _Search, identical: float) -> Doubles:
    """(Q,) how much nearer the copy is to its original than to other tracks, of the most that it could be."""
    own = _own_alone(search)
    beside = search.candidates & ~own
    others = np.sum(similar, axis=1, where=beside, dtype=np.float64) / beside.sum(axis=1).clip(1)
    nearer, most = similar[own] - others, identical - others
    kept: Doubles = np.divide(nearer, most, out=np.zeros_like(most), where=most > np.finfo(np.float32).eps)
    return kept


def _search(gallery: Dataset, queries: Dataset) -> _Search:
    place = {track.id: number for number, track in enumerate(gallery.tracks)}
    own = np.array([place[track.id] for track in queries.tracks])
    family = families(gallery.tracks)
    candidates = family[own, None] != family
    candidates[np.arange(len(own)), own] = True
    return _Search(own, candidates)


def _tables(
    systems: Sequence[System], originals: MeasuredDataset, copies: Sequence[MeasuredDataset], search: _Search
) -> list[dict[tuple[str, str], Measures]]:
    """For each alteration the values of every system and space, then of the baselines."""
    tables: list[dict[tuple[str, str], Measures]] = [{} for _ in copies]
    for number, system in enumerate(systems):
        altered = [copy.measured[number] for copy in copies]
        embedded = embed_together(system, originals, number, altered)
        identical = 1.0 if embedded.metric == "cosine" else 0.0
        for label, space in spaces_of(embedded).items():
            for table, similar in zip(tables, _similarities(embedded, space, originals, len(copies)), strict=True):
                table[system.name, label] = measures(similar, search, identical)
    for table in tables:
        table[RANDOM, COMPLETE] = measures(np.zeros(search.candidates.shape, np.float32), search, 1.0)
        table[WORST, COMPLETE] = measures(-_own_alone(search).astype(np.float32), search, 1.0)
    return tables


def embed_together(
    system: System, originals: MeasuredDataset, number: int, altered: Sequence[Sequence[Measured]]
) -> Embedded:
    """(N + C·Q) vectors: the gallery, then each alteration's copies; nothing is learnt from a copy.

    Args:
        system: The one that measured.
        originals: The gallery.
        number: Of the system in it.
        altered: Copies by alteration.
    """
    gallery = originals.measured[number]
    learnt = originals.training if originals.training.any() else np.ones(len(gallery), np.bool_)
    copies = list(chain.from_iterable(altered))
    return system.embed([*gallery, *copies], np.concatenate([learnt, np.zeros(len(copies), np.bool_)]))


def _similarities(
    embedded: Embedded, space: str | None, originals: MeasuredDataset, alterations: int
) -> Iterator[Floats]:
    """(Q, N) for each alteration."""
    count = len(originals.dataset)
    for rows in np.split(np.arange(count, len(embedded)), alterations):
        yield np.concatenate([similarity(embedded, block, space)[:, :count] for block in blocks(rows)])


def _own_alone(search: _Search) -> Bools:
    """(Q, N) where the own track is."""
    own = np.zeros(search.candidates.shape, np.bool_)
    own[np.arange(len(search.own)), search.own] = True
    return own


def _estimates(values: Measures, draws: list[Indices]) -> dict[str, Estimate]:
    ranks = values[MEDIAN_RANK]
    means = {measure: estimate_mean(found, draws) for measure, found in values.items() if found is not ranks}
    return {**means, MEDIAN_RANK: estimate(lambda draw: float(np.median(ranks[draw])), draws, len(ranks))}


def _overview(rows: Sequence[Row]) -> "Figure":
    """R@1 of complete spaces, systems by alterations."""
    complete = [row for row in rows if row.space == COMPLETE and row.system not in {RANDOM, WORST}]
    systems = list(dict.fromkeys(row.system for row in complete))
    alterations = list(dict.fromkeys(row.task for row in complete))
    found = {(row.system, row.task): row.figures["R@1"].value for row in complete}
    values = np.array([[found[system, alteration] for alteration in alterations] for system in systems])
    return heat_map("R@1 of the original by an altered copy", values, systems, alterations, 0.0)
