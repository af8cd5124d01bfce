"""What components mean: the tags of the tracks that use them (encoders, 1.7). J tracks, K components, Z tags."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.component_meaning import ComponentMeaning

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]


def relevance(shares: Doubles, has: Bools) -> Doubles:
    """(J, K) shares of the components in tracks, (J, Z) their tags → (Z, K) relevance.

    The sum of a component's shares over the tracks that have a tag, times ln (J / (df + 1)) of the df tracks that
    have it (paper 000): a tag that every second track has says little.
    """
    frequency = np.log(len(has) / (has.sum(0) + 1))
    found: Doubles = (has.T.astype(np.float64) @ shares) * frequency[:, None]
    return found


def meanings(shares: Doubles, has: Bools, tags: Sequence[str], most: int = 7) -> list[ComponentMeaning]:
    """The K components: their shares, and the most relevant tags of each that are used more than elsewhere.

    Args:
        shares: (J, K), rows add up to 1; tracks without a tag are none of them.
        has: (J, Z).
        tags: Z names.
        most: Tags of a component.
    """
    overall = shares.mean(0)
    within = (has.T @ shares) / np.maximum(has.sum(0), 1)[:, None]
    lift = np.round(within / np.maximum(overall, np.finfo(np.float64).tiny), 2)
    order = np.argsort(-relevance(shares, has), axis=0, kind="stable")
    return [
        ComponentMeaning(
            float(overall[component]),
            tuple(
                (tags[tag], float(lift[tag, component])) for tag in order[:, component] if lift[tag, component] > 1
            )[:most],
        )
        for component in range(shares.shape[1])
    ]
