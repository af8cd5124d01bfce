from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import LabelledTrack
from models.errors import ArtifactInvalid, WaveformTooShort
from models.evaluate.system import CLIP_RATE_HZ, Clip
from models.evaluate.systems.lookup import make_system
from models.evaluate.systems.tagger import TaggerSystem


@pytest.fixture(scope="module")
def weights(tmp_path_factory, write_weights):
    return write_weights(tmp_path_factory.mktemp("weights"), "jamendo_musicnn")


def clip(duration_s, seed=0):
    samples = np.random.default_rng(seed).standard_normal(round(duration_s * CLIP_RATE_HZ)) * 0.1
    return Clip(LabelledTrack("track", Path("track")), samples.astype(np.float32))


def test_it_is_named_and_told_apart_by_its_weights(weights, tmp_path, write_weights):
    system = TaggerSystem(weights)
    other = TaggerSystem(write_weights(tmp_path, "jamendo_musicnn", seed=1))
    assert system.name == other.name == "tagger:jamendo_musicnn"
    assert system.identity == TaggerSystem(weights).identity != other.identity


def test_it_keeps_the_hidden_layer_and_the_tags(weights):
    system = TaggerSystem(weights)
    measured = system.measure(clip(6))
    assert measured["hidden"].shape == (200,)
    assert measured["probabilities"].shape == (50,) == (len(system.tags),)


def test_vectors_are_z_scores_of_the_training_tracks_at_unit_length(weights):
    rows = np.random.default_rng(0).standard_normal((6, 200)) * 3 + 5
    training = np.array([True, True, True, True, False, False])
    embedded = TaggerSystem(weights).embed([{"hidden": row} for row in rows], training)
    expected = (rows - rows[:4].mean(0)) / rows[:4].std(0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(embedded.vectors, expected, atol=1e-6)
    assert embedded.metric == "cosine"


def test_a_clip_that_is_too_short_is_refused(weights):
    with pytest.raises(WaveformTooShort):
        TaggerSystem(weights).measure(clip(0.5))


def test_the_command_line_knows_it_by_its_file(weights):
    assert make_system(f"tagger:{weights}").identity == TaggerSystem(weights).identity


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(ArtifactInvalid):
        TaggerSystem(tmp_path / "msd_fcn.pth")
