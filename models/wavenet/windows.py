"""Long signals piece by piece: windows with what lies around them, whose steps are those of the whole signal.

An element of a step depends on nothing that is further away than the receptive field. So a window takes that much
more of the signal on either side, and its steps there are thrown away. Before and after a track there is the mean
of the training corpus, which is 0 to the network.

Axis letters: N elements of a signal, W numbers in an element, B windows, L elements of a window, P elements of a
step, S steps.
"""

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from models.wavenet.inputs import element_rate_hz
from models.wavenet.settings import WavenetSettings

WINDOW_S = 20.0
"""What a window gives steps of, before it is rounded up to whole ones."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How signals are cut.

    Attributes:
        step: P.
        before: Elements before those that a window is about; whole steps, as all of these.
        about: Elements of which a window gives the steps.
        after: Elements behind.
    """

    step: int
    before: int
    about: int
    after: int

    def cut(self, signal: Tensor, filling: Tensor) -> Tensor:
        """(N, W) → (B, L, W) windows, filled up with (W,) where the signal is not."""
        count = ceil(len(signal) / self.about)
        behind = count * self.about - len(signal) + self.after
        around = [filling.expand(length, -1).to(signal) for length in (self.before, behind)]
        length = self.before + self.about + self.after
        return torch.cat([around[0], signal, around[1]]).unfold(0, length, self.about).transpose(1, 2)

    def inner(self, steps: Tensor) -> Tensor:
        """(B, L / P, …) steps of windows → those that they are about."""
        first = self.before // self.step
        return steps[:, first : first + self.about // self.step]


def windows_of(settings: WavenetSettings) -> Windows:
    """For the receptive field of a network."""
    before, after = reach(settings)
    step = settings.step
    return Windows(
        step=step,
        before=ceil(before / step) * step,
        about=ceil(WINDOW_S * element_rate_hz(settings) / step) * step,
        after=ceil(after / step) * step,
    )


def reach(settings: WavenetSettings) -> tuple[int, int]:
    """How many elements before the first and behind the last of a step it depends on."""
    before = after = 0
    spacing = 1
    for _ in range(settings.stacks):
        for dilation in settings.dilations:
            earlier, later = _sides((settings.filter - 1) * dilation, settings)
            before, after = before + earlier * spacing, after + later * spacing
        spacing *= settings.pool
    earlier, later = _sides(settings.reduced_filter - 1, settings)
    return before + earlier * spacing, after + later * spacing


def _sides(length: int, settings: WavenetSettings) -> tuple[int, int]:
    later = 0 if settings.padding == "causal" else length // 2
    return length - later, later
