"""When two tempi count as one."""

import numpy as np
from numpy.typing import NDArray

MAX_DIFFERENCE_BPM = 5.0

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]


def alike_in_tempo(tempo_bpm: Doubles, others_bpm: Doubles) -> Bools:
    """Whether tempi agree within 5 BPM, or after halving or doubling any number of times.

    Paper 001: some integer k has |t₁·2ᵏ − t₂| ≤ 5 BPM. That depends on which of two tracks is the first: 40 and 170
    BPM are alike if 170 is brought down (42.5) and not if 40 is brought up (160). Here it has to hold both ways,
    which is to compare at the octave of the faster: symmetric, and 5 BPM do not grow into a third of an octave.
    """
    slow, fast = np.minimum(tempo_bpm, others_bpm), np.maximum(tempo_bpm, others_bpm)
    octaves = np.floor(np.log2(fast / slow))
    below, above = slow * 2**octaves, slow * 2 ** (octaves + 1)
    near: Bools = np.minimum(abs(below - fast), abs(above - fast)) <= MAX_DIFFERENCE_BPM
    return near
