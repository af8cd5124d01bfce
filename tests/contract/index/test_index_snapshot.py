"""Snapshots: complete or not there, and never somebody else's."""

import itertools
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.domain import EncoderInfo, Vectors
from app.errors import IndexCorrupt
from app.ports import VectorIndex

MakeIndex = Callable[[EncoderInfo], VectorIndex]
D = 8
COUNT = 1500

in_a_file = pytest.mark.parametrize("make_index", ["memory", "faiss"], indirect=True)
"""What is about the file of an index that keeps its vectors itself."""


def random_vectors(count: int, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).standard_normal((count, D)).astype(np.float16).astype(np.float32)


@pytest.fixture
def filled(index: VectorIndex) -> VectorIndex:
    index.add(np.arange(COUNT)[::-1] * 2, random_vectors(COUNT))
    index.remove(np.array([4, 8]))
    return index


def snapshot_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_a_restored_index_is_the_one_that_was_written(
    filled: VectorIndex, make_index: MakeIndex, encoder: EncoderInfo, tmp_path: Path
) -> None:
    filled.snapshot(tmp_path / "deep" / "er", seq=42, identity="mine")
    again = make_index(encoder)
    again.add(np.array([999_999]), random_vectors(1))
    assert again.restore(tmp_path / "deep" / "er", identity="mine") == 42
    np.testing.assert_array_equal(again.numbers(), filled.numbers())
    np.testing.assert_array_equal(again.vectors(again.numbers()), filled.vectors(filled.numbers()))
    query = random_vectors(1, seed=1)[0]
    np.testing.assert_array_equal(again.search(query, 30).numbers, filled.search(query, 30).numbers)
    again.add(np.array([4]), random_vectors(1))
    assert len(again) == len(filled) + 1


def test_an_empty_index_can_be_written_and_restored(index: VectorIndex, tmp_path: Path) -> None:
    index.snapshot(tmp_path, seq=0, identity="mine")
    assert index.restore(tmp_path, identity="mine") == 0
    assert len(index) == 0


def test_a_later_snapshot_takes_the_place_of_the_one_before(filled: VectorIndex, tmp_path: Path) -> None:
    filled.snapshot(tmp_path, seq=1, identity="mine")
    filled.remove(filled.numbers())
    filled.snapshot(tmp_path, seq=2, identity="mine")
    assert filled.restore(tmp_path, identity="mine") == 2
    assert len(filled) == 0


@in_a_file
def test_a_snapshot_that_fails_leaves_the_one_before(
    filled: VectorIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.snapshot(tmp_path, seq=1, identity="mine")

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        filled.snapshot(tmp_path, seq=2, identity="mine")
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1
    assert filled.restore(tmp_path, identity="mine") == 1


def test_a_missing_snapshot_is_reported_as_such(index: VectorIndex, tmp_path: Path) -> None:
    with pytest.raises(IndexCorrupt, match="cannot be read"):
        index.restore(tmp_path / "nowhere", identity="mine")


def test_a_snapshot_of_another_library_or_encoder_is_refused(filled: VectorIndex, tmp_path: Path) -> None:
    filled.snapshot(tmp_path, seq=1, identity="theirs")
    with pytest.raises(IndexCorrupt, match=r"'theirs'; expected .*'mine'"):
        filled.restore(tmp_path, identity="mine")


@in_a_file
@pytest.mark.parametrize("keep", [0, 1, 63, 64, 65, 200, 10_000, -65, -64, -1])
def test_a_truncated_snapshot_is_refused(filled: VectorIndex, tmp_path: Path, keep: int) -> None:
    filled.snapshot(tmp_path, seq=1, identity="mine")
    file = snapshot_file(tmp_path)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(IndexCorrupt, match="checksum"):
        filled.restore(tmp_path, identity="mine")


@in_a_file
def test_a_single_flipped_bit_anywhere_is_noticed(filled: VectorIndex, tmp_path: Path) -> None:
    filled.snapshot(tmp_path, seq=1, identity="mine")
    file = snapshot_file(tmp_path)
    content = file.read_bytes()
    for place in [0, 5, 40, 90, 150, 260, 5000, len(content) - 100, len(content) - 1]:
        damaged = bytearray(content)
        damaged[place] ^= 4
        file.write_bytes(damaged)
        with pytest.raises(IndexCorrupt, match="checksum"):
            filled.restore(tmp_path, identity="mine")


@in_a_file
def test_bytes_after_the_end_are_noticed(filled: VectorIndex, tmp_path: Path) -> None:
    filled.snapshot(tmp_path, seq=1, identity="mine")
    file = snapshot_file(tmp_path)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(IndexCorrupt, match="checksum"):
        filled.restore(tmp_path, identity="mine")


def test_a_refused_snapshot_leaves_the_index_as_it_was(filled: VectorIndex, tmp_path: Path) -> None:
    before = filled.numbers().copy()
    with pytest.raises(IndexCorrupt):
        filled.restore(tmp_path, identity="mine")
    np.testing.assert_array_equal(filled.numbers(), before)


def write_for_ever(make_index: MakeIndex, encoder: EncoderInfo, folder: Path) -> None:
    index = make_index(encoder)
    for seq in itertools.count(1):
        index.add(np.arange(20_000), np.full((20_000, D), seq, dtype=np.float32))
        index.snapshot(folder, seq=seq, identity="mine")


@in_a_file
def test_a_process_killed_while_it_writes_leaves_a_whole_snapshot(
    make_index: MakeIndex, encoder: EncoderInfo, tmp_path: Path
) -> None:
    for pause_s in (0.02, 0.05, 0.11):
        writer = multiprocessing.get_context("fork").Process(
            target=write_for_ever, args=(make_index, encoder, tmp_path), daemon=True
        )
        writer.start()
        while not (tmp_path / "index.snapshot").exists():
            time.sleep(0.005)
        time.sleep(pause_s)
        writer.kill()
        writer.join()
        index = make_index(encoder)
        seq = index.restore(tmp_path, identity="mine")
        assert (index.vectors(index.numbers()) == seq).all()
        assert len(index) == 20_000
        assert len(list(tmp_path.iterdir())) <= 2
