"""Changes of single inputs whose effect on the labels is known.

CENS turned by semitones is a transposition that only the key is about, and onset strength read faster is a tempo
that only the tempo is about: mel and labels of the other dimensions stay. So the network hears every key and tempo,
and learns that nothing else in the inputs speaks of them. This is ours; papers 001 and 003 change nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.csn.inputs import MEL_BANDS
from models.csn.track_features import Segments
from models.csn.training.config import AugmentationSettings
from models.csn.training.corpus import NO_KEY, Corpus, Indices
from models.datasets.keys import PITCH_NAMES

CURVE_POINTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """Of B tracks.

    Attributes:
        semitones: (B,) by which CENS is turned up.
        stretches: (B,) factors of the tempo.
        gains_db: (B, MEL_BANDS) of the mel spectrogram.
    """

    semitones: Indices
    stretches: NDArray[np.float64]
    gains_db: NDArray[np.float64]


def draw_changes(tracks: int, settings: AugmentationSettings, generator: np.random.Generator) -> Changes:
    """Draw what is changed of B tracks."""
    turned = generator.random(tracks) < settings.transpose
    stretched = generator.random(tracks) < settings.stretch
    equalised = generator.random(tracks) < settings.equalise
    octaves = generator.uniform(-settings.most_octaves, settings.most_octaves, tracks)
    points = generator.uniform(-settings.most_db, settings.most_db, (tracks, CURVE_POINTS))
    places = np.linspace(0, CURVE_POINTS - 1, MEL_BANDS)
    curves = np.stack([np.interp(places, np.arange(CURVE_POINTS), curve) for curve in points])
    return Changes(
        semitones=generator.integers(len(PITCH_NAMES), size=tracks) * turned,
        stretches=2.0 ** (octaves * stretched),
        gains_db=curves * equalised[:, None],
    )


def relabelled(corpus: Corpus, changes: Changes) -> Corpus:
    """Labels of B tracks after the changes; where the tempo was changed, mood is unknown: it follows the tempo."""
    tonics = np.where(corpus.tonics == NO_KEY, NO_KEY, (corpus.tonics + changes.semitones) % len(PITCH_NAMES))
    kept = changes.stretches == 1
    known = {name: found & kept[:, None] if name == "mood" else found for name, found in corpus.known.items()}
    return replace(corpus, tonics=tonics, tempi_bpm=corpus.tempi_bpm * changes.stretches, known=known)


def transposed(cens: Tensor, semitones: Indices) -> Tensor:
    """(S, 12, C) → each turned up by its (S,) semitones."""
    rows = (torch.arange(cens.shape[1]) - torch.from_numpy(semitones)[:, None]) % cens.shape[1]
    return cens.gather(1, rows[:, :, None].expand(cens.shape))


def equalised(mel: Tensor, gains_db: Tensor) -> Tensor:
    """(S, M, frames) log10(1 + 10 · mel) of magnitudes → the same with its (S, M) gains."""
    magnitude = (10**mel - 1) * 10 ** (gains_db[:, :, None] / 20)
    return torch.log10(1 + magnitude)


def changed(segments: Segments, changes: Changes) -> Segments:
    """S segments, each by the change of its own row; the tempo was changed when they were cut."""
    gains_db = torch.from_numpy(changes.gains_db).float()
    return replace(
        segments, mel=equalised(segments.mel, gains_db), cens=transposed(segments.cens, changes.semitones)
    )
