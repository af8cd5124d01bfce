"""What an embedding costs: CPU seconds by stage for a song of 3 minutes, and peak memory.

The song is generated: chords, a bass and noise on the beat, in stereo, encoded in four formats. Beside it stands
what the encoder replaces: the 518 statistics of FMA by librosa, from the same decoded waveform. The median of
--repeats counts, after one unmeasured run.
"""

import argparse
import io
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import librosa
import numpy as np
import psutil
import torch
from scipy import stats

from benchmarks.upload_memory import MIB, Peak
from models.analysis import analyse
from models.audio import decode
from models.encoder import Encoder, Floats, embed
from models.encoding import Encoding, encode
from models.registry import load_encoder

RATE_HZ = 48_000
SONG_S = 180
LONG_S = 1_200
CHORDS = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
FORMATS = {
    "mp3": Encoding("mp3", "libmp3lame", "s16p", 192),
    "flac": Encoding("flac", "flac", "s16", 0),
    "m4a": Encoding("ipod", "aac", "fltp", 192),
    "opus": Encoding("ogg", "libopus", "flt", 128),
}


def song(seconds: int) -> Floats:
    """(2, T) four chords of 2 s over and over, at 120 beats per minute."""
    generator = np.random.default_rng(0)
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    beat = np.exp(-12 * (times % 0.5))
    bars = []
    for notes in CHORDS:
        pitches = 440 * 2 ** ((np.array([notes[0] - 12, *notes]) - 69) / 12)
        tones = sum(np.sin(2 * np.pi * pitch * part * times) / part for pitch in pitches for part in (1, 2, 3, 4))
        noise = generator.normal(size=(2, len(times)))
        bars.append(0.05 * tones * (0.5 + beat) + 0.05 * noise * beat)
    round_of_chords = np.concatenate(bars, axis=1).astype(np.float32)
    return np.tile(round_of_chords, -(-seconds * RATE_HZ // round_of_chords.shape[1]))[:, : seconds * RATE_HZ]


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads together."""
    started = time.process_time()
    work()
    return time.process_time() - started


def stages(data: bytes, encoder: Encoder) -> dict[str, float]:
    """CPU seconds of each stage for one file."""
    started = time.process_time()
    waveform = decode(io.BytesIO(data), sample_rate_hz=encoder.manifest.sample_rate_hz).waveform
    return {
        "decoding, loudness": time.process_time() - started,
        "features, vectors": cpu_s(lambda: embed(encoder, waveform)),
        "tempo, key": cpu_s(lambda: analyse(waveform)),
    }


def segments(encoder: Encoder) -> int:
    """How many segments the song has."""
    silence = np.zeros(SONG_S * encoder.manifest.sample_rate_hz, np.float32)
    return len(encoder.prepare(silence).spans_s)


def fma_statistics(waveform: Floats, rate: int) -> Floats:
    """(518,) the statistics of the FMA data set, without its estimate of the tuning."""
    cqt = np.abs(librosa.cqt(waveform, sr=rate, hop_length=512, bins_per_octave=12, n_bins=84, tuning=0.0))
    stft = np.abs(librosa.stft(waveform, n_fft=2048, hop_length=512))
    cens = librosa.feature.chroma_cens(C=cqt, n_chroma=12, n_octaves=7)
    mel = librosa.feature.melspectrogram(sr=rate, S=stft**2)
    frames = [
        librosa.feature.zero_crossing_rate(waveform, frame_length=2048, hop_length=512),
        librosa.feature.chroma_cqt(C=cqt, n_chroma=12, n_octaves=7),
        cens,
        librosa.feature.tonnetz(chroma=cens),
        librosa.feature.chroma_stft(S=stft**2, sr=rate, n_chroma=12, tuning=0.0),
        librosa.feature.rms(S=stft),
        librosa.feature.spectral_centroid(S=stft, sr=rate),
        librosa.feature.spectral_bandwidth(S=stft, sr=rate),
        librosa.feature.spectral_contrast(S=stft, sr=rate, n_bands=6),
        librosa.feature.spectral_rolloff(S=stft, sr=rate),
        librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20),
    ]
    seven = [np.mean, np.std, stats.skew, stats.kurtosis, np.median, np.min, np.max]
    return np.concatenate([statistic(values, axis=1) for values in frames for statistic in seven])


def peak_mib(path: Path, encoder_name: str, artifacts: list[Path]) -> tuple[float, float]:
    """Resident memory of a process of its own with the encoder loaded and used once, and at most for one file."""
    torch.set_num_threads(1)
    encoder = load_encoder(encoder_name, "cpu", artifacts)
    embed(encoder, np.zeros(10 * encoder.manifest.sample_rate_hz, np.float32))
    loaded = psutil.Process().memory_info().rss / MIB
    with Peak(os.getpid()) as peak, path.open("rb") as file:
        stages(file.read(), encoder)
    return loaded, peak.mib


def memory(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Memory by length of the track."""
    found = {}
    for seconds in (SONG_S, LONG_S):
        with TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as pool:
            path = Path(folder) / "song.mp3"
            path.write_bytes(encode(song(seconds), RATE_HZ, FORMATS["mp3"]).getvalue())
            loaded, peak = pool.submit(peak_mib, path, options.encoder, options.artifacts).result()
            found[f"{seconds // 60} min"] = {"loaded_mib": loaded, "peak_mib": peak}
    return found


def cost(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """CPU seconds by format and stage, and of librosa from the decoded waveform."""
    encoder = load_encoder(options.encoder, "cpu", options.artifacts)
    print(f"{SONG_S // 60} minutes: {segments(encoder)} segments of {encoder.manifest.dimension} dimensions")
    found = {}
    for name, how in FORMATS.items():
        data = encode(song(SONG_S), RATE_HZ, how).getvalue()
        runs = [stages(data, encoder) for _ in range(options.repeats + 1)][1:]
        found[name] = {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
    waveform = decode(io.BytesIO(data)).waveform
    runs = [cpu_s(lambda: fma_statistics(waveform, 22_050)) for _ in range(options.repeats + 1)][1:]
    found["librosa, 518 statistics"] = {"features, vectors": statistics.median(runs)}
    return found


def main() -> None:
    """Print the tables; write JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--encoder", default="librosa")
    arguments.add_argument("--artifacts", type=Path, nargs="*", default=[])
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    by_format, by_length = cost(options), memory(options)
    columns = list(by_format["mp3"])
    print(f"{'CPU seconds, 3 minutes':26}{''.join(f'{column:>20}' for column in columns)}")
    for name, found in by_format.items():
        print(f"{name:26}{''.join(f'{found.get(column, math.nan):>20.4f}' for column in columns)}")
    own = statistics.median(by_format[name]["features, vectors"] for name in FORMATS)
    print(f"librosa / own features: {by_format['librosa, 518 statistics']['features, vectors'] / own:.1f}")
    for length, found in by_length.items():
        print(f"{length}: {found['loaded_mib']:.0f} MiB loaded, {found['peak_mib']:.0f} MiB at most")
    if options.json:
        options.json.write_text(json.dumps({"cpu_s": by_format, "memory": by_length}, indent=2) + "\n")


if __name__ == "__main__":
    main()
