import json
import os
import signal
import threading
import time

import pytest

from app.client import EveryCallRefused, ServiceAway


def refusal(status, detail, **headers):
    return status, {"status": status, "detail": detail}, headers


def test_every_file_of_a_folder_is_uploaded_and_followed_until_it_can_be_found(service, soundkin, songs):
    ran = soundkin("ingest", songs, "--url", service.url)
    assert ran.status == 0
    assert "6 added" in ran.err
    assert {track["state"] for track in service.tracks.values()} == {"ready"}


def test_licence_and_tags_go_with_every_file(service, soundkin, songs):
    soundkin("ingest", songs, "--url", service.url, "--licence", "CC0", "--tag", "jazz", "--tag", "piano")
    sent = [json.loads(upload["metadata"]) for upload in service.uploads]
    assert sent == [{"licence": "CC0", "tags": ["jazz", "piano"]}] * 6


def test_the_key_goes_with_every_call(service, soundkin, songs):
    soundkin("ingest", songs, "--url", service.url, "--key", "sk_secret")
    assert service.keys == {"Bearer sk_secret"}


def test_without_waiting_it_ends_when_everything_is_accepted(service, soundkin, songs):
    ran = soundkin("ingest", songs, "--url", service.url, "--no-wait")
    assert ran.status == 0
    assert "6 accepted" in ran.err
    assert not service.looks


def test_no_more_uploads_run_at_once_than_asked_for(service, soundkin, songs):
    service.interfere = lambda call: time.sleep(0.05) if call.startswith("POST") else None
    soundkin("ingest", songs, "--url", service.url, "--no-wait", "--jobs", 2)
    assert service.busiest == 2


def test_what_was_sent_before_is_not_sent_again(service, soundkin, songs):
    soundkin("ingest", songs, "--url", service.url)
    (songs / "new.mp3").write_bytes(b"another")
    service.uploads.clear()
    ran = soundkin("ingest", songs, "--url", service.url)
    assert [upload["file"] for upload in service.uploads] == ["new.mp3"]
    assert "1 added, 6 already there" in ran.err


def test_what_the_service_has_lost_is_sent_again(service, soundkin, songs):
    soundkin("ingest", songs, "--url", service.url)
    service.tracks.clear()
    service.looks.clear()
    service.uploads.clear()
    assert "6 added" in soundkin("ingest", songs, "--url", service.url).err
    assert len(service.uploads) == 6


def test_a_track_that_failed_is_sent_again(service, soundkin, songs):
    service.failing["song 3.mp3"] = "The decoder stopped."
    soundkin("ingest", songs, "--url", service.url)
    service.failing.clear()
    service.uploads.clear()
    ran = soundkin("ingest", songs, "--url", service.url)
    assert [upload["file"] for upload in service.uploads] == ["song 3.mp3"]
    assert ran.status == 0


def test_a_job_of_an_earlier_run_is_followed_without_sending_the_file_again(service, soundkin, songs):
    soundkin("ingest", songs, "--url", service.url, "--no-wait")
    service.uploads.clear()
    ran = soundkin("ingest", songs, "--url", service.url)
    assert not service.uploads
    assert "6 added" in ran.err


def test_each_refused_file_is_named_with_its_reason_and_the_others_go_on(service, soundkin, songs):
    (songs / "text [b].mp3").write_text("no audio")
    service.failing["song 2.mp3"] = "It is [red]silent[/red] throughout."

    post = service.post

    def picky(path, headers, body):
        return refusal(422, "This is plain text.") if b"no audio" in body else post(path, headers, body)

    service.post = picky
    ran = soundkin("ingest", songs, "--url", service.url)
    assert ran.status == 1
    assert f"failed {songs / 'text [b].mp3'}: This is plain text." in ran.err
    assert f"failed {songs / 'song 2.mp3'}: It is [red]silent[/red] throughout." in ran.err
    assert "5 added, 2 failed" in ran.err


def test_a_file_that_cannot_be_read_fails_alone(service, soundkin, songs):
    gone = songs / "song 1.mp3"
    service.interfere = lambda call: gone.unlink(missing_ok=True) if call == "GET /healthz" else None
    ran = soundkin("ingest", songs, "--url", service.url)
    assert ran.status == 1
    assert f"failed {gone}" in ran.err
    assert "1 failed" in ran.err


def test_a_full_queue_is_waited_for_as_long_as_it_says(service, soundkin, songs):
    refused = []

    def full(call):
        if call.startswith("POST") and len(refused) < 3:
            refused.append(time.monotonic())
            return refusal(429, "Too many jobs wait.", Retry_After="0.3")
        return None

    service.interfere = full
    started = time.monotonic()
    ran = soundkin("ingest", songs, "--url", service.url, "--jobs", 1)
    assert ran.status == 0
    assert "6 added" in ran.err
    assert time.monotonic() - started >= 0.9


def test_a_service_that_breaks_off_and_comes_back_costs_no_file(service, soundkin, songs):
    broken = []

    def break_off(call):
        if call != "GET /healthz" and len(broken) < 5:
            broken.append(call)
            if len(broken) % 2:
                raise ConnectionResetError
            return refusal(503, "The database does not answer.")
        return None

    service.interfere = break_off
    ran = soundkin("ingest", songs, "--url", service.url)
    assert ran.status == 0
    assert "6 added" in ran.err
    assert len(broken) == 5


def test_a_service_that_stays_away_ends_the_run_with_what_to_do(service, soundkin, songs, monkeypatch):
    monkeypatch.setattr("app.client.patience.PATIENCE_S", 0.1)

    def gone(call):
        if call != "GET /healthz":
            raise ConnectionResetError

    service.interfere = gone
    ran = soundkin("ingest", songs, "--url", service.url)
    assert isinstance(ran.error, ServiceAway)
    assert "make run" in str(ran.error)


def test_where_nothing_answers_it_says_so_at_once(soundkin, songs):
    started = time.monotonic()
    ran = soundkin("ingest", songs, "--url", "http://127.0.0.1:9")
    assert isinstance(ran.error, ServiceAway)
    assert "Nothing answers at http://127.0.0.1:9" in str(ran.error)
    assert "make run" in str(ran.error)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [401, 403, 507])
def test_what_would_refuse_every_file_ends_the_run(service, soundkin, songs, status):
    service.interfere = lambda call: refusal(status, "No.") if call.startswith("POST") else None
    ran = soundkin("ingest", songs, "--url", service.url, "--jobs", 1)
    assert isinstance(ran.error, EveryCallRefused)
    assert "files was added" in ran.err
    assert "No files were found" not in ran.err
    assert not service.uploads


@pytest.fixture
def interruptible():
    """Ctrl-C as in a terminal: what a shell starts in the background ignores it, and so would this test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_stops_with_a_word_and_the_next_run_goes_on(service, soundkin, songs):
    sent = threading.Event()

    def slow(call):
        if call.startswith("POST") and len(service.uploads) >= 2:
            sent.set()
            time.sleep(0.3)

    def press():
        sent.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    service.interfere = slow
    threading.Thread(target=press).start()
    ran = soundkin("ingest", songs, "--url", service.url, "--jobs", 1)
    assert ran.status == 130
    assert "Run the same command again" in ran.err
    before = len(service.uploads)
    assert before < 6
    service.interfere = lambda _call: None
    assert soundkin("ingest", songs, "--url", service.url).status == 0
    assert len(service.uploads) == 6


def test_covers_and_notes_are_left_out_and_counted(service, soundkin, songs):
    (songs / "cover.jpg").write_bytes(b"jpeg")
    ran = soundkin("ingest", songs, "--url", service.url)
    assert len(service.uploads) == 6
    assert "1 left out" in ran.err
    assert ran.status == 0


def test_a_folder_without_music_is_said_to_be_empty(service, soundkin, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = soundkin("ingest", tmp_path / "empty", "--url", service.url)
    assert "No files were found." in ran.err
    assert ran.status == 0
