"""A dataset of which every label is known, and vectors that hold labels or nothing."""

from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.evaluate.embedded import Embedded

GENRES = ("ambient", "jazz", "rock")
INSTRUMENTS = ("guitar", "piano")
SOUNDS = ("bright", "calm", "dark")
TRACKS = 240
SPLIT = ("train", "train", "validation", "test")


def labelled_track(number, **changes):
    """Genre, instrument, mood, key and tempo are independent of one another and of the split."""
    drawn = np.random.default_rng(number)
    labels = {
        "id": str(number),
        "path": Path(f"{number}.wav"),
        "album": f"album {number // 4}",
        "split": SPLIT[number // 4 % len(SPLIT)],
        "tags": {
            "genre": frozenset([GENRES[drawn.integers(3)]]),
            "instrument": frozenset([INSTRUMENTS[drawn.integers(2)]]),
            "mood": frozenset(np.array(SOUNDS)[drawn.random(3) < 0.6].tolist()),
        },
        "tempo_bpm": float(70 * 2 ** drawn.uniform(0, 1)),
        "key": f"{('C', 'G')[drawn.integers(2)]} {('major', 'minor')[drawn.integers(2)]}",
    }
    return LabelledTrack(**{**labels, **changes})


@pytest.fixture(scope="session")
def labelled():
    return Dataset("made up", tuple(labelled_track(number) for number in range(TRACKS)))


def one_hot(values):
    return (np.array(values)[:, None] == np.unique(values)).astype(np.float32)


@pytest.fixture(scope="session")
def oracle(labelled):
    """Spaces named like dimensions that hold nothing but their labels."""
    parts = {
        "genre": one_hot([min(track.tags["genre"]) for track in labelled.tracks]),
        "instrument": one_hot([min(track.tags["instrument"]) for track in labelled.tracks]),
        "mood": np.array(
            [[sound in track.tags["mood"] for sound in SOUNDS] for track in labelled.tracks], np.float32
        ),
        "tempo": np.log2([[track.tempo_bpm] for track in labelled.tracks]).astype(np.float32),
        "key": one_hot([track.key for track in labelled.tracks]),
    }
    ends = np.cumsum([part.shape[1] for part in parts.values()])
    spaces = {name: slice(end - part.shape[1], end) for (name, part), end in zip(parts.items(), ends, strict=True)}
    return Embedded("oracle", np.hstack(list(parts.values())), spaces, "euclidean")


@pytest.fixture(scope="session")
def noise():
    vectors = np.random.default_rng(5).normal(size=(TRACKS, 12)).astype(np.float32)
    return Embedded("noise", vectors, {"timbre": slice(0, 6), "harmony": slice(6, 12)}, "euclidean")
