"""Saying why a space of a reference, or a tag, should count more or less than before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.preference import Doubles

VISIBLE = 0.005
"""Smaller changes of a weight are not told: a slider does not show them."""

_APPARENT = 0.01
"""Mean similarities that differ by less are no reason that anybody would see."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a query weighs by itself: a space of a reference, or a tag.

    Attributes:
        term: Its place in the query.
        space: By name.
        tag: ``None`` for a reference.
    """

    term: int
    space: str
    tag: str | None = None

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return self.tag or self.space

    def whereabouts(self, *, near: bool) -> str:
        """Say where a track stands."""
        if self.tag:
            return f"close to {self.name}" if near else f"far from {self.name}"
        return f"{'close' if near else 'far off'} in {self.name}"


@dataclass(frozen=True, slots=True)
class WeightChange:
    """What a space or a tag counts before and after, and the reason in a plain sentence."""

    space: str
    old: float
    new: float
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """(F,) mean cosines by feature, of tracks liked, disliked, and neither; NaN where there are none."""

    liked: Doubles
    disliked: Doubles
    others: Doubles

    @classmethod
    def of(cls, rounds: Sequence[tuple[Doubles, NDArray[np.bool_], NDArray[np.bool_]]]) -> Self:
        """Sum up rounds: (N, F) cosines of the tracks of each, (N,) which are liked, and which are disliked."""
        cosines = np.concatenate([each for each, _, _ in rounds])
        liked = np.concatenate([each for _, each, _ in rounds])
        disliked = np.concatenate([each for _, _, each in rounds])
        return cls(*(_mean(cosines[chosen]) for chosen in (liked, disliked, ~(liked | disliked))))


def _mean(cosines: Doubles) -> Doubles:
    means: Doubles = cosines.mean(axis=0) if len(cosines) else np.full(cosines.shape[1], np.nan)
    return means


def changes(
    features: Sequence[Feature], term: int, old: Doubles, new: Doubles, evidence: Evidence
) -> list[WeightChange]:
    """Return the changes of one term that can be seen, the largest first. All arrays are (F,)."""
    found = [
        WeightChange(each.space, float(old[place]), float(new[place]), _why(each, place, old, new, evidence))
        for place, each in enumerate(features)
        if each.term == term and abs(new[place] - old[place]) > VISIBLE
    ]
    return sorted(found, key=lambda each: -abs(each.new - each.old))


def _why(feature: Feature, place: int, old: Doubles, new: Doubles, evidence: Evidence) -> str:
    grows = abs(new[place]) > abs(old[place])
    towards = (1 if grows else -1) * (-1 if old[place] < 0 else 1)
    outcome = _outcome(feature, float(old[place]), float(new[place]), grows=grows)
    others = float(evidence.others[place])
    reasons = {
        "liked": towards * (float(evidence.liked[place]) - others),
        "disliked": towards * (others - float(evidence.disliked[place])),
    }
    mark = max(reasons, key=lambda each: np.nan_to_num(reasons[each], nan=-np.inf))
    if not reasons[mark] >= _APPARENT:
        better = "tells better than others" if grows else "tells less than others"
        return f"Taken together with all else, {feature.name} {better} what you like, so {outcome}."
    own = float(getattr(evidence, mark)[place])
    where = feature.whereabouts(near=own > others)
    compared = f"mean similarity {own:.2f}; {others:.2f} of the others"
    return f"You {mark} tracks that are {where} ({compared}), so {outcome}."


def _outcome(feature: Feature, old: float, new: float, *, grows: bool) -> str:
    contrast = f"the distance from {feature.name}" if feature.tag else f"the contrast in {feature.name}"
    what = contrast if old < 0 else feature.name
    if abs(new) <= VISIBLE:
        return f"{what} no longer counts"
    return f"{what} counts {'more' if grows else 'less'}"
