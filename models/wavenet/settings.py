"""What has to be known to build a WaveNet anew: every hyper-parameter that paper 004 names is a field."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]


class WavenetSettings(BaseModel):
    """Of signal, stacks and vectors. Where paper 004 is silent the defaults are ours.

    Attributes:
        signal: What the stacks read: ``samples`` of the canonical waveform (paper 004) or ``mel``, frames of a mel
            spectrogram in dB, which is the better input that the paper asks for.
        mean_pool: Samples whose mean is one element of the signal: 5 in the paper, 2 or 1 where there is time.
        mel_bands: Of a frame.
        channels: Of the running signal, and of either half of a gate.
        skip_channels: That each layer leaves for the end.
        stacks: N, each followed by a pooling.
        layers: k, of a stack.
        filter: Taps of a dilated convolution: 2, or 4 in the paper's variant.
        dilation_growth: What a layer's dilation is multiplied by for the next, from 1 on in each stack; as the
            filter, so that a stack sees every element once.
        pooling: What is left of ``pool`` elements after a stack.
        pool: Elements of a pooling.
        padding: ``causal``: an output depends on nothing later; ``centred``: on as much before as after.
        reduced_channels: Of the convolution over all skips.
        reduced_filter: Its taps.
        final_pooling: Of the last pooling, to a fixed size.
        parts: That fixed size: pieces of equal length, in the order of time.
        standardised: Whether what is pooled so is standardised over the batch in training, and later by what was
            found there; the paper says nothing of it. Samples hardly learn without: at first all tracks look alike.
        connected: Widths of the fully connected layers at the end; none leaves the last pooling as it is.
        dropout: Before each of them, in training.
        similarity: That vectors are made for. Cosine does not look at their length; by Euclid they are laid on a
            sphere, see ``models.wavenet.sphere``.
        segment_s: Length of a segment that has a vector of its own, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal: Literal["samples", "mel"] = "samples"
    mean_pool: Count = 5
    mel_bands: Count = 64
    channels: Count = 32
    skip_channels: Count = 16
    stacks: Count = 4
    layers: Count = 4
    filter: Annotated[int, Field(ge=2)] = 4
    dilation_growth: Count = 4
    pooling: Literal["max", "mean"] = "max"
    pool: Count = 4
    padding: Literal["causal", "centred"] = "causal"
    reduced_channels: Count = 64
    reduced_filter: Count = 3
    final_pooling: Literal["max", "mean"] = "max"
    parts: Count = 16
    standardised: bool = False
    connected: tuple[Count, ...] = (64,)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    similarity: Literal["cosine", "euclidean"] = "cosine"
    segment_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 10.0

    @property
    def width(self) -> int:
        """Numbers in an element of the signal."""
        return 1 if self.signal == "samples" else self.mel_bands

    @property
    def step(self) -> int:
        """P: elements of the signal that all poolings together make one of."""
        return int(self.pool**self.stacks)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of the layers of a stack."""
        return tuple(self.dilation_growth**layer for layer in range(self.layers))

    @property
    def dimension(self) -> int:
        """E, of the network's embeddings."""
        return self.connected[-1] if self.connected else self.parts * self.reduced_channels
