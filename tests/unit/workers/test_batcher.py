"""Rows of several tracks in one device batch; what is urgent goes ahead."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from models.encoder import EncoderManifest, Space
from workers.batcher import Batcher


class Doubling:
    """An encoder that doubles its rows, writes down each batch, and may be held up at the door."""

    def __init__(self, name="doubling"):
        self.manifest = EncoderManifest(name, "1", f"digest of {name}", (Space("all", 1),), 22_050)
        self.device = torch.device("cpu")
        self.batches = []
        self.entered = threading.Event()
        self.may_go = threading.Event()
        self.may_go.set()
        self.limit = None

    def encode(self, inputs):
        self.entered.set()
        assert self.may_go.wait(10)
        if self.limit is not None and len(inputs) > self.limit:
            raise torch.OutOfMemoryError("too many rows")
        if (inputs < 0).any():
            raise ValueError("a negative row")
        self.batches.append(inputs[:, 0].tolist())
        return inputs * 2


def rows(*values):
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


@pytest.fixture
def encoder():
    return Doubling()


@pytest.fixture
def batcher():
    batcher = Batcher(max_rows=4)
    yield batcher
    batcher.close()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool


class Queueing:
    """Holds the device busy with one row, so that what comes meanwhile waits in a known order."""

    def __init__(self, batcher, encoder, threads):
        self.batcher, self.encoder, self.threads = batcher, encoder, threads
        self.answers = []

    def __enter__(self):
        self.encoder.may_go.clear()
        self.first = self.threads.submit(self.batcher.encode, self.encoder, rows(0), 5)
        assert self.encoder.entered.wait(10)
        return self

    def add(self, inputs, priority=5, encoder=None):
        waiting = len(self.batcher._waiting)
        answer = self.threads.submit(self.batcher.encode, encoder or self.encoder, inputs, priority)
        while len(self.batcher._waiting) == waiting:
            pass
        return answer

    def __exit__(self, *exc):
        self.encoder.may_go.set()
        self.first.result(10)


def test_rows_come_back_to_the_track_they_belong_to(batcher, encoder):
    assert batcher.encode(encoder, rows(1, 2, 3), 5).tolist() == [[2], [4], [6]]


def test_a_long_track_is_cut_into_batches_and_put_together_again(batcher, encoder):
    outputs = batcher.encode(encoder, rows(*range(10)), 5)
    assert outputs[:, 0].tolist() == [2 * value for value in range(10)]
    assert [len(batch) for batch in encoder.batches] == [4, 4, 2]


def test_several_tracks_share_a_batch(batcher, encoder, threads):
    with Queueing(batcher, encoder, threads) as queue:
        one, other = queue.add(rows(1, 2)), queue.add(rows(3, 4))
    assert one.result(10)[:, 0].tolist() == [2, 4]
    assert other.result(10)[:, 0].tolist() == [6, 8]
    assert encoder.batches[1:] == [[1, 2, 3, 4]]


def test_a_query_clip_waits_for_one_batch_at_most(batcher, encoder, threads):
    with Queueing(batcher, encoder, threads) as queue:
        bulk = queue.add(rows(*range(1, 11)))
        clip = queue.add(rows(100), priority=0)
    clip.result(10)
    bulk.result(10)
    assert encoder.batches[1] == [100, 1, 2, 3]


def test_rows_of_different_shapes_or_encoders_are_not_mixed(batcher, encoder, threads):
    other = Doubling("other")
    with Queueing(batcher, encoder, threads) as queue:
        answers = [
            queue.add(rows(1)),
            queue.add(torch.ones(1, 2)),
            queue.add(rows(3), encoder=other),
            queue.add(rows(4)),
        ]
    for answer in answers:
        answer.result(10)
    assert sorted(map(len, encoder.batches[1:])) == [1, 2]
    assert other.batches == [[3]]


def test_a_row_that_the_encoder_cannot_take_hurts_only_its_own_track(batcher, encoder, threads):
    with Queueing(batcher, encoder, threads) as queue:
        bad, good = queue.add(rows(-1)), queue.add(rows(2))
    assert good.result(10).tolist() == [[4]]
    with pytest.raises(ValueError, match="negative"):
        bad.result(10)
    assert batcher.encode(encoder, rows(3), 5).tolist() == [[6]]


def test_a_batch_too_large_for_the_device_is_cut_and_the_next_are_smaller(batcher, encoder):
    encoder.limit = 2
    assert batcher.encode(encoder, rows(1, 2, 3, 4), 5)[:, 0].tolist() == [2, 4, 6, 8]
    encoder.batches.clear()
    batcher.encode(encoder, rows(1, 2, 3, 4), 5)
    assert [len(batch) for batch in encoder.batches] == [2, 2]


def test_a_device_that_cannot_hold_one_row_fails_the_track(batcher, encoder):
    encoder.limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        batcher.encode(encoder, rows(1, 2), 5)


def test_a_device_that_does_not_work_any_more_ends_the_process(encoder):
    lost = threading.Event()
    batcher = Batcher(device_lost=lost.set)
    encoder.device = torch.device("meta")  # takes rows, and cannot give a number back
    with pytest.raises(Exception, match="meta"):
        batcher.encode(encoder, rows(1), 5)
    assert lost.is_set()
    batcher.close()


def test_a_track_without_rows_is_refused(batcher, encoder):
    with pytest.raises(ValueError, match="prepared no rows"):
        batcher.encode(encoder, torch.zeros(0, 1), 5)


def test_the_fill_of_batches_is_counted_once(batcher, encoder):
    batcher.encode(encoder, rows(1, 2, 3, 4, 5), 5)
    assert batcher.take_fill() == {"doubling": (2, 5)}
    assert batcher.take_fill() == {}
