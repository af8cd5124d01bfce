"""Does an excerpt find its own track, and do tracks of one soundtrack find each other?

A list of recordings (CSV: path, split, soundtrack, dup_of) is embedded by whole-track vectors alone, all spaces
with equal weights. Asked are

- excerpts: 30 s from a random place, 6 dB quieter, as mono mp3 of 48 kb/s; the track itself should come first,
- tempo and key: how often track and excerpt agree on them, where both have one,
- soundtracks: the share of the ten nearest that are of the same soundtrack, near duplicates left out on both sides,
  against the expectation of a random order and against the nearest neighbours by facts of the file alone (sample
  rate, channels, loudness, bit rate), which say how much a likeness of files can pass for a likeness of music.

--unseen asks within the recordings that were not trained on; --seconds and --kbps make the excerpts shorter and
coarser. Embeddings are kept in --cache, so that an interrupted run goes on where it stopped.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import log2

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.recordings import Recording, recordings, shared_arguments
from models.encoder import Encoder, Floats
from models.registry import load_encoder

NEAREST = 10
SAME_TEMPO_OCTAVES = 0.06
"""4 %."""

SURE_KEY = 0.8


@dataclass(frozen=True)
class Result:
    """One figure. ``baseline`` is the expectation of a random order, where there is an order."""

    question: str
    tracks: str
    space: str
    queries: int
    value: float
    baseline: float | None


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


def agreement(tracks: list[Recording], seconds: float) -> Iterator[Result]:
    """How often track and excerpt have the same tempo and the same key, where both have one."""
    chosen = [track for track in tracks if track.duration_s >= seconds]
    octaves = np.array([abs(log2(a / b)) for a, b in (track.tempi for track in chosen) if a and b])
    folded = np.abs(octaves - octaves.round())
    keyed = [track for track in chosen if all(track.keys)]
    same = np.array([track.keys[0] == track.keys[1] for track in keyed])
    sure = np.array([track.key_confidence > SURE_KEY for track in keyed])
    for question, agree in (
        ("same tempo", octaves < SAME_TEMPO_OCTAVES),
        ("same tempo but for octaves", folded < SAME_TEMPO_OCTAVES),
        ("same key", same),
        (f"same key, confidence > {SURE_KEY}", same[sure]),
    ):
        yield Result(question, "all", "track and excerpt", len(agree), float(agree.mean()), None)


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
    options = shared_arguments(__doc__).parse_args()
    torch.set_num_threads(1)
    encoder = load_encoder(options.encoder, options.device, options.artifacts)
    tracks = list(recordings(options, encoder))
    print(f"{len(tracks)} tracks, encoder {encoder.manifest.name} {encoder.manifest.version}")
    print(f"{'question':28}{'tracks':16}{'space':20}{'queries':>8}{'value':>8}{'random':>8}")
    results = [
        *identification(tracks, encoder, options.seconds),
        *agreement(tracks, options.seconds),
        *soundtracks(tracks, encoder),
    ]
    for result in results:
        print(
            f"{result.question:28}{result.tracks:16}{result.space:20}"
            f"{result.queries:>8}{result.value:>8.3f}"
            + ("" if result.baseline is None else f"{result.baseline:>8.3f}")
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
