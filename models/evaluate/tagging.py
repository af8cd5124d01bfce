"""Can the tags of a track be told from its vector? ROC-AUC over tags, by a linear probe and by prototypes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.datasets.track import TAG_DIMENSIONS, Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded
from models.evaluate.heat_map import heat_map
from models.evaluate.linear import score_tags
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import check_systems, spaces_of
from models.evaluate.targets import (
    Bools,
    Doubles,
    Sides,
    TagTarget,
    dataset_sides,
    fault_note,
    interval_note,
    side_weights,
    split_note,
    tag_target,
)
from models.metrics.bootstrap import Estimate, Resampling
from models.metrics.classification import mean_known, rank_quality, weighted_estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_POSITIVES = 5
ALL_TAGS = "all tags"
MEASURES = ("probe ROC-AUC", "probe AP", "prototype ROC-AUC", "prototype AP")
OWN_MEASURES = ("ROC-AUC", "AP")
RANDOM_WIDTH = 64
NOTE = (
    "Macro averages over tags. The probe is one logistic regression per tag on standardised vectors, with one C "
    "for all tags by validation; a prototype is the mean vector of the tag's training and validation tracks, and a "
    "track scores by its similarity to it (Lee et al. 2020, 4.3), so that nothing is learnt but a mean. AP depends "
    "on how frequent tags are, ROC-AUC does not. `random` are vectors of noise, `worst` puts every positive last. "
    "“By its own tags” asks an encoder that knows tags for those that the dataset has too, without a probe; chance "
    "has a ROC-AUC of one half. A track without any tag of a dimension is unknown there and left out. Tags without "
    "a positive or without a negative in a resample are left out of its mean."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A dimension's tags, its tracks, and the resamples of its test tracks."""

    target: TagTarget
    sides: Sides
    weights: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class _Quality:
    """(1 + draws, tags) values of each of MEASURES, and what went wrong."""

    values: Mapping[str, Doubles]
    unconverged: int = 0


def evaluate_tagging(
    dataset: Dataset,
    systems: Sequence[Embedded],
    resampling: Resampling,
    *,
    group_by_origin: bool = False,
    least: int = LEAST_POSITIVES,
) -> Report:
    """Tag every test track by probes and prototypes; one task per dimension, and one for all tags together.

    A system is measured by its complete space and by the space named like the dimension, where it has one.

    Args:
        dataset: N tracks with a split.
        systems: Their vectors.
        resampling: Of the intervals.
        group_by_origin: Resample whole origins instead of test tracks.
        least: Positives that a tag needs on the training and on the test side.

    Raises:
        EvaluationImpossible: Without a split, when no tag can be learnt and tested, or when a system does not fit
            the dataset.
    """
    check_systems(dataset, systems)
    sides = dataset_sides(dataset)
    weights = side_weights(dataset, sides, resampling, group_by_origin=group_by_origin)
    tasks = _tasks(dataset, sides, weights, least)
    noise = np.random.default_rng(resampling.seed).normal(size=(len(dataset), RANDOM_WIDTH))
    every = (*systems, Embedded(RANDOM, noise.astype(np.float32), metric="euclidean"))
    complete = {one.system: [_quality(one, None, task) for task in tasks] for one in every}
    complete[WORST] = [_worst(task) for task in tasks]
    rows = [row for place, task in enumerate(tasks) for row in _rows(task, place, systems, complete)]
    if len(tasks) > 1:
        count = len(np.unique(np.concatenate([task.sides.test for task in tasks])))
        rows += [Row(ALL_TAGS, name, COMPLETE, _figures(found, count)) for name, found in complete.items()]
    rows += [row for task in tasks for one in systems for row in _by_own_tags(one, task)]
    faults = sum(found.unconverged for parts in complete.values() for found in parts)
    return Report(
        "tagging",
        "Tags told from vectors",
        {
            "dataset": dataset.name,
            "test tracks": {task.target.dimension: len(task.sides.test) for task in tasks},
            "tags": {task.target.dimension: list(task.target.tags) for task in tasks},
            "least positives": least,
            "resampled": "origins" if group_by_origin else "tracks",
            "resamples": resampling.replicates,
            "seed": resampling.seed,
        },
        tuple(rows),
        (NOTE, split_note(dataset, sides), interval_note(group_by_origin=group_by_origin), *fault_note(faults)),
        plots=_plots(tasks, complete, [one.system for one in systems]),
    )


def _tasks(dataset: Dataset, sides: Sides, weights: Doubles, least: int) -> list[_Task]:
    tasks = []
    for dimension in TAG_DIMENSIONS:
        target = tag_target(dataset, dimension, sides, least)
        if target is not None and sides.among(target.known).complete:
            tasks.append(_Task(target, sides.among(target.known), weights[:, target.known[sides.test]]))
    if not tasks:
        raise EvaluationImpossible(
            f"No tag of {dataset.name} has {least} tracks with it, and one without it, on the training and on the "
            "test side. Tag more tracks, or ask for fewer with the setting for the least positives."
        )
    return tasks


def _quality(system: Embedded, space: str | None, task: _Task) -> _Quality:
    probed, unconverged = score_tags(system.features(space), task.target.positive, task.sides)
    alike = _similarity_to_prototypes(system, space, task)
    truth = task.target.positive[task.sides.test]
    values = (*_measured(probed, truth, task.weights), *_measured(alike, truth, task.weights))
    return _Quality(dict(zip(MEASURES, values, strict=True)), unconverged)


def _worst(task: _Task) -> _Quality:
    truth = task.target.positive[task.sides.test]
    values = _measured(-truth.astype(np.float64), truth, task.weights)
    return _Quality(dict(zip(MEASURES, values * 2, strict=True)))


def _measured(scores: Doubles, truth: Bools, weights: Doubles) -> tuple[Doubles, Doubles]:
    """(test tracks, tags) scores → (1 + draws, tags) ROC-AUC and average precision."""
    tags = [rank_quality(scores[:, tag], truth[:, tag], weights) for tag in range(truth.shape[1])]
    return np.stack([tag.roc_auc for tag in tags], 1), np.stack([tag.average_precision for tag in tags], 1)


def _similarity_to_prototypes(system: Embedded, space: str | None, task: _Task) -> Doubles:
    """(test tracks, tags) by the system's own similarity, in which prototypes take part like tracks."""
    fitting, test = task.sides.fitting, task.sides.test
    has = task.target.positive[fitting].astype(np.float64)
    means = has.T @ system.vectors[fitting].astype(np.float64) / has.sum(0)[:, None]
    if system.metric == "cosine":
        for columns in system.spaces.values() or [slice(None)]:
            length = np.linalg.norm(means[:, columns], axis=1, keepdims=True)
            means[:, columns] /= np.where(length > 0, length, 1)
    vectors = np.concatenate([system.vectors[test], means.astype(np.float32)])
    both = Embedded(system.system, vectors, system.spaces, system.metric)
    return both.similarity(np.arange(len(test), len(vectors)), space)[:, : len(test)].T


def _rows(
    task: _Task, place: int, systems: Sequence[Embedded], complete: Mapping[str, Sequence[_Quality]]
) -> list[Row]:
    """Of one dimension, every system's complete space followed by the space of the dimension."""
    dimension, count = task.target.dimension, len(task.sides.test)
    own = {one.system: one for one in systems if dimension in spaces_of(one)}
    rows = []
    for name, found in complete.items():
        rows.append(Row(dimension, name, COMPLETE, _figures([found[place]], count)))
        if name in own:
            rows.append(Row(dimension, name, dimension, _figures([_quality(own[name], dimension, task)], count)))
    return rows


def _by_own_tags(system: Embedded, task: _Task) -> Iterator[Row]:
    """How well the directions that an encoder has for tags tell them, if it knows some of these."""
    dimension, own = task.target.dimension, system.tags.get(task.target.dimension)
    shared = [tag for tag in task.target.tags if own is not None and tag in own.names]
    if own is None or not shared:
        return
    directions = own.directions[[own.names.index(tag) for tag in shared]].astype(np.float64)
    scores = system.features(dimension)[task.sides.test].astype(np.float64) @ directions.T
    asked = [task.target.tags.index(tag) for tag in shared]
    truth = task.target.positive[task.sides.test][:, asked]
    means = (mean_known(values) for values in _measured(scores, truth, task.weights))
    figures = [weighted_estimate(_centred(values), len(task.sides.test)) for values in means]
    yield Row(
        f"{dimension} by its own tags", system.system, dimension, dict(zip(OWN_MEASURES, figures, strict=True))
    )


def _figures(found: Sequence[_Quality], count: int) -> dict[str, Estimate]:
    tags = {measure: np.concatenate([part.values[measure] for part in found], axis=1) for measure in MEASURES}
    means = {measure: mean_known(values) for measure, values in tags.items()}
    return {measure: weighted_estimate(_centred(values), count) for measure, values in means.items()}


def _centred(values: Doubles) -> Doubles:
    """(1 + draws,) with the draws around the value: a positive that is drawn twice raises its own precision."""
    bias = np.nanmean(values[1:]) - values[0] if np.isfinite(values[1:]).any() else 0.0
    return np.concatenate([values[:1], values[1:] - bias])


def _plots(
    tasks: Sequence[_Task], complete: Mapping[str, Sequence[_Quality]], systems: Sequence[str]
) -> dict[str, "Figure"]:
    """ROC-AUC of the probe by tag and system, one picture per dimension."""
    plots = {}
    for place, task in enumerate(tasks):
        cells = np.array([complete[name][place].values[MEASURES[0]][0] for name in systems]).T
        title = f"{task.target.dimension}: {MEASURES[0]} by tag"
        plots[f"{task.target.dimension}-by-tag"] = heat_map(title, cells, task.target.tags, systems, 0.5)
    return plots
