"""How a track is heard: what a file is must not be heard, what is played must."""

import numpy as np
import pytest
from scipy.io import wavfile

from models.datasets.track import LabelledTrack
from models.errors import AudioUnreadable
from models.evaluate.alteration import ALTERATIONS
from models.evaluate.system import CLIP_RATE_HZ
from models.evaluate.view import BAND_LIMIT_HZ, CANONICAL, ORIGINAL, View, hear, low_passed, piece
from models.track_frames import LEVEL_RMS, gated_rms

RATE = CLIP_RATE_HZ


def noise(seconds, seed=0, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture
def written(tmp_path):
    """Writes samples as a wav file and returns its track."""

    def write(samples, name="a.wav", rate=RATE):
        wavfile.write(tmp_path / name, rate, samples)
        return LabelledTrack(name, tmp_path / name)

    return write


def power_db(waveform, low_hz, high_hz):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)))) ** 2
    frequency = np.fft.rfftfreq(len(waveform), 1 / RATE)
    return 10 * np.log10(spectrum[(frequency >= low_hz) & (frequency < high_hz)].mean())


def test_the_middle_of_a_long_track_is_heard(written):
    samples = noise(40)
    samples[: 5 * RATE] = samples[-5 * RATE :] = 0
    heard = hear(written(samples), ORIGINAL).waveform
    np.testing.assert_array_equal(heard, samples[5 * RATE : -5 * RATE])


def test_a_short_track_is_heard_whole(written):
    assert len(hear(written(noise(3)), CANONICAL).waveform) == 3 * RATE


def test_a_shifted_piece_starts_later_and_ends_with_the_track():
    samples = np.arange(40 * RATE, dtype=np.float32)
    heard = piece(samples, View("later", shift_s=10))
    assert heard[0] == 15 * RATE
    assert heard[-1] == samples[-1]


def test_a_piece_beyond_the_end_is_refused_with_both_times():
    with pytest.raises(AudioUnreadable, match=r"4\.0 s; the view 'later' starts at 10\.0 s"):
        piece(noise(4), View("later", shift_s=10))


@pytest.mark.parametrize("gain", [0.01, 1.0, 5.0])
def test_the_level_of_the_file_is_not_heard(written, gain):
    heard = hear(written(noise(2) * np.float32(gain)), CANONICAL).waveform
    assert gated_rms(heard) == pytest.approx(LEVEL_RMS, rel=1e-4)


def test_an_offset_is_not_heard(written):
    heard = hear(written(noise(2) + np.float32(0.3)), CANONICAL).waveform
    assert abs(heard.mean()) < 1e-5


def test_the_canonical_clip_does_not_depend_on_the_rate_of_the_file(written):
    """A tone within the band: from 44.1 and from 22.05 kHz the same but for the edges."""
    heard = []
    for rate in (RATE, 2 * RATE):
        time = np.arange(2 * rate) / rate
        tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
        heard.append(hear(written(tone, f"{rate}.wav", rate), CANONICAL).waveform)
    difference = (heard[0] - heard[1])[RATE // 2 : -RATE // 2]
    assert np.abs(difference).max() < 1e-3


def test_nothing_above_the_band_limit_is_left():
    limited = low_passed(noise(4), BAND_LIMIT_HZ)
    above = power_db(limited, BAND_LIMIT_HZ + 200, RATE / 2)
    below = power_db(limited, 100, BAND_LIMIT_HZ - 200)
    assert above < below - 75


def test_the_low_pass_leaves_what_is_below_where_it_was():
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1_000 * time).astype(np.float32)
    inner = slice(1_000, -1_000)
    np.testing.assert_allclose(low_passed(tone, BAND_LIMIT_HZ)[inner], tone[inner], atol=1e-3)


def test_a_clip_shorter_than_the_filter_keeps_its_length():
    assert low_passed(noise(0.005), BAND_LIMIT_HZ).shape == noise(0.005).shape


def test_the_original_view_changes_nothing(written):
    samples = noise(2, level=0.02)
    np.testing.assert_array_equal(hear(written(samples), ORIGINAL).waveform, samples)


def test_silence_is_refused_by_its_path(written, tmp_path):
    track = written(np.zeros(RATE, np.float32))
    with pytest.raises(AudioUnreadable, match=rf"{tmp_path}.*silent"):
        hear(track, CANONICAL)


def test_a_missing_file_is_refused_by_its_path(tmp_path):
    with pytest.raises(AudioUnreadable, match=r"none\.wav: No such file"):
        hear(LabelledTrack("none", tmp_path / "none.wav"), CANONICAL)


def test_what_is_no_audio_is_refused_by_its_path(tmp_path):
    (tmp_path / "text.mp3").write_text("no music")
    with pytest.raises(AudioUnreadable, match=r"text\.mp3: This is not an audio file"):
        hear(LabelledTrack("text", tmp_path / "text.mp3"), CANONICAL)


def test_the_waveform_cannot_be_changed_by_a_system(written):
    with pytest.raises(ValueError, match="read-only"):
        hear(written(noise(1)), CANONICAL).waveform[0] = 1


def test_views_that_sound_different_have_different_identities():
    altered = [View("x", alteration=alteration) for alteration in ALTERATIONS.values()]
    views = [CANONICAL, ORIGINAL, View("x", duration_s=15), View("x", shift_s=10), *altered]
    assert len({view.identity for view in views}) == len(views)
    assert View("other name").identity == CANONICAL.identity
