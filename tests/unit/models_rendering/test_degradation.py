import numpy as np
import pytest
from scipy import signal

from models.rendering.degradation import PEAK_LIMIT, driven, impulse_response, noise, record
from models.rendering.recording import ENCODERS, Peak, Room, draw_recording
from models.rendering.synthesis import RATE_HZ


@pytest.fixture
def music():
    """(2, T) noise under a beat: every frequency, loud and soft."""
    generator = np.random.default_rng(0)
    beat = np.exp(-6 * (np.arange(4 * RATE_HZ) / RATE_HZ % 0.5))
    return (0.1 * generator.standard_normal((2, len(beat))) * beat).astype(np.float32)


def level_db(sound):
    return 10 * np.log10((sound.astype(np.float64) ** 2).mean())


def band_db(sound, low_hz, high_hz):
    frequencies, power = signal.welch(sound.mean(0), RATE_HZ, nperseg=4096)
    return 10 * np.log10(power[(frequencies >= low_hz) & (frequencies < high_hz)].mean())


def test_the_same_recording_gives_the_same_samples(music, treat):
    recording = treat(room=Room(0.5, 0.01, -6.0, 4000.0), noise="pink", noise_db=-50.0, channels=2).recording
    assert np.array_equal(record(music, recording), record(music, recording))


def test_the_music_that_goes_in_is_not_changed(music, treat):
    before = music.copy()
    record(music, treat(drive_db=6.0, channels=2).recording)
    assert np.array_equal(music, before)


@pytest.mark.parametrize("seed", range(12))
def test_no_recording_clips_or_loses_samples(music, seed):
    recording = draw_recording(np.random.default_rng(seed))
    heard = record(music, recording)
    assert heard.shape == (recording.channels, music.shape[1])
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= PEAK_LIMIT * 1.001
    assert level_db(heard) <= recording.level_db + 0.01


def test_level_is_what_is_drawn_where_the_peak_allows_it(music, treat):
    assert level_db(record(music, treat(level_db=-30.0).recording)) == pytest.approx(-30, abs=0.01)
    assert np.abs(record(music, treat(level_db=0.0).recording)).max() == pytest.approx(PEAK_LIMIT)


@pytest.mark.parametrize("rt60_s", [0.3, 1.2])
def test_a_room_dies_away_by_60_db_in_its_time(rt60_s):
    response = impulse_response(Room(rt60_s, 0.0, -6.0, 8000.0), 1, np.random.default_rng(0))[0, 1:]
    energy = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] + 1e-20)  # Schroeder's backward integral
    at = [np.flatnonzero(energy < energy[0] - fall)[0] / RATE_HZ for fall in (5, 25)]
    assert 3 * (at[1] - at[0]) == pytest.approx(rt60_s, rel=0.1)


def test_a_room_has_its_wet_level_and_begins_after_its_delay():
    response = impulse_response(Room(0.5, 0.02, -9.0, 4000.0), 2, np.random.default_rng(0))
    assert response[:, 0] == pytest.approx(1.0)
    assert not response[:, 1 : round(0.02 * RATE_HZ)].any()
    assert 10 * np.log10((response[:, 1:] ** 2).sum(1)) == pytest.approx(-9.0)
    assert np.corrcoef(response[:, 1:])[0, 1] < 0.1


def test_tilt_and_brightness_raise_the_treble_over_the_bass(music, treat):
    def slope(recording, brightness=0.0):
        heard = record(music, recording, brightness)
        return (band_db(heard, 3_800, 4_200) - band_db(heard, 240, 260)) / 4

    flat = slope(treat().recording)
    assert slope(treat(tilt_db_per_octave=2.0).recording) - flat == pytest.approx(2.0, abs=0.1)
    assert slope(treat().recording, 1.5) - flat == pytest.approx(1.5, abs=0.1)


def test_a_bell_raises_its_middle(music, treat):
    plain, peaked = (record(music, treat(peaks=peaks).recording) for peaks in ((), (Peak(1_000.0, 6.0, 0.5),)))
    gain = [band_db(peaked, f, 1.05 * f) - band_db(plain, f, 1.05 * f) for f in (980, 150, 9_000)]
    assert gain[0] - gain[1] == pytest.approx(6.0, abs=0.5)
    assert gain[2] == pytest.approx(gain[1], abs=0.3)


def test_nothing_is_left_above_the_band(music, treat):
    heard = record(music, treat(high_cut_hz=4_000.0).recording)
    assert band_db(heard, 9_000, 12_000) < band_db(heard, 1_000, 2_000) - 24


def test_drive_limits_softly_and_keeps_full_scale():
    samples = np.linspace(-1, 1, 101, dtype=np.float32)
    limited = driven(samples, 9.0)
    assert limited[[0, -1]] == pytest.approx([-1, 1])
    assert (np.diff(limited) > 0).all()
    assert (np.abs(limited[1:-1]) >= np.abs(samples[1:-1])).all()
    assert np.array_equal(driven(samples, 0.0), samples)


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_has_a_level_of_one(kind):
    assert level_db(noise(kind, (2, RATE_HZ), np.random.default_rng(0))) == pytest.approx(0, abs=0.05)


def test_pink_noise_falls_by_three_db_an_octave():
    pink = noise("pink", (1, 10 * RATE_HZ), np.random.default_rng(0))
    assert (band_db(pink, 8_000, 8_800) - band_db(pink, 500, 550)) / 4 == pytest.approx(-3.0, abs=0.2)


def test_noise_lies_as_far_below_the_peak_as_is_drawn(treat):
    click = np.zeros((2, 4 * RATE_HZ), np.float32)
    click[:, 2 * RATE_HZ] = 1
    heard = record(click, treat(noise="white", noise_db=-50.0, level_db=-10.0, low_cut_hz=1.0).recording)
    assert level_db(heard[:, :RATE_HZ]) - 20 * np.log10(np.abs(heard).max()) == pytest.approx(-50, abs=1.0)


def test_every_codec_can_be_drawn():
    drawn = {draw_recording(np.random.default_rng(seed)).extension for seed in range(40)}
    assert drawn == set(ENCODERS)
