"""A network that is small enough for tests, and made-up tracks whose labels lie open in their features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from models.csn.inputs import CHROMA_SIZE, HOP_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ
from models.csn.settings import NetworkSettings
from models.csn.track_features import TrackFeatures
from models.csn.training.config import TrainingConfig
from models.csn.training.corpus import make_corpus, vocabulary_of
from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.material import Material
from models.datasets.keys import KEYS, PITCH_NAMES
from models.datasets.track import TAG_DIMENSIONS, LabelledTrack
from models.runs.tracks import CorpusTrack, DomainFacts

# A deadline measures the machine, which is shared, and not the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TINY = {
    "width": 0.125,
    "branch_blocks": 1,
    "joint_blocks": 3,
    "columns": 32,
    "context_frames": 64,
    "space_dimension": 8,
}
FRAMES = 300
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
VOCABULARY = {
    "genre": ("ambient", "jazz", "rock"),
    "mood": ("calm", "dark"),
    "instrument": ("guitar", "piano"),
    "era": ("1980s", "1990s"),
}
TEMPI_BPM = (82.0, 94.0, 108.0, 124.0)


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """The networks are small, and waiting threads would slow down every other test on the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_settings(**changes):
    return NetworkSettings(**{**TINY, **changes})


def tiny_config(**sections):
    """A run over in seconds; ``objective={"tags": 1.0}`` replaces the section, ``network`` adds to it."""
    network = {**TINY, **sections.pop("network", {})}
    return TrainingConfig.model_validate(
        {
            "network": network,
            "objective": {"triplet": 1.0},
            "optimiser": {"warm_up": 0, "precision": "float32"},
            "batch": {"tracks": 8, "segments": 2, "per_epoch": 2},
            "min_tracks_per_tag": 2,
            "min_tracks_per_origin": 2,
            "epochs": 4,
            **sections,
        }
    )


def made_up_track(number, **changes):
    """All labels are independent of one another."""
    drawn = np.random.default_rng(number)
    labels = {
        "id": f"{number}.wav",
        "path": Path(f"{number}.wav"),
        "source": f"source {number // 2}",
        "tags": {name: frozenset([tags[drawn.integers(len(tags))]]) for name, tags in VOCABULARY.items()},
        "tempo_bpm": float(drawn.choice(TEMPI_BPM)),
        "key": f"{drawn.choice(('C', 'E', 'G#'))} {drawn.choice(('major', 'minor'))}",
    }
    return LabelledTrack(**{**labels, **changes})


def features_of(track, frames=FRAMES):
    """Every tag lights up some mel bands; the tempo is a pulse, and the tonic one row of CENS."""
    drawn = np.random.default_rng(len(track.id) + sum(track.id.encode()))
    mel = drawn.integers(0, 40, (frames, MEL_BANDS))
    bands = MEL_BANDS // sum(map(len, VOCABULARY.values()))
    places = [(dimension, tag) for dimension in TAG_DIMENSIONS for tag in VOCABULARY[dimension]]
    for place, (dimension, tag) in enumerate(places):
        if tag in track.tags.get(dimension, ()):
            mel[:, place * bands : (place + 1) * bands] += 150
    period = 60 / (track.tempo_bpm or 100.0) * FRAME_RATE_HZ
    from_beat = (np.arange(frames) + period / 2) % period - period / 2
    onset = drawn.uniform(0, 0.3, frames) + 10 * np.exp(-0.5 * (from_beat / 1.5) ** 2)
    cens = drawn.integers(0, 40, (frames, CHROMA_SIZE))
    if track.key:
        cens[:, PITCH_NAMES.index(track.key.split()[0])] += 200
    return TrackFeatures(
        torch.from_numpy(mel).to(torch.uint8),
        torch.from_numpy(onset).half(),
        torch.from_numpy(cens).to(torch.uint8),
    )


def corpus_tracks(labelled, domain="made up"):
    return [CorpusTrack(domain, track, track.id) for track in labelled]


def corpus_of(tracks, config, vocabulary=None):
    """A corpus of CorpusTracks; without a vocabulary, with that of the tracks."""
    names = tuple(sorted({track.domain for track in tracks}))
    if vocabulary is None:
        vocabulary = vocabulary_of(tracks, config)
    return make_corpus(tracks, names, vocabulary, config)


@pytest.fixture(scope="session")
def make():
    """Functions that make tracks, corpora, settings and runs."""
    return Makers()


class Makers:
    settings = staticmethod(tiny_settings)
    config = staticmethod(tiny_config)
    track = staticmethod(made_up_track)
    features = staticmethod(features_of)
    corpus_tracks = staticmethod(corpus_tracks)
    corpus = staticmethod(corpus_of)
    keys = KEYS

    @staticmethod
    def material(folder, config, train=24, validation=16):
        """What a run learns from, without audio: features lie in the cache."""
        cache = CsnFeatureCache(folder, config.max_duration_s)
        folder.mkdir(parents=True, exist_ok=True)
        sides = [[made_up_track(number) for number in range(train)]]
        sides.append([made_up_track(1_000 + number) for number in range(validation)])
        for track in (*sides[0], *sides[1]):
            cache.write(track.id, features_of(track))
        vocabulary = vocabulary_of(corpus_tracks(sides[0]), config)
        corpora = [corpus_of(corpus_tracks(side), config, vocabulary) for side in sides]
        facts = {"made up": DomainFacts(train=train, validation=validation, refused=0, test=0, data_sha256="")}
        return Material(*corpora, cache, facts)
