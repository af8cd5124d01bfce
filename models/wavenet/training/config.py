"""The typed configuration of a training run, read from TOML; the presets lie beside this file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.datasets.annotations import MIN_JACCARD
from models.runs.config import read_settings
from models.runs.pace import NotNegative, Pace
from models.wavenet.settings import Count, WavenetSettings

PRESETS = Path(__file__).parent / "presets"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class ListSettings(BaseModel):
    """What is heard at once: groups of tracks, each a query with some that are similar to it.

    Every track of a batch is a query to the others.

    Attributes:
        groups: Of a batch.
        tracks: Of a group.
        by_annotations: Share of the batches in which tracks are similar by their annotations; in the others they
            are if they are of one origin (album). It is exact where as many tracks have similar ones in either
            respect: each respect of each domain is drawn by its share times the number of those.
        min_jaccard: From which on annotations make tracks similar.
        similar: Tracks of a query's list that are similar to it, at random; 3 in the paper. Who has fewer in the
            batch is no query. With 0 and 0 a list is all the batch.
        dissimilar: Likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Annotated[int, Field(ge=2)] = 8
    tracks: Annotated[int, Field(ge=2)] = 4
    by_annotations: Share = 0.5
    min_jaccard: Annotated[float, Field(gt=0, le=1)] = MIN_JACCARD
    similar: Annotated[int, Field(ge=0)] = 0
    dissimilar: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _whole_or_drawn(self) -> Self:
        if bool(self.similar) != bool(self.dissimilar):
            raise ValueError("a list has similar and dissimilar tracks: give both numbers, or 0 and 0 for all")
        if self.similar >= self.tracks:
            raise ValueError(
                f"a group of {self.tracks} tracks has no {self.similar} that are similar to one of them"
            )
        others = (self.groups - 1) * self.tracks
        if self.dissimilar > others:
            raise ValueError(
                f"the other groups of a batch have {others} tracks, not {self.dissimilar} dissimilar ones"
            )
        return self


class ObjectiveSettings(BaseModel):
    """What is minimised.

    Attributes:
        loss: ``hinge`` over pairs (paper 004, equation 2), or LambdaLoss over lists, by its weighting of pairs.
        margin: Of the hinge.
        sigma: σ of LambdaLoss: how steep it is in similarity. Cosines differ by 2 at the most: by σ = 1 they would
            hardly move.
        mu: μ of NDCG-Loss2++.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: Literal["hinge", "ndcg1", "ndcg2", "ndcg2++", "lambdarank"] = "ndcg2"
    margin: Positive = 1.0
    sigma: Positive = 8.0
    mu: NotNegative = 10.0


class AugmentationSettings(BaseModel):
    """What is changed of a crop; nothing in the paper. Bands are those of a mel spectrogram.

    Attributes:
        most_db: Of a random curve over the bands, to either side; of samples, of their level.
        most_shift: Bands by which all are moved up or down.
        masked_bands: The most in a row that become the mean of the corpus, as a share of all.
        masked_time: Likewise of the crop's elements.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_db: NotNegative = 0.0
    most_shift: Annotated[int, Field(ge=0)] = 0
    masked_bands: Share = 0.0
    masked_time: Share = 0.0


class PredictionSettings(Pace):
    """How the stacks are trained to predict the next element before they learn to rank.

    Attributes:
        epochs: 0: not at all.
        per_epoch: Batches.
        crops: Of a batch.
        crop_s: Their length, in seconds.
    """

    epochs: Annotated[int, Field(ge=0)] = 0
    learning_rate: Positive = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    per_epoch: Count = 100
    crops: Count = 16
    crop_s: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] = 2.0


class WavenetConfig(Pace):
    """A training run, all but its data.

    Attributes:
        network: What is trained.
        lists: What is heard at once.
        objective: What is minimised.
        augmentation: What is changed.
        prediction: What comes before.
        per_epoch: Batches.
        crop_s: Length of what is heard of a track at once, in seconds.
        max_duration_s: Of a track that is listened to, around its middle.
        seed: Of everything that is drawn.
    """

    network: WavenetSettings = WavenetSettings()
    lists: ListSettings = ListSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    prediction: PredictionSettings = PredictionSettings()
    per_epoch: Count = 50
    crop_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 10.0
    max_duration_s: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 180.0
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _causal_if_predicting(self) -> Self:
        if self.prediction.epochs and self.network.padding != "causal":
            raise ValueError("what predicts may not see what comes: with prediction.epochs padding is 'causal'")
        return self


def read_config(name: str, changes: Sequence[str] = ()) -> WavenetConfig:
    """A configuration: a preset by its name, or a TOML file; see ``models.runs.config``.

    Raises:
        ConfigInvalid: There is no such file, or it says what it cannot; with every fault.
    """
    return read_settings(WavenetConfig, PRESETS, name, changes)
