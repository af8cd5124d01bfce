"""What is kept of a track, and the segments that are cut out of it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.csn.inputs import (
    CHROMA_SIZE,
    MEL_BANDS,
    MEL_SD,
    SAMPLE_RATE_HZ,
    SEGMENT_FRAMES,
    TEMPOGRAM_LAGS,
    waveform_to_inputs,
)
from models.csn.segment_inputs import network_inputs, tempogram
from models.csn.settings import NetworkSettings
from models.csn.track_features import (
    CENS_STEP,
    MEL_STEP,
    MIN_LAST_FRAMES,
    TrackFeatures,
    column_offsets,
    context_frames,
    cut,
    join,
    segment_starts,
    waveform_to_features,
)
from models.track_frames import canonicalise

PAPER = NetworkSettings()
THINNED = NetworkSettings(branch_blocks=1, columns=32, context_frames=256)
EVEN = NetworkSettings(branch_blocks=1, columns=64, context_frames=64)
HALF = 1e-3
"""Rounding of float16 and float32 besides."""


def music(seconds=14.0):
    """Three notes at a time with decays and clicks, and noise."""
    generator = np.random.default_rng(2)
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    beat = time % 0.5
    sound = generator.normal(scale=0.003, size=len(time)) + 0.5 * np.exp(-400 * beat)
    for _ in range(3):
        notes = 220 * 2 ** (generator.integers(0, 24, 64) / 12)
        phase = np.cumsum(notes[(time / 0.5).astype(int) % 64]) / SAMPLE_RATE_HZ
        sound += 0.2 * np.exp(-3 * beat) * np.sin(2 * np.pi * phase)
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def waveform():
    return music()


@pytest.fixture(scope="module")
def features(waveform):
    return waveform_to_features(waveform)


@pytest.fixture(scope="module")
def whole(waveform):
    """The inputs of the whole track."""
    return waveform_to_inputs(torch.from_numpy(canonicalise(waveform)))


def of_numbers(frames):
    """Features in which every value says which frame it is of."""
    numbers = torch.arange(1, frames + 1)
    return TrackFeatures(
        numbers.to(torch.uint8)[:, None].expand(frames, MEL_BANDS),
        numbers.half(),
        numbers.to(torch.uint8)[:, None].expand(frames, CHROMA_SIZE),
    )


def test_a_track_is_kept_in_two_bytes_a_frame_and_140_more(waveform, features, whole):
    frames = whole.mel.shape[1]
    assert len(features) == frames
    assert features.mel.shape == (frames, MEL_BANDS)
    assert features.cens.shape == (frames, CHROMA_SIZE)
    assert features.onset.shape == (frames,)
    assert (features.mel.dtype, features.cens.dtype, features.onset.dtype) == (
        torch.uint8,
        torch.uint8,
        torch.float16,
    )


def test_music_stays_within_what_a_byte_holds(features):
    assert 60 < features.mel.max() < 255
    assert features.cens.max() <= 255


@pytest.mark.parametrize("settings", [PAPER, THINNED, EVEN], ids=["paper", "thinned", "even"])
def test_segments_are_cut_out_of_the_whole_tracks_inputs(features, whole, settings):
    starts = torch.tensor([0, 1, 77, 250, len(features) - SEGMENT_FRAMES])
    inputs = network_inputs(cut(features, starts, settings), settings)
    offsets = column_offsets(settings)
    for place, start in enumerate(starts.tolist()):
        mel = whole.mel[:, start : start + SEGMENT_FRAMES]
        torch.testing.assert_close(inputs["mel"][place], mel, atol=(MEL_STEP / 2 + HALF) / MEL_SD, rtol=0)
        columns = start + (SEGMENT_FRAMES - int(offsets[-1]) - 1) // 2 + offsets
        there = (columns >= 0) & (columns < len(features))
        assert there.sum() > settings.columns // 3
        columns = columns[there]
        found = inputs["tempogram"][place][:, there]
        torch.testing.assert_close(found, whole.tempogram[:, columns], atol=1e-3, rtol=0)
        found = inputs["cens"][place][:, there]
        torch.testing.assert_close(found, whole.cens[:, columns], atol=CENS_STEP / 2 + HALF, rtol=0)


def test_the_papers_columns_are_the_segments_own_frames():
    assert column_offsets(PAPER).tolist() == list(range(SEGMENT_FRAMES))
    assert context_frames(PAPER) == SEGMENT_FRAMES - 1 + TEMPOGRAM_LAGS


@given(st.integers(1, 6), st.integers(0, 3_000))
def test_columns_are_spread_over_their_context(times, more):
    settings = NetworkSettings(branch_blocks=1, columns=32 * times, context_frames=32 * times + more)
    offsets = column_offsets(settings)
    steps = offsets.diff()
    assert offsets[0] == 0
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1
    assert settings.context_frames - int(offsets[-1]) - 1 <= settings.context_frames / settings.columns


@pytest.mark.parametrize("inputs", ["multi", "single"])
def test_the_network_gets_the_inputs_that_it_asks_for(features, inputs):
    settings = NetworkSettings(inputs=inputs)
    found = network_inputs(cut(features, torch.tensor([5, 9]), settings), settings)
    shapes = {name: tuple(rows.shape) for name, rows in found.items()}
    expected = {"mel": (2, MEL_BANDS, SEGMENT_FRAMES)}
    if inputs == "multi":
        expected |= {"tempogram": (2, TEMPOGRAM_LAGS, 129), "cens": (2, CHROMA_SIZE, 129)}
    assert shapes == expected


def test_beyond_the_ends_of_a_track_all_is_zero():
    segments = cut(of_numbers(60), torch.tensor([0, -100, 200]), PAPER)
    assert (segments.mel[0, 0] / MEL_STEP).round().tolist() == [*range(1, 61), *[0] * 69]
    assert (segments.cens[0, 0] / CENS_STEP).round().tolist() == [*range(1, 61), *[0] * 69]
    assert (segments.mel[1, 0] / MEL_STEP).round().tolist() == [*[0] * 100, *range(1, 30)]
    assert not segments.mel[2].any()
    assert not segments.cens[2].any()


def test_onset_strength_falls_to_zero_as_a_straight_line_beyond_the_ends():
    (onset,) = cut(of_numbers(60), torch.tensor([0]), PAPER).onset
    half = TEMPOGRAM_LAGS // 2
    assert onset[half : half + 60].tolist() == list(range(1, 61))
    torch.testing.assert_close(onset[:half], torch.arange(half) / half)
    torch.testing.assert_close(onset[half + 60 : 2 * half + 60], 60 * torch.arange(half - 1, -1, -1) / half)
    assert not onset[2 * half + 60 :].any()


@given(st.integers(1, 5_000))
def test_segments_follow_one_another_and_leave_out_less_than_a_second_of_the_track(frames):
    starts = segment_starts(frames)
    ends = starts + SEGMENT_FRAMES
    assert starts[0] == 0
    assert (starts.diff() > 0).all()
    assert (starts[1:] <= ends[:-1]).all()
    assert frames - int(ends[-1]) < MIN_LAST_FRAMES
    assert frames < SEGMENT_FRAMES or ends[-1] <= frames
    assert (starts[:-1].diff() == SEGMENT_FRAMES).all()


def test_a_second_at_the_end_gets_a_segment_that_ends_with_the_track():
    frames = 2 * SEGMENT_FRAMES + MIN_LAST_FRAMES
    assert segment_starts(frames - 1).tolist() == [0, SEGMENT_FRAMES]
    assert segment_starts(frames).tolist() == [0, SEGMENT_FRAMES, frames - SEGMENT_FRAMES]


@pytest.mark.parametrize("stretch", [2**-0.5, 0.8, 1.0, 1.25, 2**0.5])
@pytest.mark.parametrize("settings", [PAPER, THINNED], ids=["paper", "thinned"])
def test_reading_the_onsets_faster_shortens_the_lag_of_the_beat(stretch, settings):
    period, frames = 30, 1_500
    onset = torch.zeros(frames)
    onset[::period] = 10
    onset[1::period] = 10
    features = TrackFeatures(of_numbers(frames).mel, onset.half(), of_numbers(frames).cens)
    segments = cut(features, torch.tensor([600]), settings, stretch)
    mean = tempogram(segments.onset, settings)[0].mean(1)
    lowest = int(period / stretch / 2)
    peak = lowest + int(mean[lowest : int(1.5 * period / stretch)].argmax())
    assert peak == pytest.approx(period / stretch, abs=0.6)


@given(st.floats(0.5, 2.0), st.integers(0, 400))
def test_stretching_turns_about_the_middle_of_the_columns_and_changes_nothing_else(stretch, start):
    features = of_numbers(400)
    plain = cut(features, torch.tensor([start]), PAPER)
    stretched = cut(features, torch.tensor([start]), PAPER, stretch)
    middle = context_frames(PAPER) // 2
    assert stretched.onset[0, middle] == pytest.approx(float(plain.onset[0, middle]), abs=1e-3)
    assert torch.equal(stretched.mel, plain.mel)
    assert torch.equal(stretched.cens, plain.cens)


def test_between_two_frames_onsets_are_interpolated():
    features = of_numbers(200)
    onset = cut(features, torch.tensor([20]), PAPER, 0.5).onset[0]
    middle = context_frames(PAPER) // 2
    torch.testing.assert_close(onset[middle : middle + 40].diff(), torch.full((39,), 0.5))


def test_a_segment_does_not_depend_on_what_else_is_cut(features):
    together = cut(features, torch.tensor([3, 400, 90]), THINNED)
    alone = cut(features, torch.tensor([90]), THINNED)
    for name in ("mel", "onset", "cens"):
        assert torch.equal(getattr(together, name)[2:], getattr(alone, name))


def test_segments_of_several_tracks_stand_one_after_the_other(features):
    parts = [cut(features, torch.tensor([5, 60]), PAPER), cut(of_numbers(60), torch.tensor([0]), PAPER)]
    joined = join(parts)
    for name in ("mel", "onset", "cens"):
        rows = getattr(joined, name)
        assert len(rows) == 3
        assert torch.equal(rows[:2], getattr(parts[0], name))
        assert torch.equal(rows[2:], getattr(parts[1], name))


@pytest.mark.parametrize("sound", ["silence", "direct current", "too quiet"])
def test_what_cannot_be_heard_has_no_features(sound):
    noise = np.random.default_rng(0).normal(scale=1e-6, size=40_000)
    waveforms = {"silence": np.zeros(40_000), "direct current": np.full(40_000, 0.5), "too quiet": noise}
    features = waveform_to_features(waveforms[sound].astype(np.float32))
    assert not any(rows.any() for rows in (features.mel, features.onset, features.cens))
    assert not tempogram(cut(features, torch.tensor([0]), PAPER).onset, PAPER).any()


@pytest.mark.parametrize("gain", [0.03, 8.0])
def test_the_level_of_a_recording_leaves_no_trace(waveform, features, gain):
    found = waveform_to_features(waveform * np.float32(gain))
    assert (found.mel.int() - features.mel.int()).abs().max() <= 1
    assert (found.onset - features.onset).abs().max() < 0.02
