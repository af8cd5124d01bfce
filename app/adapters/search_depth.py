"""How many candidates codes must name, for the best of all to be among them as often as is wanted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.adapters.weight_patterns import PATTERNS, REFERENCES, alone, queries
from app.database import Numbers
from app.domain import Vectors

LENGTHS = (10, 100, 1000)
"""Lengths of answers at which depth is measured; in between it follows a line."""

DEEPEST = 16_384
"""Candidates beyond which looking at everything is the quicker way."""

_QUERIES = 48
"""Of each pattern."""

_DEEPER = 1.5
"""So many times as deep as the sample needs one looks, since it is a sample."""

_FEWEST = 16
"""With fewer queries nothing is known."""

_SHALLOWEST = 64

_MARGIN = 0.8
"""Part of what the target allows to miss that is not used up: the sample is small."""

Best = Callable[[Vectors, int], Numbers]
"""Gives the k best positions for a query, best first."""

Draw = Callable[[int, slice], tuple[Numbers, Vectors]]


@dataclass(frozen=True, slots=True)
class Depth:
    """What one part of the codes needs.

    Attributes:
        needed: Candidates for answers of each of the ``LENGTHS``.
        recall: Share of the best that was among them, of the pattern and length that fared worst.
    """

    needed: Sequence[int]
    recall: float

    def candidates(self, k: int) -> int | None:
        """Return how many candidates the k best take; ``None`` where looking at everything is quicker."""
        beyond = max(1.0, k / LENGTHS[-1])
        count = max(k, round(beyond * float(np.interp(k, LENGTHS, self.needed))))
        return None if count > DEEPEST else count


def measure_depths(
    parts: Sequence[Best],
    spaces: Sequence[slice],
    draw: Draw,
    truth: Best,
    *,
    recall: float,
    generator: np.random.Generator,
) -> Sequence[Depth | None]:
    """Try every pattern of weights on stored tracks, and say for each part of the codes what it needs.

    Args:
        parts: What names candidates: all spaces together, then each by itself where there are several.
        spaces: Where each space stands in a vector.
        draw: Gives positions and vectors of so many tracks that have something in some dimensions.
        truth: Finds the best exactly.
        recall: Share of the best that is to be found with every pattern.
        generator: Draws weights.

    Returns:
        For each part; ``None`` where even ``DEEPEST`` candidates do not do, or too few tracks are there to tell.
    """
    count = _QUERIES * REFERENCES
    positions, vectors = draw(count, slice(None))
    asked = [(positions, [queries(pattern, vectors, spaces, generator) for pattern in PATTERNS])]
    for space in spaces[: len(parts) - 1]:
        positions, vectors = draw(count, space)
        asked.append((positions, [alone(space, vectors)]))
    return [
        _depth(named, truth, positions.reshape(-1, REFERENCES), patterns, recall)
        for named, (positions, patterns) in zip(parts, asked, strict=True)
    ]


def _depth(named: Best, truth: Best, own: Numbers, patterns: Sequence[Vectors], recall: float) -> Depth | None:
    """Choose the depth by every other query, and tell the recall by the rest."""
    ranks = [list(_ranks(named, truth, asked, own)) for asked in patterns]
    if min(map(len, ranks)) < _FEWEST:
        return None
    chosen, told = [np.stack(each[::2]) for each in ranks], [np.stack(each[1::2]) for each in ranks]
    wanted = 1 - (1 - recall) * (1 - _MARGIN)
    needed = [max(_SHALLOWEST, *(_reaching(each[:, :length], wanted) for each in chosen)) for length in LENGTHS]
    if needed[0] > DEEPEST:
        return None
    return Depth(needed, min(_reached(each, needed) for each in told))


def _reached(ranks: Numbers, needed: Sequence[int]) -> float:
    """Return the share of the best among the candidates, for the length that fared worst of those in use."""
    in_use = [(length, depth) for length, depth in zip(LENGTHS, needed, strict=True) if depth <= DEEPEST]
    return min(float((ranks[:, :length] < depth).mean()) for length, depth in in_use)


def _ranks(named: Best, truth: Best, asked: Vectors, own_of: Numbers) -> Iterator[Numbers]:
    """Yield for each query where among the named the truly best stand, but for the tracks that it asks with.

    Left out are queries that ask for nothing: their tracks are absent in the spaces that they weigh.
    """
    for query, own in zip(asked, own_of, strict=True):
        if not query.any():
            continue
        true = truth(query, LENGTHS[-1] + len(own))
        true = true[~np.isin(true, own)][: LENGTHS[-1]]
        order = named(query, DEEPEST)
        yield _rank_of(true, order)


def _rank_of(wanted: Numbers, order: Numbers) -> Numbers:
    """Return where in an order each of the wanted stands; beyond ``DEEPEST`` where it does not."""
    if not len(order):
        return np.full(len(wanted), DEEPEST + 1)
    by_position = np.argsort(order)
    places = np.minimum(np.searchsorted(order, wanted, sorter=by_position), len(order) - 1)
    ranks = by_position[places]
    return np.where(order[ranks] == wanted, ranks, DEEPEST + 1)


def _reaching(ranks: Numbers, share: float) -> int:
    """Return how many candidates hold this share of the best."""
    ascending = np.sort(ranks, axis=None)
    return int(_DEEPER * (ascending[min(len(ascending), int(np.ceil(share * len(ascending)))) - 1] + 1))
