"""Changes of inputs, and that the labels say the same of them afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.csn.inputs import CHROMA_SIZE, MEL_BANDS
from models.csn.track_features import Segments
from models.csn.training.augmentation import (
    Changes,
    changed,
    draw_changes,
    equalised,
    relabelled,
    transposed,
)
from models.csn.training.config import AugmentationSettings
from models.csn.training.corpus import NO_KEY

ALL = AugmentationSettings(transpose=1, stretch=1, equalise=1)


@pytest.fixture(scope="module")
def corpus(make):
    return make.corpus(make.corpus_tracks([make.track(n) for n in range(12)]), make.config())


def changes_of(tracks, semitones=0, stretches=1.0, gains_db=0.0):
    return Changes(
        np.broadcast_to(np.asarray(semitones), (tracks,)).copy(),
        np.broadcast_to(np.asarray(stretches, float), (tracks,)).copy(),
        np.broadcast_to(np.asarray(gains_db, float), (tracks, MEL_BANDS)).copy(),
    )


def with_tonics(corpus, tonics):
    """As many tracks, in these keys."""
    return replace(corpus.take(np.arange(len(tonics))), tonics=tonics)


def one_tone(tonics, columns=7):
    """(S, 12, C) CENS of one pitch class each."""
    return torch.eye(CHROMA_SIZE)[tonics][:, :, None].expand(-1, -1, columns)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 30)), min_size=1, max_size=9))
def test_cens_is_turned_by_as_many_semitones_as_the_key(corpus, drawn):
    tonics, semitones = np.array(drawn).T
    found = relabelled(with_tonics(corpus, tonics), changes_of(len(drawn), semitones)).tonics
    assert torch.equal(transposed(one_tone(tonics), semitones), one_tone(found))


@given(st.integers(0, 2**32), st.integers(0, 11), st.integers(0, 11))
def test_turning_twice_is_turning_by_the_sum_and_twelve_semitones_are_none(seed, one, other):
    cens = torch.rand(2, CHROMA_SIZE, 3, generator=torch.Generator().manual_seed(seed))
    turned = transposed(transposed(cens, np.array([one, other])), np.array([other, other]))
    assert torch.equal(turned, transposed(cens, np.array([one + other, 2 * other])))
    assert torch.equal(transposed(cens, np.array([12, 0])), cens)


def test_an_unknown_key_stays_unknown(corpus):
    unknown = with_tonics(corpus, np.array([NO_KEY, 0, 11]))
    assert relabelled(unknown, changes_of(3, 1)).tonics.tolist() == [NO_KEY, 1, 0]


@given(st.integers(0, 2**32))
def test_changes_leave_all_that_they_are_not_about(corpus, seed):
    changes = draw_changes(len(corpus), ALL, np.random.default_rng(seed))
    found = relabelled(corpus, changes)
    for name in ("entries", "domains", "origins", "styles", "domain_names", "vocabulary", "tags"):
        assert getattr(found, name) is getattr(corpus, name), name
    for dimension in ("genre", "instrument", "era"):
        assert (found.known[dimension] == corpus.known[dimension]).all()
    np.testing.assert_allclose(found.tempi_bpm, corpus.tempi_bpm * changes.stretches)


def test_the_mood_is_unknown_of_tracks_whose_tempo_was_changed_and_of_no_others(corpus):
    stretches = np.where(np.arange(len(corpus)) % 3 == 0, 1.2, 1.0)
    found = relabelled(corpus, changes_of(len(corpus), 5, stretches, 3))
    assert corpus.known["mood"].all()
    assert found.known["mood"].any(1).tolist() == (stretches == 1).tolist()


def test_an_unknown_tempo_stays_unknown(corpus):
    unknown = replace(corpus, tempi_bpm=np.full(len(corpus), np.nan))
    assert np.isnan(relabelled(unknown, changes_of(len(corpus), 0, 1.3)).tempi_bpm).all()


@given(st.floats(-20, 20), st.integers(0, 2**32))
def test_a_gain_raises_the_magnitude_by_so_many_decibels(gain_db, seed):
    mel = 2 * torch.rand(2, MEL_BANDS, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gains_db = torch.zeros(2, MEL_BANDS, dtype=torch.float64)
    gains_db[1, 40] = gain_db
    found = equalised(mel, gains_db)
    torch.testing.assert_close(found[0], mel[0])
    ratio = (10 ** found[1] - 1) / (10 ** mel[1] - 1)
    expected = torch.ones(MEL_BANDS, 5, dtype=torch.float64)
    expected[40] = 10 ** (gain_db / 20)
    torch.testing.assert_close(ratio, expected)


def test_silence_stays_silent_at_any_gain():
    assert not equalised(torch.zeros(1, MEL_BANDS, 4), torch.full((1, MEL_BANDS), 9.0)).any()


def test_every_segment_gets_the_change_of_its_own_row():
    generator = torch.Generator().manual_seed(0)
    segments = Segments(
        torch.rand(3, MEL_BANDS, 4, generator=generator), torch.rand(3, 9), torch.rand(3, CHROMA_SIZE, 4)
    )
    gains_db = np.zeros((3, MEL_BANDS))
    gains_db[2] = 6
    found = changed(segments, changes_of(3, [0, 4, 0], 1.0, gains_db))
    assert torch.equal(found.onset, segments.onset)
    assert torch.equal(found.cens[[0, 2]], segments.cens[[0, 2]])
    assert torch.equal(found.cens[1], segments.cens[1].roll(4, 0))
    torch.testing.assert_close(found.mel[:2], segments.mel[:2])
    assert (found.mel[2] > segments.mel[2]).all()


def test_without_augmentation_nothing_is_changed():
    changes = draw_changes(50, AugmentationSettings(), np.random.default_rng(0))
    assert not changes.semitones.any()
    assert not changes.gains_db.any()
    assert (changes.stretches == 1).all()


@given(st.integers(0, 2**32), st.floats(0.01, 1), st.floats(0.1, 20))
def test_changes_stay_within_what_is_set(seed, most_octaves, most_db):
    settings = AugmentationSettings(transpose=1, stretch=1, equalise=1, most_octaves=most_octaves, most_db=most_db)
    changes = draw_changes(20, settings, np.random.default_rng(seed))
    assert set(changes.semitones) <= set(range(12))
    assert np.abs(np.log2(changes.stretches)).max() <= most_octaves
    assert np.abs(changes.gains_db).max() <= most_db
    assert (changes.stretches != 1).all()
    assert changes.gains_db.any(1).all()


def test_about_the_share_that_is_set_is_changed():
    settings = AugmentationSettings(transpose=0.75, stretch=0.5, equalise=0.25)
    changes = draw_changes(4_000, settings, np.random.default_rng(1))
    assert (changes.semitones != 0).mean() == pytest.approx(0.75 * 11 / 12, abs=0.03)
    assert (changes.stretches != 1).mean() == pytest.approx(0.5, abs=0.03)
    assert changes.gains_db.any(1).mean() == pytest.approx(0.25, abs=0.03)


def test_tone_colours_change_smoothly_from_band_to_band():
    changes = draw_changes(200, ALL, np.random.default_rng(2))
    steps = np.abs(np.diff(changes.gains_db, axis=1))
    assert steps.max() <= 2 * ALL.most_db / (MEL_BANDS // 4 - 1)
