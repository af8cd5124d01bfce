"""The typed configuration of a training run, read from TOML; the presets lie beside this file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.hdpgmm.online import OnlineSettings
from models.hdpgmm.settings import MixtureSettings
from models.runs.config import read_settings

PRESETS = Path(__file__).parent / "presets"

Count = Annotated[int, Field(ge=1)]


class TrainingConfig(BaseModel):
    """A training run, all but its data.

    Attributes:
        mixture: Its sizes and priors.
        online: How it is learnt.
        songs: Of a minibatch.
        frames: Of a song in a minibatch, at most: evenly spread over it from a random one on. (The paper takes a
            random window of so many; the order of frames is nothing that the mixture knows of.)
        start: Where components begin: at frames that k-means++ finds, as ``seeds``, or ``random``: every frame
            belongs to any of them, as in the reference implementation.
        start_frames: From which they begin.
        max_duration_s: Of a track that is listened to, around its middle.
        epochs: Times that every song is heard.
        seed: Of everything that is drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixture: MixtureSettings = MixtureSettings()
    online: OnlineSettings = OnlineSettings()
    songs: Count = 64
    frames: Annotated[int, Field(ge=9)] = 1_000
    start: Literal["seeds", "random"] = "seeds"
    start_frames: Count = 20_000
    max_duration_s: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 300.0
    epochs: Count = 60
    seed: Annotated[int, Field(ge=0)] = 0


def read_config(name: str, changes: Sequence[str] = ()) -> TrainingConfig:
    """A configuration: a preset by its name, or a TOML file; see ``models.runs.config``.

    Raises:
        ConfigInvalid: There is no such file, or it says what it cannot; with every fault.
    """
    return read_settings(TrainingConfig, PRESETS, name, changes)
