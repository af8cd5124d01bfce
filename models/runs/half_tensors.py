"""What a network learnt, as artifacts hold it."""

from torch import Tensor, nn


def half_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Its tensors by name, in half precision, without the counters of its normalisations."""
    state = network.state_dict()
    return {name: tensor.half() for name, tensor in state.items() if tensor.is_floating_point()}


def round_to_half(network: nn.Module) -> None:
    """Round it to what ``half_tensors`` gives, so that it is judged as an artifact will be."""
    network.load_state_dict({**network.state_dict(), **half_tensors(network)})
