"""The supervision of probing processes, with a stand-in that does what a file's first line says."""

import sys
import textwrap
import threading
import time

import pytest

from app.adapters.audio_probe import SubprocessProbe
from app.errors import AudioRefused, StorageUnavailable
from app.services.checkup import write_silence

PROBER = textwrap.dedent(
    """
    import json, os, sys, time
    for line in sys.stdin:
        order = open(json.loads(line)["path"]).readline().strip()
        if order == "crash":
            os.abort()
        if order == "leave":
            sys.exit(3)
        if order == "hang":
            time.sleep(60)
        answer = {"ok": False, "reason": "it is text"}
        if order == "audio":
            answer = {"ok": True, "content_type": "audio/flac", "codec": "flac", "sample_rate_hz": 44100,
                      "channels": 2, "duration_s": 1.5,
                      "metadata": {"title": "T", "tags": ["a"], "extra": {"pid": os.getpid()}}}
        print(json.dumps(answer), flush=True)
    """
)


@pytest.fixture
def probe():
    opened = SubprocessProbe(time_limit_s=0.5, processes=2, start_limit_s=5, command=[sys.executable, "-c", PROBER])
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path):
    def write(order):
        path = tmp_path / order
        path.write_text(order)
        return path

    return write


def test_what_is_audio_is_told_with_its_tags(probe, file):
    found = probe.probe(file("audio"))
    assert (found.content_type, found.codec, found.duration_s) == ("audio/flac", "flac", 1.5)
    assert (found.metadata.title, found.metadata.tags) == ("T", ("a",))


def test_what_is_not_audio_is_refused_with_the_reason(probe, file):
    with pytest.raises(AudioRefused, match="it is text"):
        probe.probe(file("text"))


def test_one_process_looks_into_many_files(probe, file):
    assert len({probe.probe(file("audio")).metadata.extra["pid"] for _ in range(5)}) == 1


@pytest.mark.parametrize("order", ["crash", "leave", "hang"])
def test_a_file_that_kills_or_holds_up_the_process_is_refused_and_the_next_is_served(probe, file, order):
    probe.probe(file("audio"))
    with pytest.raises(AudioRefused):
        probe.probe(file(order))
    assert probe.probe(file("audio")).codec == "flac"


def test_files_that_hang_do_not_hold_up_the_others(probe, file):
    probe.probe(file("audio"))
    slow = file("hang")

    def wait_for_it():
        with pytest.raises(AudioRefused):
            probe.probe(slow)

    hanging = threading.Thread(target=wait_for_it)
    hanging.start()
    time.sleep(0.1)
    started = time.monotonic()
    probe.probe(file("audio"))
    assert time.monotonic() - started < 5
    hanging.join()


def test_many_threads_get_their_own_answers(probe, file):
    wrong = []
    good, bad = file("audio"), file("text")

    def ask(path):
        try:
            answered = probe.probe(path).codec == "flac"
        except AudioRefused:
            answered = False
        if answered is not (path == good):
            wrong.append(path)

    threads = [threading.Thread(target=ask, args=(path,)) for path in [good, bad] * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_process_that_does_not_even_start_is_not_blamed_on_the_file(tmp_path, file):
    broken = SubprocessProbe(command=[sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(StorageUnavailable, match="does not start"):
        broken.probe(file("audio"))
    broken.close()
    missing = SubprocessProbe(command=[str(tmp_path / "nothing")])
    with pytest.raises(StorageUnavailable):
        missing.probe(file("audio"))
    missing.close()


def test_the_real_prober_takes_silence_and_refuses_text(tmp_path):
    probe = SubprocessProbe()
    write_silence(tmp_path / "silence.wav")
    (tmp_path / "song.mp3").write_text("la la la\n" * 100)
    try:
        found = probe.probe(tmp_path / "silence.wav")
        assert (found.sample_rate_hz, found.channels) == (22_050, 1)
        with pytest.raises(AudioRefused):
            probe.probe(tmp_path / "song.mp3")
    finally:
        probe.close()
