"""Chord progressions in common practice and popular harmony, drawn from a small grammar.

A progression is a form of phrases of four bars. Opening phrases are loops of common use, the last one is a cadence
to the tonic, so that the key is beyond doubt; every seventh progression or so is a blues of twelve bars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.rendering.score import Mode

Bar = tuple[str, ...]

_OPENINGS: Mapping[Mode, Sequence[str]] = {
    "major": (
        "I|V|vi|IV",
        "I|vi|IV|V",
        "I|vi|ii|V",
        "I|IV|I|V",
        "I|IV|V|IV",
        "I|iii|IV|V",
        "I|iii|vi|IV",
        "I|ii|IV|V",
        "I|V|IV|I",
        "I|bVII|IV|I",
        "I IV|I|V|I",
        "I|I|IV|V",
        "vi|IV|I|V",
        "IV|V|iii|vi",
        "ii|V|I|vi",
        "I|I7|IV|iv",
        "I V|vi iii|IV I|IV V",
    ),
    "minor": (
        "i|bVI|bIII|bVII",
        "i|bVII|bVI|V",
        "i|iv|V|i",
        "i|iv|i|V",
        "i|bVI|iv|V",
        "i|bVII|bVI|bVII",
        "i|bIII|bVII|iv",
        "i|V|i|V",
        "i|i|iv|V",
        "i|iio|V|i",
        "iv|bVII|bIII|bVI",
        "bVI|bVII|i|i",
        "i V|i bVII|bIII bVII|i V",
        "i|v|bVI|V",
    ),
}
_CADENCES: Mapping[Mode, Sequence[str]] = {
    "major": ("IV|V|I|I", "ii|V|I|I", "IV|I V|I|I", "ii V|I vi|ii V|I", "vi|ii|V|I", "IV|iv|I V|I", "I|V|I IV|I"),
    "minor": ("iv|V|i|i", "iio|V|i|i", "bVI|V|i|i", "iv i|V|i|i", "bVI bVII|i|iio V|i", "i|V|i iv|i"),
}
_BLUES: Mapping[Mode, Sequence[str]] = {
    "major": (
        "I7|I7|I7|I7|IV7|IV7|I7|I7|V7|IV7|I7|I7",
        "I7|IV7|I7|I7|IV7|IV7|I7|I7|V7|IV7|I7|I7",
        "I7|IV7|I7|I7|IV7|IV7|I7|vi|ii|V7|I7|I7",
    ),
    "minor": (
        "i|i|i|i|iv|iv|i|i|bVI|V7|i|i",
        "i|iv|i|i|iv|iv|i|i|iio|V7|i|i",
    ),
}
_TRIADS: Mapping[str, str] = {
    "I": "C",
    "I7": "C7",
    "i": "Cm",
    "ii": "Dm",
    "iio": "Dm7b5",
    "bIII": "Eb",
    "iii": "Em",
    "IV": "F",
    "IV7": "F7",
    "iv": "Fm",
    "V": "G",
    "V7": "G7",
    "v": "Gm",
    "bVI": "Ab",
    "vi": "Am",
    "bVII": "Bb",
}
_SEVENTHS: Mapping[str, str] = {
    **_TRIADS,
    "I": "CM7",
    "i": "Cm7",
    "ii": "Dm7",
    "bIII": "EbM7",
    "iii": "Em7",
    "IV": "FM7",
    "iv": "Fm7",
    "V": "G7",
    "v": "Gm7",
    "bVI": "AbM7",
    "vi": "Am7",
    "bVII": "Bb7",
}
_P_BLUES = 1 / 7
_PHRASES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Progression:
    """Chords by their degrees.

    Attributes:
        mode: Of the key.
        bars: One or two degrees in each, as roman numerals of the major scale; ``iio`` is half diminished.
        sevenths: Whether chords have the seventh that they have in jazz.
    """

    mode: Mode
    bars: tuple[Bar, ...]
    sevenths: bool

    @property
    def name(self) -> str:
        """Degrees, with strokes between bars."""
        return f"{'|'.join(' '.join(bar) for bar in self.bars)}{' in sevenths' if self.sevenths else ''}"

    @property
    def chords(self) -> tuple[Bar, ...]:
        """Names of the chords by bar, on the tonic C."""
        names = _SEVENTHS if self.sevenths else _TRIADS
        return tuple(tuple(names[degree] for degree in bar) for bar in self.bars)


def draw_progression(generator: np.random.Generator) -> Progression:
    """Draw mode, form and chords: 8, 12 or 16 bars."""
    mode: Mode = "major" if generator.random() < 0.5 else "minor"  # noqa: PLR2004
    sevenths = bool(generator.random() < 0.5)  # noqa: PLR2004
    if generator.random() < _P_BLUES:
        return Progression(mode, _bars(_chosen(_BLUES[mode], generator)), sevenths)
    phrases = int(generator.choice(_PHRASES))
    openings = [_chosen(_OPENINGS[mode], generator) for _ in range(phrases - 1)]
    return Progression(mode, _bars("|".join([*openings, _chosen(_CADENCES[mode], generator)])), sevenths)


def distinct_progressions(count: int, seed: int) -> tuple[Progression, ...]:
    """So many progressions of which no two have the same degrees."""
    generator = np.random.default_rng(seed)
    found: dict[tuple[Mode, tuple[Bar, ...]], Progression] = {}
    while len(found) < count:
        progression = draw_progression(generator)
        found.setdefault((progression.mode, progression.bars), progression)
    return tuple(found.values())


def _chosen(options: Sequence[str], generator: np.random.Generator) -> str:
    return options[int(generator.integers(len(options)))]


def _bars(text: str) -> tuple[Bar, ...]:
    return tuple(tuple(bar.split()) for bar in text.split("|"))
