"""The typed configuration of a training run, read from TOML; the presets lie beside this file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.csn.settings import NetworkSettings
from models.runs.config import read_settings

PRESETS = Path(__file__).parent / "presets"
COMPLETE = "complete"

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
SpaceName = Literal["genre", "mood", "instrument", "era", "tempo", "key"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectiveSettings(_Settings):
    """What is minimised: the four families of paper 003 by the weights of their losses.

    Attributes:
        triplet: Weight of the hinge on triplets, mean over the dimensions (paper 001, equation 1).
        track: Weight of the hinge on tracks, on the whole embedding (paper 003: 0.5 beside ``triplet``).
        tags: Weight of the binary cross-entropy of tags: the families proxy and classification.
        origins: Weight of the binary cross-entropy of origins and artists: to tell albums apart is to know finer
            styles than tags name. Of domains that say so, and of their training tracks alone.
        origin_spaces: Where they are told apart: sub-spaces, or ``complete`` for the whole embedding.
        margin: Δ of both hinges, in cosine distance.
        normalised: Whether tags are scored on embeddings of unit length. With it a proxy and a classification
            weight are the same thing; without it this is plain classification.
        disentangled: Whether each dimension has its own sub-space; without it all share the whole embedding.
    """

    triplet: NotNegative = 0.0
    track: NotNegative = 0.0
    tags: NotNegative = 0.0
    origins: NotNegative = 0.0
    origin_spaces: tuple[SpaceName | Literal["complete"], ...] = ("genre",)
    margin: Positive = 0.1
    normalised: bool = True
    disentangled: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.triplet + self.track + self.tags == 0:
            raise ValueError("one of triplet, track and tags must be above 0")
        return self


class OptimiserSettings(_Settings):
    """Adam, its rate reduced on plateaus, and when to stop.

    Attributes:
        learning_rate: To begin with.
        warm_up: Batches in which the rate rises to it.
        weight_decay: Decoupled (AdamW).
        schedule: ``plateau``: divided by ``1 / factor`` when the validation error has not fallen for ``patience``
            epochs (papers 001 and 003); ``cosine``: falls along a cosine to zero over all epochs.
        factor: By which a plateau multiplies the rate.
        patience: Epochs.
        lowest: Rate below which it is not reduced.
        stop_after: Epochs without a lower validation error after which training ends; 0 goes on to the last epoch.
        precision: Of the network's arithmetic; ``auto`` takes bfloat16 where the device computes with it.
    """

    learning_rate: Positive = 1e-3
    warm_up: Annotated[int, Field(ge=0)] = 100
    weight_decay: NotNegative = 0.0
    schedule: Literal["plateau", "cosine"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.2
    patience: Count = 10
    lowest: NotNegative = 1e-10
    stop_after: Annotated[int, Field(ge=0)] = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class BatchSettings(_Settings):
    """What a batch is made of.

    Attributes:
        tracks: In a batch, drawn in pairs that are alike in a dimension that is drawn, and else at random.
        segments: Random ones of each track, whose mean is its embedding; with 1 a segment stands for its track, as
            in the papers.
        per_epoch: Batches.
    """

    tracks: Annotated[int, Field(ge=4, multiple_of=2)] = 64
    segments: Count = 1
    per_epoch: Count = 100


class AugmentationSettings(_Settings):
    """How segments are changed. Only with several inputs can tempo and key be changed apart from the rest.

    Attributes:
        transpose: Share of tracks whose CENS is turned by some semitones, and their key with it.
        stretch: Share of tracks whose onset strength is read faster or slower, and their tempo with it; they say
            nothing of mood, whose labels follow the tempo.
        most_octaves: Most that the tempo is changed, up or down.
        equalise: Share of tracks whose mel spectrogram gets another tone colour and level.
        most_db: Most that a band is raised or lowered.
    """

    transpose: Share = 0.0
    stretch: Share = 0.0
    most_octaves: Positive = 0.5
    equalise: Share = 0.0
    most_db: Positive = 9.0


class DomainSettings(_Settings):
    """Of a group of corpora that share a vocabulary.

    Attributes:
        share: Of a batch, relative to the others.
        ignore: Dimensions whose labels are not used here.
        origins: Whether origins and artists are styles, as albums and bands are, and composers of scores in any
            orchestration are not.
        min_confidence: Of estimated tempi and keys (the attributes ``tempo_confidence`` and ``key_confidence``).
    """

    share: Positive = 1.0
    ignore: tuple[SpaceName, ...] = ()
    origins: bool = False
    min_confidence: Share = 0.0


class TrainingConfig(_Settings):
    """A training run, all but its data.

    Attributes:
        network: What is trained.
        domains: By the name that ``--data NAME=…`` gives.
        max_duration_s: Of a track that is listened to, around its middle.
        min_tracks_per_tag: A tag of fewer training tracks is not learnt.
        min_tracks_per_origin: Nor is an origin or an artist of fewer.
        validation_segments: Of a track, evenly spread; the same in every epoch.
        epochs: At most.
        seed: Of everything that is drawn.
    """

    network: NetworkSettings = NetworkSettings()
    objective: ObjectiveSettings
    optimiser: OptimiserSettings = OptimiserSettings()
    batch: BatchSettings = BatchSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    domains: Mapping[str, DomainSettings] = {}
    max_duration_s: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 90.0
    min_tracks_per_tag: Count = 10
    min_tracks_per_origin: Count = 10
    validation_segments: Count = 8
    epochs: Count = 100
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        changed = self.augmentation.transpose + self.augmentation.stretch
        if self.network.inputs == "single" and changed:
            raise ValueError("augmentation: transpose and stretch need network.inputs = 'multi'")
        absent = {*self.objective.origin_spaces} - {*self.network.spaces, COMPLETE}
        if self.objective.origins and absent:
            raise ValueError(f"objective.origin_spaces: the network has no {', '.join(sorted(absent))}")
        if self.objective.track and self.batch.segments == 1:
            raise ValueError("objective.track compares segments of one track: batch.segments must be 2 or more")
        return self


def read_config(name: str, changes: Sequence[str] = ()) -> TrainingConfig:
    """A configuration: a preset by its name, or a TOML file; see ``models.runs.config``.

    Raises:
        ConfigInvalid: There is no such file, or it says what it cannot; with every fault.
    """
    return read_settings(TrainingConfig, PRESETS, name, changes)
