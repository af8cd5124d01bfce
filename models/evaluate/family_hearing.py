"""Do taggers hear which instruments play? ROC-AUC of their words for instrument families, against exact labels."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.datasets.track import Dataset
from models.evaluate.report import COMPLETE, RANDOM, WORST, Row
from models.evaluate.system import Measured
from models.metrics.bootstrap import Estimate, Resampling
from models.metrics.classification import Bools, Doubles, draw_weights, mean_known, rank_quality, weighted_estimate
from models.taggers.families import tagger_families

TASK = "instrument family"
MACRO = "macro AUC"
MIN_TRACKS = 5
"""Tracks that a family needs to be asked about."""

Scores = Mapping[str, Doubles]


def family_scores(measured: Sequence[Measured], tags: Sequence[str]) -> Scores:
    """What ``TaggerSystem.measure`` kept of N tracks → (N,) scores by family, for those that it has words for."""
    found = tagger_families(np.stack([track["probabilities"] for track in measured]).astype(np.float32), tags)
    return {family: score.astype(np.float64) for family, score in found.items()}


def family_rows(dataset: Dataset, heard: Mapping[str, Scores], resampling: Resampling) -> list[Row]:
    """AUC by family and their mean, by tagger; a family that a tagger has no word for is left open.

    A score is for ranking tracks: which of two is more likely played by the family. RANDOM is the truth of another
    track. Empty where no family is labelled often enough.
    """
    families = [family for family, count in _counts(dataset).items() if _asked(count, heard, family, dataset)]
    if not families:
        return []
    truth = {family: _positive(dataset, family) for family in families}
    shuffled = np.random.default_rng(resampling.seed).permutation(len(dataset))
    by_system: dict[str, Scores] = {
        **heard,
        RANDOM: {family: positive[shuffled].astype(np.float64) for family, positive in truth.items()},
        WORST: {family: (~positive).astype(np.float64) for family, positive in truth.items()},
    }
    weights = draw_weights(resampling.draws(len(dataset)), len(dataset))
    return [Row(TASK, name, COMPLETE, _figures(scores, truth, weights)) for name, scores in by_system.items()]


def _counts(dataset: Dataset) -> dict[str, int]:
    families = sorted({tag for track in dataset.tracks for tag in track.tags.get("instrument", ())})
    return {family: int(_positive(dataset, family).sum()) for family in families}


def _asked(count: int, heard: Mapping[str, Scores], family: str, dataset: Dataset) -> bool:
    named = any(family in scores for scores in heard.values())
    return named and MIN_TRACKS <= count <= len(dataset) - MIN_TRACKS


def _positive(dataset: Dataset, family: str) -> Bools:
    return np.array([family in track.tags.get("instrument", ()) for track in dataset.tracks])


def _figures(scores: Scores, truth: Mapping[str, Bools], weights: Doubles) -> dict[str, Estimate]:
    """(R,) AUC of each family, NaN where there is no score, and the mean of those there are."""
    nothing = np.full(len(weights), np.nan)
    areas = {
        family: rank_quality(scores[family], positive, weights).roc_auc if family in scores else nothing
        for family, positive in truth.items()
    }
    by_measure = {MACRO: mean_known(np.stack(list(areas.values()), 1)), **areas}
    return {measure: weighted_estimate(values, weights.shape[1]) for measure, values in by_measure.items()}
