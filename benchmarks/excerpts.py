"""Does an excerpt find its own track, and do tracks of one soundtrack find each other?

A list of recordings (CSV: path, split, soundtrack, dup_of) is embedded by whole-track vectors alone, all spaces
with equal weights. Asked are

- excerpts: 30 s from a random place, 6 dB quieter, as mono mp3 of 48 kb/s; the track itself should come first,
- soundtracks: the share of the ten nearest that are of the same soundtrack, near duplicates left out on both sides,
  against the expectation of a random order and against the nearest neighbours by facts of the file alone (sample
  rate, channels, loudness, bit rate), which say how much a likeness of files can pass for a likeness of music.

Embeddings are kept in --cache, so that an interrupted run goes on where it stopped.
"""

import argparse
import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from hashlib import sha256
from math import log2
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray

from models.audio import decode
from models.encoder import Encoder, embed
from models.registry import load_encoder

MP3_RATE_HZ = 44_100
NEAREST = 10

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One row of the list, with what was measured."""

    path: str
    split: str
    soundtrack: str
    duplicates: frozenset[str]
    duration_s: float
    whole: Floats
    excerpt: Floats
    facts: Floats


@dataclass(frozen=True)
class Result:
    """One figure. ``baseline`` is the expectation of a random order."""

    question: str
    tracks: str
    space: str
    queries: int
    value: float
    baseline: float


def excerpt(waveform: Floats, seconds: float, kbps: int, generator: np.random.Generator) -> io.BytesIO:
    """A piece from a random place, 6 dB quieter, as mono mp3."""
    length = round(seconds * MP3_RATE_HZ)
    start = int(generator.integers(0, max(1, len(waveform) - length)))
    piece = waveform[start : start + length] / 2
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=MP3_RATE_HZ, layout="mono")
        stream.bit_rate = kbps * 1000
        frame = av.AudioFrame.from_ndarray(piece[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = MP3_RATE_HZ
        frame.time_base = Fraction(1, MP3_RATE_HZ)
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=MP3_RATE_HZ, frame_size=1152)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    out.seek(0)
    return out


def measure(path: Path, encoder: Encoder, options: argparse.Namespace) -> dict[str, Floats]:
    """Vectors of a track and of its excerpt, and the facts of its file."""
    rate = encoder.manifest.sample_rate_hz
    data = path.read_bytes()
    track = decode(io.BytesIO(data), sample_rate_hz=rate)
    full = decode(io.BytesIO(data), sample_rate_hz=MP3_RATE_HZ).waveform
    generator = np.random.default_rng(int(sha256(data).hexdigest()[:8], 16) + options.seed)
    piece = decode(excerpt(full, options.seconds, options.kbps, generator), sample_rate_hz=rate)
    bits_per_second = 8 * len(data) / track.duration_s
    facts = [log2(track.sample_rate_hz), track.channels, track.loudness_lufs or -70.0, log2(bits_per_second)]
    return {
        "whole": embed(encoder, track.waveform).vector,
        "excerpt": embed(encoder, piece.waveform).vector,
        "facts": np.array(facts, np.float32),
        "duration_s": np.array(track.duration_s, np.float32),
    }


def cached(path: Path, encoder: Encoder, options: argparse.Namespace) -> dict[str, Floats]:
    """As ``measure``, once."""
    setting = f"{path} {encoder.manifest.digest} {options.seconds} {options.kbps} {options.seed}"
    kept = options.cache / f"{sha256(setting.encode()).hexdigest()[:24]}.npz"
    if not kept.exists():
        part = kept.with_suffix(".part.npz")
        np.savez(part, **measure(path, encoder, options))
        part.rename(kept)
    with np.load(kept) as file:
        return dict(file)


def recordings(options: argparse.Namespace, encoder: Encoder) -> Iterator[Recording]:
    """Measure every listed recording that is there."""
    options.cache.mkdir(parents=True, exist_ok=True)
    with options.list.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (options.audio / row["path"]).exists()]
    with ThreadPoolExecutor(options.jobs) as pool:
        measured = pool.map(lambda row: cached(options.audio / row["path"], encoder, options), rows)
        for row, found in zip(rows, measured, strict=True):
            yield Recording(
                path=row["path"],
                split=row["split"],
                soundtrack=row["soundtrack"],
                duplicates=frozenset(filter(None, row["dup_of"].split(";"))),
                duration_s=float(found["duration_s"]),
                whole=found["whole"],
                excerpt=found["excerpt"],
                facts=found["facts"],
            )


def groups(tracks: list[Recording]) -> NDArray[np.int64]:
    """(N,) the same number for tracks that are near duplicates of one another."""
    number = {track.path: index for index, track in enumerate(tracks)}
    group = np.arange(len(tracks))
    for index, track in enumerate(tracks):
        for other in track.duplicates & number.keys():
            group[group == group[index]] = group[number[other]]
    return group


def by_space(encoder: Encoder, vectors: Floats) -> dict[str, Floats]:
    """(N, D) → one (N, d) array per space, and all of them side by side with equal weights."""
    edges = np.cumsum([space.dimension for space in encoder.manifest.spaces])[:-1]
    names = [space.name for space in encoder.manifest.spaces]
    return {"all": vectors, **dict(zip(names, np.split(vectors, edges, axis=1), strict=True))}


def identification(tracks: list[Recording], encoder: Encoder, seconds: float) -> Iterator[Result]:
    """How often an excerpt's own track, or a near duplicate of it, comes first."""
    whole = by_space(encoder, np.stack([track.whole for track in tracks]))
    asked = by_space(encoder, np.stack([track.excerpt for track in tracks]))
    group = groups(tracks)
    long_enough = np.array([track.duration_s >= seconds for track in tracks])
    unseen = np.array([track.split != "train" for track in tracks])
    for label, chosen in (("all", long_enough), ("not trained on", long_enough & unseen)):
        for space in whole:
            first = (asked[space] @ whole[space].T).argmax(1)
            own = (first == np.arange(len(tracks)))[chosen]
            yield Result("excerpt finds its track", label, space, len(own), float(own.mean()), 1 / len(tracks))
            alike = (group[first] == group)[chosen]
            if space == "all":
                yield Result("... or its duplicate", label, space, len(alike), float(alike.mean()), 1 / len(tracks))


def soundtracks(tracks: list[Recording], encoder: Encoder) -> Iterator[Result]:
    """Precision among the nearest ten, within all tracks and within each split by itself."""
    similarities = {
        space: vectors @ vectors.T
        for space, vectors in by_space(encoder, np.stack([track.whole for track in tracks])).items()
    }
    facts = np.stack([track.facts for track in tracks])
    scores = (facts - facts.mean(0)) / facts.std(0)
    similarities["facts of the file"] = -np.linalg.norm(scores[:, np.newaxis] - scores, axis=2)
    names = np.array([track.soundtrack for track in tracks])
    splits = np.array([track.split for track in tracks])
    group = groups(tracks)
    for label in ("all", "test"):
        chosen = np.flatnonzero(splits == label) if label != "all" else np.arange(len(tracks))
        for space, similarity in similarities.items():
            part = similarity[np.ix_(chosen, chosen)]
            value, expected, queries = precision(part, names[chosen], group[chosen])
            yield Result(f"same soundtrack, P@{NEAREST}", label, space, queries, value, expected)


def precision(similarity: Floats, names: NDArray[np.str_], group: NDArray[np.int64]) -> tuple[float, float, int]:
    """Mean precision at ten, its expectation in random order, and how many tracks had anything to find."""
    found, expected = [], []
    for index, row in enumerate(similarity):
        others = np.flatnonzero(group != group[index])
        relevant = names[others] == names[index]
        if relevant.any():
            nearest = np.argsort(-row[others], kind="stable")[:NEAREST]
            found.append(relevant[nearest].mean())
            expected.append(relevant.mean())
    return float(np.mean(found)), float(np.mean(expected)), len(found)


def main() -> None:
    """Print the table; write JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    encoder = load_encoder(options.encoder, options.device, options.artifacts)
    tracks = list(recordings(options, encoder))
    print(f"{len(tracks)} tracks, encoder {encoder.manifest.name} {encoder.manifest.version}")
    print(f"{'question':28}{'tracks':16}{'space':20}{'queries':>8}{'value':>8}{'random':>8}")
    results = [*identification(tracks, encoder, options.seconds), *soundtracks(tracks, encoder)]
    for result in results:
        print(
            f"{result.question:28}{result.tracks:16}{result.space:20}"
            f"{result.queries:>8}{result.value:>8.3f}{result.baseline:>8.3f}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
