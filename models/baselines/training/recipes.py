"""How each baseline comes to be: its configuration, what it hears, and how it learns.

A network's tensors are those of its best epoch; Gaussian and codebook are learnt in one go.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.audible_frames import to_segments
from models.baselines.block_encoder import PREFIX as NETWORK
from models.baselines.encoder import BaselineEncoder, EncoderSettings
from models.baselines.gaussian import GaussianEncoder
from models.baselines.lstm import LstmEncoder
from models.baselines.lstm_inputs import to_sections
from models.baselines.training.config import BaselineConfig, LstmConfig, NetworkConfig, VqConfig
from models.baselines.training.crop_cache import ChromaCache
from models.baselines.training.crops import spread_crops
from models.baselines.training.learn_codebook import learn_codebook, sampled_frames
from models.baselines.training.next_frame_lesson import NextFrameLesson
from models.baselines.training.pair_lesson import PairLesson
from models.baselines.training.tasks import CLMR, KIM, Task
from models.baselines.vq import PREFIX as CODEBOOK
from models.baselines.vq import VqEncoder, VqSettings
from models.runs.frame_cache import FrameCache
from models.runs.half_tensors import half_tensors
from models.runs.lesson import Lesson
from models.runs.network_trainer import NetworkTrainer
from models.runs.tensor_cache import TensorCache
from models.runs.tracks import Tracks
from models.song_frames import HOP_SAMPLES

SCALED_CROPS = 12
"""Of a track, by which the scales of KIM and CLMR are fitted: some 30 s, as long as the songs of 000."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a run gave.

    Attributes:
        settings: Of the encoder.
        tensors: Of its artifact.
        tracks: Rows of each training track, as the encoder's ``prepare`` makes them.
        facts: For its manifest.
    """

    settings: EncoderSettings
    tensors: Mapping[str, Tensor]
    tracks: Iterable[Tensor]
    facts: Mapping[str, object] = field(default_factory=dict)


TrainToTheEnd = Callable[[NetworkTrainer[Any]], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Of a baseline.

    Attributes:
        encoder: What it is.
        config: Kind of its configurations.
        preset: That a run takes if it is told nothing else.
        cache: Kind of what it learns from.
        learn: From configuration, tracks, their cache, folder and device of the run, and what trains a network.
    """

    encoder: type[BaselineEncoder]
    config: type[BaselineConfig]
    preset: str
    cache: type[TensorCache]
    learn: Callable[[Any, Tracks, Any, Path, torch.device, TrainToTheEnd], Learnt]


def _frames(tracks: Tracks, cache: FrameCache) -> Iterator[Tensor]:
    return (cache.read(track.entry).float() for track in tracks.train)


def _segments(tracks: Tracks, cache: FrameCache) -> Iterator[Tensor]:
    for frames in _frames(tracks, cache):
        yield to_segments(frames, torch.ones(len(frames)), len(frames) * HOP_SAMPLES).inputs


def _learn_gaussian(config: BaselineConfig, tracks: Tracks, cache: FrameCache, *_: object) -> Learnt:
    return Learnt(config.encoder, {}, _segments(tracks, cache))


def _learn_codebook(config: VqConfig, tracks: Tracks, cache: FrameCache, *_: object) -> Learnt:
    most = ceil(config.frames / len(tracks.train))
    sample = sampled_frames((frames.numpy() for frames in _frames(tracks, cache)), most, config.seed)
    codebook = learn_codebook(sample, config.encoder.codewords, config.seed)
    parts = {"mean": codebook.mean, "weight": codebook.weight, "words": codebook.words}
    return Learnt(
        VqSettings(codewords=len(codebook.words)),
        {f"{CODEBOOK}{name}": tensor.float() for name, tensor in parts.items()},
        _segments(tracks, cache),
        {"frames": len(sample)},
    )


class NetworkLesson(Lesson[Any], Protocol):
    """A lesson in which the network of an encoder learns, maybe with others."""

    @property
    def network(self) -> nn.Module: ...


def _network_recipe(
    encoder: type[BaselineEncoder],
    kind: type[NetworkConfig],
    features: type[TensorCache],
    lesson: Callable[[Any, Tracks, Any, torch.device], NetworkLesson],
    rows: Callable[[Any, str], Tensor],
) -> Recipe:
    def learn(  # noqa: PLR0917 - as ``Recipe.learn``
        config: NetworkConfig,
        tracks: Tracks,
        cache: TensorCache,
        folder: Path,
        device: torch.device,
        train_to_the_end: TrainToTheEnd,
    ) -> Learnt:
        learnt = lesson(config, tracks, cache, device)
        trainer = NetworkTrainer(learnt, config, config.seed, folder)
        train_to_the_end(trainer)
        epoch = trainer.restore_best()
        return Learnt(
            config.encoder,
            {f"{NETWORK}{name}": tensor for name, tensor in half_tensors(learnt.network).items()},
            (rows(cache, track.entry) for track in tracks.train),
            {"epoch": epoch, **{name: round(figure, 4) for name, figure in trainer.judge().items()}},
        )

    return Recipe(encoder, kind, "small", features, learn)


def _pair_recipe(task: Task) -> Recipe:
    def crops(cache: TensorCache, entry: str) -> Tensor:
        return spread_crops(cache, entry, task.encoder.blocks, SCALED_CROPS)

    return _network_recipe(task.encoder, task.config, task.cache, partial(PairLesson, task), crops)


def _sections(cache: ChromaCache, entry: str) -> Tensor:
    return to_sections(cache.read(entry).float())


RECIPES: Mapping[str, Recipe] = {
    "g1": Recipe(GaussianEncoder, BaselineConfig, "paper", FrameCache, _learn_gaussian),
    "vq": Recipe(VqEncoder, VqConfig, "paper", FrameCache, _learn_codebook),
    "kim": _pair_recipe(KIM),
    "clmr": _pair_recipe(CLMR),
    "lstm": _network_recipe(LstmEncoder, LstmConfig, ChromaCache, NextFrameLesson, _sections),
}
