"""Which SoundFonts are made out of each other: what is learnt on one is then known of the other."""

import numpy as np
from scipy.signal import correlate

from models.rendering.ensemble import all_programs, range_of
from models.rendering.performance import Performance, PlayedNote
from models.rendering.synthesis import Samples, Synthesiser

TONE_S = 0.5
VELOCITY = 100
SAME = 0.95


def shared_programs(one: Synthesiser, other: Synthesiser) -> float:
    """Share of the programs that are the same recording in two SoundFonts, 0 to 1.

    That is when a note in the middle of an instrument's range has a cross-correlation above SAME in both.
    """
    return float(np.mean([_alike(_tone(one, program), _tone(other, program)) for program in all_programs()]))


def _tone(synthesiser: Synthesiser, program: int) -> Samples:
    pitch = sum(range_of(program)) // 2
    note = PlayedNote(0.0, TONE_S, pitch, VELOCITY, program)
    tone: Samples = synthesiser.play(Performance((note,), TONE_S, pitch, has_drums=False)).mean(0)
    return tone


def _alike(one: Samples, other: Samples) -> bool:
    most = float(np.linalg.norm(one) * np.linalg.norm(other))
    return bool(np.abs(correlate(one, other, method="fft")).max() > SAME * most > 0)
