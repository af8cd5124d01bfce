"""Searches remember the encoders, and hear of every change of them."""

from dataclasses import replace

from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderState
from app.services.encoder_memory import EncoderMemory
from app.services.encoders import promote


def ask(world, memory):
    with world.database.transaction(read_only=True) as tx:
        return {each.digest[0]: each.state for each in memory.encoders(tx)}


def test_a_new_and_a_promoted_encoder_are_known_at_once(real_world):
    memory = EncoderMemory()
    assert ask(real_world, memory) == {"a": EncoderState.READY}
    with real_world.database.transaction() as tx:
        shadow = tx.catalogue.announce_encoder(real_world.new_encoder(digest="b" * 64))
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, shadow.id)
    assert ask(real_world, memory) == {"a": EncoderState.READY, "b": EncoderState.SHADOW}
    real_world.track("in between", embedded=False)
    promote(real_world.database, shadow.id, default=True)
    assert ask(real_world, memory) == {"a": EncoderState.RETIRED, "b": EncoderState.READY}


def test_the_catalogue_is_not_asked_while_nothing_about_encoders_changes(world):
    class Unasked:
        def __init__(self, tx):
            self.changes = tx.changes

    memory = EncoderMemory()
    known = ask(world, memory)
    for place in range(3):
        world.track(f"{place}", timbre=place, rhythm=0)
        with world.database.transaction(read_only=True) as tx:
            assert {each.digest[0]: each.state for each in memory.encoders(Unasked(tx))} == known


def test_a_log_that_was_cut_off_or_went_back_is_not_trusted(world):
    memory = EncoderMemory()
    world.track("one", embedded=False)
    ask(world, memory)
    state = world.database._state
    state.encoders = {key: replace(each, digest="c" * 64) for key, each in state.encoders.items()}
    state.changes.clear()
    world.track("two", embedded=False)
    with world.database.transaction() as tx:
        tx.changes.forget(tx.changes.after(0)[0].at.replace(year=2100))
    assert set(ask(world, memory)) == {"c"}
