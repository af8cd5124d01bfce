"""Measuring how alike tracks are by chance, space by space, so that equal weights mean equal influence."""

from collections.abc import Mapping
from statistics import median

import numpy as np

from app.database import Numbers
from app.domain import Calibration, EncoderInfo, Vectors
from app.ports import VectorIndex

PAIRS = 4096
"""Random pairs looked at; all pairs where there are no more. Measures a deviation to about 1 %."""

FEWEST_TRACKS = 10
"""Below that (45 pairs) a deviation is too much a matter of chance to scale anything by it."""

DEVIATION_FLOOR = 0.02
"""A space in which all tracks are alike has nothing to say: it is not blown up beyond 50 times."""

GROWTH = 0.1
"""Share by which a catalogue grows or shrinks before it is measured again."""


def is_due(calibration: Calibration | None, tracks: int) -> bool:
    """Whether a library with so many tracks should be measured (again)."""
    if tracks < FEWEST_TRACKS:
        return False
    return calibration is None or abs(tracks - calibration.tracks) >= GROWTH * calibration.tracks


def measure(
    index: VectorIndex, encoder: EncoderInfo, library_id: str, generator: np.random.Generator
) -> Calibration | None:
    """Return mean and deviation of the cosines between random pairs of tracks; ``None`` with too few tracks.

    A pair counts in the spaces where both tracks are present. A space without any such pair gets the median
    deviation of the others, so that it counts as they do.
    """
    numbers = index.numbers()
    if len(numbers) < FEWEST_TRACKS:
        return None
    left, right = (index.vectors(numbers[side]) for side in _pairs(len(numbers), generator))
    cosines = {name: _cosines(left[:, place], right[:, place]) for name, place in encoder.slices().items()}
    known = {name: max(DEVIATION_FLOOR, float(values.std())) for name, values in cosines.items() if len(values)}
    usual = median(known.values()) if known else 1.0
    return Calibration(
        library_id,
        encoder.id,
        mean={name: float(values.mean()) if len(values) else 0.0 for name, values in cosines.items()},
        deviation={name: known.get(name, usual) for name in cosines},
        tracks=len(numbers),
    )


def _pairs(count: int, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Places of the two tracks of each pair, never twice the same track."""
    if count * (count - 1) // 2 <= PAIRS:
        return np.triu_indices(count, k=1)
    left = generator.integers(count, size=PAIRS)
    return left, (left + generator.integers(1, count, size=PAIRS)) % count


def _cosines(left: Vectors, right: Vectors) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    present = left.any(axis=1) & right.any(axis=1)
    cosines: np.ndarray[tuple[int], np.dtype[np.float64]] = np.multiply(
        left[present], right[present], dtype=np.float64
    ).sum(axis=1)
    return cosines


def scale(calibration: Calibration | None) -> Mapping[str, float] | None:
    """Return c by space, 1/σ; ``None`` where nothing was measured."""
    if calibration is None:
        return None
    return {space: 1 / deviation for space, deviation in calibration.deviation.items()}
