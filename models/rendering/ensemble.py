"""Ensembles: which General MIDI instrument plays a part, by where the part lies."""

from collections.abc import Mapping

DRUM_BANK = 128

Programs = tuple[int, int, int, int]
"""General MIDI programs, counted from 0, of bass, tenor, alto and soprano."""

REGISTERS = ("bass", "tenor", "alto", "soprano")
REGISTER_BOUNDS = (48.0, 57.0, 67.0)
"""MIDI pitch at which the next higher register begins: C3, A3, G4."""

ENSEMBLES: Mapping[str, tuple[Programs, ...]] = {
    "piano": ((0,) * 4, (1,) * 4),
    "electric piano": ((4,) * 4, (5,) * 4),
    "harpsichord": ((6,) * 4,),
    "organ": ((16,) * 4, (18,) * 4, (19,) * 4, (20,) * 4),
    "guitar": ((24,) * 4, (25,) * 4, (32, 24, 24, 24), (33, 26, 26, 27)),
    "harp": ((46,) * 4,),
    "strings": ((43, 42, 41, 40), (48,) * 4, (49,) * 4, (42, 42, 48, 40)),
    "woodwinds": ((70, 71, 68, 73), (70, 70, 71, 68), (67, 66, 65, 64), (70, 71, 71, 73)),
    "brass": ((58, 57, 60, 56), (58, 57, 57, 56), (61,) * 4),
    "choir": ((52,) * 4, (53,) * 4),
    "mallets": ((12,) * 4, (11,) * 4, (12, 12, 11, 13), (12, 11, 8, 9)),
    "synth": ((38, 89, 81, 80), (39, 90, 80, 81), (38, 88, 89, 81)),
    "band": ((33, 29, 27, 30), (34, 27, 18, 27), (33, 27, 4, 65)),
    "orchestra": ((43, 60, 48, 73), (42, 57, 48, 68), (43, 70, 60, 40)),
}
"""Orchestrations of each family; one is drawn with the family."""


def program_for(programs: Programs, pitch: float) -> int:
    """The instrument of a part whose notes lie around a MIDI pitch."""
    return programs[sum(pitch >= bound for bound in REGISTER_BOUNDS)]


def register_of(pitch: float) -> str:
    """One of REGISTERS."""
    return REGISTERS[sum(pitch >= bound for bound in REGISTER_BOUNDS)]


def all_programs() -> list[int]:
    """Every program that an ensemble may ask for, sorted."""
    return sorted({program for choices in ENSEMBLES.values() for programs in choices for program in programs})
