"""Can genre, instrument, era, mood, key and tempo be told from a vector by a linear probe?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded, Floats
from models.evaluate.linear import Predicted, Search, predict_classes, predict_numbers
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import check_systems, spaces_of
from models.evaluate.targets import (
    Bools,
    Doubles,
    Indices,
    Sides,
    class_target,
    class_values,
    dataset_sides,
    fault_note,
    interval_note,
    log_tempo,
    side_weights,
    split_note,
    tempo_class,
)
from models.metrics.bootstrap import Resampling
from models.metrics.classification import accuracy, macro_f1, r_squared, weighted_estimate

LEAST_TRACKS = 5
TEMPO_TOLERANCE_OCTAVES = float(np.log2(1.04))
METRICAL_LEVELS_OCTAVES = np.log2([1, 2, 3, 1 / 2, 1 / 3])
EXPLAINED = "R²"
NOTES = (
    (
        "Classes: logistic regression on standardised vectors, C chosen on validation by macro-F1, refitted on "
        "train and validation (paper 000); figures are means over runs with other draws of C. A track counts in a "
        "tag dimension when it has exactly one of its tags."
    ),
    (
        "Tempo: ridge regression of log2 tempo; accuracy 1 is within 4 % of the truth, accuracy 2 of it or of 2, "
        "3, ½ or ⅓ times it. The class of a tempo is its place on a circle on which double tempo is the same."
    ),
    (
        "`random` draws from the labels of the training and validation tracks; `worst` is always wrong (R² has no "
        "lower end; 0 is what the mean of the test tracks would have)."
    ),
)

Labels = NDArray[Any]
Measured = Mapping[str, Doubles]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One thing to be told.

    Attributes:
        name: Of it.
        labels: (N,) or (N, 2) truth.
        sides: Tracks whose label is known.
        weights: (1 + draws, test tracks) of those of them that are tested.
        predict: Vectors → labels of the test tracks.
        measure: Labels of the test tracks, said and true → values on each resample.
        classes: Their names, where labels are classes.
    """

    name: str
    labels: Labels
    sides: Sides
    weights: Doubles
    predict: Callable[[Floats, Search], Predicted]
    measure: Callable[[Labels, Labels, Doubles], Measured]
    classes: tuple[str, ...] = ()

    def quality(self, runs: Labels) -> dict[str, Doubles]:
        """(runs, test tracks, …) labels → (1 + draws,) means over runs by measure."""
        truth = self.labels[self.sides.test]
        found = [self.measure(run, truth, self.weights) for run in runs]
        return {name: np.mean([values[name] for values in found], axis=0) for name in found[0]}

    def row(self, system: str, space: str, values: Measured) -> Row:
        """A system's figures."""
        count = len(self.sides.test)
        return Row(
            self.name, system, space, {name: weighted_estimate(found, count) for name, found in values.items()}
        )


def evaluate_probes(
    dataset: Dataset,
    systems: Sequence[Embedded],
    resampling: Resampling,
    *,
    search: Search = Search(),  # noqa: B008 - immutable
    group_by_origin: bool = False,
    least: int = LEAST_TRACKS,
) -> Report:
    """Predict classes and tempo of the test tracks; one task for whatever the dataset has enough labels of.

    A system is measured by its complete space and by the space named like the dimension, where it has one.

    Args:
        dataset: N tracks with a split.
        systems: Their vectors.
        resampling: Of the intervals.
        search: For the penalty of class probes; ``Search(64)`` is that of paper 000.
        group_by_origin: Resample whole origins instead of test tracks.
        least: Tracks that a class needs on the training and on the test side, and tempo on each of the three.

    Raises:
        EvaluationImpossible: Without a split, when nothing has enough labels, or when a system does not fit the
            dataset.
    """
    check_systems(dataset, systems)
    sides = dataset_sides(dataset)
    weights = side_weights(dataset, sides, resampling, group_by_origin=group_by_origin)
    tasks = [*_class_tasks(dataset, sides, weights, least), *_tempo_tasks(dataset, sides, weights, least)]
    if not tasks:
        raise EvaluationImpossible(
            f"{dataset.name} has no label with two classes of {least} tracks each on the training and on the test "
            "side, nor as many tempi on all sides. Label more tracks, or ask for fewer."
        )
    rows, faults = [], 0
    for task in tasks:
        for system, space, predicted in _predictions(task, systems, search):
            rows.append(task.row(system, space, task.quality(predicted.runs)))
            faults += predicted.unconverged
        rows += _baselines(task, search)
    return Report(
        "probes",
        "Labels told from vectors by linear probes",
        {
            "dataset": dataset.name,
            "test tracks": {task.name: len(task.sides.test) for task in tasks},
            "classes": {task.name: list(task.classes) for task in tasks if task.classes},
            "draws of C": search.draws,
            "runs": search.runs,
            "least tracks": least,
            "resampled": "origins" if group_by_origin else "tracks",
            "resamples": resampling.replicates,
            "seed": resampling.seed,
        },
        tuple(rows),
        (
            *NOTES,
            *(_commonest(task) for task in tasks if task.classes),
            *_missing(dataset, tasks),
            split_note(dataset, sides),
            interval_note(group_by_origin=group_by_origin),
            *fault_note(faults),
        ),
    )


def _class_tasks(dataset: Dataset, sides: Sides, weights: Doubles, least: int) -> Iterator[_Task]:
    for name, values in class_values(dataset).items():
        target = class_target(name, values, (sides.train, sides.test), least)
        if target is not None and sides.among(target.known).complete:
            among = sides.among(target.known)
            yield _Task(
                name,
                target.labels,
                among,
                weights[:, target.known[sides.test]],
                partial(_predict_classes, target.labels, among),
                partial(class_quality, len(target.classes)),
                target.classes,
            )


def _tempo_tasks(dataset: Dataset, sides: Sides, weights: Doubles, least: int) -> Iterator[_Task]:
    octaves = log_tempo(dataset)
    known = np.isfinite(octaves)
    among = sides.among(known)
    if min(len(among.train), len(among.validation), len(among.test)) < least:
        return
    kinds = {"tempo": (octaves, tempo_quality), "tempo class": (tempo_class(octaves), tempo_class_quality)}
    for name, (labels, measure) in kinds.items():
        predict = partial(_predict_numbers, labels, among)
        yield _Task(name, labels, among, weights[:, known[sides.test]], predict, measure)


def class_quality(classes: int, said: Indices, truth: Indices, weights: Doubles) -> Measured:
    """Macro-F1 and accuracy of (test tracks,) classes on each resample."""
    right: Bools = np.asarray(said == truth)
    return {
        "macro-F1": macro_f1(said, truth, classes, weights),
        "accuracy": accuracy(right, weights),
    }


def tempo_quality(said: Doubles, truth: Doubles, weights: Doubles) -> Measured:
    """R², and accuracy 1 and 2 (Gouyon et al. 2006), of (test tracks,) log2 tempi on each resample."""
    right: Bools = np.abs(said[:, None] - truth[:, None] - METRICAL_LEVELS_OCTAVES) <= TEMPO_TOLERANCE_OCTAVES
    return {
        EXPLAINED: r_squared(said, truth, weights),
        "accuracy 1": accuracy(right[:, 0], weights),
        "accuracy 2": accuracy(np.asarray(right.any(1)), weights),
    }


def tempo_class_quality(said: Doubles, truth: Doubles, weights: Doubles) -> Measured:
    """R² and the share within 4 % of (test tracks, 2) places on the circle of tempi, on each resample."""
    turns = (np.arctan2(said[:, 1], said[:, 0]) - np.arctan2(truth[:, 1], truth[:, 0])) / (2 * np.pi)
    right: Bools = np.asarray(np.abs(turns - np.round(turns)) <= TEMPO_TOLERANCE_OCTAVES)
    return {EXPLAINED: r_squared(said, truth, weights), "accuracy": accuracy(right, weights)}


def _predict_classes(labels: Indices, sides: Sides, features: Floats, search: Search) -> Predicted:
    return predict_classes(features, labels, sides, search)


def _predict_numbers(labels: Doubles, sides: Sides, features: Floats, _: Search) -> Predicted:
    return predict_numbers(features, labels, sides)


def _predictions(task: _Task, systems: Sequence[Embedded], search: Search) -> Iterator[tuple[str, str, Predicted]]:
    """Of the complete space and of the space that is named like the dimension."""
    for system in systems:
        for label, space in spaces_of(system).items():
            if label in {COMPLETE, task.name.split()[0]}:
                yield system.system, label, task.predict(system.features(space), search)


def _baselines(task: _Task, search: Search) -> Iterator[Row]:
    labels = task.labels[task.sides.fitting]
    picks = np.random.default_rng(search.seed).integers(0, len(labels), (search.runs, len(task.sides.test)))
    guessed = task.quality(labels[picks])
    wrong = {name: np.full(len(found), np.nan if name == EXPLAINED else 0.0) for name, found in guessed.items()}
    yield task.row(RANDOM, COMPLETE, guessed)
    yield task.row(WORST, COMPLETE, wrong)


def _commonest(task: _Task) -> str:
    """What naming the commonest class alone would reach."""
    common = int(np.bincount(task.labels[task.sides.fitting]).argmax())
    values = task.quality(np.full((1, len(task.sides.test)), common))
    figures = " and ".join(f"{measure} {found[0]:.3f}" for measure, found in values.items())
    return f"{task.name}: always to say “{task.classes[common]}” has {figures}."


def _missing(dataset: Dataset, tasks: Sequence[_Task]) -> Iterator[str]:
    names = [*class_values(dataset), "tempo"]
    missing = [name for name in names if name not in {task.name for task in tasks}]
    if missing:
        yield f"Too few labels for: {', '.join(missing)}."
