"""Training of the encoder ``librosa``: statistics of many files, in parallel and resumable, then the fits."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.artifact import write_artifact
from models.audio import decode
from models.descriptor import DESCRIPTIONS, MIN_SAMPLES, NAME, STATISTICS_VERSION
from models.encoder import EncoderManifest, Floats, Space
from models.errors import ModelError, TrainingImpossible
from models.projection import Projection, ProjectionSettings, fit_projection
from models.statistics import FACETS, frames_to_rows
from models.track_frames import SAMPLE_RATE_HZ, waveform_to_track_frames

MIN_TRACKS = 20
SEGMENTS_PER_TRACK = 40
MAX_SEGMENTS = 200_000
"""Rows of statistics held in memory at once: 1.7 GB."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One file after its statistics were taken.

    Attributes:
        path: Of the file.
        sha256: Of its bytes; names the cached statistics.
        refusal: Why it cannot be used; ``None`` when it can.
    """

    path: Path
    sha256: str
    refusal: str | None = None


def listed_files(audio: Path, listing: Path | None = None, split: str | None = None) -> list[Path]:
    """Files to learn from, sorted.

    Args:
        audio: The folder that holds them.
        listing: One path below ``audio`` per line, or a CSV file with the columns ``path`` and ``split``; without
            it every file below ``audio``.
        split: Only the rows of a CSV list with this value.
    """
    if listing is None:
        return sorted(path for path in audio.rglob("*") if path.is_file())
    with listing.open(newline="", encoding="utf-8") as file:
        if listing.suffix != ".csv":
            return sorted(audio / line.strip() for line in file if line.strip())
        return sorted(audio / row["path"] for row in csv.DictReader(file) if split in {None, row["split"]})


def extract(files: Iterable[Path], cache: Path, jobs: int) -> Iterator[Extracted]:
    """Take the statistics of files into ``cache``, in parallel; what is there already is kept."""
    cache.mkdir(parents=True, exist_ok=True)
    if jobs == 1:
        yield from map(_extract_file, files, _repeated(cache))
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(_extract_file, files, _repeated(cache))


def train(
    extracted: Iterable[Extracted],
    cache: Path,
    out: Path,
    *,
    data: str,
    version: str,
    seed: int,
    settings: Mapping[str, ProjectionSettings] | None = None,
) -> EncoderManifest:
    """Fit the projections and write the artifact.

    Equal files count once. The same files, seed and library versions give the same artifact.

    Args:
        extracted: What ``extract`` gave.
        cache: Where it put the statistics.
        out: Folder of the artifact.
        data: Name of the collection, for the manifest. Paths never go into an artifact.
        version: Of the artifact.
        seed: Chooses the segments of long tracks.
        settings: By facet; a facet left out has the defaults.

    Raises:
        TrainingImpossible: Fewer than MIN_TRACKS can be used.
    """
    everything = list(extracted)
    hashes = sorted({file.sha256 for file in everything if file.refusal is None})
    if len(hashes) < MIN_TRACKS:
        raise TrainingImpossible(
            f"{len(hashes)} of {len(everything)} files can be used; {MIN_TRACKS} different ones are needed."
        )
    rows, tracks = _sample(hashes, cache, np.random.default_rng(seed))
    chosen = {name: (settings or {}).get(name, ProjectionSettings()) for name in FACETS}
    projections = _fit(rows, tracks, chosen)
    manifest = EncoderManifest(
        name=NAME,
        version=version,
        digest="",
        spaces=tuple(
            Space(name, projection.matrix.shape[1], DESCRIPTIONS[name]) for name, projection in projections.items()
        ),
        sample_rate_hz=SAMPLE_RATE_HZ,
        settings={
            "statistics_version": STATISTICS_VERSION,
            "projections": {name: asdict(value) for name, value in chosen.items()},
        },
        training={
            "data": data,
            "tracks": len(hashes),
            "segments": len(rows),
            "refused": sum(file.refusal is not None for file in everything),
            "data_sha256": sha256("".join(hashes).encode()).hexdigest(),
            "seed": seed,
        },
    )
    tensors = {
        f"{name}.{part}": getattr(projection, part)
        for name, projection in projections.items()
        for part in ("mean", "limit", "scale", "matrix", "offset")
    }
    return write_artifact(out, manifest, tensors)


def _repeated(cache: Path) -> Iterator[Path]:
    while True:
        yield cache


def _extract_file(path: Path, cache: Path) -> Extracted:
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            cached = _cached(cache, digest)
            if not cached.exists():
                waveform = decode(file).waveform
                _save(cached, _rows(waveform))
    except (OSError, ModelError) as error:
        return Extracted(path, "", str(error))
    return Extracted(path, digest)


def _rows(waveform: Floats) -> Floats:
    """(S, P) statistics of the segments in which every facet applies.

    Raises:
        TrainingImpossible: There are none.
    """
    rows = np.zeros((0, 0), np.float32)
    if len(waveform) >= MIN_SAMPLES:
        with torch.inference_mode():
            rows = frames_to_rows(waveform_to_track_frames(waveform)).numpy()
        rows = rows[np.isfinite(rows).all(1)]
    if not len(rows):
        raise TrainingImpossible("The file is silent or too short to learn from.")
    return rows


def _cached(cache: Path, digest: str) -> Path:
    return cache / f"{digest}.v{STATISTICS_VERSION}.npy"


def _save(path: Path, rows: Floats) -> None:
    """Write whole or not at all: an interrupted run goes on where it stopped."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    np.save(part, rows)
    part.replace(path)


def _sample(
    hashes: list[str], cache: Path, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, P) statistics of at most so many segments per track, and (N,) the track of each."""
    most = max(2, min(SEGMENTS_PER_TRACK, MAX_SEGMENTS // len(hashes)))
    chosen = []
    for digest in hashes:
        rows = np.load(_cached(cache, digest))
        chosen.append(generator.permutation(rows)[:most])
    tracks = np.repeat(np.arange(len(hashes)), [len(rows) for rows in chosen])
    return np.concatenate(chosen), tracks


def _fit(
    rows: NDArray[np.float32], tracks: NDArray[np.int64], settings: Mapping[str, ProjectionSettings]
) -> dict[str, Projection]:
    edges = np.cumsum(list(FACETS.values()))[:-1]
    columns = dict(zip(FACETS, np.split(rows, edges, axis=1), strict=True))
    return {name: fit_projection(columns[name].astype(np.float64), tracks, settings[name]) for name in FACETS}
