"""How right are the estimators: tempo and key against exact labels, instrument families against the ensemble.

Tempo: accuracy 1 and 2 (Gouyon et al. 2006), the estimate within a tolerance of the truth, or of it times 3, 2, 1/2
or 1/3. A hit is one of ``mir_eval.tempo.detection``, with 4 % (as usual for these accuracies) and with its default
of 8 %. Key: ``mir_eval.key.weighted_score`` (MIREX), and the share that is wholly right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible, ToolMissing
from models.evaluate.family_hearing import Scores as FamilyScores
from models.evaluate.family_hearing import family_rows
from models.evaluate.report import COMPLETE, RANDOM, WORST, Report, Row
from models.evaluate.system import Measured
from models.metrics.bootstrap import Estimate, Indices, Resampling, estimate_mean

OCTAVE_FACTORS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
TOLERANCES = {"4 %": 0.04, "8 %": 0.08}
CONSTANT = "constant guess"
FAMILY_NOTE = (
    "Instrument families: ROC-AUC of a tagger's words for each family. A mean is over the families that the tagger "
    "has words for, so means of different vocabularies are not of the same thing."
)

Doubles = NDArray[np.float64]
Scores = Mapping[str, Doubles]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What one estimator said of N tracks.

    Attributes:
        name: Of the estimator.
        tempi_bpm: (N,), 0 where it gave none.
        keys: (N,), empty where it gave none.
    """

    name: str
    tempi_bpm: Doubles
    keys: Sequence[str]


def estimates_of(name: str, measured: Sequence[Measured]) -> Estimates:
    """What ``EstimatorSystem.measure`` kept, as arrays."""
    tempi = np.array([float(track["tempo_bpm"]) for track in measured])
    return Estimates(name, tempi, [str(track["key"]) for track in measured])


def evaluate_estimators(
    dataset: Dataset,
    estimates: Sequence[Estimates],
    resampling: Resampling,
    *,
    taggers: Mapping[str, FamilyScores] | None = None,
) -> Report:
    """Tempo and key of estimators, and instrument families of taggers, against a dataset's labels.

    The baselines: RANDOM gives each track the truth of another one; CONSTANT gives all the commonest key and the
    median tempo.

    Args:
        dataset: N tracks.
        estimates: (N,) in the dataset's order, each.
        resampling: Of the tracks.
        taggers: What each heard of instrument families, by name.

    Raises:
        EvaluationImpossible: No track has a tempo, nor one a key, nor is there a family that a tagger knows.
        ToolMissing: mir_eval is not installed.
    """
    rows = (
        *_tempo_rows(dataset, estimates, resampling),
        *_key_rows(dataset, estimates, resampling),
        *family_rows(dataset, taggers or {}, resampling),
    )
    if not rows:
        raise EvaluationImpossible(
            f"No track of {dataset.name} has a tempo_bpm or a key to compare estimates with, and no tagger that "
            "takes part has a word for its instruments."
        )
    facts = {
        "dataset": dataset.name,
        "tracks": len(dataset),
        "with tempo": sum(track.tempo_bpm is not None for track in dataset.tracks),
        "with key": sum(track.key is not None for track in dataset.tracks),
    }
    notes = (
        "“any octave” also takes double, half, triple and a third of the true tempo for right (accuracy 2).",
        "A track to which an estimator gives no tempo or no key counts as wrong.",
        FAMILY_NOTE,
    )
    return Report("estimators", "Tempo and key estimators against the truth", facts, rows, notes)


def tempo_scores(truth_bpm: Doubles, found_bpm: Doubles) -> Scores:
    """(N,) 0 or 1 by measure."""
    return {
        f"{name}, {tolerance}": np.array(
            [_tempo_hit(*pair, factors, share) for pair in zip(truth_bpm, found_bpm, strict=True)], np.float64
        )
        for tolerance, share in TOLERANCES.items()
        for name, factors in (("accuracy 1", (1.0,)), ("accuracy 2 (any octave)", OCTAVE_FACTORS))
    }


def key_scores(truth: Sequence[str], found: Sequence[str]) -> Scores:
    """(N,) 0 to 1 by measure."""
    score = _weighted_score()
    pairs = list(zip(truth, found, strict=True))
    return {
        "weighted score": np.array([score(one, other) if other else 0.0 for one, other in pairs]),
        "accuracy": np.array([float(one == other) for one, other in pairs]),
        "tonic": np.array([float(one.split()[:1] == other.split()[:1]) for one, other in pairs]),
    }


def _tempo_rows(dataset: Dataset, estimates: Sequence[Estimates], resampling: Resampling) -> list[Row]:
    tempi = np.array([track.tempo_bpm or 0.0 for track in dataset.tracks])
    labelled = np.flatnonzero(tempi)
    truth = tempi[labelled]
    if not len(truth):
        return []
    found = {one.name: one.tempi_bpm[labelled] for one in estimates}
    found |= {CONSTANT: np.full(len(truth), np.median(truth)), RANDOM: truth[_shuffled(len(truth), resampling)]}
    scores = {name: tempo_scores(truth, tempo) for name, tempo in found.items()}
    return _rows("tempo", scores, resampling)


def _key_rows(dataset: Dataset, estimates: Sequence[Estimates], resampling: Resampling) -> list[Row]:
    labelled = [number for number, track in enumerate(dataset.tracks) if track.key is not None]
    truth = [key for track in dataset.tracks if (key := track.key) is not None]
    if not truth:
        return []
    found = {one.name: [one.keys[number] for number in labelled] for one in estimates}
    commonest = max(sorted(set(truth)), key=truth.count)
    shuffled = [truth[number] for number in _shuffled(len(truth), resampling)]
    found |= {CONSTANT: [commonest] * len(truth), RANDOM: shuffled}
    return _rows("key", {name: key_scores(truth, keys) for name, keys in found.items()}, resampling)


def _rows(task: str, scores: Mapping[str, Scores], resampling: Resampling) -> list[Row]:
    count = len(next(iter(next(iter(scores.values())).values())))
    draws = resampling.draws(count)
    figures = {name: _figures(found, draws) for name, found in scores.items()}
    worst = {measure: np.zeros(count) for measure in next(iter(scores.values()))}
    return [Row(task, name, COMPLETE, found) for name, found in (figures | {WORST: _figures(worst, draws)}).items()]


def _figures(scores: Scores, draws: list[Indices]) -> dict[str, Estimate]:
    return {measure: estimate_mean(values, draws) for measure, values in scores.items()}


def _shuffled(count: int, resampling: Resampling) -> Indices:
    return np.random.default_rng(resampling.seed).permutation(count)


def _tempo_hit(truth_bpm: float, found_bpm: float, factors: Sequence[float], tolerance: float) -> bool:
    detection = _tempo_detection()
    found = np.array([found_bpm, 0.0])
    return found_bpm > 0 and any(
        detection(np.array([truth_bpm * factor, 0.0]), 1.0, found, tolerance)[1] for factor in factors
    )


def _tempo_detection() -> Callable[..., tuple[float, bool, bool]]:
    try:
        from mir_eval.tempo import detection  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise _missing() from error
    found: Callable[..., tuple[float, bool, bool]] = detection
    return found


def _weighted_score() -> Callable[[str, str], float]:
    try:
        from mir_eval.key import weighted_score  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise _missing() from error
    found: Callable[[str, str], float] = weighted_score
    return found


def _missing() -> ToolMissing:
    return ToolMissing("Estimators are scored by mir_eval: pip install 'soundkin[evaluation]'.")
