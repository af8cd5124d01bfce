"""What changes the tags of a tagger that should not: clips that are too short, their level, their bandwidth.

Of each recording the 29 s in the middle, at one level, are tagged as they are and in variants: only their first
seconds, repeated (as the tagger does it) or followed by silence; 20 dB quieter; band-limited as evaluations hear
them. Printed are, between as it is and varied: the rank correlation over recordings, mean of the tags; the share of
the five most probable tags that stay; the mean absolute difference of the probabilities.

    python benchmarks/taggers.py benchmarks/recordings.csv --audio MUSIC --weights WEIGHTS/msd_fcn.pth --tracks 40
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from models.audio import SAMPLE_RATE_HZ as AUDIO_RATE_HZ
from models.audio import decode
from models.datasets.manifest import read_manifest
from models.encoder import Floats
from models.errors import ModelError
from models.evaluate.view import BAND_LIMIT_HZ, low_passed
from models.labelling.hearing import levelled, middle
from models.taggers.front_end import SAMPLE_RATE_HZ
from models.taggers.tagger import read_tagger, resampled

CLIP_S = 29.0
SHORT_S = (5, 10, 15, 20, 25)
QUIETER_DB = 20
TOP = 5


def variants(clip: Floats) -> Iterator[tuple[str, Floats]]:
    """(T,) at the rate of audio → the clip as it is first, then its variants, at the rate of taggers."""
    heard = resampled(clip, AUDIO_RATE_HZ)
    yield "as it is", heard
    for seconds in SHORT_S:
        first = heard[: seconds * SAMPLE_RATE_HZ]
        yield f"first {seconds} s, repeated", first
        yield f"first {seconds} s, then silence", np.pad(first, (0, len(heard) - len(first)))
    yield f"{QUIETER_DB} dB quieter", heard * np.float32(10 ** (-QUIETER_DB / 20))
    yield f"up to {BAND_LIMIT_HZ:g} Hz", resampled(low_passed(clip, BAND_LIMIT_HZ), AUDIO_RATE_HZ)


def clips(options: argparse.Namespace) -> Iterator[Floats]:
    """The middle of so many recordings, drawn by the seed; those that are shorter or silent are passed over."""
    tracks = read_manifest(options.manifest, options.audio, accept_labels=True).tracks
    for number in np.random.default_rng(options.seed).permutation(len(tracks))[: options.tracks]:
        with tracks[number].path.open("rb") as file:
            clip = middle(decode(file).waveform, CLIP_S)
        if len(clip) == round(CLIP_S * AUDIO_RATE_HZ):
            try:
                yield levelled(clip)
            except ModelError as error:
                print(f"{tracks[number].id}: {error}")


def compare(expected: Floats, found: Floats) -> tuple[float, float, float]:
    """(N, 50) and (N, 50) probabilities → rank correlation, share of top tags, mean absolute difference."""
    ranks = [spearmanr(one, other).statistic for one, other in zip(expected.T, found.T, strict=True)]
    best, still = (np.argsort(-scores, axis=1)[:, :TOP] for scores in (expected, found))
    kept = [len(set(one) & set(other)) / TOP for one, other in zip(best, still, strict=True)]
    return float(np.nanmean(ranks)), float(np.mean(kept)), float(np.abs(expected - found).mean())


def main() -> None:
    """Print a table per tagger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--audio", type=Path, help="folder that the manifest's paths start from")
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--tracks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    taggers = [read_tagger(path) for path in options.weights]
    scores: dict[tuple[str, str], list[Floats]] = {}
    for clip in clips(options):
        for variant, heard in variants(clip):
            for tagger in taggers:
                scores.setdefault((tagger.name, variant), []).append(tagger.score(heard).mean)
    for (name, variant), found in scores.items():
        rank, kept, difference = compare(np.stack(scores[name, "as it is"]), np.stack(found))
        print(f"{name:18}{variant:28}{len(found):>5}{rank:>8.2f}{kept:>8.2f}{difference:>9.4f}")


if __name__ == "__main__":
    main()
