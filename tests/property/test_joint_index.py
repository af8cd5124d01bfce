"""Indexes side by side against one reference index that holds the joint vectors."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.database import Numbers
from app.domain import EncoderInfo, Space, Vectors
from app.ports import Hits
from app.services import joint_index
from app.services.joint_index import JointIndex

WIDTHS = (3, 2, 4)
TRACKS = 400

coordinates = st.sampled_from([0, 0.5, -0.5, 1, 1 / 3, -2])
"""Few different values, so that ties are common."""


def encoder(width: int) -> EncoderInfo:
    return EncoderInfo("e", f"of {width}", "1", "d", (Space("sound", width),))


@pytest.fixture(autouse=True)
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few candidates at first, so that deeper rounds are common."""
    monkeypatch.setattr(joint_index, "_FEWEST", 1)
    monkeypatch.setattr(joint_index, "_BLOCK", 7)


@st.composite
def shelves(draw: st.DrawFn) -> tuple[JointIndex, MemoryIndex]:
    """Indexes each of which lacks some tracks, and the reference with zeros in their place."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = draw(st.lists(st.sampled_from([MemoryIndex, FaissIndex]), min_size=len(WIDTHS), max_size=len(WIDTHS)))
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    indexes, parts, places, start = [], [], [], 0
    held = np.zeros(TRACKS, np.bool_)
    for kind, width in zip(kinds, WIDTHS, strict=True):
        vectors = rng.choice(np.array([0, 0.5, -0.5, 1, 1 / 3], np.float32), (TRACKS, width))
        there = rng.random(TRACKS) >= share * rng.random()
        indexes.append(kind(encoder(width)))
        indexes[-1].add(np.flatnonzero(there), vectors[there])
        parts.append(vectors * there[:, None])
        places.append(slice(start, start + width))
        start += width
        held |= there
    reference = MemoryIndex(encoder(sum(WIDTHS)))
    reference.add(np.flatnonzero(held), np.concatenate(parts, axis=1)[held])
    return JointIndex(indexes, places), reference


@given(
    shelves(),
    st.lists(coordinates, min_size=sum(WIDTHS), max_size=sum(WIDTHS)),
    st.integers(1, TRACKS + 9),
    st.none() | st.lists(st.integers(0, TRACKS + 9), max_size=60),
)
def test_a_joint_search_is_the_search_of_the_joint_vectors(
    shelf: tuple[JointIndex, MemoryIndex], asked: list[float], k: int, allowed: list[int] | None
) -> None:
    joint, reference = shelf
    query = np.array(asked, np.float32)
    few = None if allowed is None else np.array(allowed, np.int64)
    expected, found = reference.search(query, k, few), joint.search(query, k, few)
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    np.testing.assert_array_equal(found.scores, expected.scores)
    assert (found.allowed, found.exact) == (expected.allowed, True)


@given(shelves())
def test_joint_vectors_and_numbers_are_those_of_all_indexes(shelf: tuple[JointIndex, MemoryIndex]) -> None:
    joint, reference = shelf
    asked = np.arange(TRACKS + 9)
    np.testing.assert_array_equal(joint.numbers(), reference.numbers())
    np.testing.assert_array_equal(joint.vectors(asked), reference.vectors(asked))
    assert len(joint) == len(reference)


class Moving(MemoryIndex):
    """An index that another thread changes as soon as its tracks have been counted."""

    def __init__(self, change: Callable[[MemoryIndex], None]) -> None:
        super().__init__(encoder(1))
        self._change = change

    def numbers(self) -> Numbers:
        numbers = super().numbers()
        self._change(self)
        return numbers

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        assert k < 1000 * TRACKS, "it is asked for ever more"
        return super().search(query, k, allowed)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda index: index.add(np.array([9]), np.array([[-1.0]])), [0, 1, 2, 3, 9]),
        (lambda index: index.remove(np.array([2])), [0, 1, 3]),
    ],
    ids=["grows", "shrinks"],
)
def test_a_search_ends_where_an_index_changes_after_its_tracks_were_counted(
    change: Callable[[MemoryIndex], None], left: list[int]
) -> None:
    moving, still = Moving(change), MemoryIndex(encoder(1))
    for index in (moving, still):
        index.add(np.arange(4), np.full((4, 1), -0.5))
    still.remove(np.array([2]))
    joint = JointIndex([moving, still], [slice(0, 1), slice(1, 2)])
    assert sorted(joint.search(np.ones(2, np.float32), 3).numbers) == left[:3]
    assert sorted(joint.search(np.ones(2, np.float32), 9).numbers) == left
