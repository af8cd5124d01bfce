"""The share of pairs in the right order: against a slow loop, and where it is 1, 0 and a half."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.wavenet.training.likeness import ANNOTATIONS, ORIGIN
from models.wavenet.training.validation import pairs_right

MIN_JACCARD = 0.5


@pytest.fixture(scope="module")
def tracks(make):
    """Two domains; some albums too small to be asked about, and some tracks without tags."""
    generator, made = np.random.default_rng(0), []
    for domain, sizes in (("one", (5, 4, 2, 6)), ("two", (4, 4))):
        for album, size in enumerate(sizes):
            for _ in range(size):
                tags = frozenset(generator.choice(list("ab"), generator.integers(3), replace=False).tolist())
                made.append(make.track(len(made), domain, source=f"album {album}", free_tags=tags))
    return [made[place] for place in generator.permutation(len(made))]


def similar(one, other, by):
    if by == ORIGIN:
        return one.track.source == other.track.source
    ours, theirs = one.track.free_tags, other.track.free_tags
    return len(ours & theirs) / len(ours | theirs) >= MIN_JACCARD


def slow(similarities, tracks, domain, by):
    """Query by query and pair by pair."""
    own = [
        place
        for place, each in enumerate(tracks)
        if each.domain == domain and (by == ORIGIN or each.track.free_tags)
    ]
    shares = []
    for query in own:
        others = [place for place in own if place != query]
        near = [similarities[query, each] for each in others if similar(tracks[query], tracks[each], by)]
        far = [similarities[query, each] for each in others if not similar(tracks[query], tracks[each], by)]
        if min(len(near), len(far)) < 3:
            continue
        right = [1.0 if one > other else 0.5 if one == other else 0.0 for one in near for other in far]
        shares.append(sum(right) / len(right))
    return sum(shares) / len(shares) if shares else None


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 1_000]))
def test_it_is_the_mean_over_queries_of_the_share_of_their_pairs(tracks, seed, levels):
    drawn = np.random.default_rng(seed).integers(levels, size=(len(tracks),) * 2).astype(np.float32)
    found = pairs_right(drawn, tracks, MIN_JACCARD)
    expected = {
        (domain, by): slow(drawn, tracks, domain, by) for domain in ("one", "two") for by in (ORIGIN, ANNOTATIONS)
    }
    assert found.keys() == {key for key, share in expected.items() if share is not None}
    for key, share in found.items():
        assert share == pytest.approx(expected[key])


@pytest.mark.parametrize("by", [ORIGIN, ANNOTATIONS])
@pytest.mark.parametrize(("sign", "share"), [(1, 1.0), (-1, 0.0), (0, 0.5)])
def test_it_is_one_for_the_perfect_order_none_for_its_reverse_and_half_for_none(make, by, sign, share):
    labels = {ORIGIN: lambda n: {"source": str(n % 3)}, ANNOTATIONS: lambda n: {"free_tags": frozenset(str(n % 3))}}
    made = [make.track(n, **labels[by](n)) for n in range(15)]
    similarities = np.array([[sign * similar(one, other, by) for other in made] for one in made], np.float32)
    assert pairs_right(similarities, made, MIN_JACCARD) == {("made", by): share}


def test_a_query_needs_three_similar_and_three_dissimilar_tracks(make):
    enough = [make.track(n, source=f"album {n // 4}") for n in range(7)]
    assert pairs_right(np.zeros((7, 7), np.float32), enough, MIN_JACCARD) == {("made", ORIGIN): 0.5}
    for made in (enough[:6], enough[1:]):
        assert pairs_right(np.zeros((6, 6), np.float32), made, MIN_JACCARD) == {}


def test_how_near_tracks_of_two_domains_are_does_not_matter(tracks):
    similarities = np.random.default_rng(3).normal(size=(len(tracks),) * 2).astype(np.float32)
    domains = np.array([track.domain for track in tracks])
    others = similarities.copy()
    others[domains[:, None] != domains] = 99.0
    assert pairs_right(others, tracks, MIN_JACCARD) == pairs_right(similarities, tracks, MIN_JACCARD)
