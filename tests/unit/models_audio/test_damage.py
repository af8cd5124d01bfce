import io

import numpy as np
import pytest

from models.audio import decode
from models.errors import AudioUnreadable

SECONDS = 20.0


@pytest.fixture(params=["mp3", "flac", "ogg"])
def recording(request, make_encoded):
    """Bytes of a noisy recording, so that damage cannot hide in redundancy."""
    rate = 48_000
    noise = np.random.default_rng(5).normal(scale=0.1, size=(1, int(SECONDS * rate))).astype(np.float32)
    codec = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libopus"}[request.param]
    return make_encoded(noise, request.param, codec, rate).getvalue()


def damaged(data, share, generator, burst=200):
    """The file with bursts of random bytes in so much of its packets, its header spared."""
    broken = bytearray(data)
    for start in range(5_000, len(data) - burst, 2_000):
        if generator.random() < share:
            broken[start : start + burst] = generator.bytes(burst)
    return io.BytesIO(bytes(broken))


def test_a_truncated_file_is_read_as_far_as_it_goes(recording):
    decoded = decode(io.BytesIO(recording[: len(recording) // 2]))
    assert SECONDS * 0.4 < decoded.duration_s < SECONDS * 0.6


def test_damaged_bytes_cost_their_packets_only(recording):
    decoded = decode(damaged(recording, 0.05, np.random.default_rng(7)))
    assert decoded.duration_s > SECONDS * 0.7
    assert np.isfinite(decoded.waveform).all()


def test_a_file_that_ends_before_its_header_says_is_noted(make_encoded, make_tone):
    file = make_encoded(make_tone(10.0), "flac", "flac").getvalue()
    decoded = decode(io.BytesIO(file[: len(file) // 2]))
    assert decoded.duration_s == pytest.approx(5.0, abs=0.3)
    assert any(note.startswith("the header promises 10.0 s") for note in decoded.warnings)


def test_damaged_packets_are_noted(make_encoded):
    noise = np.random.default_rng(5).normal(scale=0.1, size=(1, 20 * 44_100)).astype(np.float32)
    file = make_encoded(noise, "flac", "flac").getvalue()
    decoded = decode(damaged(file, 0.02, np.random.default_rng(7)))
    assert "packets were damaged" in decoded.warnings[0]


def test_a_file_that_is_damaged_for_the_most_part_is_refused(make_encoded):
    noise = np.random.default_rng(5).normal(scale=0.1, size=(1, 20 * 44_100)).astype(np.float32)
    file = make_encoded(noise, "flac", "flac").getvalue()
    with pytest.raises(AudioUnreadable, match=r"damaged|not one sample"):
        decode(damaged(file, 1.0, np.random.default_rng(7), burst=1_500))


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_an_m4a_that_lost_its_index_is_refused_with_a_reason(cut, make_encoded, make_tone):
    file = make_encoded(make_tone(10.0), "mp4", "aac").getvalue()
    with pytest.raises(AudioUnreadable):
        decode(io.BytesIO(file[: int(len(file) * cut)]))


def test_chained_streams_of_different_formats_are_joined_with_a_note(make_encoded, make_tone):
    first = make_encoded(make_tone(2.0, 44_100), "mp3", "libmp3lame", 44_100).getvalue()
    second = make_encoded(make_tone(2.0, 22_050), "mp3", "libmp3lame", 22_050).getvalue()
    decoded = decode(io.BytesIO(first + second))
    assert decoded.duration_s > 2.0
    assert np.isfinite(decoded.waveform).all()


def test_garbage_before_and_after_an_mp3_does_no_harm(make_encoded, make_tone):
    file = make_encoded(make_tone(4.0), "mp3", "libmp3lame").getvalue()
    decoded = decode(io.BytesIO(b"\0" * 3_000 + file + b"garbage " * 500))
    assert decoded.duration_s == pytest.approx(4.0, abs=0.2)
