"""A mixture as a system: its vectors are the encoder's."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.hdpgmm_readings import SHIPPED_ARTIFACT, kept_neighbours, tag_quality
from benchmarks.mixture_system import MixtureSystem, shares_of
from models.datasets.track import LabelledTrack
from models.encoder import embed
from models.evaluate.system import Clip
from models.registry import load_encoder
from models.song_frames import SAMPLE_RATE_HZ

SILENT_S = 2


def waveform(seed):
    generator = np.random.default_rng(seed)
    time = np.arange(5 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * 220 * (1 + seed) * time) * np.exp(-3 * (time % 0.5))
    sound = 0.3 * tone + 0.02 * generator.normal(size=len(time))
    return np.concatenate([sound, np.zeros(SILENT_S * SAMPLE_RATE_HZ)]).astype(np.float32)


@pytest.fixture(scope="module")
def heard():
    """What is measured of three clips."""
    system = MixtureSystem("one", SHIPPED_ARTIFACT)
    track = LabelledTrack(id="a", path=Path("a"))
    return [system.measure(Clip(track, waveform(seed))) for seed in range(3)]


def test_roots_of_shares_are_the_vectors_of_the_encoder(heard):
    found = MixtureSystem("one", SHIPPED_ARTIFACT).embed(heard, np.zeros(3, np.bool_))
    encoder = load_encoder("hdpgmm", "cpu")
    expected = np.stack([embed(encoder, waveform(seed)).vector for seed in range(3)])
    np.testing.assert_allclose(found.vectors, expected, atol=2e-3)
    assert found.spaces == {}


def test_shares_of_both_readings_add_up_to_one_and_differ(heard):
    found = shares_of(SHIPPED_ARTIFACT, [MixtureSystem.frames(track) for track in heard])
    np.testing.assert_allclose(found.likelihoods.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(found.responsibilities.sum(1), 1, atol=1e-5)
    assert np.abs(found.likelihoods - found.responsibilities).max() > 0.01


def test_a_space_that_puts_tracks_of_a_tag_together_finds_them():
    has = np.zeros((12, 2), np.bool_)
    has[:6, 0] = True
    has[0, 1] = True
    alike = (has[:, :1] == has[:, 0]).astype(np.float64)
    perfect, unknown = tag_quality(alike, has)
    assert perfect == 1
    assert np.isnan(unknown)
    assert tag_quality(np.zeros((12, 12)), has)[0] == pytest.approx(0.5)


def test_neighbours_are_kept_where_the_order_is():
    generator = np.random.default_rng(0)
    one = generator.normal(size=(40, 40))
    assert kept_neighbours(one, 2 * one + 1) == 1
    assert kept_neighbours(one, generator.normal(size=(40, 40))) == pytest.approx(10 / 39, abs=0.08)
