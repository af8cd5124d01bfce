"""Question: what could make the figures of other questions too good?

Tracks on two sides of a split, near duplicates that nobody labelled, and tasks that facts of the files solve
without a note of music.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from models.errors import EvaluationImpossible
from models.evaluate.crossings import KINDS, Crossing, Twins, crossings, twin_reach, twins
from models.evaluate.embedded import Embedded
from models.evaluate.listening import Heard
from models.evaluate.report import RANDOM, WORST, Report, Row
from models.evaluate.retrieval import RECALL, evaluate_retrieval
from models.evaluate.systems.random_vectors import RandomSystem
from models.evaluate.systems.shortcuts import ClipFactsSystem, FileFactsSystem
from models.metrics.bootstrap import Estimate, Resampling, summarise

SHORTCUTS = (FileFactsSystem.name, ClipFactsSystem.name)
NO_MUSIC = (*SHORTCUTS, RandomSystem.name, RANDOM, WORST)
MEASURES = ("MAP", "P@10")
SOLVED_SHARE = 0.5
LISTED = 20

RULE = (
    f"A task is solved by a shortcut where the shortcut surely gains more than {SOLVED_SHARE:.0%} of what the best "
    f"system gains over a random order, in {MEASURES[0]}: the whole 95 % interval of the difference lies above 0. "
    "`file-facts` knows loudness, sample rate, channels, codec, bit rate, duration and bandwidth of the file: it "
    "says how far the files give themselves away. `clip-facts` knows length, level, peak, bandwidth and noise "
    "floor of the clip: it says what of that a system can still hear in this view."
)


def evaluate_leakage(
    heard: Heard,
    asked: Heard,
    by: Sequence[str],
    resampling: Resampling,
    *,
    group_by_origin: bool = False,
    across_origins: bool = False,
) -> Report:
    """What crosses splits, what sounds like a near duplicate across them, and what shortcuts solve.

    Args:
        heard: All tracks, with ``file-facts`` and ``clip-facts`` among the systems.
        asked: Those that retrieval is asked about.
        by: Respects of similarity, each a task.
        resampling: Of the intervals.
        group_by_origin: Resample whole origins instead of queries.
        across_origins: As retrieval has it.

    Raises:
        EvaluationImpossible: A shortcut or a system that hears is missing, or no two tracks are alike in some
            respect.
    """
    missing = [name for name in SHORTCUTS if name not in {system.system for system in heard.embedded}]
    if missing:
        raise EvaluationImpossible(f"Leakage compares systems with shortcuts; add {' and '.join(missing)} to them.")
    whole = [replace(system, spaces={}) for system in asked.embedded]
    retrieval = evaluate_retrieval(
        asked.dataset, whole, by, resampling, group_by_origin=group_by_origin, across_origins=across_origins
    )
    rows = tuple(replace(row, figures={name: row.figures[name] for name in MEASURES}) for row in retrieval.rows)
    found = crossings(heard.dataset)
    ear = _ear(heard.embedded)
    reach = twin_reach(ear, heard.dataset)
    pairs = twins(ear, heard.dataset, reach)
    return Report(
        question="leakage",
        title=f"Leakage on {heard.dataset.name}",
        facts={
            **retrieval.facts,
            "on two sides of the split": {kind: sum(each.kind == kind for each in found) for kind in KINDS},
            "near duplicates by sound": len(pairs),
        },
        rows=rows,
        notes=(
            *(verdict(task, [row for row in rows if row.task == task]) for task in by),
            RULE,
            *_listed("On two sides of the split", [_crossing_text(each) for each in found]),
            *_twin_notes(ear, reach, pairs),
            *(note for note in retrieval.notes if note != RECALL),
        ),
    )


def verdict(task: str, rows: Sequence[Row]) -> str:
    """Whether a shortcut solves a task, in a sentence.

    Args:
        task: Its name.
        rows: Of the task, with MEASURES; one of them RANDOM.
    """
    figures = {row.system: row.figures[MEASURES[0]] for row in rows}
    chance = figures[RANDOM]
    hearing = {name: found for name, found in figures.items() if name not in NO_MUSIC}
    best = max(hearing, key=lambda name: hearing[name].value)
    gains = {name: _text(figures[name], chance, figures[best]) for name in SHORTCUTS}
    solvers = [name for name in SHORTCUTS if solves(figures[name], chance, figures[best])]
    head = f"**{task}** is solved by {' and '.join(solvers)}" if solvers else f"**{task}** is solved by no shortcut"
    reached = "; ".join(f"`{name}` {text}" for name, text in gains.items())
    return (
        f"{head}: {MEASURES[0]} is {chance.value:.3f} at random and {figures[best].value:.3f} for the best system "
        f"(`{best}`); {reached}."
    )


def solves(shortcut: Estimate, chance: Estimate, best: Estimate) -> bool:
    """Whether a shortcut surely gains more than SOLVED_SHARE of what the best system gains over chance.

    A best system that is worse than chance gains nothing, so that any sure gain of the shortcut is enough.
    """
    wanted = SOLVED_SHARE * np.maximum(best.replicates - chance.replicates, 0)
    beyond = shortcut.value - chance.value - SOLVED_SHARE * max(best.value - chance.value, 0)
    return summarise(beyond, shortcut.replicates - chance.replicates - wanted, shortcut.count).low > 0


def _text(shortcut: Estimate, chance: Estimate, best: Estimate) -> str:
    gain, most = shortcut.value - chance.value, best.value - chance.value
    share = f", {gain / most:.0%} of the best gain" if most > 0 else ""
    return f"has {shortcut.value:.3f}{share}"


def _ear(systems: Sequence[Embedded]) -> Embedded:
    """The first system that hears music.

    Raises:
        EvaluationImpossible: None does.
    """
    for system in systems:
        if system.system not in NO_MUSIC:
            return system
    raise EvaluationImpossible("Leakage compares shortcuts with systems that hear music; add one, such as librosa.")


def _twin_notes(ear: Embedded, reach: float, pairs: Sequence[Twins]) -> Iterator[str]:
    unit = "" if ear.metric == "euclidean" else " rad"
    yield (
        f"Tracks of two splits pass for near duplicates by sound where `{ear.system}` has them within {reach:.2f}"
        f"{unit}: three quartile ranges below the lower quartile of the distance between a track and its nearest "
        "in another split. Labelled near duplicates are not among them. Listen to each; what is the same belongs "
        "into `duplicates` of the manifest."
    )
    texts = [f"{pair.one.id} and {pair.other.id} ({pair.distance:.2f}{unit})" for pair in pairs]
    yield from _listed("Near duplicates by sound", texts)


def _crossing_text(crossing: Crossing) -> str:
    where = ", ".join(f"{count} in {split}" for split, count in crossing.splits.items())
    return f"{crossing.kind} {crossing.name} ({where})"


def _listed(head: str, texts: Sequence[str]) -> Iterator[str]:
    more = f"; and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    yield f"{head}: {'; '.join(texts[:LISTED]) or 'none'}{more}."
