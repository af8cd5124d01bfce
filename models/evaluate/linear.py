"""Linear probes: penalties are chosen on validation, what is tested was fitted on train and validation alone.

Paper 000 (Kim and Liem 2022), downstream tasks: standardised vectors, logistic regression, C drawn log-uniformly
from 1e-4 to 1e4, the best draw on validation refitted on train and validation, several runs. The paper draws 64
times in a run, we 16 times by default; and we fit all C in rising order, each from the solution before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.evaluate.embedded import Floats
from models.evaluate.learners import Numbers, classifier, converges, one_thread, regressor, scaler
from models.evaluate.targets import Bools, Doubles, Indices, Sides
from models.metrics.classification import balanced_accuracy, macro_f1, mean_known, rank_quality

LOWEST_C = 1e-4
HIGHEST_C = 1e4
TAG_C = tuple(10.0**exponent for exponent in range(-4, 3))
RIDGE_PENALTIES = tuple(10.0**exponent for exponent in range(-2, 7))

Weight = Literal["balanced"] | None


@dataclass(frozen=True, slots=True)
class Search:
    """How the penalty of a class probe is looked for.

    Attributes:
        draws: Of C, in each run; the paper has 64.
        runs: Searches with other draws, whose measures are averaged.
        seed: Of the draws.
    """

    draws: int = 16
    runs: int = 5
    seed: int = 0

    def inverse_penalties(self) -> Doubles:
        """(runs, draws) C, log-uniform from LOWEST_C to HIGHEST_C."""
        low, high = np.log(LOWEST_C), np.log(HIGHEST_C)
        drawn: Doubles = np.exp(np.random.default_rng(self.seed).uniform(low, high, (self.runs, self.draws)))
        return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What a probe says of the test tracks.

    Attributes:
        runs: (runs, test tracks) numbers of classes, or (1, test tracks, …) numbers.
        unconverged: Fits that had not converged when they were ended.
    """

    runs: NDArray[np.generic]
    unconverged: int = 0


def predict_classes(
    features: Floats, labels: Indices, sides: Sides, search: Search, weight: Weight = None
) -> Predicted:
    """Fit class probes and ask them for the test tracks.

    Args:
        features: (N, D) vectors.
        labels: (N,) classes from 0; those of test tracks are never read.
        sides: Tracks whose class is known, none empty.
        search: For C.
        weight: ``balanced`` weighs classes alike and chooses C by balanced accuracy instead of macro-F1.
    """
    measure = balanced_accuracy if weight else macro_f1
    expected, once = labels[sides.validation], np.ones((1, len(sides.validation)))
    classes = int(labels[sides.fitting].max()) + 1
    penalties = search.inverse_penalties()
    tried, faults = _classes(_Fit.of(features, sides.train, sides.validation), labels, penalties.ravel(), weight)
    quality = {c: measure(said, expected, classes, once)[0] for c, said in tried.items()}
    best = [max(sorted(run), key=quality.__getitem__) for run in penalties.tolist()]
    final, more = _classes(_Fit.of(features, sides.fitting, sides.test), labels, best, weight)
    return Predicted(np.stack([final[c] for c in best]), faults + more)


def score_tags(features: Floats, positive: Bools, sides: Sides) -> tuple[Doubles, int]:
    """One logistic regression per tag, one C of TAG_C for all by macro ROC-AUC on validation.

    Args:
        features: (N, D) vectors.
        positive: (N, tags); rows of test tracks are never read.
        sides: Tracks whose tags are known, none empty.

    Returns:
        (test tracks, tags) log-odds, and the number of fits that did not converge.
    """
    tried, faults = _log_odds(_Fit.of(features, sides.train, sides.validation), positive, TAG_C)
    quality = [_macro_roc_auc(scores, positive[sides.validation]) for scores in tried]
    best = TAG_C[int(np.argmax(np.nan_to_num(quality)))]
    final, more = _log_odds(_Fit.of(features, sides.fitting, sides.test), positive, [best])
    return final[0], faults + more


def predict_numbers(features: Floats, numbers: Doubles, sides: Sides) -> Predicted:
    """Ridge regression, its penalty of RIDGE_PENALTIES by the squared error on validation.

    Args:
        features: (N, D) vectors.
        numbers: (N,) or (N, K); those of test tracks are never read.
        sides: Tracks whose numbers are known, none empty.
    """
    expected = numbers[sides.validation]
    trial, final = _Fit.of(features, sides.train, sides.validation), _Fit.of(features, sides.fitting, sides.test)
    errors = [((_numbers(trial, numbers, penalty) - expected) ** 2).mean() for penalty in RIDGE_PENALTIES]
    return Predicted(_numbers(final, numbers, RIDGE_PENALTIES[int(np.argmin(errors))])[None])


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Vectors to learn from and vectors to be asked about, standardised by the former.

    Attributes:
        rows: Numbers of the tracks that are learnt from.
        known: (rows, D).
        asked: (others, D).
    """

    rows: Indices
    known: Doubles
    asked: Doubles

    @classmethod
    def of(cls, features: Floats, rows: Indices, asked: Indices) -> "_Fit":
        scale = scaler().fit(features[rows].astype(np.float64))
        return cls(rows, *(scale.transform(features[some].astype(np.float64)) for some in (rows, asked)))


def _classes(
    fit: _Fit, labels: Indices, penalties: Sequence[float] | Doubles, weight: Weight
) -> tuple[dict[float, Indices], int]:
    """(asked,) classes by C, and how many fits did not converge."""
    learner, said, faults = classifier(weight), {}, 0
    with one_thread():
        for c in sorted(map(float, penalties)):
            faults += not converges(learner.set_params(C=c), fit.known, labels[fit.rows])
            said[c] = learner.predict(fit.asked)
    return said, faults


def _log_odds(fit: _Fit, positive: Bools, penalties: Sequence[float]) -> tuple[Doubles, int]:
    """(penalties, asked, tags) log-odds by rising C, and how many fits did not converge."""
    odds, faults = np.empty((len(penalties), len(fit.asked), positive.shape[1])), 0
    with one_thread():
        for tag, has in enumerate(positive[fit.rows].T):
            learner = classifier()
            for place, c in enumerate(penalties):
                faults += not converges(learner.set_params(C=c), fit.known, has)
                odds[place, :, tag] = learner.decision_function(fit.asked)
    return odds, faults


def _numbers(fit: _Fit, numbers: Doubles, penalty: float) -> Doubles:
    labels: Numbers = numbers[fit.rows]
    with one_thread():
        return regressor(penalty).fit(fit.known, labels).predict(fit.asked)


def _macro_roc_auc(scores: Doubles, positive: Bools) -> float:
    once = np.ones((1, len(scores)))
    tags = [rank_quality(scores[:, tag], has, once).roc_auc for tag, has in enumerate(positive.T)]
    return float(mean_known(np.array(tags).T)[0])
