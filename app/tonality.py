"""Keys and how they go together, by the circle of fifths. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_WRITTEN = re.compile(r"([A-Ga-g])([#♯b♭]?)\s+(major|minor)", re.IGNORECASE)
_FIFTH = 7
_MINOR_THIRD = 3


class Mode(StrEnum):
    """The two modes that are told apart."""

    MAJOR = "major"
    MINOR = "minor"


class Kinship(StrEnum):
    """How a key goes with another one."""

    SAME = "the same"
    RELATIVE = "relative"
    FIFTH_UP = "a fifth up"
    FIFTH_DOWN = "a fifth down"


@dataclass(frozen=True, slots=True)
class Tonality:
    """A key: its tonic in semitones above C, 0 to 11, and its mode. C# and Db are one."""

    tonic: int
    mode: Mode

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read "A minor", "F# major" or "Bb minor"; ``None`` for anything else."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            return None
        letter, sign, mode = found.groups()
        return cls((_LETTERS[letter.upper()] + _SIGNS[sign.lower()]) % 12, Mode(mode.lower()))

    def __str__(self) -> str:
        return f"{_NAMES[self.tonic]} {self.mode}"

    def spellings(self) -> tuple[str, ...]:
        """Return every way to write it with at most one sharp or flat, the usual one of an analysis first."""
        others = [
            f"{letter}{sign}"
            for letter, semitone in _LETTERS.items()
            for sign in ("", "#", "b")
            if (semitone + _SIGNS[sign]) % 12 == self.tonic
        ]
        names = dict.fromkeys([_NAMES[self.tonic], *others])
        return tuple(f"{name} {self.mode}" for name in names)

    def relative(self) -> "Tonality":
        """Return the key of the other mode that has the same notes."""
        if self.mode is Mode.MINOR:
            return Tonality((self.tonic + _MINOR_THIRD) % 12, Mode.MAJOR)
        return Tonality((self.tonic - _MINOR_THIRD) % 12, Mode.MINOR)

    def fifths_up(self, steps: int) -> "Tonality":
        """Return the key of the same mode so many steps clockwise on the circle of fifths."""
        return Tonality((self.tonic + steps * _FIFTH) % 12, self.mode)

    def companions(self) -> dict["Tonality", Kinship]:
        """Return the keys that go with it: itself, its relative, and those of its mode a fifth up and down.

        The relatives of the latter two differ by one note as well and are left out.
        """
        return {
            self: Kinship.SAME,
            self.relative(): Kinship.RELATIVE,
            self.fifths_up(1): Kinship.FIFTH_UP,
            self.fifths_up(-1): Kinship.FIFTH_DOWN,
        }
