import numpy as np
import pytest

from models.audio import decode
from models.encoding import Encoding, encode

RATE_HZ = 44_100
LOSSY = {
    "mp3": Encoding("mp3", "libmp3lame", "fltp", 128),
    "opus": Encoding("ogg", "libopus", "flt", 96),
    "aac": Encoding("ipod", "aac", "fltp", 128),
}


def sines(*frequencies):
    times = np.arange(3 * RATE_HZ) / RATE_HZ
    return np.stack([0.5 * np.sin(2 * np.pi * frequency * times) for frequency in frequencies]).astype(np.float32)


@pytest.mark.parametrize("codec", LOSSY)
def test_what_is_encoded_sounds_at_its_pitch_and_lasts_as_long(codec):
    heard = decode(encode(sines(440.0), RATE_HZ, LOSSY[codec]), sample_rate_hz=RATE_HZ)
    spectrum = np.abs(np.fft.rfft(heard.waveform))
    loudest_hz = np.argmax(spectrum) * RATE_HZ / len(heard.waveform)
    assert loudest_hz == pytest.approx(440.0, abs=1.0)
    assert heard.duration_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("codec", LOSSY)
def test_stereo_stays_stereo(codec):
    assert decode(encode(sines(440.0, 660.0), RATE_HZ, LOSSY[codec])).channels == 2


@pytest.mark.parametrize("codec", LOSSY)
def test_the_same_samples_give_the_same_bytes(codec):
    first, second = (encode(sines(440.0), RATE_HZ, LOSSY[codec]).getvalue() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("codec", LOSSY)
def test_a_higher_bit_rate_makes_a_larger_file(codec):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 3 * RATE_HZ)).astype(np.float32)
    low, high = (
        len(encode(noise, RATE_HZ, Encoding(how.container, how.codec, how.sample_format, kbps)).getvalue())
        for how, kbps in ((LOSSY[codec], 48), (LOSSY[codec], 128))
    )
    assert high > 1.5 * low
