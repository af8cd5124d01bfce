"""Networks that are small enough for tests, music, and made-up tracks whose albums can be heard.

One thread for torch: the tensors are small.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.artifact import Artifact
from models.datasets.track import LabelledTrack
from models.runs.band_statistics import band_statistics
from models.runs.tracks import CorpusTrack, Tracks
from models.track_frames import SAMPLE_RATE_HZ, canonicalise
from models.wavenet.encoder import PREFIX, RADIUS, WavenetEncoder, described
from models.wavenet.inputs import canonical_to_signal
from models.wavenet.network import WavenetNetwork
from models.wavenet.settings import WavenetSettings
from models.wavenet.sphere import REACH
from models.wavenet.training.config import WavenetConfig
from models.wavenet.training.signal_cache import SignalCache

TINY = {
    "mel_bands": 16,
    "channels": 6,
    "skip_channels": 4,
    "stacks": 2,
    "layers": 2,
    "filter": 2,
    "dilation_growth": 2,
    "reduced_channels": 8,
    "parts": 2,
    "connected": (5,),
    "segment_s": 2.0,
}
NOTES = 128
HISS = 0.003


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings_of(**changes):
    return WavenetSettings.model_validate({**TINY, **changes})


def network_of(seed=0, **changes):
    """In double precision, with random weights, statistics that are not those of silence, and no dropout."""
    torch.manual_seed(seed)
    network = WavenetNetwork(settings_of(**changes)).double().eval()
    width = network.settings.width
    network.stacks.standardise_by(torch.linspace(0.1, 0.4, width), torch.linspace(0.5, 2, width))
    return network


def music_of(seconds, seed=0, rate=SAMPLE_RATE_HZ, hiss=0.0):
    """(T,) plucked notes of one instrument, below 3.5 kHz: without hiss the same sound at any rate."""
    generator = np.random.default_rng(seed)
    lowest_hertz, note_s = generator.uniform(80, 300), generator.uniform(0.2, 0.6)
    scale = generator.integers(0, 13, 4)
    parts = 10 ** generator.uniform(-1.5, 0, 6)
    decay = generator.uniform(2, 12)
    time = np.arange(int(seconds * rate)) / rate
    number = (time / note_s).astype(int) % NOTES
    since = time % note_s
    hertz = (lowest_hertz * 2 ** (generator.choice(scale, NOTES) / 12))[number]
    strength = generator.uniform(0.5, 1, NOTES)[number]
    overtones = sum(height * np.sin(2 * np.pi * hertz * part * since) for part, height in enumerate(parts, 1))
    ends = np.minimum(1, np.minimum(since, note_s - since) / 0.01)  # a click would be another sound at each rate
    noise = generator.normal(scale=hiss, size=len(time))
    return (0.1 * strength * ends * np.exp(-decay * since) * overtones + noise).astype(np.float32)


def tensors_of(settings, seed=0):
    """Of a network with random weights, but for statistics and an end that tell music from other music."""
    torch.manual_seed(seed)
    network = WavenetNetwork(settings).eval()
    music = [music_of(2, 100 + number, hiss=HISS) for number in range(8)]
    signals = [canonical_to_signal(canonicalise(sound), settings) for sound in music]
    network.stacks.standardise_by(*band_statistics(signals))
    with torch.no_grad():
        end = network.end.connected[-1]
        embeddings = network(torch.stack(signals)[:, : len(signals[0]) // settings.step * settings.step])
        end.bias -= embeddings.mean(0)
        scale = embeddings.std(0)
        end.weight /= scale[:, None]
        end.bias /= scale
        radius = REACH * ((embeddings - embeddings.mean(0)) / scale).norm(dim=1).max()
    tensors = {f"{PREFIX}{name}": tensor for name, tensor in network.state_dict().items()}
    if settings.similarity == "euclidean":
        tensors[RADIUS] = radius
    return tensors


def encoder_of(**changes):
    settings = settings_of(**changes)
    artifact = Artifact(described(settings, "1", {}), tensors_of(settings))
    return WavenetEncoder(artifact, torch.device("cpu"))


def track_of(number, domain="made", **labels):
    """One whose features would lie in the cache by its number."""
    name = f"{number}.wav"
    return CorpusTrack(domain, LabelledTrack(id=name, path=Path(name), **labels), f"track {number}")


def config_of(**sections):
    """A run that is over in seconds; ``network`` adds to the tiny one."""
    network = {**TINY, "signal": "mel", **sections.pop("network", {})}
    config = {
        "epochs": 3,
        "per_epoch": 3,
        "learning_rate": 3e-3,
        "crop_s": 2,
        "precision": "float32",
        "lists": {"groups": 4, "tracks": 3},
        **sections,
    }
    return WavenetConfig.model_validate({**config, "network": network})


def corpus_of(folder, config, albums=6, tracks=4):
    """Albums on either side, each with bands of its own and one of two tags: a cache and its tracks.

    Louder than what albums have in common are the level and the tilt of each track.
    """
    cache = SignalCache(folder, config.max_duration_s, config.network)
    cache.folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(2 * albums * tracks):
        album = number // tracks
        generator = np.random.default_rng(number)
        bands = np.arange(config.network.width)
        colour = 6 * np.sin(bands * (1 + album % albums) / 3)
        colour += generator.normal(scale=8) + generator.normal(scale=8) * np.linspace(-1, 1, len(bands))
        signal = colour - 40 + generator.normal(scale=4, size=(120 + number % 7, len(bands)))
        tags = frozenset([("calm", "loud")[album % 2]])
        made.append(track_of(number, source=f"album {album}", tags={"mood": tags}))
        cache.write(made[-1].entry, torch.from_numpy(signal).half())
    return cache, Tracks(made[: albums * tracks], made[albums * tracks :], {})


class Makers:
    settings = staticmethod(settings_of)
    network = staticmethod(network_of)
    music = staticmethod(music_of)
    tensors = staticmethod(tensors_of)
    encoder = staticmethod(encoder_of)
    track = staticmethod(track_of)
    config = staticmethod(config_of)
    corpus = staticmethod(corpus_of)


@pytest.fixture(scope="session")
def make():
    """Functions that make settings, networks, encoders, music, tracks and runs."""
    return Makers()
