"""Is hdpgmm as sure as it may be? What it expects of excerpts, and what it says of sounds that are no music.

    python -m benchmarks.hdpgmm_certainty --recordings benchmarks/labels/all.csv --audio MUSIC

An excerpt's certainty is the likeness that is to be expected between its shares and those of endless music of its
kind. For want of that it is held against the rest of its recording: the Bhattacharyya coefficient that is found.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.audio import decode
from models.datasets.manifest import read_manifest
from models.encoder import Encoder, Floats, embed
from models.registry import load_encoder

SECONDS = (3.0, 10.0, 30.0, 60.0)
ODD_S = 60.0


@dataclass(frozen=True, slots=True)
class Excerpts:
    """Of one length: means over recordings."""

    seconds: float
    count: int
    certainty: float
    found: float
    correlation: float


def waveforms(options: argparse.Namespace, rate_hz: int) -> Iterator[Floats]:
    """Of every recording of the split."""
    for track in read_manifest(options.recordings, options.audio, accept_labels=True).tracks:
        if track.split == options.split:
            with track.path.open("rb") as file:
                yield decode(file, sample_rate_hz=rate_hz).waveform


def of_recording(encoder: Encoder, waveform: Floats, generator: np.random.Generator) -> Iterator[tuple[float, ...]]:
    """Length in seconds, certainty and likeness to the rest, of excerpts of each length that fits in twice."""
    rate_hz = encoder.manifest.sample_rate_hz
    for seconds in SECONDS:
        length = int(seconds * rate_hz)
        if len(waveform) < 2 * length:
            continue
        start = int(generator.integers(len(waveform) - length))
        excerpt = embed(encoder, waveform[start : start + length])
        rest = embed(encoder, np.concatenate([waveform[:start], waveform[start + length :]]))
        if excerpt.vector.any() and rest.vector.any():
            yield seconds, excerpt.certainty or 0.0, float(excerpt.vector @ rest.vector)


def summary(rows: list[tuple[float, ...]]) -> Iterator[Excerpts]:
    """Over recordings, by length."""
    for seconds in SECONDS:
        own = np.array([row[1:] for row in rows if row[0] == seconds])
        certainty, found = own.mean(0)
        yield Excerpts(seconds, len(own), certainty, found, float(np.corrcoef(own.T)[0, 1]))


def odd_sounds(rate_hz: int) -> Mapping[str, Floats]:
    """Sounds that nobody would call music, ODD_S long."""
    generator = np.random.default_rng(0)
    time = np.arange(int(ODD_S * rate_hz)) / rate_hz
    clicks = np.zeros(len(time))
    clicks[:: rate_hz // 4] = 0.9
    sweep = np.sin(2 * np.pi * 20 * ODD_S / np.log(250) * (250 ** (time / ODD_S) - 1))
    sounds = {
        "white noise": generator.normal(scale=0.1, size=len(time)),
        "sine of 440 Hz": 0.5 * np.sin(2 * np.pi * 440 * time),
        "sweep from 20 to 5000 Hz": 0.5 * sweep,
        "four clicks a second": clicks,
        "mains hum and its harmonics": sum(np.sin(2 * np.pi * 50 * n * time) / n for n in range(1, 20)) * 0.2,
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--recordings", type=Path, required=True, help="manifest with a split")
    arguments.add_argument("--audio", type=Path, required=True)
    arguments.add_argument("--split", default="test")
    arguments.add_argument("--artifacts", type=Path, help="folder with the folder hdpgmm; default: what is shipped")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    encoder = load_encoder("hdpgmm", "cpu", [options.artifacts] if options.artifacts else [])
    generator = np.random.default_rng(0)
    rate_hz = encoder.manifest.sample_rate_hz
    rows = [row for heard in waveforms(options, rate_hz) for row in of_recording(encoder, heard, generator)]
    print("| excerpt | recordings | certainty | likeness to the rest | correlation |\n|---|---:|---:|---:|---:|")
    for row in summary(rows):
        print(
            f"| {row.seconds:g} s | {row.count} | {row.certainty:.3f} | {row.found:.3f} | {row.correlation:+.2f} |"
        )
    print(f"\n| {ODD_S:g} s of | certainty |\n|---|---:|")
    for name, sound in odd_sounds(rate_hz).items():
        print(f"| {name} | {embed(encoder, sound).certainty:.3f} |")


if __name__ == "__main__":
    main()
