"""What components mean by the tags of the tracks that use them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.hdpgmm.tag_table import meanings, relevance

TAGS = ("jazz", "quiet", "rock")
SHARES = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7]])
HAS = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)


def test_relevance_is_the_sum_over_the_tags_tracks_times_how_rare_it_is():
    found = relevance(SHARES, HAS)
    assert found[0] == pytest.approx(np.array([1.7, 0.3]) * np.log(4 / 3))
    assert found[2] == pytest.approx(np.array([0.4, 1.6]) * np.log(4 / 3))


def test_a_component_is_named_by_the_tags_whose_tracks_use_it_more_than_others():
    first, second = meanings(SHARES, HAS, TAGS)
    assert (first.share, second.share) == (pytest.approx(0.525), pytest.approx(0.475))
    assert first.tags == (("jazz", 1.62),)
    assert second.tags == (("rock", 1.68), ("quiet", 1.05))


def test_no_more_tags_than_asked_for():
    assert [len(found.tags) for found in meanings(SHARES, HAS, TAGS, most=1)] == [1, 1]


def test_without_tags_there_are_shares_alone():
    found = meanings(SHARES, np.zeros((4, 0), dtype=bool), ())
    assert [meaning.tags for meaning in found] == [(), ()]


@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 4), st.integers(0, 2**31))
def test_every_component_has_a_finite_meaning(tracks, components, tags, seed):
    drawn = np.random.default_rng(seed)
    shares = drawn.dirichlet(np.full(components, 0.05), tracks)
    found = meanings(shares, drawn.random((tracks, tags)) < 0.5, [str(tag) for tag in range(tags)])
    assert sum(meaning.share for meaning in found) == pytest.approx(1)
    assert all(np.isfinite(lift) and lift > 1 for meaning in found for _, lift in meaning.tags)
