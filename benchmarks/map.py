"""How a catalogue is best laid out in two dimensions, and how many clusters it has.

    python -m benchmarks.map --audio MUSIC [--cache VECTORS.npz] [--json FILE]

Points are the segments of the first --seconds of every recording below MUSIC, so that a few hundred files make
thousands of real vectors; without --audio they are made up. Methods take turns on one thread. "trustworthy" is
the trustworthiness of 15 neighbours (Venna and Kaski 2001), "kept" the share of a point's 15 nearest that are among
its 15 nearest on the map; both of --judged points. Seconds are CPU seconds; "first" has what a method compiles at
its first use. UMAP takes part where it is installed: pip install umap-learn.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from app.domain import Space
from app.query import shares_of, weighed
from benchmarks.search_world import MadeUp
from models.audio import decode
from models.catalogue_map import layout
from models.catalogue_map.clusters import Clusters, find_clusters
from models.catalogue_map.components import Floats, main_components
from models.encoder import Encoder, embed
from models.errors import ModelError
from models.registry import load_encoder

NEIGHBOURS = 15
WEIGHTS = "genre=1,mood=1,instrument=0.5"
MADE_UP = (64, 64, 64)

Method = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Fared:
    """How a method fared: CPU seconds of its first and second run, and what became of neighbours."""

    method: str
    first_s: float
    second_s: float
    trustworthy: float
    kept: float


def segments(audio: Path, name: str, weights: Mapping[str, float], seconds: float) -> Floats:
    """(N, D) weighed vectors of the segments of every recording below a folder."""
    encoder = load_encoder(name, torch.device("cpu"))
    found = [made for path in sorted(audio.rglob("*")) if path.is_file() for made in _heard(path, encoder, seconds)]
    spaces = [Space(space.name, space.dimension) for space in encoder.manifest.spaces]
    vectors = weighed(np.concatenate(found), spaces, shares_of(weights, spaces))
    return vectors[:, vectors.any(axis=0)]


def _heard(path: Path, encoder: Encoder, seconds: float) -> Iterator[Floats]:
    try:
        with path.open("rb") as file:
            audio = decode(file, sample_rate_hz=encoder.manifest.sample_rate_hz, max_duration_s=seconds)
        yield embed(encoder, audio.waveform).segments
    except ModelError as error:
        print(f"left out: {path.name}: {error}")


def made_up(count: int) -> Floats:
    """(N, D) of as many made-up tracks, three spaces that count alike."""
    vectors = MadeUp(MADE_UP).draw(count, np.random.default_rng(0)).vectors
    scaled: Floats = (vectors / np.float32(len(MADE_UP)) ** 0.5).astype(np.float32)
    return scaled


def methods() -> dict[str, Method]:
    """By the name that the table gives them."""
    found: dict[str, Method] = {
        "ours": _ours,
        "t-SNE, 500 late steps": partial(_with, LATE=500),
        "two components": lambda vectors: main_components(vectors, 2),
    }
    try:
        from umap import UMAP  # noqa: PLC0415 - to compare with
    except ImportError:
        return found
    return found | {
        "UMAP": lambda vectors: UMAP(random_state=0, n_jobs=1).fit_transform(main_components(vectors, 50))
    }


def _ours(vectors: Floats) -> Floats:
    return layout.lay_out(vectors, 0, lambda _stage, _fraction: None)


def _with(vectors: Floats, **numbers: float) -> Floats:
    """Ours, with other numbers than it has."""
    usual = {name: getattr(layout, name) for name in numbers}
    try:
        for name, number in numbers.items():
            setattr(layout, name, number)
        return _ours(vectors)
    finally:
        for name, number in usual.items():
            setattr(layout, name, number)


def judge(vectors: Floats, positions: Floats, judged: int) -> tuple[float, float]:
    """Trustworthiness of a map, and the share of neighbours that it keeps, of so many of its points."""
    count, kept, penalty = len(vectors), 0, 0.0
    chosen = np.random.default_rng(0).permutation(count)[:judged]
    for point in chosen:
        order = _by_distance(vectors, point)
        ranks = np.empty(count, np.intp)
        ranks[order] = np.arange(1, count + 1)
        near = ranks[_by_distance(positions, point)[:NEIGHBOURS]]
        kept += int((near <= NEIGHBOURS).sum())
        penalty += float(np.maximum(near - NEIGHBOURS, 0).sum())
    worst = NEIGHBOURS * (2 * count - 3 * NEIGHBOURS - 1) / 2
    return 1 - penalty / (len(chosen) * worst), kept / (len(chosen) * NEIGHBOURS)


def _by_distance(points: Floats, point: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """The others, nearest first, and the point itself at the end."""
    distances = ((points - points[point]) ** 2).sum(axis=1)
    distances[point] = np.inf
    return np.argsort(distances, kind="stable")


def compare(vectors: Floats, judged: int) -> Iterator[Fared]:
    """Every method on the same points."""
    for name, method in methods().items():
        seconds = []
        for _ in range(2):
            started = time.process_time()
            positions = method(vectors)
            seconds.append(time.process_time() - started)
        yield Fared(name, *seconds, *judge(vectors, positions, judged))


def tell(found: list[Fared], clusters: Clusters, seconds: float) -> None:
    print(f"{'':26}{'first s':>10}{'second s':>10}{'trustworthy':>13}{'kept':>8}")
    for each in found:
        print(
            f"{each.method:26}{each.first_s:>10.1f}{each.second_s:>10.1f}{each.trustworthy:>13.3f}{each.kept:>8.2f}"
        )
    print(f"\nclusters, {seconds:.1f} CPU s: {clusters.method}, k = {clusters.count}")
    print(f"{'k':>3}{'method':>8}{'silhouette':>12}{'Calinski–H.':>13}{'Davies–B.':>11}")
    for score in clusters.scores:
        figures = (score.silhouette or 0.0, score.calinski_harabasz or 0.0, score.davies_bouldin or 0.0)
        print(f"{score.k:>3}{score.method:>8}{figures[0]:>12.3f}{figures[1]:>13.0f}{figures[2]:>11.2f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--audio", type=Path)
    arguments.add_argument("--encoder", default="csn")
    arguments.add_argument("--weights", default=WEIGHTS)
    arguments.add_argument("--seconds", type=float, default=90.0)
    arguments.add_argument("--tracks", type=int, default=10_000)
    arguments.add_argument("--judged", type=int, default=1_000)
    arguments.add_argument("--cache", type=Path)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    vectors = points(options)
    with threadpool_limits(1):
        found = list(compare(vectors, options.judged))
        started = time.process_time()
        clusters = find_clusters(vectors, 0, lambda _stage, _fraction: None)
        seconds = time.process_time() - started
    print(f"{len(vectors)} points of {vectors.shape[1]} dimensions, {'real' if options.audio else 'made up'}\n")
    tell(found, clusters, seconds)
    if options.json:
        written = {
            "points": vectors.shape,
            "real": options.audio is not None,
            "methods": [asdict(each) for each in found],
            "clusters": {
                "cpu_s": seconds,
                "method": clusters.method,
                "k": clusters.count,
                "scores": [asdict(score) for score in clusters.scores],
            },
        }
        options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def points(options: argparse.Namespace) -> Floats:
    """What the options ask for: read again where it was kept."""
    if options.audio is None:
        return made_up(options.tracks)
    if options.cache and options.cache.exists():
        vectors: Floats = np.load(options.cache)["vectors"]
    else:
        weights = {name: float(weight) for name, weight in (pair.split("=") for pair in options.weights.split(","))}
        vectors = segments(options.audio, options.encoder, weights, options.seconds)
        if options.cache:
            np.savez(options.cache, vectors=vectors)
    return vectors[np.random.default_rng(0).permutation(len(vectors))[: options.tracks]]


if __name__ == "__main__":
    main()
