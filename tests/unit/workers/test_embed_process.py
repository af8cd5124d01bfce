"""The child before its first job."""

from dataclasses import replace

import torch

from app.adapters.memory_database import MemoryDatabase
from app.domain import ChangeKind
from models.registry import load_encoder
from workers.embed_process import WARM_UP_S, announce, warm_up


def test_every_encoder_has_embedded_something_before_the_first_job():
    encoder = load_encoder("librosa", "cpu")
    pooled = []

    class Spy:
        manifest, device, tags = encoder.manifest, encoder.device, encoder.tags
        prepare, encode = encoder.prepare, encoder.encode

        def pool(self, prepared, outputs):
            pooled.append(float(prepared.spans_s.max()))
            return encoder.pool(prepared, outputs)

    warm_up([Spy(), Spy()])
    assert pooled == [WARM_UP_S] * 2


def test_who_follows_the_change_log_hears_that_a_known_encoder_tells_more_than_before():
    database, encoder = MemoryDatabase(), load_encoder("csn", torch.device("cpu"))
    [encoder_id] = announce(database, [encoder])
    state = database._state
    state.encoders = {key: replace(each, tags={}) for key, each in state.encoders.items()}
    for _ in range(2):
        announce(database, [encoder])
    with database.transaction() as tx:
        assert tx.catalogue.encoders()[0].tags
        assert [change.subject for change in tx.changes.after(0)] == [encoder_id, encoder_id]


def test_who_follows_the_change_log_hears_of_a_new_encoder_once():
    database, encoder = MemoryDatabase(), load_encoder("librosa", torch.device("cpu"))
    [encoder_id] = announce(database, [encoder])
    assert list(announce(database, [encoder])) == [encoder_id]
    with database.transaction() as tx:
        told = [(change.kind, change.subject) for change in tx.changes.after(0)]
    assert told == [(ChangeKind.ENCODER_UPDATED, encoder_id)]
