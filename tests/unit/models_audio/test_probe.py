import io
import json
import signal
import subprocess
import sys
import time

import pytest

from models.errors import AudioUnreadable
from models.probe import MAX_TAGS, MAX_VALUE_CHARACTERS, clean, embedded_tags, probe, serve

TAGS = {
    "title": "Night Train",
    "artist": "The Sleepers",
    "album": "Timetable",
    "genre": "Blues; Boogie",
    "date": "1998-05-01",
    "copyright": "CC BY 4.0",
}


@pytest.fixture
def ask():
    """One question to the line server in this process."""

    def ask(question):
        answers = io.StringIO()
        serve(io.StringIO(question + "\n"), answers)
        return json.loads(answers.getvalue())

    return ask


@pytest.mark.parametrize(
    ("container", "codec", "content_type", "name"),
    [
        ("mp3", "libmp3lame", "audio/mpeg", "mp3"),
        ("flac", "flac", "audio/flac", "flac"),
        ("ogg", "libopus", "audio/ogg", "opus"),
        ("mp4", "aac", "audio/mp4", "aac"),
        ("wav", "pcm_s16le", "audio/wav", "pcm_s16le"),
        ("aiff", "pcm_s16be", "audio/aiff", "pcm_s16be"),
        ("adts", "aac", "audio/aac", "aac"),
        ("webm", "libopus", "audio/webm", "opus"),
        ("matroska", "libmp3lame", "audio/matroska", "mp3"),
    ],
)
def test_the_type_comes_from_the_bytes(  # noqa: PLR0917 - one argument per column
    container, codec, content_type, name, make_encoded, make_tone
):
    found = probe(make_encoded(make_tone(3.0, 48_000, 2), container, codec, 48_000))
    assert (found.content_type, found.codec, found.sample_rate_hz, found.channels) == (
        content_type,
        name,
        48_000,
        2,
    )
    assert found.duration_s is None or found.duration_s == pytest.approx(3.0, abs=0.6)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"), ("mp4", "aac")]
)
def test_embedded_tags_are_read(container, codec, make_encoded, make_tone):
    tags = probe(make_encoded(make_tone(1.0, 48_000), container, codec, 48_000, metadata=TAGS)).metadata
    assert (tags.title, tags.artist, tags.album) == ("Night Train", "The Sleepers", "Timetable")
    assert tags.tags == ("Blues", "Boogie")
    assert tags.extra == {"year": 1998}
    assert tags.licence == "CC BY 4.0"


def test_a_licence_tag_goes_before_the_copyright():
    assert embedded_tags({"copyright": "(c) 2001 Somebody", "license": "CC0"}).licence == "CC0"


def test_what_one_reader_lacks_the_other_gives():
    tags = embedded_tags({"title": "From the first"}, {"TITLE": "From the second", "ARTIST": "Second"})
    assert (tags.title, tags.artist) == ("From the first", "Second")


def test_a_file_without_tags_has_none(make_pcm, make_tone):
    tags = probe(make_pcm(make_tone(), "PCM_16")).metadata
    assert (tags.title, tags.artist, tags.album, tags.licence, tags.tags, tags.extra) == (None,) * 4 + ((), {})


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\x00b\x07c\x1b[31m", "abc[31m"),
        (" two\r\nlines\t ", "two lines"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\ud800", ""),
        ("x" * 10_000, "x" * MAX_VALUE_CHARACTERS),
        ("Motörhead – 東京", "Motörhead – 東京"),
    ],
)
def test_hostile_values_are_trimmed(raw, cleaned):
    assert clean(raw) == cleaned


def test_the_number_of_tags_is_bounded():
    assert len(embedded_tags({"genre": ";".join(f"genre {number}" for number in range(1_000))}).tags) == MAX_TAGS


def test_a_tag_of_megabytes_is_cut(make_encoded, make_tone):
    file = make_encoded(make_tone(), "flac", "flac", metadata={"title": "long " * 400_000})
    assert len(probe(file).metadata.title) <= MAX_VALUE_CHARACTERS


def test_a_damaged_tag_does_not_make_the_file_unreadable(make_encoded, make_tone, make_id3):
    tag = make_id3(TIT2=b"\x01\xff\xfe\x00", TXXX=b"\x03" + b"\xff" * 50, APIC=b"\x00image/png")
    file = io.BytesIO(tag + make_encoded(make_tone(), "mp3", "libmp3lame").getvalue())
    assert probe(file).codec == "mp3"


def test_the_server_answers_in_the_promised_shape(ask, tmp_path, make_encoded, make_tone):
    path = tmp_path / "no ending"
    path.write_bytes(make_encoded(make_tone(2.0), "flac", "flac", metadata=TAGS).getvalue())
    assert ask(json.dumps({"path": str(path)})) == {
        "ok": True,
        "content_type": "audio/flac",
        "codec": "flac",
        "sample_rate_hz": 44_100,
        "channels": 1,
        "duration_s": 2.0,
        "metadata": {
            "title": "Night Train",
            "artist": "The Sleepers",
            "album": "Timetable",
            "licence": "CC BY 4.0",
            "tags": ["Blues", "Boogie"],
            "extra": {"year": 1998},
        },
    }


@pytest.mark.parametrize("question", ["", "nonsense", "[]", '{"file": "x"}', '{"path": 3}', '{"path": null}'])
def test_the_server_refuses_what_is_no_question_and_goes_on(ask, question):
    answer = ask(question)
    assert answer["ok"] is False
    assert "path" in answer["reason"]


@pytest.mark.parametrize("path", ["/nowhere/at all", "/", "a\x00b"])
def test_the_server_gives_a_reason_for_what_it_cannot_open(ask, path):
    answer = ask(json.dumps({"path": path}))
    assert answer["ok"] is False
    assert answer["reason"]


def test_the_server_refuses_what_is_not_audio(ask, tmp_path):
    (tmp_path / "song.mp3").write_text("not a song")
    answer = ask(json.dumps({"path": str(tmp_path / "song.mp3")}))
    assert answer["ok"] is False
    assert "not an audio file" in answer["reason"]


def test_the_process_starts_quickly_without_torch_and_ends_with_its_input(tmp_path, make_pcm, make_tone):
    (tmp_path / "a.wav").write_bytes(make_pcm(make_tone(), "PCM_16").getvalue())
    questions = json.dumps({"path": str(tmp_path / "a.wav")}) + "\nbroken\n"
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "models.probe"],
        input=questions,
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - started < 5  # 0.2 s on an idle machine; this one may be busy
    assert [json.loads(line)["ok"] for line in ran.stdout.splitlines()] == [True, False]
    loaded = {line.rsplit("|", 1)[-1].strip() for line in ran.stderr.splitlines()}
    assert "av" in loaded
    assert not loaded & {"torch", "librosa", "scipy", "sklearn", "numba", "pydantic"}


def test_an_unreadable_file_is_refused_in_the_process_itself():
    with pytest.raises(AudioUnreadable):
        probe(io.BytesIO(b"RIFF\x00\x00\x00\x00WAVEfmt "))


def test_ctrl_c_in_the_terminal_of_the_service_does_not_end_the_probe():
    command = [sys.executable, "-m", "models.probe"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, bufsize=1, **pipes) as process:
        process.stdin.write("?\n")
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate("?\n", timeout=20)
    assert json.loads(out)["ok"] is False
    assert err == ""
    assert process.returncode == 0
