"""What judgements of results say about weights. Pure NumPy, no IO.

Somebody who marks one of several tracks as liked chose it among them: so conditional logit (McFadden 1974) models
it, the many-way form of the comparison of pairs by Bradley and Terry (1952). Joachims (2002) reads clicks in search
results in this way: relative to what was seen beside, never absolutely.

    u_i      = β Σ_f w_f z_if
    P(liked) = exp u_i / (exp u_i + Σ_j exp u_j)      over the tracks j shown and not liked
    P(disliked): the same of -u (best-worst choice, Marley and Louviere 2005)

A feature f is all that a query can weigh by itself: a space of one of its references, or a tag; z_if is the
similarity of track i to that reference in that space, or to the tag. The weights of all features are estimated
together, so that a judgement moves whichever explains it. The proposal maximises Σ log P - ½ ‖w - old‖² / σ²: each
judgement counts once, however many tracks were shown beside, and what the judgements leave open stays as it was.
Weights keep their sign; a contrast may vanish, not turn.

Axis letters: N tracks, F features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_DECISION = 2.0
"""β: a similarity higher by one deviation, in a feature of weight 1, makes a track e² times as likely."""

_DEVIATION = 1.0
"""σ: so far the weights that people mean lie from those they asked with, of which the largest is 1."""

_STEPS = 100
_ENOUGH = 1e-8
_SHORTEST = 1e-10
_SUFFICIENT = 1e-4


@dataclass(frozen=True, slots=True)
class Round:
    """What was shown at one time, and what was thought of it.

    Attributes:
        numbers: (N,) which tracks these are: those shown, and those judged.
        similarities: (N, F) in deviations.
        liked: (N,) which are liked in this round.
        disliked: (N,) which are disliked in this round; never both.
    """

    numbers: NDArray[np.int64]
    similarities: Doubles
    liked: NDArray[np.bool_]
    disliked: NDArray[np.bool_]

    @property
    def judgements(self) -> int:
        """How many marks there are."""
        return int(self.liked.sum() + self.disliked.sum())


@dataclass(frozen=True, slots=True)
class Proposal:
    """Weights that fit the judgements.

    Attributes:
        weights: (F,) of magnitude 1 at most, and the largest exactly; those given where there is nothing to learn.
        certainty: 0 to 1: the cosine that is to be expected between these weights and the ones that are meant; 0
            where there is nothing to learn.
    """

    weights: Doubles
    certainty: float


def propose(old: Doubles, rounds: Sequence[Round], contrasts: NDArray[np.bool_] | None = None) -> Proposal:
    """Estimate weights.

    Args:
        old: (F,) weights that were asked with first, at least one of them not zero.
        rounds: Everything that was shown and judged; their order does not matter.
        contrasts: (F,) which weights are zero or less; left out, those that are less now.
    """
    signs = np.where(old < 0 if contrasts is None else contrasts, -1.0, 1.0)
    prior = np.abs(old) / np.abs(old).max()
    likes = _choices(rounds, [each.liked for each in rounds], signs)
    dislikes = _choices(rounds, [each.disliked for each in rounds], -signs)
    choices = [*likes, *dislikes]
    found = _maximise(prior, choices)
    size = found.max()
    if not choices or size < _ENOUGH:
        return Proposal(signs * prior, 0.0)
    return Proposal(signs * found / size, _expected_cosine(found, prior, choices))


def _choices(rounds: Sequence[Round], marks: Sequence[NDArray[np.bool_]], signs: Doubles) -> Iterator[Doubles]:
    """Yield (N, F) for each mark: how far, times the signs, the tracks beside are ahead of the one that is marked.

    A track that was judged alike in another round does not stand for what was passed over. Where nothing was, there
    was no choice.
    """
    alike = [each.numbers[judged] for each, judged in zip(rounds, marks, strict=True)]
    for each, judged in zip(rounds, marks, strict=True):
        others = ~np.isin(each.numbers, np.concatenate(alike))
        for place in np.flatnonzero(judged & others.any()):
            yield (each.similarities[others] - each.similarities[place]) * signs


def _cost(weights: Doubles, prior: Doubles, choices: Sequence[Doubles]) -> tuple[float, Doubles, Doubles]:
    """Return minus the logarithm of the posterior, its gradient (F,) and its Hessian (F, F)."""
    step = (weights - prior) / _DEVIATION**2
    cost = float(step @ (weights - prior)) / 2
    gradient, hessian = step, np.eye(len(weights)) / _DEVIATION**2
    for leads in choices:
        ahead = _DECISION * (leads @ weights)
        highest = max(0.0, float(ahead.max(initial=0.0)))
        odds = np.exp(ahead - highest)
        total = odds.sum() + np.exp(-highest)
        shares = odds / total
        mean = shares @ leads
        cost += highest + float(np.log(total))
        gradient = gradient + _DECISION * mean
        spread = (leads.T * shares) @ leads - np.outer(mean, mean)
        hessian = hessian + _DECISION**2 * spread
    return cost, gradient, hessian


def _maximise(prior: Doubles, choices: Sequence[Doubles]) -> Doubles:
    """Return the (F,) weights, none negative, of the highest posterior: projected Newton steps (Bertsekas 1982).

    The cost is strictly convex, so there is one best place.
    """
    weights = prior.copy()
    cost, gradient, hessian = _cost(weights, prior, choices)
    for _ in range(_STEPS):
        free = (weights > 0) | (gradient < 0)
        if np.abs(gradient[free]).max(initial=0.0) < _ENOUGH:
            break
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        length, aim = 1.0, cost
        while length > _SHORTEST:
            tried = np.maximum(0.0, weights - length * step)
            aim = cost - _SUFFICIENT * float(gradient @ (weights - tried))
            if (reached := _cost(tried, prior, choices))[0] <= aim:
                weights, (cost, gradient, hessian) = tried, reached
                break
            length /= 2
        else:
            break
    return weights


def _expected_cosine(weights: Doubles, prior: Doubles, choices: Sequence[Doubles]) -> float:
    """Return the cosine to be expected between the estimate and what is meant, by Laplace's approximation.

    What is meant deviates from the estimate as the inverse Hessian says. The part d of that across the estimate's
    own direction turns it: cos = 1 / √(1 + |d|² / |w|²).
    """
    _, _, hessian = _cost(weights, prior, choices)
    length = float(np.linalg.norm(weights))
    across = np.eye(len(weights)) - np.outer(weights, weights) / length**2
    turned = float(np.trace(across @ np.linalg.inv(hessian) @ across))
    return float(1 / np.sqrt(1 + turned / length**2))
