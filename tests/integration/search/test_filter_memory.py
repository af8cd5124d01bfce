"""What a filter leaves is remembered, and is what the database would say at every moment."""

import random
from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, ChangeKind
from app.errors import InvalidRequest
from app.filters import AllOf, Known, Not, OneOf
from app.services import filter_memory
from app.services.filter_memory import FilterMemory

BOB = OneOf("artist", ["Bob"])
FILTERS = [
    BOB,
    Not(BOB),
    AllOf([Known("licence"), Not(BOB)]),
    OneOf("all_tags", ["calm"]),
    OneOf("title", ["nothing"]),
]


def ask(world, memory, where, library_id=DEFAULT_LIBRARY):
    with world.database.transaction(read_only=True) as tx:
        return memory.allowed_numbers(tx, library_id, where).tolist()


def truth(world, where, library_id=DEFAULT_LIBRARY):
    with world.database.transaction(read_only=True) as tx:
        return tx.catalogue.allowed_numbers(library_id, where).tolist()


def rename(world, track, **values):
    with world.database.transaction() as tx:
        now = tx.catalogue.track(track.library_id, track.id)
        tx.catalogue.update_metadata(track.library_id, track.id, replace(now.metadata, **values))
        tx.changes.append(track.library_id, ChangeKind.TRACK_UPDATED, track.id, track.number)


def hear(world, track, **heard):
    """As the housekeeper does."""
    with world.database.transaction() as tx:
        for number in tx.catalogue.save_heard({track.number: heard}):
            tx.changes.append(track.library_id, ChangeKind.TRACK_UPDATED, track.id, number)


class Counting:
    """A transaction that counts how often the whole catalogue is filtered."""

    def __init__(self, tx):
        self.changes, self._tx, self.asked_for_all = tx.changes, tx, 0

    @property
    def catalogue(self):
        return self

    def allowed_numbers(self, library_id, where, among=None):
        self.asked_for_all += among is None
        return self._tx.catalogue.allowed_numbers(library_id, where, among)

    def allowed_by_each(self, library_id, wheres):
        self.asked_for_all += len(wheres)
        return self._tx.catalogue.allowed_by_each(library_id, wheres)


@pytest.mark.parametrize("seed", range(5))
def test_answers_follow_whatever_happens_to_tracks(real_world, seed):
    rng = random.Random(seed)
    memory, tracks = FilterMemory(), []
    for step in range(40):
        what = rng.choice(["add", "add", "rename", "deny", "hear", "delete", "clip", "nothing"])
        if what == "add" or not tracks:
            values = {"artist": rng.choice(["Bob", "bob", "Ann"]), "tags": ("calm",) if rng.random() < 0.5 else ()}
            tracks.append(real_world.track(f"{step}", embedded=False, **values))
        elif what == "rename":
            licence = rng.choice([None, "CC0"])
            rename(real_world, rng.choice(tracks), artist=rng.choice(["Bob", None]), licence=licence)
        elif what == "deny":
            rename(real_world, rng.choice(tracks), tags=(), denied_tags=rng.choice([(), ("Calm",)]))
        elif what == "hear":
            hear(real_world, rng.choice(tracks), **rng.choice([{}, {"calm": 0.9}]))
        elif what == "delete":
            real_world.delete(tracks.pop(rng.randrange(len(tracks))))
        elif what == "clip":
            real_world.clip(f"{step}", artist="Bob", embedded=False)
        for where in rng.sample(FILTERS, 2):
            assert ask(real_world, memory, where) == truth(real_world, where)


def test_the_catalogue_is_filtered_once_and_then_only_what_has_changed(world):
    memory, tracks = FilterMemory(), [world.track(f"{place}", artist="Bob") for place in range(5)]
    asked_for_all = []
    for name in ("Bob", "Ann", "Bob", "Ann"):
        rename(world, tracks[0], artist=name)
        with world.database.transaction(read_only=True) as tx:
            counting = Counting(tx)
            assert len(memory.allowed_numbers(counting, DEFAULT_LIBRARY, BOB)) == 4 + (name == "Bob")
        asked_for_all.append(counting.asked_for_all)
    assert asked_for_all == [1, 0, 0, 0]


def test_several_filters_are_answered_as_each_alone_and_only_those_not_remembered_are_asked(world):
    memory = FilterMemory()
    for place in range(5):
        world.track(f"{place}", artist="Bob" if place % 2 else "Ann", tags=("calm",) * (place % 3))
    ask(world, memory, BOB)
    with world.database.transaction(read_only=True) as tx:
        counting = Counting(tx)
        found = memory.allowed_by_each(counting, DEFAULT_LIBRARY, [*FILTERS, FILTERS[1]])
        assert counting.asked_for_all == len(FILTERS) - 1
        assert memory.allowed_by_each(counting, DEFAULT_LIBRARY, []) == []
    assert [each.tolist() for each in found] == [truth(world, where) for where in (*FILTERS, FILTERS[1])]
    assert [ask(world, memory, where) for where in FILTERS] == [each.tolist() for each in found[:-1]]


def test_after_too_many_changes_everything_is_asked_again(world, monkeypatch):
    monkeypatch.setattr(filter_memory, "_FOLLOWED", 3)
    memory = FilterMemory()
    ask(world, memory, BOB)
    numbers = [world.track(f"{place}", artist="Bob").number for place in range(5)]
    assert ask(world, memory, BOB) == numbers


def test_a_change_log_that_does_not_go_back_so_far_is_noticed(world):
    memory, track = FilterMemory(), world.track("gone", artist="Bob")
    assert ask(world, memory, BOB) == [track.number]
    world.delete(track)
    world.database._state.changes.clear()
    assert ask(world, memory, BOB) == []


def test_libraries_are_kept_apart(world):
    memory, other = FilterMemory(), world.library("other")
    own = world.track("own", artist="Bob")
    theirs = world.track("theirs", artist="Bob", library_id=other)
    assert ask(world, memory, BOB) == [own.number]
    assert ask(world, memory, BOB, other) == [theirs.number]


@pytest.mark.parametrize(("limit", "value"), [("_MOST_BYTES", 100), ("_MOST", 3)])
def test_the_filters_asked_longest_ago_are_forgotten_first(world, monkeypatch, limit, value):
    monkeypatch.setattr(filter_memory, limit, value)
    memory = FilterMemory()
    for place in range(20):
        world.track(f"{place}", artist="Bob")
    for where in FILTERS:
        ask(world, memory, where)
    assert 0 < len(memory._answers) < len(FILTERS)
    assert repr(FILTERS[-1]) in [text for _, text in memory._answers]
    assert ask(world, memory, BOB) == truth(world, BOB)


def test_a_filter_that_cannot_be_used_is_refused_and_not_remembered(world):
    memory = FilterMemory()
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            ask(world, memory, OneOf("tempo_bpm", ["fast"]))
    assert not memory._answers
