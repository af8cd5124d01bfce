"""Who is similar to whom: one origin, or enough annotations in common, within a domain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.wavenet.training.likeness import ANNOTATIONS, ORIGIN, likenesses

tagged = st.tuples(
    st.sampled_from(["one", "two"]),
    st.sampled_from(["a", "b", "c"]),
    st.frozensets(st.sampled_from("wxyz")),
    st.frozensets(st.sampled_from("uv")),
)


def said(track):
    return {f"genre:{tag}" for tag in track.track.tags.get("genre", ())} | set(track.track.free_tags)


def similar(one, other, by, min_jaccard):
    """Of two tracks of one domain."""
    if by == ORIGIN:
        return one.track.origin == other.track.origin
    ours, theirs = said(one), said(other)
    return bool(ours and theirs) and len(ours & theirs) / len(ours | theirs) >= min_jaccard


@settings(deadline=None)
@given(st.lists(tagged, min_size=1, max_size=9), st.sampled_from([0.2, 0.25, 0.5, 0.75, 1.0]))
def test_every_pair_is_what_labels_say(make, drawn, min_jaccard):
    tracks = [
        make.track(number, domain, source=source, tags={"genre": genre}, free_tags=free)
        for number, (domain, source, genre, free) in enumerate(drawn)
    ]
    found = list(likenesses(tracks, min_jaccard))
    domains = sorted({track.domain for track in tracks})
    assert [(each.domain, each.by) for each in found] == [
        (domain, by) for domain in domains for by in (ORIGIN, ANNOTATIONS)
    ]
    for likeness in found:
        own = [tracks[place] for place in likeness.places]
        assert own == [track for track in tracks if track.domain == likeness.domain]
        known = [row for row, track in enumerate(own) if likeness.by == ORIGIN or said(track)]
        assert likeness.known.tolist() == known
        alike = likeness.alike(np.array(known, np.intp))
        for found_row, row in zip(alike, known, strict=True):
            expected = [similar(own[row], other, likeness.by, min_jaccard) for other in own]
            assert found_row.tolist() == expected
            companions = [place for place, is_similar in enumerate(expected) if is_similar and place != row]
            assert likeness.companions(row).tolist() == companions


@pytest.mark.parametrize(("min_jaccard", "expected"), [(0.34, []), (0.33, [1]), (0.01, [1])])
def test_the_threshold_is_that_of_the_settings(make, min_jaccard, expected):
    tracks = [make.track(0, free_tags=frozenset("ab")), make.track(1, free_tags=frozenset("bc"))]
    _, likeness = likenesses(tracks, min_jaccard)
    assert likeness.companions(0).tolist() == expected
