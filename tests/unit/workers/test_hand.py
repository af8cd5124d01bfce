"""What a worker has in hand, and what it has room for."""

import pytest

from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.hand import Hand


def take(hand, kind, count=1):
    for _ in range(count):
        hand.take(Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5), seconds=60)


@pytest.mark.parametrize(("embedding", "free", "express"), [(0, 2, 3), (1, 1, 2), (2, 0, 1), (3, 0, 0)])
@pytest.mark.parametrize("maps", [0, 1])
def test_a_map_in_hand_takes_no_room_from_other_jobs(embedding, free, express, maps):
    hand = Hand(slots=2, express=1)
    take(hand, JobKind.EMBED_TRACK, embedding)
    take(hand, JobKind.MAP, maps)
    assert (hand.free, hand.free_express, len(hand)) == (free, express, embedding + maps)
