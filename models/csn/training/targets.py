"""What every track of a batch should score for every tag, tempi and keys among them.

Letters: B tracks, Z tags of a dimension.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.csn.training.corpus import Bools, Corpus
from models.datasets.keys import PITCH_NAMES

TEMPO_STEPS = 24
"""Of an octave: at 120 BPM a step is 3.5 BPM wide."""

LOWEST_TEMPO_BPM = 80.0


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Of B tracks in one dimension.

    Attributes:
        wanted: (B, Z) 0 to 1.
        known: (B, Z) whether that is known.
    """

    wanted: Tensor
    known: Tensor


def tag_names(vocabulary: Mapping[str, tuple[str, ...]], dimension: str) -> tuple[str, ...]:
    """Tags of a dimension: tempi within an octave, which stand for their halves and doubles too; tonics."""
    if dimension == "tempo":
        return tuple(f"{LOWEST_TEMPO_BPM * 2 ** (step / TEMPO_STEPS):.0f} BPM" for step in range(TEMPO_STEPS))
    return PITCH_NAMES if dimension == "key" else vocabulary[dimension]


def style_targets(corpus: Corpus) -> Targets:
    """Origins and artists that are learnt as styles; of either kind, known of tracks that have one."""
    kinds = [torch.from_numpy(styles) for styles in corpus.styles.values()]
    known = [has.any(1, keepdim=True).expand(has.shape) for has in kinds]
    return Targets(torch.cat(kinds, 1).float(), torch.cat(known, 1))


def targets(corpus: Corpus, dimension: str) -> Targets:
    """Targets of the tracks of a batch.

    A tempo is wanted by the tags around it as by a bell a step wide, octaves being one; else the two sides of the
    line between two tags would be as unlike as any.
    """
    if dimension == "tempo":
        return _of_one(_bells(corpus.tempi_bpm), corpus.labelled(dimension))
    if dimension == "key":
        return _of_one(np.eye(len(PITCH_NAMES))[corpus.tonics], corpus.labelled(dimension))
    known = corpus.known[dimension]
    return Targets(torch.from_numpy(corpus.tags[dimension]).float(), torch.from_numpy(known))


def _bells(tempi_bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    there = np.where(np.isfinite(tempi_bpm), tempi_bpm, LOWEST_TEMPO_BPM)
    steps = np.log2(there / LOWEST_TEMPO_BPM)[:, None] * TEMPO_STEPS - np.arange(TEMPO_STEPS)
    around = (steps + TEMPO_STEPS / 2) % TEMPO_STEPS - TEMPO_STEPS / 2
    bells: NDArray[np.float64] = np.exp(-0.5 * around**2)
    return bells


def _of_one(wanted: NDArray[np.float64], known: Bools) -> Targets:
    return Targets(torch.from_numpy(wanted).float(), torch.from_numpy(known)[:, None].expand(wanted.shape))
