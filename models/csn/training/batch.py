"""A batch: segments of tracks drawn together, changed, with what is known of them afterwards."""

from dataclasses import dataclass

import numpy as np
import torch

from models.csn.inputs import SEGMENT_FRAMES
from models.csn.settings import NetworkSettings
from models.csn.track_features import Segments, TrackFeatures, cut, join, segment_starts
from models.csn.training.augmentation import Changes, changed, draw_changes, relabelled
from models.csn.training.config import TrainingConfig
from models.csn.training.corpus import Corpus, Indices
from models.csn.training.feature_cache import CsnFeatureCache


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B tracks of m segments each.

    Attributes:
        segments: (B · m) those of a track one after the other.
        corpus: What is known of the B tracks.
    """

    segments: Segments
    corpus: Corpus


def draw_batch(
    corpus: Corpus, rows: Indices, cache: CsnFeatureCache, config: TrainingConfig, generator: np.random.Generator
) -> Batch:
    """Random segments of the tracks of some rows.

    Raises:
        TrainingInterrupted: Features in the cache are damaged.
    """
    changes = draw_changes(len(rows), config.augmentation, generator)
    count = config.batch.segments
    parts = []
    for row, stretch in zip(rows, changes.stretches, strict=True):
        features = cache.read(corpus.entries[row])
        parts.append(cut(features, _random_starts(len(features), count, generator), config.network, stretch))
    taken = corpus.take(rows)
    return Batch(changed(join(parts), _repeated(changes, count)), relabelled(taken, changes))


def whole_track(features: TrackFeatures, settings: NetworkSettings, most: int) -> Segments:
    """Segments of a track one after the other, at most so many, evenly spread."""
    starts = segment_starts(len(features))
    chosen = torch.linspace(0, len(starts) - 1, min(most, len(starts))).round().long()
    return cut(features, starts[chosen], settings)


def _random_starts(frames: int, count: int, generator: np.random.Generator) -> torch.Tensor:
    """(m,) first frames; two segments overlap by at most a half where the track is long enough (paper 003)."""
    room = max(0, frames - SEGMENT_FRAMES)
    step = (SEGMENT_FRAMES + 1) // 2
    if room < step * (count - 1):
        return torch.from_numpy(generator.integers(0, room + 1, count))
    free = np.sort(generator.integers(0, room - step * (count - 1) + 1, count))
    return torch.from_numpy(generator.permutation(free + step * np.arange(count)))


def _repeated(changes: Changes, count: int) -> Changes:
    """The changes of B tracks for each of their m segments."""
    return Changes(
        semitones=changes.semitones.repeat(count),
        stretches=changes.stretches.repeat(count),
        gains_db=changes.gains_db.repeat(count, axis=0),
    )
