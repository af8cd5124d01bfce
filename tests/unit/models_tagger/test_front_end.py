import librosa
import numpy as np
import torch

from models.taggers.front_end import FFT_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ, mel_filters, waveform_to_log_mel


def test_it_agrees_with_librosa(noise):
    waveform = noise(2.0)
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=16_000, n_fft=512, hop_length=256, n_mels=96, fmin=0, fmax=8000, htk=True, norm=None,
        pad_mode="reflect", power=2,
    )  # fmt: skip
    expected = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)
    np.testing.assert_allclose(waveform_to_log_mel(torch.from_numpy(waveform[None]))[0], expected, atol=2e-3)


def test_filters_are_triangles_between_evenly_spaced_htk_mels():
    edges_mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MEL_BANDS + 2)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    bins_hz = np.arange(FFT_SAMPLES // 2 + 1) * SAMPLE_RATE_HZ / FFT_SAMPLES
    expected = [
        np.interp(bins_hz, edges_hz[band : band + 3], [0, 1, 0], left=0, right=0) for band in range(MEL_BANDS)
    ]
    np.testing.assert_allclose(mel_filters().numpy().T, expected, atol=1e-5)


def test_silence_lies_at_the_floor_and_ten_times_the_amplitude_is_20_db_more(noise):
    waveform = torch.from_numpy(noise(1.0)[None])
    quiet, loud, silent = (waveform_to_log_mel(waveform * gain) for gain in (1.0, 10.0, 0.0))
    torch.testing.assert_close(loud - quiet, torch.full_like(quiet, 20.0), atol=1e-2, rtol=0)
    assert (silent == -100).all()


def test_a_tone_stands_in_the_band_that_holds_its_frequency():
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    log_mel = waveform_to_log_mel(torch.from_numpy(np.sin(2 * np.pi * 1000 * time_s).astype(np.float32)[None]))[0]
    expected = 2595 * np.log10(1 + 1000 / 700) / (2595 * np.log10(1 + 8000 / 700)) * (MEL_BANDS + 1) - 1
    assert abs(int(log_mel[:, 30].argmax()) - expected) <= 0.5
