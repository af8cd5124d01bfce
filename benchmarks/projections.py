"""What the steps of the encoder ``librosa`` are worth: the same statistics, projected in other ways.

Each variant is fitted to the recordings of the split ``train`` and asked what ``benchmarks.excerpts`` asks, within
the recordings that it was not fitted to. Statistics are kept in --cache.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.excerpts import Result, identification, soundtracks
from benchmarks.recordings import (
    Measured,
    Recording,
    cached,
    decoded_excerpt,
    decoded_track,
    listed,
    row_facts,
    shared_arguments,
)
from models.artifact import read_artifact
from models.descriptor import STATISTICS_VERSION, DescriptorEncoder
from models.encoder import Encoder, Floats, Prepared
from models.projection import ProjectionSettings
from models.registry import load_encoder
from models.statistics import FACETS
from models.train import Extracted, extract, listed_files, train

EVERY_DIMENSION = 10_000

VARIANTS = {
    "PCA, not standardised": ProjectionSettings(standardise=False, dimension=EVERY_DIMENSION, within_track=False),
    "PCA, standardised": ProjectionSettings(dimension=EVERY_DIMENSION, within_track=False),
    "+ whitening, 16 dimensions": ProjectionSettings(dimension=16),
    "+ whitening, 32": ProjectionSettings(dimension=32),
    "+ whitening, 64 (shipped)": ProjectionSettings(),
    "+ whitening, all": ProjectionSettings(dimension=EVERY_DIMENSION),
    "64, ridge 0.03": ProjectionSettings(ridge=0.03),
    "64, ridge 1": ProjectionSettings(ridge=1.0),
    "64, 90 % of the variance": ProjectionSettings(variance=0.9),
}


@dataclass(frozen=True)
class Statistics:
    """Rows of a recording and of its excerpt, as every variant takes them."""

    row: dict[str, str]
    duration_s: float
    facts: Floats
    whole: Prepared
    excerpt: Prepared


def measure(path: Path, encoder: Encoder, options: argparse.Namespace) -> Measured:
    """Statistics of a track and of its excerpt; those of one encoder serve all variants."""
    rate = encoder.manifest.sample_rate_hz
    track, facts = decoded_track(path, rate)
    whole = encoder.prepare(track.waveform)
    piece = encoder.prepare(decoded_excerpt(path, options, rate).waveform)
    return {
        "whole": whole.inputs.numpy(),
        "whole_spans_s": whole.spans_s,
        "excerpt": piece.inputs.numpy(),
        "excerpt_spans_s": piece.spans_s,
        "facts": facts,
        "duration_s": np.array(track.duration_s),
    }


def statistics(options: argparse.Namespace, encoder: Encoder) -> Iterator[Statistics]:
    """Statistics of every listed recording."""
    rows = listed(options)

    def found(row: dict[str, str]) -> Measured:
        path = options.audio / row["path"]
        settings = f"{STATISTICS_VERSION} {options.seconds} {options.kbps} {options.seed}"
        return cached(options.cache, f"statistics {path} {settings}", lambda: measure(path, encoder, options))

    with ThreadPoolExecutor(options.jobs) as pool:
        for row, kept in zip(rows, pool.map(found, rows), strict=True):
            yield Statistics(
                row=row,
                duration_s=float(kept["duration_s"]),
                facts=kept["facts"],
                whole=Prepared(torch.from_numpy(kept["whole"]), kept["whole_spans_s"]),
                excerpt=Prepared(torch.from_numpy(kept["excerpt"]), kept["excerpt_spans_s"]),
            )


def fitted(extracted: list[Extracted], cache: Path, settings: ProjectionSettings) -> Encoder:
    """An encoder whose spaces are all fitted in one way."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "librosa"
        every = dict.fromkeys(FACETS, settings)
        train(extracted, cache, out, data="benchmark", version="0", seed=0, settings=every)
        return DescriptorEncoder(read_artifact(out), torch.device("cpu"))


def vector(encoder: Encoder, prepared: Prepared) -> Floats:
    """The whole-track vector."""
    return encoder.pool(prepared, encoder.encode(prepared.inputs)).vector


def projected(found: list[Statistics], encoder: Encoder) -> list[Recording]:
    """The recordings with the vectors of one variant."""
    return [
        Recording(
            **row_facts(each.row),
            duration_s=each.duration_s,
            facts=each.facts,
            whole=vector(encoder, each.whole),
            excerpt=vector(encoder, each.excerpt),
        )
        for each in found
    ]


def answers(tracks: list[Recording], encoder: Encoder, seconds: float) -> tuple[Result, Result, Result]:
    """The excerpts found, and the precision within all recordings and within the test split, by all spaces."""
    found = [result for result in identification(tracks, encoder, seconds) if result.space == "all"]
    alike = [result for result in soundtracks(tracks, encoder) if result.space == "all"]
    return found[0], alike[0], alike[1]


def main() -> None:
    """Print the table; write JSON where asked to."""
    options = shared_arguments(__doc__).parse_args()
    options.unseen = True
    torch.set_num_threads(1)
    shipped = load_encoder("librosa", "cpu")
    found = list(statistics(options, shipped))
    files = listed_files(options.audio, options.list, "train")
    extracted = list(extract(files, options.cache / "train", options.jobs))
    print(f"fitted to {len(extracted)} recordings, asked within {len(found)} others, P is P@10 of one soundtrack")
    print(f"{'variant':28}{'dimensions':>20}{'excerpt':>9}{'P, all':>8}{'P, test':>9}")
    table = {}
    for name, settings in VARIANTS.items():
        encoder = fitted(extracted, options.cache / "train", settings)
        table[name] = answers(projected(found, encoder), encoder, options.seconds)
        dimensions = "+".join(str(space.dimension) for space in encoder.manifest.spaces)
        excerpt, everything, test = (result.value for result in table[name])
        print(f"{name:28}{dimensions:>20}{excerpt:>9.3f}{everything:>8.3f}{test:>9.3f}")
    chance = "".join(f"{result.baseline:>9.3f}" for result in table["PCA, standardised"])
    print(f"{'random order':47}{chance}")
    if options.json:
        figures = {name: [asdict(result) for result in results] for name, results in table.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
