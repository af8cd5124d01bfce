"""Do the clusters of a system's vectors match classes, and how many clusters are there?

Paper 002: K-Means and Gaussian mixtures, the Hungarian method, and three indices over a range of cluster counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.datasets.track import TAG_DIMENSIONS, Dataset
from models.errors import EvaluationImpossible
from models.evaluate.charts import new_figure
from models.evaluate.embedded import Embedded
from models.evaluate.learners import (
    compactness,
    converges,
    gaussian_mixture,
    k_means,
    main_components,
    one_thread,
)
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.similarities import check_systems
from models.evaluate.targets import (
    ClassTarget,
    Doubles,
    Indices,
    class_target,
    class_values,
    fault_note,
    row_weights,
)
from models.metrics.bootstrap import Estimate, Resampling, summarise
from models.metrics.classification import accuracy, weighted_estimate
from models.metrics.clusters import ceiling, floor, matched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TRACKS = 5
SEEDS = 10
PAPER_COUNTS = (7, 10)
INDEX_COUNTS = tuple(range(2, 13))
K_MEANS = "K-Means"
GMM = "GMM"
ALGORITHMS = (K_MEANS, GMM)
ACCURACIES = tuple(f"{algorithm} accuracy" for algorithm in ALGORITHMS)
DEVIATIONS = tuple(f"{algorithm} sd over seeds" for algorithm in ALGORITHMS)
INDICES = ("silhouette", "Calinski–Harabasz", "Davies–Bouldin")
INDICES_TASK = "K-Means at its best silhouette"
RANDOM_WIDTH = 64
NOTES = (
    (
        "Accuracy is the share of tracks that lie in the cluster paired with their class, in the best pairing of "
        "clusters and classes (the Hungarian method); tracks of classes without a cluster count as wrong. It is "
        "the mean over seeds. K-Means takes the vectors as they are; the mixture has diagonal covariances (ridge "
        "1e-6) and sees the principal components that hold 95 % of the variance."
    ),
    (
        "A dimension's classes are its tags, of tracks that have exactly one of them; only these tracks are "
        "clustered. No split is needed, since no label is shown; but a system that learnt from labels of these "
        "very tracks has an advantage here."
    ),
    (
        "`random` are the clusters of noise; `worst` is what clusters have that hold all classes alike. The "
        "indices depend on the number of dimensions, so they tell how many clusters a system has, not which is "
        "better. Intervals (95 %) come from resampling tracks under clusters and pairs as they were found."
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Clusterings:
    """Clusters of one system, each found once."""

    vectors: Doubles
    components: dict[bytes, Doubles] = field(default_factory=dict)
    found: dict[tuple[bytes, str, int, int], Indices] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def clusters(self, rows: Indices, algorithm: str, count: int, seed: int) -> Indices:
        """(rows,) numbers of clusters."""
        key = (rows.tobytes(), algorithm, count, seed)
        if key not in self.found:
            mixture = algorithm == GMM
            learner = (gaussian_mixture if mixture else k_means)(count, seed)
            vectors = self._main_components(rows) if mixture else self.vectors[rows]
            if not converges(learner, vectors):
                self.faults.append(algorithm)
            self.found[key] = learner.predict(vectors)
        return self.found[key]

    def _main_components(self, rows: Indices) -> Doubles:
        key = rows.tobytes()
        if key not in self.components:
            vectors = self.vectors[rows]
            self.components[key] = main_components().fit(vectors).transform(vectors)
        return self.components[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A dimension's classes against a number of clusters, on some tracks."""

    target: ClassTarget
    rows: Indices
    weights: Doubles
    count: int

    @property
    def name(self) -> str:
        return f"{self.target.name}, {self.count} clusters"

    @property
    def truth(self) -> Indices:
        return self.target.labels[self.rows]

    def shares(self, clusterings: _Clusterings, seeds: int) -> dict[str, Doubles]:
        """(seeds, 1 + draws) accuracies by algorithm."""
        return {
            algorithm: np.stack([self._share(clusterings, algorithm, seed) for seed in range(seeds)])
            for algorithm in ALGORITHMS
        }

    def _share(self, clusterings: _Clusterings, algorithm: str, seed: int) -> Doubles:
        clusters = clusterings.clusters(self.rows, algorithm, self.count, seed)
        return accuracy(matched(clusters, self.truth), self.weights)


def evaluate_clustering(
    dataset: Dataset,
    systems: Sequence[Embedded],
    resampling: Resampling,
    *,
    dimensions: Sequence[str] = TAG_DIMENSIONS,
    group_by_origin: bool = False,
    split: str = "",
    least: int = LEAST_TRACKS,
    seeds: int = SEEDS,
) -> Report:
    """Cluster the complete spaces of systems.

    Each dimension is held against as many clusters as it has classes, and against PAPER_COUNTS.

    Args:
        dataset: N tracks.
        systems: Their vectors.
        resampling: Of the intervals.
        dimensions: Of TAG_DIMENSIONS, of which clusters are held against the classes.
        group_by_origin: Resample whole origins instead of tracks.
        split: Which tracks are clustered; empty for all.
        least: Tracks that a class needs.
        seeds: Clusterings whose accuracy is averaged.

    Raises:
        EvaluationImpossible: There are fewer tracks than clusters, or a system does not fit the dataset.
    """
    check_systems(dataset, systems)
    rows = np.array([row for row, track in enumerate(dataset.tracks) if split in {"", track.split}], np.intp)
    if len(rows) <= max(INDEX_COUNTS):
        raise EvaluationImpossible(f"{len(rows)} tracks are too few for up to {max(INDEX_COUNTS)} clusters.")
    tasks: list[_Task] = []
    for target in _targets(dataset, rows, dimensions, least):
        known = rows[target.known[rows]]
        weights = row_weights(dataset, known, resampling, group_by_origin=group_by_origin)
        tasks += _tasks(target, known, weights)
    noise = np.random.default_rng(resampling.seed).normal(size=(len(dataset), RANDOM_WIDTH)).astype(np.float32)
    every = (*systems, Embedded(RANDOM, noise, metric="euclidean"))
    found = {one.system: _Clusterings(one.vectors.astype(np.float64)) for one in every}
    table = []
    with one_thread():
        for task in tasks:
            shares = {name: task.shares(parts, seeds) for name, parts in found.items()}
            table += [*_accuracies(task, shares), _worst(task)]
        curves = {name: _curves(parts, rows) for name, parts in found.items()}
    draws = row_weights(dataset, rows, resampling, group_by_origin=group_by_origin)
    table += [_index_row(name, curve[K_MEANS], draws) for name, curve in curves.items()] + [_worst_indices(draws)]
    return Report(
        "clustering",
        "Clusters against classes",
        {
            "dataset": dataset.name,
            "split": split or "all tracks",
            "tracks": {"indices": len(rows)} | {task.target.name: len(task.rows) for task in tasks},
            "seeds": seeds,
            "clusters at the best silhouette": {name: _best(curve[K_MEANS]) for name, curve in curves.items()},
            "resampled": "origins" if group_by_origin else "tracks",
            "resamples": resampling.replicates,
            "seed": resampling.seed,
        },
        tuple(table),
        (*NOTES, *_ceilings(tasks), *fault_note(sum(len(parts.faults) for parts in found.values()))),
        frozenset({INDICES[2], *DEVIATIONS}),
        {"indices": _index_chart({one.system: curves[one.system] for one in systems})},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Indices:
    """(N,) silhouettes, Calinski–Harabasz and Davies–Bouldin of one clustering."""

    silhouettes: Doubles
    calinski_harabasz: float
    davies_bouldin: float

    @property
    def values(self) -> tuple[float, float, float]:
        """In the order of INDICES."""
        return float(self.silhouettes.mean()), self.calinski_harabasz, self.davies_bouldin


_Curve = Mapping[int, _Indices]


def _targets(dataset: Dataset, rows: Indices, dimensions: Sequence[str], least: int) -> Iterator[ClassTarget]:
    values = class_values(dataset)
    targets = (class_target(dimension, values[dimension], [rows], least) for dimension in dimensions)
    return (target for target in targets if target is not None)


def _tasks(target: ClassTarget, rows: Indices, weights: Doubles) -> Iterator[_Task]:
    for count in sorted({len(target.classes), *PAPER_COUNTS}):
        if count < len(rows):
            yield _Task(target, rows, weights, count)


def _accuracies(task: _Task, shares: Mapping[str, Mapping[str, Doubles]]) -> Iterator[Row]:
    count = len(task.rows)
    for name, by_algorithm in shares.items():
        means = [weighted_estimate(found.mean(0), count) for found in by_algorithm.values()]
        spread = [_without_interval(float(found[:, 0].std()), task.weights) for found in by_algorithm.values()]
        figures = dict(zip((*ACCURACIES, *DEVIATIONS), (*means, *spread), strict=True))
        yield Row(task.name, name, COMPLETE, figures)


def _worst(task: _Task) -> Row:
    lowest = np.full(len(task.weights), floor(len(task.target.classes), task.count))
    figures = dict.fromkeys(ACCURACIES, weighted_estimate(lowest, len(task.rows)))
    unknown = dict.fromkeys(DEVIATIONS, _without_interval(float("nan"), task.weights))
    return Row(task.name, WORST, COMPLETE, figures | unknown)


def _ceilings(tasks: Sequence[_Task]) -> Iterator[str]:
    """Where clusters are too few for the classes, what is the best that they could do."""
    for task in tasks:
        classes = len(task.target.classes)
        if task.count < classes:
            reach = ceiling(task.truth, task.count)
            yield f"{task.name} cannot match all of {classes} classes: {reach:.3f} is the best accuracy possible."


def _curves(parts: _Clusterings, rows: Indices) -> dict[str, _Curve]:
    vectors = parts.vectors[rows]
    return {
        algorithm: {
            count: _Indices(*compactness(vectors, parts.clusters(rows, algorithm, count, 0)))
            for count in INDEX_COUNTS
        }
        for algorithm in ALGORITHMS
    }


def _best(curve: _Curve) -> int:
    return max(curve, key=lambda count: np.nan_to_num(curve[count].values[0], nan=-1))


def _index_row(name: str, curve: _Curve, weights: Doubles) -> Row:
    best = curve[_best(curve)]
    mean = weights @ best.silhouettes / weights.sum(1)
    unsure = [_without_interval(value, weights) for value in best.values[1:]]
    figures = (weighted_estimate(mean, weights.shape[1]), *unsure)
    return Row(INDICES_TASK, name, COMPLETE, dict(zip(INDICES, figures, strict=True)))


def _worst_indices(weights: Doubles) -> Row:
    """Davies–Bouldin has no upper end."""
    figures = (_without_interval(value, weights) for value in (-1.0, 0.0, float("nan")))
    return Row(INDICES_TASK, WORST, COMPLETE, dict(zip(INDICES, figures, strict=True)))


def _without_interval(value: float, weights: Doubles) -> Estimate:
    return summarise(value, np.full(len(weights) - 1, np.nan), weights.shape[1])


def _index_chart(curves: Mapping[str, Mapping[str, _Curve]]) -> "Figure":
    """One panel for each algorithm and index, one line per system."""
    figure = new_figure(11, 6)
    panels = figure.subplots(len(ALGORITHMS), len(INDICES), sharex=True, squeeze=False)
    for place, algorithm in enumerate(ALGORITHMS):
        for name, by_algorithm in curves.items():
            curve = by_algorithm[algorithm]
            for panel, values in zip(
                panels[place], zip(*(found.values for found in curve.values()), strict=True), strict=True
            ):
                panel.plot(list(curve), values, marker=".", label=name)
        for panel, index in zip(panels[place], INDICES, strict=True):
            panel.set_title(f"{algorithm}: {index}", fontsize="medium")
    for panel in panels[-1]:
        panel.set_xlabel("clusters")
    panels[0, 0].legend(fontsize="x-small")
    return figure
