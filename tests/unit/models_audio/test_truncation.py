"""A file that breaks off is decoded as far as it goes, and says so."""

import io

import pytest

from models.audio import decode
from models.truncation import truncation_notes

FORMATS = [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("ogg", "libopus"), ("flac", "flac")]


@pytest.fixture(params=FORMATS, ids="-".join)
def whole(request, make_tone, make_encoded) -> bytes:
    container, codec = request.param
    rate = 48_000 if codec == "libopus" else 44_100
    return make_encoded(make_tone(8.0, rate), container, codec, rate).getvalue()


def test_a_whole_file_has_no_note(whole):
    assert not decode(io.BytesIO(whole)).warnings


def test_half_a_file_is_decoded_and_noted(whole):
    decoded = decode(io.BytesIO(whole[: len(whole) // 2]))

    assert 1.0 < decoded.duration_s < 7.0
    assert decoded.warnings


def test_an_mp3_behind_a_tag_is_measured_from_its_first_frame(make_tone, make_encoded, make_id3):
    mp3 = make_encoded(make_tone(8.0), "mp3", "libmp3lame").getvalue()
    bare = mp3[mp3.index(b"\xff\xfb") :]
    tagged = make_id3(TIT2=b"\x00" + b"x" * 5000) + bare

    assert not truncation_notes(io.BytesIO(tagged))
    assert "ends early" in truncation_notes(io.BytesIO(tagged[: len(tagged) // 2]))[0]


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"OggS", b"ID3", b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f", b"Xing" * 50]
)
def test_a_few_bytes_of_anything_are_no_reason_to_stumble(content):
    file = io.BytesIO(content)
    truncation_notes(file)
    assert file.tell() == 0


def test_a_writer_that_did_not_know_the_length_is_not_taken_at_its_word(make_wav_header):
    assert not truncation_notes(make_wav_header(bytes(10_000), data_size=0xFFFFFFFF - 36))
