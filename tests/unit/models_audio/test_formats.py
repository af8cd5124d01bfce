import io
import zlib

import av
import numpy as np
import pytest

from models.audio import SAMPLE_RATE_HZ, decode


def png_chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


ONE_PIXEL_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
    + png_chunk(b"IDAT", zlib.compress(bytes(4)))
    + png_chunk(b"IEND", b"")
)
COMPRESSED = {
    "mp3": ("mp3", "libmp3lame", "mp3"),
    "flac": ("flac", "flac", "flac"),
    "ogg opus": ("ogg", "libopus", "opus"),
    "m4a": ("mp4", "aac", "aac"),
    "alac": ("mp4", "alac", "alac"),
    "aac": ("adts", "aac", "aac"),
    "webm": ("webm", "libopus", "opus"),
    "wma": ("asf", "wmav2", "wmav2"),
    "wavpack": ("wv", "wavpack", "wavpack"),
}


def strength(waveform, frequency, rate=SAMPLE_RATE_HZ):
    """Amplitude of a sine in the middle of a waveform."""
    middle = waveform[len(waveform) // 4 : -len(waveform) // 4]
    time = np.arange(len(middle)) / rate
    return 2 * abs(np.mean(middle * np.exp(-2j * np.pi * frequency * time)))


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_formats_keep_length_and_sound(name, make_encoded, make_tone):
    container, encoder, codec = COMPRESSED[name]
    rate = 48_000 if codec == "opus" else 44_100
    decoded = decode(make_encoded(make_tone(rate=rate, channels=2), container, encoder, rate))
    assert (decoded.codec, decoded.channels, decoded.sample_rate_hz) == (codec, 2, rate)
    assert decoded.duration_s == pytest.approx(2.0, abs=0.06)
    assert decoded.duration_s == len(decoded.waveform) / SAMPLE_RATE_HZ
    assert strength(decoded.waveform, 440) == pytest.approx(0.375, abs=0.02)
    assert decoded.warnings == ()


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *(("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")),
        *(("AIFF", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
        ("W64", "PCM_16"),
        ("CAF", "PCM_24"),
        ("WAVEX", "PCM_24"),
    ],
)
def test_uncompressed_formats_of_every_depth(container, subtype, make_pcm, make_tone):
    decoded = decode(make_pcm(make_tone(channels=2), subtype, container))
    assert decoded.duration_s == pytest.approx(2.0, abs=1e-3)
    assert strength(decoded.waveform, 440) == pytest.approx(0.375, abs=0.01)


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 768_000])
def test_every_sample_rate_becomes_the_one_asked_for(rate, make_pcm, make_tone):
    decoded = decode(make_pcm(make_tone(1.0, rate), "PCM_16", rate=rate))
    assert decoded.sample_rate_hz == rate
    assert decoded.duration_s == pytest.approx(1.0, abs=0.01)
    assert strength(decoded.waveform, 440) == pytest.approx(0.5, abs=0.02)


def test_another_rate_can_be_asked_for(make_pcm, make_tone):
    assert len(decode(make_pcm(make_tone(1.0), "PCM_16"), sample_rate_hz=16_000).waveform) == 16_000


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 24, 64])
def test_channels_are_mixed_down_to_their_mean(channels, make_pcm, make_tone):
    samples = make_tone(channels=channels)
    decoded = decode(make_pcm(samples, "PCM_16"))
    assert decoded.channels == channels
    assert strength(decoded.waveform, 440) == pytest.approx(strength(samples.mean(0), 440, 44_100), abs=0.005)


@pytest.mark.parametrize(("codec", "container"), [("aac", "mp4"), ("flac", "flac"), ("libopus", "ogg")])
@pytest.mark.parametrize("channels", [6, 8])
def test_surround_sound_is_read(codec, container, channels, make_encoded, make_tone):
    decoded = decode(make_encoded(make_tone(rate=48_000, channels=channels), container, codec, 48_000))
    assert decoded.channels == channels
    assert strength(decoded.waveform, 440) > 0.1


def test_ogg_vorbis_is_read(make_pcm, make_tone):
    decoded = decode(make_pcm(make_tone(channels=2), "VORBIS", "OGG"))
    assert decoded.codec == "vorbis"
    assert strength(decoded.waveform, 440) == pytest.approx(0.375, abs=0.02)


def test_cover_art_is_passed_over(make_encoded, make_tone, make_id3):
    picture = b"\x00image/png\x00\x03\x00" + ONE_PIXEL_PNG
    file = io.BytesIO(make_id3(APIC=picture) + make_encoded(make_tone(), "mp3", "libmp3lame").getvalue())
    with av.open(file) as container:
        assert [stream.type for stream in container.streams] == ["audio", "video"]
    decoded = decode(file)
    assert decoded.codec == "mp3"
    assert decoded.duration_s == pytest.approx(2.0, abs=0.06)


def test_the_waveform_cannot_be_changed(make_pcm, make_tone):
    waveform = decode(make_pcm(make_tone(), "PCM_16")).waveform
    with pytest.raises(ValueError, match="read-only"):
        waveform[0] = 1
