"""The goal of feedback, held by the service itself: users who judge what it shows, and accept what it proposes."""

import numpy as np
import pytest

from app.adapters.memory_database import MemoryDatabase
from app.adapters.memory_index import MemoryIndex
from app.domain import (
    DEFAULT_LIBRARY,
    ChangeKind,
    Embedding,
    EncoderInfo,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
)
from app.retrieval import SearchRequest, Term
from app.services.feedback import FeedbackService, JudgedSearch
from app.services.indexing import IndexKeeper
from app.services.search import SearchService

SPACES = ("genre", "mood", "instruments", "tempo")
WIDTH, TRACKS, USERS, MOST, GOAL = 8, 400, 8, 10, 0.95


class Shop:
    """A catalogue of correlated spaces, with search and feedback over it."""

    def __init__(self, folder):
        database = MemoryDatabase()
        self.tracks, self.vectors = [], {}
        generator = np.random.default_rng(0)
        with database.transaction() as tx:
            spaces = tuple(Space(name, WIDTH) for name in SPACES)
            encoder = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "csn", "1", "c" * 64, spaces))
            for number in range(TRACKS):
                self._add(tx, encoder, number, generator)
        keeper = IndexKeeper(database, lambda _, encoder: MemoryIndex(encoder), folder)
        keeper.catch_up()
        self.scale = {name: 1 / value for name, value in self._calibration(database, encoder).deviation.items()}
        self.search = SearchService(database, keeper)
        self.feedback = FeedbackService(database, self.search)

    def _add(self, tx, encoder, number, generator):
        causes = generator.normal(size=WIDTH)
        parts = causes + 1.5 * generator.normal(size=(len(SPACES), WIDTH))
        parts /= np.linalg.norm(parts, axis=1, keepdims=True)
        audio = StoredAudio(None, f"{number:064x}", 1, "audio/wav", "a.wav")
        track = tx.catalogue.add_track(
            Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(title=f"{number}"), audio)
        )
        vector = parts.reshape(-1).astype(np.float32)
        spans = np.array([[0, 60]], np.float32)
        tx.catalogue.save_embedding(track.id, Embedding(encoder.id, vector, spans, vector[None]))
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_EMBEDDED, track.id, track.number)
        self.tracks.append(track)
        self.vectors[track.id] = parts

    @staticmethod
    def _calibration(database, encoder):
        with database.transaction(read_only=True) as tx:
            return tx.catalogue.calibration(DEFAULT_LIBRARY, encoder.id)

    def worth(self, truth, reference, track_id):
        cosines = (self.vectors[reference.id] * self.vectors[track_id]).sum(axis=1)
        return sum(truth[name] * self.scale[name] * cosine for name, cosine in zip(SPACES, cosines, strict=True))


def cosine(found, truth):
    left, right = (np.array([weights.get(name, 0) for name in SPACES]) for weights in (found, truth))
    return left @ right / np.linalg.norm(left) / np.linalg.norm(right)


def judgements_needed(shop, number, *, keeps_rounds):
    """Judge best and worst of each round until the weights are found."""
    generator = np.random.default_rng([number, 1])
    truth = dict(zip(SPACES, generator.dirichlet(np.ones(len(SPACES))), strict=True))
    reference = shop.tracks[int(generator.integers(TRACKS))]
    weights, rounds, liked, disliked = dict.fromkeys(SPACES, 1.0), [], [], []
    while cosine(weights, truth) < GOAL and len(liked) + len(disliked) < 2 * MOST:
        request = SearchRequest(DEFAULT_LIBRARY, (Term(reference.id, weights),))
        shown = [match.track.id for match in shop.search.search(request).matches]
        fresh = [each for each in shown if each not in {*liked, *disliked}]
        fresh.sort(key=lambda each: shop.worth(truth, reference, each))
        liked.append(fresh[-1])
        disliked.append(fresh[0])
        if keeps_rounds:
            rounds.append(JudgedSearch(request, liked[-1:], disliked[-1:]))
        else:
            rounds = [JudgedSearch(request, liked, disliked)]
        weights = dict(shop.feedback.propose(rounds).terms[0].new)
    return len(liked) + len(disliked)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize("keeps_rounds", [True, False], ids=["each round apart", "all marks at once"])
def test_the_weights_that_users_mean_are_found_within_ten_judgements(shop, keeps_rounds):
    needed = [judgements_needed(shop, number, keeps_rounds=keeps_rounds) for number in range(USERS)]
    assert np.mean(needed) <= MOST
    assert max(needed) > 0
