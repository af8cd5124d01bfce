"""Probabilities of two teachers to tags that both vouch for. See ``docs/labelling.md`` for why so.

Axis letters: N tracks, K tags; the teachers come first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingImpossible
from models.taggers.vocabulary import MSD, MSD_DIMENSIONS

MIN_TRACKS = 50
"""Below it neither a tenth of a collection nor an agreement on it can be told."""

SURE = 0.3
SHARE = 0.2
FLOOR = 0.01
MIN_KAPPA = 0.4
"""What Landis and Koch (1977) call moderate agreement."""

MOST_TAGS = {"genre": 3, "mood": 3, "instrument": 2, "era": 1}
SYNONYMS = frozenset({"female vocalist"})
"""Never given: ``female vocalists`` says the same and is the more frequent."""

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Which tags are given, and why.

    Attributes:
        thresholds: (2, K) probability from which on a teacher vouches for a tag.
        kappa: (K,) agreement of the teachers on a tag, −1 to 1.
        given: (N, K) tags of the tracks.
    """

    thresholds: Doubles
    kappa: Doubles
    given: Bools

    def tags(self, row: int) -> dict[str, frozenset[str]]:
        """A track's tags by dimension, without dimensions in which it has none."""
        named = {MSD[column] for column in np.flatnonzero(self.given[row])}
        found = {dimension: named.intersection(tags) for dimension, tags in MSD_DIMENSIONS.items()}
        return {dimension: frozenset(tags) for dimension, tags in found.items() if tags}


def judge(probabilities: Floats) -> Verdicts:
    """Decide on the tags of a collection.

    A teacher vouches for a tag from the probability SURE on, or where the track is in the highest SHARE of the
    collection for this tag, but never below FLOOR. A tag is given when both vouch for it and the teachers agree on
    it throughout the collection: Cohen's kappa of at least MIN_KAPPA. Of a dimension a track keeps at most
    MOST_TAGS, the most probable ones.

    Args:
        probabilities: (2, N, 50) of the MSD tags.

    Raises:
        TrainingImpossible: Fewer than MIN_TRACKS.
    """
    check_count(probabilities.shape[1])
    thresholds = np.maximum(np.minimum(np.quantile(probabilities, 1 - SHARE, axis=1), SURE), FLOOR)
    vouched = probabilities >= thresholds[:, None]
    kappa = cohen_kappa(vouched[0], vouched[1])
    usable = (kappa >= MIN_KAPPA) & ~np.isin(MSD, [*SYNONYMS])
    return Verdicts(thresholds, kappa, _best(vouched.all(0) & usable, probabilities.mean(0)))


def check_count(tracks: int) -> None:
    """Refuse a collection that is too small.

    Raises:
        TrainingImpossible: Fewer than MIN_TRACKS.
    """
    if tracks < MIN_TRACKS:
        raise TrainingImpossible(
            f"{tracks} tracks can be heard; weak labels need {MIN_TRACKS}, since a tag's threshold comes from the "
            "collection."
        )


def cohen_kappa(one: Bools, other: Bools) -> Doubles:
    """(N, K) and (N, K) → (K,) agreement beyond chance (Cohen 1960); 0 where a teacher always says the same."""
    first, second = one.mean(0), other.mean(0)
    agreement = (one == other).mean(0)
    chance = first * second + (1 - first) * (1 - second)
    constant = (first * (1 - first) == 0) | (second * (1 - second) == 0)
    return np.where(constant, 0.0, (agreement - chance) / np.where(constant, 1.0, 1 - chance))


def _best(candidates: Bools, probabilities: Floats) -> Bools:
    """Candidates without those beyond the MOST_TAGS most probable of their dimension."""
    given = np.zeros_like(candidates)
    for dimension, tags in MSD_DIMENSIONS.items():
        columns = np.array([MSD.index(tag) for tag in tags])
        eligible = np.where(candidates[:, columns], probabilities[:, columns], -1)
        rank = np.argsort(np.argsort(-eligible, axis=1, kind="stable"), axis=1)
        given[:, columns] = candidates[:, columns] & (rank < MOST_TAGS[dimension])
    return given
