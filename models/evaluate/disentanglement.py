"""Does sub-space s predict dimension s, and not the others?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.datasets.track import DIMENSIONS, Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded, Floats
from models.evaluate.heat_map import heat_map
from models.evaluate.linear import Search, predict_classes, predict_numbers
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import check_systems, spaces_of
from models.evaluate.targets import (
    ClassTarget,
    Doubles,
    Sides,
    class_target,
    class_values,
    dataset_sides,
    fault_note,
    interval_note,
    log_tempo,
    side_weights,
    split_note,
)
from models.metrics.bootstrap import Resampling
from models.metrics.classification import balanced_accuracy, mean_known, r_squared, weighted_estimate
from models.metrics.dci import completeness, disentanglement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TRACKS = 5
FEWEST_DIMENSIONS = 2
RANDOM_WIDTH = 16
TASK = "disentanglement"
SCORE = "score"
MEASURES = ("disentanglement", "completeness", "informativeness", "own − others")
NOTES = (
    (
        "A score is 0 at chance and 1 where all is right: of classes (balanced accuracy − 1/K) / (1 − 1/K) for K "
        "classes, by logistic regression that weighs classes alike, of tempo R² of its logarithm, by ridge "
        "regression. So scores of one dimension compare between spaces; between dimensions they are on one scale, "
        "but not equally hard. A track has a class of a dimension when it has exactly one of its tags."
    ),
    (
        "Disentanglement and completeness (Eastwood and Williams 2018) take a space's score on a dimension, where "
        "it is above chance, for its importance: 1 where every space predicts one dimension only, or every "
        "dimension is predicted by one space only; 0 where all predict all alike. Musical dimensions are "
        "correlated (a genre has its instruments), so that 1 is out of reach, and noise that predicts little "
        "predicts it unevenly, so that these two mean something only beside a high informativeness (see `random`). "
        "Informativeness is the complete space's mean score; “own − others” the mean lead of a space on the "
        "dimension of its name over the others, for spaces so named."
    ),
    (
        "`random` are vectors of noise with one space for each dimension: what above 0 it has is chance. `worst` "
        "has every class wrong, all spaces alike, and each perfect at all but its own dimension."
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Factor:
    """A dimension and how to score the vectors of a space on it.

    Attributes:
        dimension: Of DIMENSIONS.
        count: Tracks that are tested.
        score: (N, d) vectors → (1 + draws,) scores and the number of fits that did not converge.
        lowest: The lowest score, NaN where there is none.
    """

    dimension: str
    count: int
    score: Callable[[Floats], tuple[Doubles, int]]
    lowest: float


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """What each space of a system says of each dimension.

    Attributes:
        spaces: COMPLETE first.
        scores: (1 + draws, spaces, dimensions).
        unconverged: Fits that did not converge.
    """

    spaces: tuple[str, ...]
    scores: Doubles
    unconverged: int


def evaluate_disentanglement(
    dataset: Dataset,
    systems: Sequence[Embedded],
    resampling: Resampling,
    *,
    search: Search = Search(runs=1),  # noqa: B008 - immutable
    group_by_origin: bool = False,
    least: int = LEAST_TRACKS,
) -> Report:
    """Probe every space for every dimension.

    Args:
        dataset: N tracks with a split.
        systems: Their vectors; those without sub-spaces get but the scores of their complete space.
        resampling: Of the intervals.
        search: For the penalty of class probes.
        group_by_origin: Resample whole origins instead of test tracks.
        least: Tracks that a class needs on the training and on the test side, and tempo on each of the three.

    Raises:
        EvaluationImpossible: Without a split, when fewer than two dimensions have enough labels, or when a system
            does not fit the dataset.
    """
    check_systems(dataset, systems)
    sides = dataset_sides(dataset)
    weights = side_weights(dataset, sides, resampling, group_by_origin=group_by_origin)
    factors = [
        *_class_factors(dataset, sides, weights, search, least),
        *_tempo_factor(dataset, sides, weights, least),
    ]
    if len(factors) < FEWEST_DIMENSIONS:
        found = ", ".join(factor.dimension for factor in factors) or "none"
        raise EvaluationImpossible(
            f"Disentanglement takes two or more dimensions with {least} tracks per class on the training and on "
            f"the test side; {dataset.name} has enough labels of: {found}."
        )
    every = (*systems, _noise(len(dataset), factors, resampling.seed))
    matrices = {system.system: _matrix(system, factors) for system in every}
    count = max(factor.count for factor in factors)
    return Report(
        TASK,
        "What each space says of each dimension",
        {
            "dataset": dataset.name,
            "test tracks": {factor.dimension: factor.count for factor in factors},
            "draws of C": search.draws,
            "least tracks": least,
            "resampled": "origins" if group_by_origin else "tracks",
            "resamples": resampling.replicates,
            "seed": resampling.seed,
        },
        (*_summary_rows(matrices, factors, count), *_score_rows(matrices, factors)),
        (
            *NOTES,
            split_note(dataset, sides),
            interval_note(group_by_origin=group_by_origin),
            *fault_note(sum(matrix.unconverged for matrix in matrices.values())),
        ),
        plots={
            f"{system.system}-matrix": _picture(system.system, matrices[system.system], factors)
            for system in systems
            if len(matrices[system.system].spaces) > 1
        },
    )


def _class_factors(
    dataset: Dataset, sides: Sides, weights: Doubles, search: Search, least: int
) -> Iterator[_Factor]:
    for name, values in class_values(dataset).items():
        target = class_target(name, values, (sides.train, sides.test), least) if name in DIMENSIONS else None
        if target is not None and sides.among(target.known).complete:
            among, tested = sides.among(target.known), weights[:, target.known[sides.test]]
            chance = 1 / len(target.classes)
            score = _class_score(target, among, tested, search)
            yield _Factor(name, len(among.test), score, -chance / (1 - chance))


def _class_score(
    target: ClassTarget, sides: Sides, weights: Doubles, search: Search
) -> Callable[[Floats], tuple[Doubles, int]]:
    chance, truth = 1 / len(target.classes), target.labels[sides.test]

    def score(features: Floats) -> tuple[Doubles, int]:
        found = predict_classes(features, target.labels, sides, search, "balanced")
        runs = [balanced_accuracy(run, truth, len(target.classes), weights) for run in found.runs]
        return (np.mean(runs, axis=0) - chance) / (1 - chance), found.unconverged

    return score


def _tempo_factor(dataset: Dataset, sides: Sides, weights: Doubles, least: int) -> Iterator[_Factor]:
    octaves = log_tempo(dataset)
    known = np.isfinite(octaves)
    among, tested = sides.among(known), weights[:, known[sides.test]]

    def score(features: Floats) -> tuple[Doubles, int]:
        found = predict_numbers(features, octaves, among)
        return r_squared(found.runs[0], octaves[among.test], tested), found.unconverged

    if min(len(among.train), len(among.validation), len(among.test)) >= least:
        yield _Factor("tempo", len(among.test), score, float("nan"))


def _noise(tracks: int, factors: Sequence[_Factor], seed: int) -> Embedded:
    """A space of noise for each dimension."""
    width = RANDOM_WIDTH
    spaces = {factor.dimension: slice(place * width, (place + 1) * width) for place, factor in enumerate(factors)}
    vectors = np.random.default_rng(seed).normal(size=(tracks, width * len(factors)))
    return Embedded(RANDOM, vectors.astype(np.float32), spaces, "euclidean")


def _matrix(system: Embedded, factors: Sequence[_Factor]) -> _Matrix:
    spaces = spaces_of(system)
    cells = [[factor.score(system.features(space)) for factor in factors] for space in spaces.values()]
    scores = np.array([[score for score, _ in row] for row in cells]).transpose(2, 0, 1)
    return _Matrix(tuple(spaces), scores, sum(faults for row in cells for _, faults in row))


def _summary_rows(matrices: Mapping[str, _Matrix], factors: Sequence[_Factor], count: int) -> Iterator[Row]:
    for name, matrix in matrices.items():
        values = summary(matrix.scores, matrix.spaces, [factor.dimension for factor in factors])
        figures = {
            measure: weighted_estimate(found, count) for measure, found in zip(MEASURES, values, strict=True)
        }
        yield Row(TASK, name, COMPLETE, figures)
    draws = len(matrices[RANDOM].scores)
    lowest = float(np.mean([factor.lowest for factor in factors]))
    worst = dict(zip(MEASURES, (0.0, 0.0, lowest, -1.0), strict=True))
    figures = {measure: weighted_estimate(np.full(draws, value), count) for measure, value in worst.items()}
    yield Row(TASK, WORST, COMPLETE, figures)


def _score_rows(matrices: Mapping[str, _Matrix], factors: Sequence[_Factor]) -> Iterator[Row]:
    for place, factor in enumerate(factors):
        for name, matrix in matrices.items():
            for space, scores in zip(matrix.spaces, matrix.scores[:, :, place].T, strict=True):
                yield Row(factor.dimension, name, space, {SCORE: weighted_estimate(scores, factor.count)})
        worst = np.full(len(matrices[RANDOM].scores), factor.lowest)
        yield Row(factor.dimension, WORST, COMPLETE, {SCORE: weighted_estimate(worst, factor.count)})


def summary(
    scores: Doubles, spaces: Sequence[str], dimensions: Sequence[str]
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """(R,) each of MEASURES; all but informativeness NaN without sub-spaces, the last without one named as needed.

    Args:
        scores: (R, spaces, dimensions), 0 is chance.
        spaces: COMPLETE first.
        dimensions: Their names.
    """
    importances = np.nan_to_num(scores[:, 1:]).clip(0)
    return (
        disentanglement(importances),
        completeness(importances),
        mean_known(scores[:, 0]),
        _own_lead(scores, spaces, dimensions),
    )


def _own_lead(scores: Doubles, spaces: Sequence[str], dimensions: Sequence[str]) -> Doubles:
    leads = []
    for place, dimension in enumerate(dimensions):
        if dimension in spaces:
            row = scores[:, spaces.index(dimension)]
            leads.append(row[:, place] - np.delete(row, place, axis=1).mean(1))
    return np.mean(leads, axis=0) if leads else np.full(len(scores), np.nan)


def _picture(name: str, matrix: _Matrix, factors: Sequence[_Factor]) -> "Figure":
    title = f"{name}: what each space says of each dimension (0 chance, 1 all)"
    return heat_map(title, matrix.scores[0], matrix.spaces, [factor.dimension for factor in factors], 0.0)
