"""The layout of weights that convolutions are fastest with."""

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network) -> Network:
    """The same network, with its weights laid out as convolutions read them fastest, on CPU and GPU."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
