"""Which tracks are alike in a dimension, which are not, and of which pairs nobody knows."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.csn.training.likeness import likeness
from models.datasets.track import DIMENSIONS, TAG_DIMENSIONS

TAGS = ("x", "y", "z")
VOCABULARY = dict.fromkeys(TAG_DIMENSIONS, TAGS)

labels = st.fixed_dictionaries(
    {
        "source": st.sampled_from("abc"),
        "tags": st.fixed_dictionaries(
            {dimension: st.frozensets(st.sampled_from(TAGS)) for dimension in TAG_DIMENSIONS}
        ),
        "tempo_bpm": st.none() | st.floats(30, 300),
        "key": st.none() | st.sampled_from(["C major", "C minor", "A minor", "D# major", "D# minor"]),
    }
)


def alike_in_tempo(one_bpm, other_bpm):
    """At the octave of the faster, within 5 BPM."""
    slow, fast = sorted((one_bpm, other_bpm))
    return any(abs(slow * 2**octaves - fast) <= 5 for octaves in range(6))


def verdict(one, other, dimension):
    """What the rules say of two tracks: alike, unlike, or ``None``."""
    if (one.domain, one.track.source) == (other.domain, other.track.source):
        return None
    if dimension == "tempo":
        if one.track.tempo_bpm is None or other.track.tempo_bpm is None:
            return None
        return alike_in_tempo(one.track.tempo_bpm, other.track.tempo_bpm)
    if dimension == "key":
        if one.track.key is None or other.track.key is None:
            return None
        return one.track.key.split()[0] == other.track.key.split()[0]
    ours, theirs = one.track.tags[dimension], other.track.tags[dimension]
    return bool(ours & theirs) if ours and theirs and one.domain == other.domain else None


def two(make, dimension, one, other, domains=("d", "d")):
    """What is found of two tracks of two origins."""
    tracks = []
    for place, (changes, domain) in enumerate(zip((one, other), domains, strict=True)):
        tracks += make.corpus_tracks([make.track(place, **{"source": f"origin {place}", **changes})], domain)
    found = likeness(make.corpus(tracks, make.config(), VOCABULARY), dimension)
    assert (found.alike == found.alike.T).all()
    assert (found.unlike == found.unlike.T).all()
    return {(True, False): "alike", (False, True): "unlike", (False, False): "unknown"}[
        bool(found.alike[0, 1]), bool(found.unlike[0, 1])
    ]


@given(st.lists(st.tuples(labels, st.sampled_from(["one", "two"])), min_size=1, max_size=7))
def test_every_pair_is_what_the_rules_say(make, drawn):
    tracks = []
    for number, (changes, domain) in enumerate(drawn):
        tracks += make.corpus_tracks([make.track(number, **changes)], domain)
    corpus = make.corpus(tracks, make.config(), VOCABULARY)
    for dimension in DIMENSIONS:
        found = likeness(corpus, dimension)
        for place, other in product(range(len(tracks)), repeat=2):
            expected = verdict(tracks[place], tracks[other], dimension)
            assert found.alike[place, other] == (expected is True), (dimension, place, other)
            assert found.unlike[place, other] == (expected is False), (dimension, place, other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(120, 60, "alike"), (60, 244, "alike"), (120, 126, "unlike"), (90, 120, "unlike"), (100, None, "unknown")],
)
def test_tempi_are_alike_in_any_octave(make, one, other, expected):
    assert two(make, "tempo", {"tempo_bpm": one}, {"tempo_bpm": other}) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("C major", "C minor", "alike"),
        ("C major", "C major", "alike"),
        ("C major", "A minor", "unlike"),
        ("C major", "G major", "unlike"),
        ("C major", None, "unknown"),
    ],
)
def test_the_parallel_key_is_alike_and_the_relative_one_is_not(make, one, other, expected):
    assert two(make, "key", {"key": one}, {"key": other}) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("xy", "yz", "alike"), ("x", "yz", "unlike"), ("", "x", "unknown"), ("", "", "unknown")],
)
def test_one_tag_in_common_is_enough(make, one, other, expected):
    tags = [{"tags": {"mood": frozenset(found)}} for found in (one, other)]
    assert two(make, "mood", *tags) == expected


def test_tags_of_two_domains_are_not_compared_but_tempi_and_keys_are(make):
    same = {"tags": {"genre": frozenset("x")}, "tempo_bpm": 100.0, "key": "C major"}
    other = {"tags": {"genre": frozenset("y")}, "tempo_bpm": 130.0, "key": "E major"}
    assert two(make, "genre", same, same, ("one", "two")) == "unknown"
    assert two(make, "genre", same, other, ("one", "two")) == "unknown"
    for dimension in ("tempo", "key"):
        assert two(make, dimension, same, same, ("one", "two")) == "alike"
        assert two(make, dimension, same, other, ("one", "two")) == "unlike"


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_tracks_of_one_origin_are_neither_alike_nor_unlike(make, dimension):
    one = {"tags": dict.fromkeys(TAG_DIMENSIONS, frozenset("x")), "tempo_bpm": 100.0, "key": "C major"}
    other = {"tags": dict.fromkeys(TAG_DIMENSIONS, frozenset("y")), "tempo_bpm": 130.0, "key": "E major"}
    for second in (one, other):
        assert two(make, dimension, {**one, "source": "s"}, {**second, "source": "s"}) == "unknown"


def test_a_track_is_neither_to_itself(make):
    corpus = make.corpus(make.corpus_tracks([make.track(n) for n in range(9)]), make.config())
    for dimension in DIMENSIONS:
        found = likeness(corpus, dimension)
        assert not np.diag(found.alike).any()
        assert not np.diag(found.unlike).any()
