"""A small world of tracks whose places are angles, so that similarities can be worked out by hand."""

import hashlib
import math
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_database import MemoryDatabase
from app.adapters.memory_index import MemoryIndex
from app.domain import (
    DEFAULT_LIBRARY,
    Analysis,
    ChangeKind,
    Embedding,
    EncoderInfo,
    Library,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
    utc_now,
)
from app.errors import DatabaseUnavailable
from app.retrieval import SearchRequest, TagTerm, Term
from app.services.indexing import IndexKeeper
from app.services.search import SearchService
from app.tag_directions import TagDirections

SPACES = ("timbre", "rhythm")


def angles(timbre=None, rhythm=None):
    """A vector with the given direction (degrees) in each space, zero where there is none."""
    parts = [
        (0.0, 0.0) if a is None else (math.cos(math.radians(a)), math.sin(math.radians(a)))
        for a in (timbre, rhythm)
    ]
    return np.array(parts, np.float32).reshape(-1)


def cos(degrees):
    return math.cos(math.radians(degrees))


def tags_at(**degrees):
    """Tags of a flat space that point where they are said to."""
    directions = [(cos(each), math.sin(math.radians(each))) for each in degrees.values()]
    count = len(degrees)
    return TagDirections(
        tuple(degrees),
        np.array(directions, np.float32),
        np.full(count, 10, np.float32),
        np.zeros(count, np.float32),
    )


class World:
    """A database with an encoder of two flat spaces, a keeper and a search over it."""

    def __init__(self, database, folder, index=MemoryIndex, tags=None):
        self.database = database
        self.folder = folder
        self.index = index
        self.tags = tags or {}
        self.keeper = self.new_keeper()
        with database.transaction() as tx:
            self.encoder = tx.catalogue.announce_encoder(self.new_encoder())

    def new_encoder(self, name="librosa", digest="a" * 64):
        return EncoderInfo(new_id(), name, "1", digest, tuple(Space(space, 2) for space in SPACES), self.tags)

    def new_keeper(self, **options):
        return IndexKeeper(self.database, lambda _, encoder: self.index(encoder), self.folder / "index", **options)

    def restart(self, **options):
        """As after a crash: nothing is closed, all in memory is lost."""
        self.keeper = self.new_keeper(**options)
        return self.keeper

    def library(self, name):
        with self.database.transaction() as tx:
            library = Library(new_id(), name)
            tx.catalogue.add_library(library)
            tx.changes.append(library.id, ChangeKind.LIBRARY_ADDED, library.id)
        return library.id

    def track(self, title, *, embedded=True, **values):
        """Add a track as a worker leaves it: vectors and the change in one transaction."""
        with self.database.transaction() as tx:
            track = tx.catalogue.add_track(_new_track(title, values))
            tx.changes.append(track.library_id, ChangeKind.TRACK_ADDED, track.id, track.number)
            if values.get("duration_s", 60.0):
                tx.catalogue.save_analysis(track.id, _analysis(values))
            if embedded:
                self.embed(tx, track, **{k: v for k, v in values.items() if k in {*SPACES, "segments"}})
        return track

    def fill(self, tx, places):
        """Add many tracks at once."""
        for place, (timbre, rhythm) in enumerate(places):
            track = tx.catalogue.add_track(_new_track(f"{place}", {}))
            tx.changes.append(track.library_id, ChangeKind.TRACK_ADDED, track.id, track.number)
            self.embed(tx, track, timbre=timbre, rhythm=rhythm)

    def first(self):
        """The track that was added first."""
        with self.database.transaction(read_only=True) as tx:
            return tx.catalogue.tracks_by_number(DEFAULT_LIBRARY, [1])[1]

    def clip(self, title, **values):
        return self.track(title, kind=TrackKind.CLIP, **values)

    def embed(self, tx, track, segments=(), encoder=None, **directions):
        spans = np.array([span for span, _ in segments] or [(0, 60)], np.float32)
        vectors = np.array([angles(**place) for _, place in segments] or [angles(**directions)], np.float32)
        encoder = encoder or self.encoder
        tx.catalogue.save_embedding(track.id, Embedding(encoder.id, angles(**directions), spans, vectors))
        tx.changes.append(track.library_id, ChangeKind.TRACK_EMBEDDED, track.id, track.number)

    def move(self, track, encoder=None, **directions):
        with self.database.transaction() as tx:
            self.embed(tx, track, encoder=encoder, **directions)

    def delete(self, track):
        with self.database.transaction() as tx:
            tx.catalogue.delete_track(track.library_id, track.id)
            tx.changes.append(track.library_id, ChangeKind.TRACK_DELETED, track.id, track.number)

    def held(self, library_id=DEFAULT_LIBRARY, encoder=None):
        kept = self.keeper.get(library_id, (encoder or self.encoder).id)
        return None if kept is None else set(kept.index.numbers().tolist())

    def search(self, *terms, library_id=DEFAULT_LIBRARY, **options):
        """Search by terms, or by tracks with every space; calibration is off unless asked for."""
        self.keeper.catch_up()
        found = tuple(each if isinstance(each, Term | TagTerm) else Term(each.id) for each in terms)
        request = SearchRequest(library_id, found, **{"calibrate": False, **options})
        return SearchService(self.database, self.keeper).search(request)


def _new_track(title, values):
    sha256 = hashlib.sha256(values.get("content", title).encode()).hexdigest()
    kind = values.get("kind", TrackKind.TRACK)
    known = {name: values[name] for name in ("artist", "album", "licence", "tags") if name in values}
    return Track(
        new_id(),
        values.get("library_id", DEFAULT_LIBRARY),
        kind,
        Metadata(title=title, **known),
        StoredAudio(None, sha256, 1, "audio/wav", f"{title}.wav"),
        expires_at=utc_now() + timedelta(hours=1) if kind is TrackKind.CLIP else None,
    )


def _analysis(values):
    measured = Analysis(values.get("duration_s", 60.0), -14.0, 120.0, 1.0, "A minor", 1.0, 44100, 2, "mp3")
    return replace(measured, tempo_bpm=values.get("tempo_bpm", 120.0), key=values.get("key", "A minor"))


class FlakyDatabase:
    """Passes on to a database, except while it is away."""

    def __init__(self, database):
        self._database = database
        self.away = False

    def transaction(self, *, read_only=False):
        if self.away:
            raise DatabaseUnavailable("The database does not answer.")
        return self._database.transaction(read_only=read_only)


def titles(answer):
    return [match.track.metadata.title for match in answer.matches]


def until(condition, seconds=5.0):
    """Wait for a condition; return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def world(tmp_path):
    """In memory, with the reference index."""
    return World(MemoryDatabase(), tmp_path)


@pytest.fixture
def world_on(tmp_path):
    """Make a world on a database and a kind of index."""
    return lambda database, index: World(database, tmp_path, index)


@pytest.fixture
def tagged_world(tmp_path):
    """In memory, with an encoder that knows tags; "dark" is one of sound and one of rhythm."""
    tags = {"timbre": tags_at(bright=0, dark=180, warm=90), "rhythm": tags_at(driving=0, dark=90)}
    return World(MemoryDatabase(), tmp_path, tags=tags)


@pytest.fixture
def real_world(database, tmp_path):
    """On each kind of database, with FAISS."""
    return World(database, tmp_path, FaissIndex)


@pytest.fixture
def flaky_world(tmp_path):
    """In memory, on a database that can be away."""
    return World(FlakyDatabase(MemoryDatabase()), tmp_path)


@pytest.fixture(name="titles")
def titles_fixture():
    return titles


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture(name="cos")
def cos_fixture():
    return cos


@pytest.fixture(name="angles")
def angles_fixture():
    return angles
