"""Tracks are counted for those who look often: at once while that is quick, now and then where it takes long."""

import pytest

from app.domain import DEFAULT_LIBRARY, TrackState
from app.services.track_counts import TrackCounts


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


class Catalogue:
    """Counts one more each time, and takes its time."""

    def __init__(self, clock, takes_s):
        self.clock, self.takes_s, self.counted, self.trouble = clock, takes_s, 0, None

    @property
    def catalogue(self):
        return self

    def count_tracks(self, _library_id):
        self.clock.now_s += self.takes_s
        if self.trouble:
            raise self.trouble
        self.counted += 1
        return {TrackState.READY: self.counted}


@pytest.fixture
def clock():
    return Clock()


def test_what_is_quick_is_counted_each_time(clock):
    counts, tx = TrackCounts(clock=clock), Catalogue(clock, 0.01)
    assert [counts.by_state(tx, "mine")[TrackState.READY] for _ in range(3)] == [1, 2, 3]


def test_what_takes_long_is_counted_again_after_twenty_times_as_long(clock):
    counts, tx = TrackCounts(clock=clock), Catalogue(clock, 0.5)
    assert counts.by_state(tx, "mine")[TrackState.READY] == 1
    clock.now_s += 9.9
    assert counts.by_state(tx, "mine")[TrackState.READY] == 1
    assert counts.by_state(tx, "yours")[TrackState.READY] == 2
    clock.now_s += 0.2
    assert counts.by_state(tx, "mine")[TrackState.READY] == 3


def test_while_somebody_counts_the_others_get_what_is_known(clock):
    counts, tx = TrackCounts(clock=clock), Catalogue(clock, 0.5)
    counts.by_state(tx, "mine")
    clock.now_s += 11

    class Meanwhile(Catalogue):
        def count_tracks(self, library_id):
            self.found = counts.by_state(tx, library_id)
            return super().count_tracks(library_id)

    slow = Meanwhile(clock, 0.5)
    counts.by_state(slow, "mine")
    assert slow.found == {TrackState.READY: 1}
    assert tx.counted == 1


def test_a_count_that_failed_is_tried_again_by_the_next(clock):
    counts, tx = TrackCounts(clock=clock), Catalogue(clock, 0.5)
    counts.by_state(tx, "mine")
    clock.now_s += 11
    tx.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        counts.by_state(tx, "mine")
    tx.trouble = None
    assert counts.by_state(tx, "mine")[TrackState.READY] == 2


def test_what_is_embedded_is_told_by_the_index_or_else_by_the_database(world):
    world.track("one", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.track("two", timbre=0, rhythm=0)
    other = world.library("other")
    with world.database.transaction(read_only=True) as tx:
        assert TrackCounts(world.keeper).embedded(tx, DEFAULT_LIBRARY, world.encoder.id) == 1
        assert TrackCounts().embedded(tx, DEFAULT_LIBRARY, world.encoder.id) == 2
        assert TrackCounts(world.keeper).embedded(tx, other, world.encoder.id) == 0
