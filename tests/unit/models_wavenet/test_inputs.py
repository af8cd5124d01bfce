"""What the stacks read of a waveform, and what is kept of it on disk."""

import numpy as np
import pytest
import torch

from models.errors import AudioUnreadable
from models.track_frames import SAMPLE_RATE_HZ, canonicalise
from models.wavenet.inputs import audible, canonical_to_signal, spectrogram
from models.wavenet.training.signal_cache import SignalCache


def noise(samples):
    return np.random.default_rng(0).normal(scale=0.1, size=samples).astype(np.float32)


@pytest.mark.parametrize("mean_pool", [1, 2, 5])
def test_an_element_is_the_mean_of_its_samples_and_the_last_are_filled_up_with_zeros(make, mean_pool):
    waveform = noise(1_003)
    found = canonical_to_signal(waveform, make.settings(mean_pool=mean_pool))
    expected = [sum(waveform[n : n + mean_pool]) / mean_pool for n in range(0, 1_003, mean_pool)]
    torch.testing.assert_close(found, torch.tensor(expected)[:, None])


@pytest.mark.parametrize("samples", [11_025, 20_479, 20_480, 20_481])
def test_there_is_a_frame_for_every_begun_512_samples_and_it_is_that_of_the_spectrogram(make, samples):
    settings, waveform = make.settings(signal="mel"), noise(samples)
    found = canonical_to_signal(waveform, settings)
    assert found.shape == (-(-samples // 512), 16)
    assert torch.equal(found, spectrogram(settings).decibels(torch.from_numpy(waveform))[: len(found)])


@pytest.mark.parametrize("signal", ["samples", "mel"])
def test_what_is_some_60_db_below_the_track_is_not_audible(make, signal):
    settings = make.settings(signal=signal)
    waveform = noise(3 * SAMPLE_RATE_HZ)
    waveform[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ] *= 1e-5
    waveform[:SAMPLE_RATE_HZ] -= 3 * waveform.mean()  # else the pause would be direct current
    found = audible(canonical_to_signal(canonicalise(waveform), settings), settings)
    first, pause, last = found.tensor_split(3)
    margin = len(pause) // 20
    assert not pause[margin:-margin].any()
    for sounding in (first[:-margin], last[margin:]):
        assert sounding.float().mean() > 0.99


def test_the_cache_holds_the_signal_of_the_canonical_waveform_in_half_precision(make, tmp_path):
    for signal in ("samples", "mel"):
        settings = make.settings(signal=signal)
        cache = SignalCache(tmp_path, 180.0, settings)
        waveform = make.music(3.3)
        found = cache.compute(waveform)
        assert torch.equal(found, canonical_to_signal(canonicalise(waveform), settings).half())
        cache.write(signal, found)
        assert torch.equal(cache.read(signal), found)


def test_silence_is_refused_and_quiet_music_is_not(make, tmp_path):
    cache = SignalCache(tmp_path, 180.0, make.settings())
    quiet = 1e-2 * make.music(3.3)
    assert cache.compute(quiet).any()
    with pytest.raises(AudioUnreadable, match="silent"):
        cache.compute(np.zeros_like(quiet))


def test_signals_that_would_be_others_have_other_names_and_networks_that_read_the_same_share_them(make, tmp_path):
    changes = [{}, {"mean_pool": 2}, {"mean_pool": 16}, {"signal": "mel"}, {"signal": "mel", "mel_bands": 5}]
    kinds = {SignalCache(tmp_path, 180.0, make.settings(**each)).entry("0") for each in changes}
    assert len(kinds) == len(changes)
    deeper = SignalCache(tmp_path, 180.0, make.settings(stacks=3, channels=9, padding="centred"))
    assert deeper.entry("0") == SignalCache(tmp_path, 180.0, make.settings()).entry("0")


def test_what_is_no_signal_of_this_width_is_noticed(make, tmp_path):
    cache = SignalCache(tmp_path, 180.0, make.settings(signal="mel"))
    for found in (torch.zeros(3, 15).half(), torch.zeros(3, 16), torch.zeros(0, 16).half()):
        with pytest.raises(ValueError, match="signal"):
            cache.features({"signal": found})
