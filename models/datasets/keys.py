"""Names of musical keys, as people and programs write them."""

import re

from models.datasets.spelling import suggestion

PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""As in ``models.analysis``, which loads torch."""

KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_NAMES)

_NATURAL = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
_MODES = {
    "": "major",
    "M": "major",
    "maj": "major",
    "major": "major",
    "m": "minor",
    "min": "minor",
    "minor": "minor",
}
_NAME = re.compile(r"([A-Ga-g])([#♯b♭]?)[\s:_-]*([A-Za-z]*)")
_CAMELOT = re.compile(r"(1[0-2]|0?[1-9])([ABab])")
_CAMELOT_OF_C_MAJOR = 8


def parse_key(text: str) -> str:
    """One of KEYS, flats turned into sharps: ``Bbm``, ``B♭ min``, ``bb:minor`` and ``3A`` are ``A# minor``.

    A single small letter is refused: to some it is major, to others minor.

    Raises:
        ValueError: It is no key, with what was likely meant.
    """
    if camelot := _CAMELOT.fullmatch(text):
        return _of_camelot(int(camelot[1]), camelot[2].upper())
    match = _NAME.fullmatch(text)
    mode = _mode(match[3]) if match else None
    if match is None or mode is None or (text.islower() and not match[3]):
        near = suggestion(text, KEYS)
        raise ValueError(f"key '{text}' is none; expected one such as 'A minor', 'F# major', 'Bbm' or '8A'{near}")
    tonic = _NATURAL[match[1].lower()] + _SIGNS.get(match[2], 0)
    return f"{PITCH_NAMES[tonic % 12]} {mode}"


def _mode(text: str) -> str | None:
    return _MODES.get(text) or _MODES.get(text.lower())


def _of_camelot(hour: int, letter: str) -> str:
    """The wheel goes by fifths; A is minor, and shares its hour with the relative major, B."""
    tonic = 7 * (hour - _CAMELOT_OF_C_MAJOR) + (9 if letter == "A" else 0)
    return f"{PITCH_NAMES[tonic % 12]} {'minor' if letter == 'A' else 'major'}"
