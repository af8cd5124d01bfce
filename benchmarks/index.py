"""How fast the indexes answer, against FAISS by itself and against the reference.

Each index is asked by the weight patterns that people use, on random tracks of 4 spaces with 32 dimensions, from
one thread. ``ratio`` is the median against that of a plain ``IndexFlatIP`` over whole vectors, asked for the same.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import faiss
import numpy as np

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.domain import EncoderInfo, Space, Vectors
from app.query import compose, weight_matrix
from app.services.joint_index import JointIndex

ENCODER = EncoderInfo(
    "e", "n", "1", "d", tuple(Space(name, 32) for name in ("timbre", "harmony", "rhythm", "dynamics"))
)
PATTERNS: dict[str, dict[str, float] | None] = {
    "uniform": None,
    "one space": {"rhythm": 1.0},
    "two spaces": {"timbre": 1.0, "rhythm": 0.5},
    "contrast": {"timbre": 1.0, "harmony": -0.5, "rhythm": 0.2},
}
K = 20

Ask = Callable[[Vectors], object]


@dataclass(frozen=True)
class Timing:
    """Milliseconds per query."""

    index: str
    tracks: int
    pattern: str
    p50_ms: float
    p99_ms: float
    ratio: float


def unit_vectors(count: int, generator: np.random.Generator) -> Vectors:
    """(N, D) of unit length in each space."""
    vectors = generator.standard_normal((count, len(ENCODER.spaces), 32), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return vectors.reshape(count, -1)


def subjects(vectors: Vectors, generator: np.random.Generator) -> Iterator[tuple[str, Ask]]:
    """What is measured; the plain FAISS index first."""
    numbers = np.arange(len(vectors))
    plain = faiss.IndexFlatIP(vectors.shape[1])
    plain.add(vectors)
    faiss.omp_set_num_threads(1)
    yield "plain IndexFlatIP", lambda query: plain.search(query[np.newaxis], K)
    index = FaissIndex(ENCODER)
    index.add(numbers, vectors)
    yield "FaissIndex", partial(index.search, k=K)
    for share in (0.5, 0.01):
        allowed = np.flatnonzero(generator.random(len(vectors)) < share)
        yield f"FaissIndex, {share:.0%} allowed", partial(index.search, k=K, allowed=allowed)
    yield "JointIndex, two halves", joint_halves(vectors)
    reference = MemoryIndex(ENCODER)
    reference.add(numbers, vectors)
    yield "MemoryIndex", partial(reference.search, k=K)


def joint_halves(vectors: Vectors) -> Ask:
    """The same tracks in the indexes of two encoders with two spaces each; like a search it asks those weighed."""
    middle = vectors.shape[1] // 2
    places = [slice(0, middle), slice(middle, None)]
    indexes = []
    for place, spaces in zip(places, (ENCODER.spaces[:2], ENCODER.spaces[2:]), strict=True):
        indexes.append(FaissIndex(replace(ENCODER, spaces=spaces)))
        indexes[-1].add(np.arange(len(vectors)), vectors[:, place])

    def ask(query: Vectors) -> object:
        asked = [pair for pair in zip(indexes, places, strict=True) if query[pair[1]].any()]
        if len(asked) > 1:
            return JointIndex(indexes, places).search(query, K)
        [(index, place)] = asked
        return index.search(query[place], K)

    return ask


def time_queries(ask: Ask, queries: list[Vectors]) -> Vectors:
    """Milliseconds of each query, after one to warm up."""
    ask(queries[0])
    took = []
    for query in queries:
        start = time.perf_counter()
        ask(query)
        took.append(1000 * (time.perf_counter() - start))
    return np.array(took, dtype=np.float32)


def measure(tracks: int, repeats: int) -> Iterator[Timing]:
    """Measure every index by every pattern."""
    generator = np.random.default_rng(0)
    vectors = unit_vectors(tracks, generator)
    sources = unit_vectors(repeats, generator)
    baseline: dict[str, float] = {}
    for name, ask in subjects(vectors, generator):
        for pattern, weights in PATTERNS.items():
            matrix = weight_matrix([weights], ENCODER.spaces)
            queries = [compose(ENCODER.spaces, source[np.newaxis], matrix).vector for source in sources]
            took = time_queries(ask, queries if name != "MemoryIndex" else queries[: max(5, repeats // 10)])
            median = float(np.median(took))
            ratio = median / baseline.setdefault(pattern, median)
            yield Timing(name, tracks, pattern, median, float(np.percentile(took, 99)), ratio)


def main() -> None:
    """Print the table; write JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000])
    arguments.add_argument("--repeats", type=int, default=200)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    print(f"{'index':28}{'tracks':>9}  {'pattern':12}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    timings = []
    for tracks in options.tracks:
        for timing in measure(tracks, options.repeats):
            timings.append(timing)
            print(
                f"{timing.index:28}{timing.tracks:>9}  {timing.pattern:12}"
                f"{timing.p50_ms:>9.3f}{timing.p99_ms:>9.3f}{timing.ratio:>8.2f}"
            )
    if options.json:
        options.json.write_text(json.dumps([asdict(timing) for timing in timings], indent=2) + "\n")


if __name__ == "__main__":
    main()
