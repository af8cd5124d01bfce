"""Batches: random segments of tracks, and labels that are true of them after the changes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.csn.inputs import SEGMENT_FRAMES
from models.csn.segment_inputs import tempogram
from models.csn.track_features import segment_starts
from models.csn.training.batch import _random_starts, draw_batch, whole_track
from models.errors import TrainingInterrupted

FRAME_RATE_HZ = 22_050 / 512
CHANGED = {"transpose": 1.0, "stretch": 1.0, "equalise": 1.0, "most_octaves": 0.4}


@pytest.fixture(scope="module")
def drawn(make, tmp_path_factory):
    """Draws a batch of all training tracks: what it is drawn from, and the batch."""
    config = make.config(batch={"tracks": 24, "segments": 3}, augmentation=CHANGED)
    material = make.material(tmp_path_factory.mktemp("cache"), config)

    def draw(seed=0, config=config):
        rows = np.arange(len(material.train))
        return draw_batch(material.train, rows, material.cache, config, np.random.default_rng(seed))

    return material, config, draw


def test_segments_of_a_track_stand_one_after_the_other(drawn):
    material, _, draw = drawn
    batch = draw()
    assert len(batch.corpus) == len(material.train)
    assert len(batch.segments.mel) == len(batch.segments.onset) == len(batch.segments.cens) == 3 * len(batch.corpus)
    assert batch.corpus.entries == material.train.entries


def test_the_labels_of_key_and_tempo_are_true_of_the_changed_segments(drawn):
    material, config, draw = drawn
    batch = draw()
    assert (batch.corpus.tonics != material.train.tonics).any()
    assert (batch.corpus.tempi_bpm != material.train.tempi_bpm).all()
    tonics = batch.segments.cens.mean(2).argmax(1)
    assert tonics.tolist() == np.repeat(batch.corpus.tonics, 3).tolist()
    found = tempogram(batch.segments.onset, config.network).mean(2)
    for row, tempo_bpm in zip(found, np.repeat(batch.corpus.tempi_bpm, 3), strict=True):
        lag = 60 / tempo_bpm * FRAME_RATE_HZ
        around = slice(int(lag * 0.75), int(lag * 1.25) + 1)
        assert around.start + int(row[around].argmax()) == pytest.approx(lag, abs=1)


def test_the_seed_alone_decides(drawn):
    *_, draw = drawn
    one, again, other = draw(1), draw(1), draw(2)
    assert torch.equal(one.segments.mel, again.segments.mel)
    assert torch.equal(one.segments.onset, again.segments.onset)
    assert not torch.equal(one.segments.mel, other.segments.mel)


def test_damaged_features_end_the_run_with_how_to_go_on(make, tmp_path):
    config = make.config()
    material = make.material(tmp_path, config)
    (tmp_path / "3.wav.safetensors").write_bytes(b"garbage")
    with pytest.raises(TrainingInterrupted, match=r"3\.wav\.safetensors cannot be read .* same command"):
        draw_batch(material.train, np.array([1, 3]), material.cache, config, np.random.default_rng(0))


@given(st.integers(1, 3_000), st.integers(1, 5), st.integers(0, 2**32))
def test_random_segments_lie_within_the_track_and_overlap_by_half_at_most(frames, count, seed):
    starts = _random_starts(frames, count, np.random.default_rng(seed)).sort().values
    assert len(starts) == count
    assert starts[0] >= 0
    assert starts[-1] <= max(0, frames - SEGMENT_FRAMES)
    if frames >= SEGMENT_FRAMES + (count - 1) * (SEGMENT_FRAMES // 2):
        assert (starts.diff() >= SEGMENT_FRAMES // 2).all()


def test_every_place_of_a_track_is_drawn_and_no_segment_is_always_the_first():
    generator = np.random.default_rng(0)
    starts = np.stack([_random_starts(SEGMENT_FRAMES + 150, 2, generator).numpy() for _ in range(2_000)])
    assert set(starts.ravel()) == set(range(151))
    assert (starts[:, 0] < starts[:, 1]).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_of_a_whole_track_segments_are_taken_evenly(make, most):
    features = make.features(make.track(0), frames=7 * SEGMENT_FRAMES)
    settings = make.settings()
    found = whole_track(features, settings, most)
    assert len(found.mel) == min(most, 7)
    starts = segment_starts(len(features))
    expected = {1: [0], 2: [0, 6], 3: [0, 3, 6], 8: list(range(7))}[most]
    mel = torch.stack([features.mel[start : start + SEGMENT_FRAMES].T.float() / 100 for start in starts])
    torch.testing.assert_close(found.mel, mel[expected])
