"""The recurrent network of paper 004 (4.2), which foretells the next frame of a chromagram from those before.

Axis letters: B sections, L frames of a section, C pitch classes, H hidden units.
"""

from typing import Annotated, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.baselines.encoder import EncoderSettings
from models.features import CHROMA_SIZE


class LstmSettings(EncoderSettings):
    """Of network and vectors; of all this the paper names the dropout alone.

    Attributes:
        hidden: H.
        dropout: On the frames that go in, and on what comes out of the recurrence, in training.
        reduce: How the sections of a track become one: their ``mean``, by their audible frames, the ``max`` of each
            number, or the ``last`` of them. The paper tries all three and does not say which is best.
        keep: Of a section: the ``states`` behind its last frame (2 H numbers), the mean of the ``outputs`` (C), or
            ``both``. Likewise.
    """

    hidden: Annotated[int, Field(ge=1)] = 128
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    reduce: Literal["mean", "max", "last"] = "mean"
    keep: Literal["states", "outputs", "both"] = "both"


class LstmNetwork(nn.Module):
    """One LSTM and a linear layer."""

    def __init__(self, settings: LstmSettings) -> None:
        super().__init__()
        self.recurrence = nn.LSTM(CHROMA_SIZE, settings.hidden, batch_first=True)
        self.output = nn.Linear(settings.hidden, CHROMA_SIZE)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, L, C) → (B, L, C): after each frame, what the next one will be."""
        hidden, _ = self.recurrence(self.dropout(frames))
        return cast("Tensor", self.output(self.dropout(hidden)))

    def memory(self, frames: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """What is left of sections, in evaluation.

        Of the outputs it is the mean: the last is a guess at one frame, wherever a section happens to end, while
        the states stand for that moment already.

        Args:
            frames: (B, L, C).
            counts: (B,) those of them that are heard, from the first on; the others are no matter.

        Returns:
            (B, 2 H) states, cell and hidden, behind the last frame; (B, C) mean of the outputs.
        """
        heard = pack_padded_sequence(frames, counts.cpu(), batch_first=True, enforce_sorted=False)
        packed, (hidden, cell) = self.recurrence(heard)
        sums = pad_packed_sequence(packed, batch_first=True)[0].sum(1)
        return torch.cat([cell[0], hidden[0]], 1), self.output(sums / counts[:, None])
