import dataclasses

import pytest
import torch

from models.cqt import BINS_PER_OCTAVE, LOWEST_HZ, halved, waveform_to_cqt
from models.csn.inputs import (
    CHROMA_SIZE,
    HOP_SAMPLES,
    MEL_BANDS,
    MEL_MEAN,
    MEL_SD,
    SAMPLE_RATE_HZ,
    TEMPOGRAM_LAGS,
    waveform_to_inputs,
)
from models.features import onset_to_tempogram

C, E, G = 0, 4, 7
CONTEXT_FRAMES = TEMPOGRAM_LAGS // 2 + 8


def tones(semitones, seconds=4.0):
    """Steady tones so many semitones above C4, each with a few octaves."""
    time = torch.arange(int(seconds * SAMPLE_RATE_HZ), dtype=torch.float64) / SAMPLE_RATE_HZ
    pitches = [261.6256 * 2 ** (semitone / 12) * octave for semitone in semitones for octave in (0.5, 1, 2)]
    return (0.05 * sum(torch.sin(2 * torch.pi * pitch * time) for pitch in pitches)).float()


def clicks(period_frames, seconds=20):
    waveform = torch.zeros(seconds * SAMPLE_RATE_HZ)
    waveform[:: period_frames * HOP_SAMPLES] = 1
    return waveform


def noise(seconds=12):
    return 0.1 * torch.randn(seconds * SAMPLE_RATE_HZ, generator=torch.Generator().manual_seed(4))


def all_inputs(waveform):
    inputs = waveform_to_inputs(waveform)
    return [getattr(inputs, field.name) for field in dataclasses.fields(inputs)]


@pytest.mark.parametrize("level", [0.0, 0.5, 1e-20])
@pytest.mark.parametrize("samples", [1, 2, 63, 511, 512, 513, 40_000])
def test_a_constant_waveform_of_any_length_has_finite_inputs(samples, level):
    inputs = all_inputs(torch.full((samples,), level))
    frames = 1 + samples // HOP_SAMPLES
    assert [len(values) for values in inputs] == [MEL_BANDS, TEMPOGRAM_LAGS, CHROMA_SIZE]
    assert all(values.shape[1] == frames and values.isfinite().all() for values in inputs)
    assert all(values.dtype == torch.float32 for values in inputs)


def test_silence_has_no_beat_and_no_pitch():
    mel, tempogram, cens = all_inputs(torch.zeros(SAMPLE_RATE_HZ))
    assert (mel == -MEL_MEAN / MEL_SD).all()
    assert not tempogram.any()
    assert not cens.any()


def test_a_pause_in_the_middle_leaves_the_inputs_finite():
    waveform = noise()
    waveform[5 * SAMPLE_RATE_HZ : 7 * SAMPLE_RATE_HZ] = 0
    assert all(values.isfinite().all() for values in all_inputs(waveform))


def test_a_hop_of_silence_before_moves_all_by_a_frame():
    waveform = noise()
    before, after = all_inputs(waveform), all_inputs(torch.nn.functional.pad(waveform, (HOP_SAMPLES, 0)))
    for ours, moved in zip(before, after, strict=True):
        difference = (moved[:, 1:] - ours)[:, CONTEXT_FRAMES:]
        assert difference.abs().max() < 1e-4


def test_the_level_is_no_matter_for_beat_and_pitch():
    (_, tempogram, cens), (_, quieter_tempogram, quieter_cens) = all_inputs(noise()), all_inputs(0.25 * noise())
    torch.testing.assert_close(quieter_tempogram, tempogram, atol=1e-4, rtol=0)
    torch.testing.assert_close(quieter_cens, cens, atol=1e-4, rtol=0)


@pytest.mark.parametrize("period_frames", [13, 20, 43])
def test_the_tempogram_of_clicks_peaks_at_their_period(period_frames):
    _, tempogram, _ = all_inputs(clicks(period_frames))
    assert (tempogram[0, CONTEXT_FRAMES:-CONTEXT_FRAMES] - 1).abs().max() < 1e-5
    assert int(tempogram[period_frames // 2 :].mean(1).argmax()) + period_frames // 2 == period_frames


def test_rounding_errors_of_a_steady_level_have_no_tempo():
    rounding = 1e-5 * torch.rand(600, generator=torch.Generator().manual_seed(5))
    assert onset_to_tempogram(rounding, TEMPOGRAM_LAGS).max() < 1e-3


def test_a_chord_shows_its_notes():
    _, _, cens = all_inputs(tones([C, E, G]))
    assert set(cens[:, cens.shape[1] // 2].topk(3).indices.tolist()) == {C, E, G}


@pytest.mark.parametrize("semitones", [1, 5, 11])
def test_transposing_a_chord_rotates_its_pitch_classes(semitones):
    inner = slice(30, -30)
    _, _, cens = all_inputs(tones([C, E, G]))
    _, _, transposed = all_inputs(tones([semitone + semitones for semitone in (C, E, G)]))
    torch.testing.assert_close(transposed[:, inner], cens.roll(semitones, 0)[:, inner], atol=0.02, rtol=0)


@pytest.mark.parametrize("bin_", [0, 40, 100, 215, 251])
def test_a_tone_falls_on_its_bin(bin_):
    time = torch.arange(4 * SAMPLE_RATE_HZ, dtype=torch.float64) / SAMPLE_RATE_HZ
    tone = torch.sin(2 * torch.pi * LOWEST_HZ * 2 ** (bin_ / BINS_PER_OCTAVE) * time).float()
    cqt = waveform_to_cqt(tone, SAMPLE_RATE_HZ, HOP_SAMPLES)
    assert (cqt[80:-80].argmax(1) == bin_).all()


def test_halving_keeps_the_lower_octaves_and_folds_nothing_onto_them():
    time = torch.arange(SAMPLE_RATE_HZ, dtype=torch.float64) / SAMPLE_RATE_HZ
    inner = slice(50, -50)
    low = torch.sin(2 * torch.pi * 2_000 * time).float()
    high = torch.sin(2 * torch.pi * 9_200 * time).float()
    torch.testing.assert_close(halved(low)[inner], low[::2][inner], atol=1e-4, rtol=0)
    assert halved(high)[inner].abs().max() < 1e-4


def test_the_inputs_are_made_on_the_waveforms_device():
    """On the device that holds shapes only, where a tensor of another would be refused."""
    assert {values.device.type for values in all_inputs(torch.zeros(40_000, device="meta"))} == {"meta"}
