"""The typed configurations of training runs, read from TOML; the presets lie beside this file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from models.baselines.clmr_network import ClmrSettings
from models.baselines.encoder import EncoderSettings
from models.baselines.kim_network import KimSettings
from models.baselines.lstm_network import LstmSettings
from models.baselines.vq import VqSettings
from models.runs.config import read_settings
from models.runs.pace import Pace

PRESETS = Path(__file__).parent / "presets"

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BaselineConfig(BaseModel):
    """A training run, all but its data.

    Attributes:
        encoder: What is trained.
        max_duration_s: Of a track that is listened to, around its middle.
        seed: Of everything that is drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: EncoderSettings = EncoderSettings()
    max_duration_s: Annotated[float, Field(ge=3, allow_inf_nan=False)] = 300.0
    seed: Annotated[int, Field(ge=0)] = 0


class VqConfig(BaselineConfig):
    """Of a codebook.

    Attributes:
        frames: That it is learnt from, at random and as many of each track.
    """

    encoder: VqSettings = VqSettings()
    frames: Count = 200_000


class NetworkConfig(BaselineConfig, Pace):
    """Of a network.

    Attributes:
        songs: Of a batch, with two random crops of each (KIM and CLMR), or one section (LSTM).
        rounds: Times that every song is heard in an epoch; what is left over at the end of a round and fills no
            batch is left out of it.
    """

    songs: Annotated[int, Field(ge=2)] = 48
    rounds: Count = 1


class KimConfig(NetworkConfig):
    """Of KIM."""

    encoder: KimSettings = KimSettings()


class ClmrConfig(NetworkConfig):
    """Of CLMR.

    Attributes:
        temperature: τ of NT-Xent.
    """

    encoder: ClmrSettings = ClmrSettings()
    temperature: Positive = 0.5


class LstmConfig(NetworkConfig):
    """Of the LSTM."""

    encoder: LstmSettings = LstmSettings()


Config = TypeVar("Config", bound=BaselineConfig)


def read_config(kind: type[Config], encoder: str, name: str, changes: Sequence[str] = ()) -> Config:
    """A configuration: a preset of an encoder by its name, or a TOML file; see ``models.runs.config``.

    Raises:
        ConfigInvalid: There is no such file, or it says what it cannot; with every fault.
    """
    return read_settings(kind, PRESETS / encoder, name, changes)
