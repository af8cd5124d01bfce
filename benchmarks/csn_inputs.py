"""What the three inputs of the CSN cost: CPU seconds of one core for a song of 3 minutes, beside librosa's.

The song is that of ``benchmarks.embedding``, decoded already. Both sides compute the same: a mel spectrogram and
onset strength from one spectrum, the tempogram of the latter, and CENS from a constant-Q transform. The median of
--repeats counts, after one unmeasured run, in which librosa compiles.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import torch

from benchmarks.embedding import RATE_HZ, SONG_S, cpu_s, song
from models import features
from models.csn.inputs import (
    FFT_SAMPLES,
    HOP_SAMPLES,
    MEL_BANDS,
    SAMPLE_RATE_HZ,
    TEMPOGRAM_LAGS,
    waveform_to_cens,
    waveform_to_inputs,
    waveform_to_mel_and_onset,
)
from models.encoder import Floats

Work = Callable[[], object]


def librosa_mel_and_onset(waveform: Floats) -> tuple[Floats, Floats]:
    """log10(1 + 10 · mel of the magnitude), and onset strength, on the same grid."""
    magnitude = np.abs(librosa.stft(waveform, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES))
    filters = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=FFT_SAMPLES, n_mels=MEL_BANDS)
    decibels = librosa.power_to_db(filters @ magnitude**2)
    onset = librosa.onset.onset_strength(S=decibels, sr=SAMPLE_RATE_HZ, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES)
    return np.log10(1 + 10 * (filters @ magnitude)), onset


def librosa_works(waveform: Floats) -> dict[str, Work]:
    onset = librosa_mel_and_onset(waveform)[1]
    return {
        "mel, onset": lambda: librosa_mel_and_onset(waveform),
        "tempogram": lambda: librosa.feature.tempogram(
            onset_envelope=onset, sr=SAMPLE_RATE_HZ, hop_length=HOP_SAMPLES, win_length=TEMPOGRAM_LAGS
        ),
        "CENS": lambda: librosa.feature.chroma_cens(
            y=waveform, sr=SAMPLE_RATE_HZ, hop_length=HOP_SAMPLES, tuning=0.0
        ),
    }


def own_works(waveform: torch.Tensor) -> dict[str, Work]:
    onset = waveform_to_mel_and_onset(waveform)[1]
    return {
        "mel, onset": lambda: waveform_to_mel_and_onset(waveform),
        "tempogram": lambda: features.onset_to_tempogram(onset, TEMPOGRAM_LAGS),
        "CENS": lambda: waveform_to_cens(waveform),
        "all three": lambda: waveform_to_inputs(waveform),
    }


def median_s(work: Work, repeats: int) -> float:
    return statistics.median([cpu_s(work) for _ in range(repeats + 1)][1:])


def main() -> None:
    """Print the table; write JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    waveform = librosa.resample(song(SONG_S).mean(0), orig_sr=RATE_HZ, target_sr=SAMPLE_RATE_HZ)
    own = {name: median_s(work, options.repeats) for name, work in own_works(torch.from_numpy(waveform)).items()}
    theirs = {name: median_s(work, options.repeats) for name, work in librosa_works(waveform).items()}
    theirs["all three"] = sum(theirs.values())
    print(f"{'CPU seconds, 3 minutes':24}{'own':>10}{'librosa':>10}{'ratio':>8}")
    for name, seconds in own.items():
        print(f"{name:24}{seconds:>10.3f}{theirs[name]:>10.3f}{theirs[name] / seconds:>8.1f}")
    if options.json:
        options.json.write_text(json.dumps({"cpu_s": {"own": own, "librosa": theirs}}, indent=2) + "\n")


if __name__ == "__main__":
    main()
