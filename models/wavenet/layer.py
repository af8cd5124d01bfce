"""One layer of a WaveNet: a gated, dilated convolution (van den Oord et al. 2016; paper 004, section 4.3).

Signals are images of one row, (B, C, 1, L), laid out with channels last: CPUs convolve them twice as fast as
sequences. Axis letters: B signals, C channels, L elements.
"""

import torch
from torch import Tensor, nn

from models.wavenet.settings import WavenetSettings


class DilatedConvolution(nn.Module):
    """A convolution that keeps the length; what lies beyond the ends is zero.

    Args:
        channels: In and out.
        taps: Of the filter.
        dilation: Elements from one tap to the next.
        causal: Whether all of the filter lies at and before the element that it gives; else it lies around it, an
            odd one out before.
    """

    def __init__(self, channels: tuple[int, int], taps: int, dilation: int, *, causal: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(*channels, (1, taps), dilation=(1, dilation))
        reach = (taps - 1) * dilation
        self.after = 0 if causal else reach // 2
        self.before = reach - self.after

    def forward(self, signal: Tensor) -> Tensor:
        """(B, C, 1, L) → (B, C', 1, L)."""
        padded: Tensor = self.convolution(nn.functional.pad(signal, (self.before, self.after)))
        return padded


class WavenetLayer(nn.Module):
    """tanh(W_f ∗ x) ⊙ σ(W_g ∗ x), from which a skip and the next layer's input come.

    Both filters are one convolution, of twice the channels.

    Args:
        settings: Of the network.
        dilation: Of this layer.
        last: Whether no layer follows: then its signal has no use, and there are no weights to make it.
    """

    def __init__(self, settings: WavenetSettings, dilation: int, *, last: bool) -> None:
        super().__init__()
        channels = settings.channels
        self.gated = DilatedConvolution(
            (channels, 2 * channels), settings.filter, dilation, causal=settings.padding == "causal"
        )
        self.outputs = nn.Conv2d(channels, settings.skip_channels + (0 if last else channels), 1)
        self._sizes = [settings.skip_channels, self.outputs.out_channels - settings.skip_channels]

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, 1, L) → the skip (B, skip channels, 1, L) and the signal of the next layer, (B, C, 1, L)."""
        values, gates = self.gated(signal).chunk(2, 1)
        skip, change = torch.split(self.outputs(values.tanh() * gates.sigmoid()), self._sizes, 1)
        return skip, signal + change if self._sizes[1] else signal
