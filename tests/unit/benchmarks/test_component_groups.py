"""Components are grouped by what the tracks that use them are called."""

import numpy as np
import pytest

from benchmarks.component_groups import at_random, grouped, log_lifts, spaces_of_groups

TAGS = ["calm", "loud", "metal", "piano"]


@pytest.fixture(scope="module")
def corpus():
    """Loud tracks use components 0, 2 and 4, calm ones 1, 3 and 5; component 6 is nobody's."""
    generator = np.random.default_rng(0)
    loud = np.arange(60) % 2 == 0
    shares = generator.uniform(0.2, 1, (60, 7))
    shares[:, :6] *= np.where((np.arange(6) % 2 == 0) == loud[:, None], 1, 0.05)
    shares[:, 6] = 0
    has = np.stack([~loud, loud, loud & (np.arange(60) % 3 > 0), ~loud & (np.arange(60) % 3 > 0)], 1)
    return shares / shares.sum(1, keepdims=True), has


def test_components_of_like_tracks_come_together_under_their_tags(corpus):
    groups = grouped(*corpus, TAGS, 2)
    members = {frozenset(group.components.tolist()) - {6}: group for group in groups}
    assert set(members) == {frozenset({0, 2, 4}), frozenset({1, 3, 5})}
    assert set(members[frozenset({0, 2, 4})].tags) == {"loud", "metal"}
    assert set(members[frozenset({1, 3, 5})].name.split(", ")) == {"calm", "piano"}


def test_every_component_is_in_one_group_and_the_largest_comes_first(corpus):
    groups = grouped(*corpus, TAGS, 3)
    assert sorted(np.concatenate([group.components for group in groups])) == list(range(7))
    assert sum(group.share for group in groups) == pytest.approx(1)
    assert [group.share for group in groups] == sorted((group.share for group in groups), reverse=True)
    assert sorted(tag for group in groups for tag in group.tags) == TAGS
    assert len({group.name for group in groups}) == 3


def test_a_lift_says_how_many_times_as_much_and_few_tracks_say_little(corpus):
    shares, has = corpus
    lifts = log_lifts(shares, has)
    assert (lifts[1, [0, 2, 4]] > 0.3).all()
    assert (lifts[1, [1, 3, 5]] < -0.3).all()
    rare = np.zeros((60, 1), np.bool_)
    rare[0] = True
    assert abs(log_lifts(shares, rare)[0, 0]) < abs(np.log(shares[0, 0] / shares[:, 0].mean()))
    assert np.isfinite(lifts).all()


def test_groups_at_random_have_the_same_sizes_and_components(corpus):
    groups = grouped(*corpus, TAGS, 3)
    drawn = at_random(groups, 1)
    assert [len(group.components) for group in drawn] == [len(group.components) for group in groups]
    assert sorted(np.concatenate([group.components for group in drawn])) == list(range(7))


def test_every_group_is_a_space_of_unit_length_or_zero(corpus):
    shares, has = corpus
    groups = grouped(shares, has, TAGS, 2)
    roots = np.sqrt(shares)
    roots[0, groups[1].components] = 0
    vectors, spaces = spaces_of_groups(roots, groups)
    assert list(spaces) == [group.name for group in groups]
    for group in groups:
        own = vectors[:, spaces[group.name]]
        expected = roots[1, group.components]
        np.testing.assert_allclose(own[1], expected / np.linalg.norm(expected))
        np.testing.assert_allclose(np.linalg.norm(own[1:], axis=1), 1)
    assert not vectors[0, spaces[groups[1].name]].any()
