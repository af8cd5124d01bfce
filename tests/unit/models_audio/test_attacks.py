"""Files that attack or lie: each was tried on other decoders and did harm there."""

import io
import struct

import numpy as np
import pytest

from models.audio import decode
from models.container import MAX_CHANNELS
from models.errors import AudioUnreadable
from models.probe import probe

LOOKERS = pytest.mark.parametrize("look", [decode, probe])


class NamedFile(io.BytesIO):
    """A file that claims a name."""

    def __init__(self, data, name):
        super().__init__(data)
        self.name = name


@pytest.fixture
def victim(tmp_path, make_pcm, make_tone):
    """Somebody else's recording on the same disk."""
    path = tmp_path / "victim.wav"
    path.write_bytes(make_pcm(make_tone(), "PCM_16").getvalue())
    return path


@LOOKERS
@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile '{path}'\n",
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n{path}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>file://{path}</BaseURL></MPD>",
        "[playlist]\nFile1={path}\nNumberOfEntries=1\n",
    ],
    ids=["concat", "hls", "m3u", "sdp", "dash", "pls"],
)
@pytest.mark.parametrize("name", ["song.mp3", "song.ffconcat", "song.m3u8"])
def test_a_script_never_opens_other_files(look, script, name, victim):
    with pytest.raises(AudioUnreadable):
        look(NamedFile(script.format(path=victim).encode(), name))


@LOOKERS
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.flac", "song.aac"])
def test_a_text_is_not_audio_whatever_its_name(look, name):
    with pytest.raises(AudioUnreadable, match=r"not an audio file|not one sample"):
        look(NamedFile(b"It was a dark and stormy night.\n" * 200, name))


@LOOKERS
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0" * 100_000, b"\xff" * 100_000], ids=["empty", "byte", "zeros", "ones"]
)
def test_what_is_no_file_format_is_refused(look, data):
    with pytest.raises(AudioUnreadable):
        look(io.BytesIO(data))


@LOOKERS
def test_random_bytes_are_refused(look):
    with pytest.raises(AudioUnreadable):
        look(io.BytesIO(np.random.default_rng(3).bytes(200_000)))


@LOOKERS
def test_a_picture_is_refused(look):
    bitmap = (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54 + 48, 0, 0, 54, 40, 4, 4, 1, 24, 0, 48, 0, 0, 0, 0) + bytes(48)
    )
    with pytest.raises(AudioUnreadable):
        look(io.BytesIO(bitmap))


@LOOKERS
@pytest.mark.parametrize("rate", [1, 100, 3_999, 768_001, 2**31 - 1])
def test_rates_that_would_exhaust_the_resampler_are_refused(look, rate, make_wav_header):
    with pytest.raises(AudioUnreadable, match=r"sample rate|not an audio file"):
        look(make_wav_header(bytes(1_700_000), rate=rate))


@LOOKERS
@pytest.mark.parametrize("channels", [0, MAX_CHANNELS + 1, 100, 255, 65_535])
def test_impossible_numbers_of_channels_are_refused(look, channels, make_wav_header):
    with pytest.raises(AudioUnreadable):
        look(make_wav_header(bytes(200_000), channels=channels))


@LOOKERS
def test_a_header_without_any_sound_is_refused(look, make_wav_header):
    with pytest.raises(AudioUnreadable, match=r"not one sample|not an audio file"):
        look(make_wav_header(b""))


@pytest.mark.parametrize("size", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_lies_about_its_size_is_read_as_far_as_it_goes(size, make_wav_header, make_tone):
    data = (make_tone(1.0)[0] * 32767).astype("<i2").tobytes()
    if size == 1:
        with pytest.raises(AudioUnreadable, match="damaged"):
            decode(make_wav_header(data, data_size=size))
        return
    decoded = decode(make_wav_header(data, data_size=size))
    assert decoded.duration_s == pytest.approx(1.0, abs=0.01)


def test_a_flac_that_claims_512_gib_is_as_long_as_it_is(make_encoded, make_tone):
    data = bytearray(make_encoded(make_tone(), "flac", "flac").getvalue())
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xff"  # 36 bits of total samples in STREAMINFO
    decoded = decode(io.BytesIO(bytes(data)))
    assert decoded.duration_s == pytest.approx(2.0, abs=0.01)
    assert decoded.warnings[0].startswith("the header promises")


def test_a_small_file_of_great_length_ends_at_the_cap(make_encoded):
    half_an_hour = make_encoded(np.zeros((1, 1_800 * 4_000), np.float32), "flac", "flac", 4_000)
    assert len(half_an_hour.getvalue()) < 500_000
    decoded = decode(half_an_hour, max_duration_s=30.0)
    assert decoded.duration_s == 30.0
    assert decoded.warnings == ("only the first 30 s were read",)


def test_a_file_just_as_long_as_the_cap_is_read_without_a_note(make_pcm, make_tone):
    decoded = decode(make_pcm(make_tone(2.0), "PCM_16"), max_duration_s=2.0)
    assert (decoded.duration_s, decoded.warnings) == (2.0, ())


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("container", ["WAV", "AIFF", "CAF"])
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_silenced_with_a_note(subtype, container, poison, make_pcm, make_tone):
    samples = make_tone(channels=2)
    samples[1, 5_000:5_100] = poison
    decoded = decode(make_pcm(samples, subtype, container))
    assert np.isfinite(decoded.waveform).all()
    assert np.abs(decoded.waveform).max() < 1
    assert decoded.loudness_lufs == pytest.approx(-9.4, abs=1)
    assert decoded.warnings == ("100 samples were not numbers or beyond +60 dBFS and were silenced",)


def test_a_file_of_nothing_but_nan_is_silence(make_pcm):
    decoded = decode(make_pcm(np.full((1, 44_100), np.nan, np.float32), "FLOAT"))
    assert not decoded.waveform.any()
    assert decoded.loudness_lufs is None


@LOOKERS
def test_a_codec_that_is_not_on_the_list_is_refused_by_its_name(look, make_encoded, make_tone):
    with pytest.raises(AudioUnreadable, match=r"not read|not an audio file"):
        look(make_encoded(make_tone(rate=16_000), "wav", "g722", 16_000))


@LOOKERS
def test_a_failing_disk_is_not_blamed_on_the_file(look, make_pcm, make_tone):
    class FailingFile(io.BytesIO):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        look(FailingFile(make_pcm(make_tone(), "PCM_16").getvalue()))


@LOOKERS
def test_packets_of_single_samples_are_refused_before_they_take_an_hour(look, make_pcm, make_tone):
    file = bytearray(make_pcm(make_tone(4.0, channels=2), "PCM_16", "CAF").getvalue())
    description = file.index(b"desc") + 12
    assert struct.unpack(">II", file[description + 16 : description + 24]) == (4, 1)  # bytes and frames per packet
    file[description + 20 : description + 24] = struct.pack(">I", 0x45000001)  # read one by one
    with pytest.raises(AudioUnreadable, match="samples per packet"):
        look(io.BytesIO(bytes(file)))
