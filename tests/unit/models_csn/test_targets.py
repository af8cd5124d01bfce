"""What tracks should score for tags, tempi and tonics."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.csn.training.corpus import NO_KEY
from models.csn.training.targets import LOWEST_TEMPO_BPM, TEMPO_STEPS, style_targets, tag_names, targets
from models.datasets.keys import PITCH_NAMES

tempi = st.floats(30, 300)


@pytest.fixture(scope="module")
def corpus(make):
    return make.corpus(make.corpus_tracks([make.track(n) for n in range(12)]), make.config())


def bell(corpus, tempo_bpm):
    """(Z,) what a track of this tempo should score."""
    found = targets(replace(corpus, tempi_bpm=np.array([tempo_bpm])), "tempo")
    assert found.known.all()
    return found.wanted[0]


def test_tempi_have_24_names_within_an_octave_and_keys_12():
    names = tag_names({}, "tempo")
    assert len(set(names)) == TEMPO_STEPS == 24
    assert (names[0], names[12], names[23]) == ("80 BPM", "113 BPM", "155 BPM")
    assert tag_names({}, "key") == PITCH_NAMES
    assert tag_names({"mood": ("calm", "dark")}, "mood") == ("calm", "dark")


@given(tempi, st.integers(-2, 2))
def test_octaves_of_a_tempo_are_one(corpus, tempo_bpm, octaves):
    torch.testing.assert_close(bell(corpus, tempo_bpm), bell(corpus, tempo_bpm * 2.0**octaves))


@given(tempi, st.integers(-30, 30))
def test_a_faster_tempo_turns_the_bell_around_the_circle(corpus, tempo_bpm, steps):
    faster = bell(corpus, tempo_bpm * 2 ** (steps / TEMPO_STEPS))
    torch.testing.assert_close(faster, bell(corpus, tempo_bpm).roll(steps), atol=1e-5, rtol=0)


@given(tempi)
def test_the_nearest_tag_is_wanted_most_and_the_others_the_less_the_farther(corpus, tempo_bpm):
    wanted = bell(corpus, tempo_bpm)
    steps = np.log2(tempo_bpm / LOWEST_TEMPO_BPM) * TEMPO_STEPS - np.arange(TEMPO_STEPS)
    distance = np.abs((steps + TEMPO_STEPS / 2) % TEMPO_STEPS - TEMPO_STEPS / 2)
    assert wanted.max() >= np.exp(-0.125) - 1e-6
    assert distance[int(wanted.argmax())] <= 0.5 + 1e-6
    order = np.argsort(distance)
    assert (np.diff(wanted.numpy()[order]) <= 1e-6).all()
    assert wanted.min() < 1e-3


@pytest.mark.parametrize("step", [0, 1, 23])
def test_a_tempo_on_a_tag_wants_it_fully_and_both_neighbours_alike(corpus, step):
    wanted = bell(corpus, LOWEST_TEMPO_BPM * 2 ** (step / TEMPO_STEPS))
    assert wanted[step] == pytest.approx(1)
    assert wanted[(step + 1) % TEMPO_STEPS] == pytest.approx(np.exp(-0.5))
    assert wanted[step - 1] == pytest.approx(np.exp(-0.5))


def test_what_is_not_known_is_marked(corpus):
    unknown = replace(corpus, tempi_bpm=np.array([100.0, np.nan]), tonics=np.array([3, NO_KEY]))
    for dimension in ("tempo", "key"):
        found = targets(unknown, dimension)
        assert found.known.all(1).tolist() == [True, False]
        assert found.known.any(1).tolist() == [True, False]
        assert found.wanted.isfinite().all()


def test_a_key_wants_its_tonic_alone(corpus):
    found = targets(corpus, "key")
    assert torch.equal(found.wanted.argmax(1), torch.from_numpy(corpus.tonics))
    assert (found.wanted.sum(1) == 1).all()


@pytest.mark.parametrize("dimension", ["genre", "mood", "instrument", "era"])
def test_tags_are_wanted_as_they_are_labelled(corpus, dimension):
    found = targets(corpus, dimension)
    assert torch.equal(found.wanted.bool(), torch.from_numpy(corpus.tags[dimension]))
    assert torch.equal(found.known, torch.from_numpy(corpus.known[dimension]))


def test_styles_of_a_kind_are_known_of_tracks_that_have_one(corpus):
    origins = np.array([[1, 0], [0, 0], [0, 1]], dtype=bool)
    artists = np.array([[0], [1], [0]], dtype=bool)
    found = style_targets(replace(corpus, styles={"origin": origins, "artist": artists}))
    assert found.wanted.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert found.known.tolist() == [[True, True, False], [False, False, True], [True, True, False]]
