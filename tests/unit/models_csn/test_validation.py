"""How a network is judged: triplet accuracy against a loop over all triplets, and embeddings of whole tracks."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.csn.training import validation
from models.csn.training.batch import whole_track
from models.csn.training.likeness import Likeness, likeness
from models.csn.training.validation import accuracies, track_embeddings, triplet_accuracy


@st.composite
def judged(draw):
    """Vectors along the axes or none, so that many are tied, and pairs that are alike, unlike or neither."""
    count = draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    axes = np.vstack([np.eye(3), -np.eye(3), np.zeros((1, 3))]).astype(np.float32)
    vectors = generator.uniform(0.5, 2, (count, 1)).astype(np.float32) * axes[generator.integers(0, 7, count)]
    drawn = generator.integers(0, 3, (count, count))
    drawn = np.triu(drawn, 1) + np.triu(drawn, 1).T
    return vectors, Likeness(drawn == 1, (drawn == 2))


def slow_accuracy(vectors, found):
    def similarity(one, other):
        return np.sign(vectors[one] @ vectors[other])

    shares = []
    for anchor in range(len(vectors)):
        won = []
        for positive, negative in product(range(len(vectors)), repeat=2):
            if found.alike[anchor, positive] and found.unlike[anchor, negative]:
                near, far = similarity(anchor, positive), similarity(anchor, negative)
                won.append(1.0 if near > far else 0.5 if near == far else 0.0)
        shares += [np.mean(won)] if won else []
    return np.mean(shares) if shares else None


@given(judged())
def test_the_accuracy_is_that_of_the_loop_over_all_triplets(drawn):
    expected, accuracy = slow_accuracy(*drawn), triplet_accuracy(*drawn)
    assert accuracy == (None if expected is None else pytest.approx(expected, abs=1e-6))


def pairs(*rows):
    return np.array(rows, dtype=bool)


@pytest.mark.parametrize(("third", "expected"), [([0.0, 1.0], 1.0), ([1.0, 0.0], 0.0), ([0.8, 0.6], 0.5)])
def test_nearer_counts_one_and_a_tie_a_half(third, expected):
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], third], np.float32)
    found = Likeness(pairs([0, 1, 0], [0, 0, 0], [0, 0, 0]), pairs([0, 0, 1], [0, 0, 0], [0, 0, 0]))
    assert triplet_accuracy(vectors, found) == expected


def test_without_triplets_there_is_no_accuracy():
    vectors = np.eye(2, dtype=np.float32)
    nothing = np.zeros((2, 2), bool)
    assert triplet_accuracy(vectors, Likeness(nothing, nothing)) is None
    assert triplet_accuracy(vectors, Likeness(pairs([0, 1], [1, 0]), nothing)) is None


def two_domains(make):
    tracks = make.corpus_tracks([make.track(n) for n in range(20)], "one")
    tracks += make.corpus_tracks([make.track(100 + n) for n in range(20)], "two")
    tracks += make.corpus_tracks([make.track(200)], "three")
    return make.corpus(tracks, make.config())


def test_each_dimension_is_judged_by_its_own_sub_space_and_each_domain_by_itself(make):
    corpus = two_domains(make)
    genres = corpus.tags["genre"].astype(np.float32)
    tonics = np.eye(12, dtype=np.float32)[corpus.tonics]
    turned = np.where(corpus.domains[:, None] == 1, 1 - tonics, tonics)
    parts = {"genre": slice(0, 3), "key": slice(3, 15)}
    found = accuracies(corpus, np.hstack([genres, turned]), parts)
    assert corpus.domain_names[1] == "three"
    assert found.keys() == {"one genre", "one key", "two genre", "two key"}
    assert found["one genre"] == found["two genre"] == found["one key"] == found["two key"] == 1.0
    swapped = accuracies(corpus, np.hstack([genres, tonics]), {"genre": parts["key"], "key": parts["genre"]})
    assert max(swapped.values()) < 0.75


def test_chance_gives_a_half(make):
    corpus = two_domains(make)
    vectors = np.random.default_rng(0).normal(size=(len(corpus), 40)).astype(np.float32)
    found = accuracies(corpus, vectors, {"genre": slice(0, 20), "key": slice(20, 40)})
    assert np.mean(list(found.values())) == pytest.approx(0.5, abs=0.1)


def mean_mel(segments):
    """An embedding that can be computed by hand."""
    return segments.mel.mean(2)


@pytest.mark.parametrize("at_once", [1, 5, 256])
def test_a_track_is_the_mean_of_its_segments_however_many_are_embedded_at_once(
    make, tmp_path, monkeypatch, at_once
):
    monkeypatch.setattr(validation, "SEGMENTS_AT_ONCE", at_once)
    config = make.config(validation_segments=2)
    material = make.material(tmp_path, config)
    found = track_embeddings(material.validation, material.cache, config, mean_mel)
    assert found.shape == (16, 128)
    for row, entry in zip(found, material.validation.entries, strict=True):
        segments = whole_track(material.cache.read(entry), config.network, 2)
        torch.testing.assert_close(torch.from_numpy(row), mean_mel(segments).mean(0))


def test_anchors_are_alike_to_one_and_unlike_another(make):
    found = likeness(two_domains(make), "key")
    expected = [row for row in range(41) if found.alike[row].any() and found.unlike[row].any()]
    assert found.anchors.tolist() == expected
