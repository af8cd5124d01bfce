"""Briefs and tracks to fill a database with."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from app.briefs import Brief, Delivery, Webhook
from app.domain import DEFAULT_LIBRARY, Library, Metadata, StoredAudio, Track, TrackKind, new_id

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOOK = Webhook("https://example.org/new", "whsec_x")


class Desk:
    """An open transaction with ways to put briefs and tracks into it."""

    def __init__(self, tx):
        self.tx = tx
        self.briefs = tx.briefs
        self.made = 0

    def library(self, name="other"):
        library = Library(new_id(), name)
        self.tx.catalogue.add_library(library)
        return library.id

    def track(self, library_id=DEFAULT_LIBRARY, kind=TrackKind.TRACK, expires_at=None):
        self.made += 1
        sha256 = hashlib.sha256(str(self.made).encode()).hexdigest()
        audio = StoredAudio(None, sha256, 1, "audio/wav", "a.wav")
        track = Track(new_id(), library_id, kind, Metadata(title=f"{self.made}"), audio, expires_at=expires_at)
        return self.tx.catalogue.add_track(track)

    def clip(self, **values):
        return self.track(kind=TrackKind.CLIP, **{"expires_at": START, **values})

    def brief(self, name="Rain", *, library_id=DEFAULT_LIBRARY, reference=None, **values):
        request = values.pop("request", {"reference": reference or {"track": new_id()}})
        self.made += 1
        made_at = START + timedelta(seconds=self.made)
        brief = Brief(new_id(), library_id, name, "", request, created_at=made_at, updated_at=made_at, **values)
        self.briefs.add(brief)
        return brief

    def delivery(self, brief, *, due_s=0, **values):
        due_at = START + timedelta(seconds=due_s)
        delivery = Delivery(
            new_id(), brief.id, '{"event": "brief.matches"}', due_at=due_at, created_at=START, **values
        )
        self.briefs.add_delivery(delivery)
        return delivery

    def delete(self, track):
        self.tx.catalogue.delete_track(track.library_id, track.id)


@pytest.fixture
def desk(database):
    """In a transaction that stays open during the test."""
    with database.transaction() as tx:
        yield Desk(tx)


@pytest.fixture
def at_desk():
    """Make a desk of a transaction."""
    return Desk


@pytest.fixture
def start():
    """The moment at which everything begins."""
    return START


@pytest.fixture
def hook():
    """Somebody to tell."""
    return HOOK
