"""Recordings of a list (CSV: path, split, soundtrack, dup_of) and an excerpt of each, as an encoder measures them.

What was measured is kept in --cache, so that an interrupted run goes on where it stopped.
"""

import argparse
import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from math import log2
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.analysis import analyse
from models.audio import DecodedAudio, decode
from models.encoder import Encoder, Floats, embed
from models.encoding import Encoding, encode

MP3_RATE_HZ = 44_100

Measured = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Recording:
    """One row of the list, with what was measured."""

    path: str
    split: str
    soundtrack: str
    duplicates: frozenset[str]
    duration_s: float
    facts: Floats
    whole: Floats
    excerpt: Floats
    tempi: tuple[float, float] = (0.0, 0.0)
    keys: tuple[str, str] = ("", "")
    key_confidence: float = 0.0


def excerpt(waveform: Floats, seconds: float, kbps: int, generator: np.random.Generator) -> io.BytesIO:
    """A piece from a random place, 6 dB quieter, as mono mp3."""
    length = round(seconds * MP3_RATE_HZ)
    start = int(generator.integers(0, max(1, len(waveform) - length)))
    piece = waveform[start : start + length] / 2
    return encode(piece[np.newaxis], MP3_RATE_HZ, Encoding("mp3", "libmp3lame", "s16p", kbps))


def decoded_excerpt(path: Path, options: argparse.Namespace, rate: int) -> DecodedAudio:
    """An excerpt of a file, its place chosen by the file's bytes and the seed."""
    data = path.read_bytes()
    full = decode(io.BytesIO(data), sample_rate_hz=MP3_RATE_HZ).waveform
    generator = np.random.default_rng(int(sha256(data).hexdigest()[:8], 16) + options.seed)
    return decode(excerpt(full, options.seconds, options.kbps, generator), sample_rate_hz=rate)


def decoded_track(path: Path, rate: int) -> tuple[DecodedAudio, Floats]:
    """A whole file, and the facts of it that are no music."""
    with path.open("rb") as file:
        track = decode(file, sample_rate_hz=rate)
    bits_per_second = 8 * path.stat().st_size / track.duration_s
    facts = [log2(track.sample_rate_hz), track.channels, track.loudness_lufs or -70.0, log2(bits_per_second)]
    return track, np.array(facts, np.float32)


def measure(audio: DecodedAudio, encoder: Encoder) -> Measured:
    """Vector, tempo (0 for none), key ("" for none) and the confidence of the key."""
    found = analyse(audio.waveform)
    return {
        "vector": embed(encoder, audio.waveform).vector,
        "tempo": np.array(found.tempo_bpm or 0.0),
        "key": np.array(found.key or ""),
        "key_confidence": np.array(found.key_confidence),
    }


def measure_track(path: Path, encoder: Encoder) -> Measured:
    track, facts = decoded_track(path, encoder.manifest.sample_rate_hz)
    return {**measure(track, encoder), "facts": facts, "duration_s": np.array(track.duration_s)}


def cached(folder: Path, setting: str, made: Callable[[], Measured]) -> Measured:
    """What ``made`` gives, once per setting."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{sha256(setting.encode()).hexdigest()[:24]}.npz"
    if not kept.exists():
        part = kept.with_suffix(".part.npz")
        np.savez(part, **made())
        part.rename(kept)
    with np.load(kept) as file:
        return dict(file)


def measured(path: Path, encoder: Encoder, options: argparse.Namespace) -> tuple[Measured, Measured]:
    """Track and excerpt."""
    digest = encoder.manifest.digest
    piece_setting = f"excerpt {path} {digest} {options.seconds} {options.kbps} {options.seed}"
    return (
        cached(options.cache, f"track {path} {digest}", lambda: measure_track(path, encoder)),
        cached(
            options.cache,
            piece_setting,
            lambda: measure(decoded_excerpt(path, options, encoder.manifest.sample_rate_hz), encoder),
        ),
    )


def listed(options: argparse.Namespace) -> list[dict[str, str]]:
    """The rows of the list whose recording is there."""
    with options.list.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (options.audio / row["path"]).exists()]
    return [row for row in rows if not (options.unseen and row["split"] == "train")]


def row_facts(row: dict[str, str]) -> dict[str, object]:
    """What the list says of a recording."""
    duplicates = frozenset(filter(None, row["dup_of"].split(";")))
    return {"path": row["path"], "split": row["split"], "soundtrack": row["soundtrack"], "duplicates": duplicates}


def recordings(options: argparse.Namespace, encoder: Encoder) -> Iterator[Recording]:
    """Measure every listed recording that is there."""
    rows = listed(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        found = pool.map(lambda row: measured(options.audio / row["path"], encoder, options), rows)
        for row, (track, piece) in zip(rows, found, strict=True):
            yield Recording(
                **row_facts(row),
                duration_s=float(track["duration_s"]),
                facts=track["facts"],
                whole=track["vector"],
                excerpt=piece["vector"],
                tempi=(float(track["tempo"]), float(piece["tempo"])),
                keys=(str(track["key"]), str(piece["key"])),
                key_confidence=float(piece["key_confidence"]),
            )


def shared_arguments(description: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark on a list of recordings."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--audio", type=Path, required=True, help="folder of the recordings")
    arguments.add_argument("--list", type=Path, required=True, help="the CSV file")
    arguments.add_argument("--encoder", default="librosa")
    arguments.add_argument("--artifacts", type=Path, nargs="*", default=[])
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--kbps", type=int, default=48)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--jobs", type=int, default=1)
    arguments.add_argument("--cache", type=Path, default=Path(".cache/excerpts"))
    arguments.add_argument("--unseen", action="store_true", help="only recordings that were not trained on")
    arguments.add_argument("--json", type=Path)
    return arguments
