"""What the WaveNet costs for a song of 3 minutes, beside other encoders; and its layers, built in other ways.

    OMP_NUM_THREADS=1 python -m benchmarks.wavenet_speed [--config samples] [--json FILE]

First table: CPU seconds of the waveform's way to its vectors, and how many times faster than the music that is. A
WaveNet of --config stands beside the shipped one, with weights at random. Second table: the layers of that network
alone, each way of computing them beside ours, in turns; times are medians of --repeats.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import librosa
import torch
from torch import Tensor, nn

from benchmarks.embedding import RATE_HZ, SONG_S, cpu_s, song
from models.artifact import Artifact
from models.encoder import Encoder, embed
from models.registry import load_encoder
from models.track_frames import SAMPLE_RATE_HZ
from models.wavenet.encoder import PREFIX, RADIUS, WavenetEncoder, described
from models.wavenet.layer import WavenetLayer
from models.wavenet.network import WavenetNetwork
from models.wavenet.settings import WavenetSettings
from models.wavenet.training.config import read_config
from models.wavenet.windows import windows_of

PEERS = ("wavenet", "librosa", "csn", "hdpgmm", "lstm")
CPU = torch.device("cpu")


class TwoFilters(nn.Module):
    """A layer as the formula has it: two convolutions of sequences, and one for skip and signal each."""

    def __init__(self, layer: WavenetLayer, skips: int) -> None:
        super().__init__()
        fused, outputs = layer.gated.convolution, layer.outputs
        half = fused.out_channels // 2
        self.before, self.after = layer.gated.before, layer.gated.after
        self.dilation = fused.dilation[1]
        self.filters = _parts(fused, half)
        self.ends = _parts(outputs, skips)

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, L) → skip and signal."""
        padded = nn.functional.pad(signal, (self.before, self.after))
        values, gates = (nn.functional.conv1d(padded, *part, dilation=self.dilation) for part in self.filters)
        gated = values.tanh() * gates.sigmoid()
        skip, change = (nn.functional.conv1d(gated, *part) for part in self.ends)
        return skip, signal + change


def _parts(convolution: nn.Conv2d, first: int) -> list[tuple[Tensor, Tensor | None]]:
    """Weights and biases, of so many channels and of the rest."""
    weight, bias = convolution.weight[:, :, 0], convolution.bias
    return [(weight[part].contiguous(), bias[part]) for part in (slice(first), slice(first, None))]


def random_encoder(settings: WavenetSettings) -> WavenetEncoder:
    """A WaveNet of these settings with weights at random."""
    torch.manual_seed(0)
    state = WavenetNetwork(settings).state_dict()
    tensors = {f"{PREFIX}{name}": tensor for name, tensor in state.items()} | {RADIUS: torch.tensor(1.0)}
    return WavenetEncoder(Artifact(described(settings, "random", {}), tensors), CPU)


def encoders(config: str) -> dict[str, Encoder]:
    """By the name that the table gives them."""
    other = random_encoder(read_config(config).network)
    return {name: load_encoder(name, "cpu") for name in PEERS} | {f"wavenet, {config}": other}


def costs(config: str, repeats: int) -> dict[str, tuple[float, float]]:
    """CPU seconds by encoder, in turns: in all, and of the inputs alone."""
    waveform = librosa.resample(song(SONG_S).mean(0), orig_sr=RATE_HZ, target_sr=SAMPLE_RATE_HZ)
    there = encoders(config)
    whole = medians({name: partial(embed, encoder, waveform) for name, encoder in there.items()}, repeats)
    inputs = medians({name: partial(encoder.prepare, waveform) for name, encoder in there.items()}, repeats)
    return {name: (whole[name], inputs[name]) for name in there}


def medians(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """CPU seconds of each, in turns, after one that is not counted."""
    runs = [{name: cpu_s(work) for name, work in works.items()} for _ in range(repeats + 1)][1:]
    return {name: statistics.median(run[name] for run in runs) for name in works}


def ways(settings: WavenetSettings) -> dict[str, Callable[[], object]]:
    """How the layers of a stack can be computed on a window; all but the last two give the same numbers."""
    torch.manual_seed(0)
    layers = [WavenetLayer(settings, dilation, last=False).eval() for dilation in settings.dilations]
    apart = [TwoFilters(layer, settings.skip_channels) for layer in layers]
    windows = windows_of(settings)
    length = windows.before + windows.about + windows.after
    sequence = torch.randn(4, settings.channels, length)
    rows = sequence[:, :, None]
    last = [WavenetLayer(settings, dilation, last=False).eval() for dilation in settings.dilations]
    for ours, theirs in zip(last, layers, strict=True):
        ours.load_state_dict(theirs.state_dict())
        ours.to(memory_format=torch.channels_last)
    packed = rows.contiguous(memory_format=torch.channels_last)

    def through(parts: list[nn.Module], signal: Tensor) -> Tensor:
        for part in parts:
            _, signal = part(signal)
        return signal

    def halved() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return through([*last], packed)

    torch.testing.assert_close(through([*apart], sequence), through([*last], packed)[:, :, 0], atol=1e-4, rtol=1e-3)
    return {
        "two filters, sequences": lambda: through([*apart], sequence),
        "gates fused": lambda: through([*layers], rows),
        "gates fused, channels last": lambda: through([*last], packed),
        "the same in bfloat16": halved,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--config", default="samples")
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    by_encoder = costs(options.config, options.repeats)
    print(f"{'3 minutes':30}{'CPU s':>10}{'of inputs':>12}{'× realtime':>12}{'csn / it':>10}")
    csn = by_encoder["csn"][0]
    for name, (whole, inputs) in sorted(by_encoder.items(), key=lambda item: item[1]):
        print(f"{name:30}{whole:>10.3f}{inputs:>12.3f}{SONG_S / whole:>12.0f}{csn / whole:>10.2f}")
    settings = read_config(options.config).network
    with torch.inference_mode():
        by_way = medians(ways(settings), options.repeats)
    slowest = max(by_way.values())
    print(f"\n{'layers of a stack, 4 windows':30}{'CPU s':>10}{'faster':>10}")
    for name, seconds in by_way.items():
        print(f"{name:30}{seconds:>10.3f}{slowest / seconds:>10.1f}")
    if options.json:
        found = {"encoders_cpu_s": by_encoder, "layers_cpu_s": by_way}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
