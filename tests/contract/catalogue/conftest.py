"""Tracks, encoders and vectors to fill a catalogue with."""

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.component_meaning import ComponentMeaning
from app.domain import (
    DEFAULT_LIBRARY,
    Analysis,
    Embedding,
    EncoderInfo,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
)
from app.tag_directions import TagDirections

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Maker:
    """Makes values of the domain, each different from the ones before."""

    def __init__(self):
        self._made = 0

    def track(self, title=None, *, library_id=DEFAULT_LIBRARY, kind=TrackKind.TRACK, sha256=None, **values):
        self._made += 1
        metadata = values.pop("metadata", Metadata(title=title))
        values.setdefault("created_at", START + timedelta(seconds=self._made))
        values.setdefault("updated_at", values["created_at"])
        sha256 = sha256 or hashlib.sha256(str(self._made).encode()).hexdigest()
        audio = StoredAudio(f"audio/{sha256}", sha256, 1000 + self._made, "audio/mpeg", f"{self._made}.mp3")
        return Track(new_id(), library_id, kind, metadata, audio, **values)

    def analysis(self, **values):
        known = {
            "duration_s": 181.25,
            "loudness_lufs": -14.5,
            "tempo_bpm": 120.0,
            "tempo_confidence": 0.75,
            "key": "A minor",
            "key_confidence": 0.5,
            "sample_rate_hz": 44100,
            "channels": 2,
            "codec": "mp3",
            "decode_warnings": ("a frame was damaged",),
            "certainty": {"hdpgmm": 0.9375},
        }
        return Analysis(**(known | values))

    def encoder(self, name="librosa", digest="a" * 64, **values):
        spaces = (Space("timbre", 3, "colour of the sound"), Space("rhythm", 2))
        tags = values.pop("tags", {"timbre": self.tags("bright", "dark"), "rhythm": self.tags("dark", dimension=2)})
        components = values.pop(
            "components", {"rhythm": (self.meaning(0.75, dark=2.5, wild=1.25), self.meaning(0.25))}
        )
        return EncoderInfo(new_id(), name, "1", digest, spaces, tags, components, **values)

    def meaning(self, share, **tags):
        return ComponentMeaning(share, tuple(tags.items()))

    def tags(self, *names, dimension=3):
        places = np.arange(1, len(names) + 1, dtype=np.float32)
        return TagDirections(names, np.eye(len(names), dimension, dtype=np.float32), places / 3, -places / 7)

    def embedding(self, encoder, value=1.0, segments=2):
        spans_s = np.array([[5.0 * i, 5.0 * i + 10] for i in range(segments)], np.float32).reshape(segments, 2)
        vectors = np.full((segments, encoder.dimension), value / 2, np.float32)
        return Embedding(encoder.id, np.full(encoder.dimension, value, np.float32), spans_s, vectors)


@pytest.fixture
def make():
    return Maker()


@pytest.fixture
def catalogue(database):
    """The catalogue of a transaction that stays open during the test."""
    with database.transaction() as tx:
        yield tx.catalogue
