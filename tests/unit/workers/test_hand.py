"""What a worker has in hand, and what it has room for."""

from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.hand import Hand, give_back
from workers.messages import Reached


def take(hand, kind, count=1):
    for _ in range(count):
        hand.take(claimed(kind), seconds=60)


def claimed(kind=JobKind.EMBED_TRACK):
    return Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5, token=new_id())


def take_twice(hand):
    """Two runs of one job, of which the first was cancelled."""
    first = hand.take(claimed(), seconds=10)
    first.ours = False
    return first, hand.take(replace(first.job, token=new_id()), seconds=60)


@pytest.mark.parametrize(("embedding", "free", "express"), [(0, 2, 3), (1, 1, 2), (2, 0, 1), (3, 0, 0)])
@pytest.mark.parametrize("maps", [0, 1])
def test_a_map_in_hand_takes_no_room_from_other_jobs(embedding, free, express, maps):
    hand = Hand(slots=2, express=1)
    take(hand, JobKind.EMBED_TRACK, embedding)
    take(hand, JobKind.MAP, maps)
    assert (hand.free, hand.free_express, len(hand)) == (free, express, embedding + maps)


def test_what_comes_of_one_run_of_a_job_leaves_the_other_alone():
    hand = Hand(slots=2, express=1)
    first, second = take_twice(hand)
    assert (len(hand), hand.free) == (2, 0)
    hand.note(Reached(first.token, "act", 0.5))
    assert (first.stage, second.stage) == ("act", "start")
    hand.release(first.token)
    assert list(hand) == [second]


def test_a_run_is_not_blamed_for_another_of_the_same_job():
    hand = Hand(slots=2, express=1)
    first, second = take_twice(hand)
    hand.bury("was killed", [first.token])
    assert list(hand) == [second]
    assert second.verdict is give_back
