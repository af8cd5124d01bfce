"""What a replacement must be like: constraints, and what they come to beside a reference. Pure.

A constraint becomes a filter, and the filter alone decides who meets it; words say what was wanted and found, and
never contradict it: a bound is told in full, and a value with as many digits as show on which side of it that lies.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

from app.domain import Analysis, Track
from app.errors import InvalidQuery
from app.filters import AllOf, AnyOf, Between, Filter, Not, OneOf, fold_text
from app.tonality import Kinship, Tonality
from app.track_tags import all_tags


@dataclass(frozen=True, slots=True)
class Condition:
    """A constraint beside a reference.

    Attributes:
        name: Of the constraint.
        wanted: In words.
        where: Holds for the tracks that meet it.
        found: Says what a track has.
    """

    name: str
    wanted: str
    where: Filter
    found: Callable[[Track], str]


class Constraint(Protocol):
    """Something that a replacement must meet."""

    @property
    def name(self) -> str:
        """As callers spell it."""

    def beside(self, reference: Track) -> Condition:
        """Return what it comes to. Raises ``InvalidQuery`` where the reference lacks what it compares with."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range, about the value of the reference or of its own; both ends belong to it.

    Attributes:
        within: So far from the reference's value, and on to the next tenth.
        within_percent: So many percent from it, and on to the next tenth.
        gte: At least.
        lte: At most.
    """

    within: float | None = None
    within_percent: float | None = None
    gte: float | None = None
    lte: float | None = None

    def about(self, value: float | None) -> tuple[float | None, float | None]:
        """Return the lowest and the highest value. Raises ``ValueError`` where it needs one to be about."""
        if self.within is None and self.within_percent is None:
            return self.gte, self.lte
        if value is None:
            raise ValueError("there is nothing to compare with")
        middle, reach = _decimal(value), _decimal(self.within or 0.0)
        if self.within_percent is not None:
            reach = middle * _decimal(self.within_percent) / 100
        return math.floor((middle - reach) * 10) / 10, math.ceil((middle + reach) * 10) / 10


def _decimal(value: float) -> Fraction:
    """Return the number that is written so, that 0.1 is a tenth."""
    return Fraction(str(value))


@dataclass(frozen=True, slots=True)
class Licences:
    """The licence is one of these."""

    licences: tuple[str, ...]
    name: str = "licences"

    def beside(self, reference: Track) -> Condition:  # noqa: ARG002 - it says all by itself
        """Return the condition."""
        return Condition(self.name, _listed(self.licences), OneOf("licence", self.licences), _licence)


def _licence(track: Track) -> str:
    return track.metadata.licence or "no licence known"


@dataclass(frozen=True, slots=True)
class Duration:
    """The length lies in a range of seconds."""

    bounds: Bounds
    name: str = "duration_s"

    def beside(self, reference: Track) -> Condition:
        """Return the condition. Raises ``InvalidQuery`` where the reference's length is wanted and not known."""
        low, high = _about(self.bounds, _measured(reference, lambda analysis: analysis.duration_s), "length")

        def found(track: Track) -> str:
            length = _measured(track, lambda analysis: analysis.duration_s)
            if length is None:
                return "no length known"
            return f"{_told(length, lambda value: _lies(value, low, high))} s"

        return Condition(self.name, _range(low, high, "s"), Between("duration_s", gte=low, lte=high), found)


@dataclass(frozen=True, slots=True)
class Tempo:
    """The tempo lies in a range of beats per minute, or with ``octaves`` its double or half does.

    What one listener counts at 60 bpm another counts at 120, and so do estimates.
    """

    bounds: Bounds
    octaves: bool = True
    name: str = "tempo_bpm"

    def beside(self, reference: Track) -> Condition:
        """Return the condition. Raises ``InvalidQuery`` where the reference's tempo is wanted and not known."""
        low, high = _about(self.bounds, _measured(reference, lambda analysis: analysis.tempo_bpm), "tempo")
        octaves = {"": 1.0, " (half)": 0.5, " (double)": 2.0} if self.octaves else {"": 1.0}
        ranges = {words: (_scaled(low, by), _scaled(high, by)) for words, by in octaves.items()}

        def octave(tempo: float) -> str | None:
            return next((words for words, (gte, lte) in ranges.items() if _lies(tempo, gte, lte)), None)

        def found(track: Track) -> str:
            tempo = _measured(track, lambda analysis: analysis.tempo_bpm)
            if tempo is None:
                return "no tempo known"
            return f"{_told(tempo, octave)} bpm{octave(tempo) or ''}"

        wanted = _range(low, high, "bpm") + (", or half or double" if self.octaves else "")
        where = AnyOf([Between("tempo_bpm", gte=gte, lte=lte) for gte, lte in ranges.values()])
        return Condition(self.name, wanted, where, found)


class KeyMatch(StrEnum):
    """Which keys go with that of the reference."""

    SAME = "same"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class Key:
    """The key is that of the reference, or one that goes with it."""

    match: KeyMatch
    name: str = "key"

    def beside(self, reference: Track) -> Condition:
        """Return the condition. Raises ``InvalidQuery`` where the reference has no key."""
        key = _tonality(reference)
        if key is None:
            raise InvalidQuery("The reference has no key that could be compared; leave 'key' out.")
        every = {each: kin for each, kin in key.companions().items() if self._takes(kin)}
        spelled = [spelling for each in every for spelling in each.spellings()]

        def found(track: Track) -> str:
            its = _tonality(track)
            kin = every.get(its) if its else None
            return f"{its or 'no key known'}" + (f" ({kin})" if kin and kin is not Kinship.SAME else "")

        return Condition(self.name, _listed(list(map(str, every))), OneOf("key", spelled), found)

    def _takes(self, kin: Kinship) -> bool:
        return self.match is KeyMatch.COMPATIBLE or kin is Kinship.SAME


def _tonality(track: Track) -> Tonality | None:
    return Tonality.parse(track.analysis.key) if track.analysis and track.analysis.key else None


@dataclass(frozen=True, slots=True)
class OtherArtist:
    """It is by somebody else. What is not known equals nothing, so that an unknown artist is another one."""

    name: str = "other_artist"

    def beside(self, reference: Track) -> Condition:
        """Return the condition."""
        return _other(self.name, "artist", reference.metadata.artist, lambda track: track.metadata.artist)


@dataclass(frozen=True, slots=True)
class OtherAlbum:
    """It is of another album. What is not known equals nothing, as with ``OtherArtist``."""

    name: str = "other_album"

    def beside(self, reference: Track) -> Condition:
        """Return the condition."""
        return _other(self.name, "album", reference.metadata.album, lambda track: track.metadata.album)


def _other(name: str, field: str, own: str | None, of: Callable[[Track], str | None]) -> Condition:
    def found(track: Track) -> str:
        return of(track) or f"no {field} known"

    if not own:
        return Condition(name, f"any {field}: that of the reference is not known", AllOf([]), found)
    return Condition(name, f"another {field} than {own}", Not(OneOf(field, [own])), found)


TAGS: Final = "all_tags"
"""The field that constraints on tags look at."""


@dataclass(frozen=True, slots=True)
class TagsRequired:
    """It carries all of these tags."""

    tags: tuple[str, ...]
    name: str = "tags_required"

    def beside(self, reference: Track) -> Condition:  # noqa: ARG002 - it says all by itself
        """Return the condition."""

        def found(track: Track) -> str:
            carried = _carried(self.tags, track)
            lacking = [tag for tag in self.tags if tag not in carried]
            return f"lacks {_listed(lacking, 'and')}" if lacking else _listed(carried, "and")

        return Condition(
            self.name, _listed(self.tags, "and"), AllOf([OneOf(TAGS, [tag]) for tag in self.tags]), found
        )


@dataclass(frozen=True, slots=True)
class TagsExcluded:
    """It carries none of these tags."""

    tags: tuple[str, ...]
    name: str = "tags_excluded"

    def beside(self, reference: Track) -> Condition:  # noqa: ARG002 - it says all by itself
        """Return the condition."""

        def found(track: Track) -> str:
            return _listed(_carried(self.tags, track), "and") or "none of them"

        return Condition(self.name, f"not {_listed(self.tags)}", Not(OneOf(TAGS, self.tags)), found)


def _carried(tags: Sequence[str], track: Track) -> list[str]:
    """Return those of the tags that the track carries, in their order."""
    carried = {fold_text(each.tag) for each in all_tags(track.metadata, track.heard)}
    return [tag for tag in tags if fold_text(tag) in carried]


def _measured(track: Track, of: Callable[[Analysis], float | None]) -> float | None:
    return None if track.analysis is None else of(track.analysis)


def _about(bounds: Bounds, value: float | None, what: str) -> tuple[float | None, float | None]:
    try:
        return bounds.about(value)
    except ValueError as error:
        raise InvalidQuery(
            f"The reference has no {what} that could be compared; give 'gte' and 'lte' instead, or leave it out."
        ) from error


def _scaled(bound: float | None, by: float) -> float | None:
    return None if bound is None else bound * by


def _lies(value: float, gte: float | None, lte: float | None) -> bool:
    return (gte is None or value >= gte) and (lte is None or value <= lte)


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None:
        return f"at most {_in_full(high or 0.0)} {unit}"
    if high is None:
        return f"at least {_in_full(low)} {unit}"
    return f"{_in_full(max(0.0, low))}–{_in_full(high)} {unit}"


_MOST_DIGITS = 9


def _told(value: float, taken_for: Callable[[float], object]) -> str:
    """Say a value to the tenth, or with as many digits more as it needs to be taken for what it is."""
    for digits in range(1, _MOST_DIGITS + 1):
        text = f"{value:.{digits}f}"
        if taken_for(float(text)) == taken_for(value):
            return text.rstrip("0").removesuffix(".")
    return _in_full(value)


def _in_full(value: float) -> str:
    return f"{Decimal(str(value)):f}".removesuffix(".0")


def _listed(words: Sequence[str], last: str = "or") -> str:
    """Say "a, b or c"."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
