"""Components of a mixture in groups, by the tags of the tracks that use them. J tracks, K components, Z tags."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from models.hdpgmm.tag_table import relevance

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

PRIOR_TRACKS = 5.0
"""So many average tracks are added to those of each tag, so that a lift of few says little."""

NAMED = 3
"""Tags in a group's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Components that mean something alike.

    Attributes:
        name: Its most relevant tags.
        components: Their numbers.
        share: Of all tracks together, 0 to 1.
        tags: All tags that are used more for this group than for any other, the most relevant first.
    """

    name: str
    components: Indices
    share: float
    tags: tuple[str, ...]


def log_lifts(shares: Doubles, has: Bools) -> Doubles:
    """(J, K) shares, (J, Z) tags → (Z, K) ln of how many times as much a tag's tracks use a component as all do."""
    overall = np.maximum(shares.mean(0), np.finfo(np.float64).tiny)
    within = (has.T @ shares + PRIOR_TRACKS * overall) / (has.sum(0)[:, None] + PRIOR_TRACKS)
    found: Doubles = np.log(within) - np.log(overall)
    return found


def grouped(shares: Doubles, has: Bools, tags: Sequence[str], count: int, seed: int = 0) -> list[Group]:
    """So many groups of components whose tracks have like tags, the largest first.

    Their logarithmic lifts are clustered by k-means, in which a component counts as much as it is used.

    Args:
        shares: (J, K) rows add up to 1.
        has: (J, Z).
        tags: Z names.
        count: Of groups.
        seed: Of the clustering.
    """
    lifts = log_lifts(shares, has)
    overall = shares.mean(0)
    labels = KMeans(count, n_init=20, random_state=seed).fit(lifts.T, sample_weight=overall).labels_
    order = sorted(range(count), key=lambda group: -overall[labels == group].sum())
    members = [np.flatnonzero(labels == group) for group in order]
    summed = np.stack([shares[:, columns].sum(1) for columns in members], 1)
    most = log_lifts(summed, has).argmax(1)
    ranks = relevance(summed, has)
    groups = []
    for number, columns in enumerate(members):
        own = [tag for tag in np.argsort(-ranks[:, number], kind="stable") if most[tag] == number]
        names = tuple(tags[tag] for tag in own)
        name = ", ".join(names[:NAMED]) or f"group {number + 1}"
        groups.append(Group(name, columns, float(overall[columns].sum()), names))
    return groups


def at_random(groups: Sequence[Group], seed: int) -> list[Group]:
    """Groups of the same sizes out of the same components, which mean nothing."""
    everything = np.concatenate([group.components for group in groups])
    order = np.random.default_rng(seed).permutation(everything)
    ends = np.cumsum([len(group.components) for group in groups])
    parts = np.split(order, ends[:-1])
    return [Group(f"random {number + 1}", np.sort(part), 0.0, ()) for number, part in enumerate(parts)]


def spaces_of_groups(roots: Doubles, groups: Sequence[Group]) -> tuple[Doubles, dict[str, slice]]:
    """(J, K) roots of shares → (J, K) with the components of each group side by side and of unit length."""
    parts = [roots[:, group.components] for group in groups]
    lengths = [np.linalg.norm(part, axis=1, keepdims=True) for part in parts]
    unit = [part / np.where(length > 0, length, 1) for part, length in zip(parts, lengths, strict=True)]
    ends = np.cumsum([part.shape[1] for part in parts]).tolist()
    spaces = {group.name: slice(end - len(group.components), end) for group, end in zip(groups, ends, strict=True)}
    return np.concatenate(unit, 1), spaces
