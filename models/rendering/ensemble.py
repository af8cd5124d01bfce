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


LOWEST_PITCH = 28
HIGHEST_PITCH = 100
"""E1 to E7, for instruments without a range below."""

RANGES: Mapping[int, tuple[int, int]] = {
    6: (29, 89),  # harpsichord
    8: (60, 100),  # celesta
    9: (72, 100),  # glockenspiel
    11: (48, 89),  # vibraphone
    12: (36, 96),  # marimba
    13: (60, 100),  # xylophone
    19: (36, 96),  # church organ
    **dict.fromkeys((24, 25, 26, 27, 29, 30), (40, 88)),  # guitars
    **dict.fromkeys((32, 33, 34), (28, 67)),  # bass guitars
    39: (28, 72),  # synthetic bass
    40: (55, 93),  # violin
    41: (48, 91),  # viola
    42: (36, 81),  # cello
    43: (28, 57),  # double bass
    **dict.fromkeys((48, 49), (28, 96)),  # string sections
    **dict.fromkeys((52, 53), (36, 84)),  # choirs
    56: (52, 86),  # trumpet
    57: (36, 77),  # trombone
    58: (28, 65),  # tuba
    60: (34, 79),  # horn
    61: (34, 86),  # brass section
    64: (56, 90),  # soprano saxophone
    65: (49, 81),  # alto saxophone
    66: (44, 76),  # tenor saxophone
    67: (36, 69),  # baritone saxophone
    68: (58, 91),  # oboe
    70: (34, 77),  # bassoon
    71: (50, 94),  # clarinet
    73: (59, 98),  # flute
}
"""Lowest and highest sounding MIDI pitch of a program, as its instrument is played; at least an octave."""


def range_of(program: int) -> tuple[int, int]:
    """Lowest and highest pitch that an instrument is asked for."""
    return RANGES.get(program, (LOWEST_PITCH, HIGHEST_PITCH))


def playable(program: int, pitch: int) -> int:
    """A pitch, moved by octaves into the range of the instrument."""
    low, high = range_of(program)
    if pitch < low:
        return low + (pitch - low) % 12
    return high - (high - pitch) % 12 if pitch > high else pitch


def program_for(programs: Programs, pitch: float) -> int:
    """The instrument of a part whose notes lie around a MIDI pitch."""
    return programs[sum(pitch >= bound for bound in REGISTER_BOUNDS)]


def register_of(pitch: float) -> str:
    """One of REGISTERS."""
    return REGISTERS[sum(pitch >= bound for bound in REGISTER_BOUNDS)]


def all_programs() -> list[int]:
    """Every program that an ensemble may ask for, sorted."""
    return sorted({program for choices in ENSEMBLES.values() for programs in choices for program in programs})
