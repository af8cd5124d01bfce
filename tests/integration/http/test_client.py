"""The Python client, waiting and not, against a running service."""

import asyncio
import contextlib
import socket
import threading

import pytest

from app.briefs import Verdict
from app.client import AsyncClient, Client, EveryCallRefused, JobGivenUp, ServiceAway, ServiceRefused, calls
from app.domain import TrackState


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("app.client.patience.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("app.client.sync_client.LOOK_S", 0.01)
    monkeypatch.setattr("app.client.async_client.LOOK_S", 0.01)


@pytest.fixture
def song(tmp_path):
    file = tmp_path / "song.wav"
    file.write_bytes(b"RIFF" + bytes(200_000))
    return file


@contextlib.contextmanager
def at_work(do):
    """Do what waits, over and over, beside the test."""
    ended = threading.Event()

    def toil():
        while not ended.wait(0.01):
            do()

    thread = threading.Thread(target=toil)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def client(service):
    with Client(service.url) as client:
        yield client


def test_a_file_is_added_with_its_progress_and_can_be_searched_with(service, worker, client, song, tmp_path):
    other = tmp_path / "other.wav"
    other.write_bytes(b"RIFF" + bytes(range(256)) * 50)
    sent = []
    with at_work(worker.work):
        track = client.add(song, {"title": "Mine", "tags": ["jazz"]}, on_sent=sent.append)
        client.add(other)
    assert (track.state, track.metadata.title, track.metadata.tags) == (TrackState.READY, "Mine", ["jazz"])
    assert sent == sorted(sent)
    assert sent[-1] == song.stat().st_size
    service.indexed()
    answer = client.search({"terms": [{"track": track.id}], "k": 5})
    assert [match.track.filename for match in answer.matches] == ["other.wav"]


def test_the_same_bytes_are_added_once_and_waited_for_no_more(worker, client, song):
    with at_work(worker.work):
        track = client.add(song)
    assert client.add(song).id == track.id


def test_a_clip_is_listened_to_and_searched_with(service, worker, client, song, tmp_path):
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFFclip")
    with at_work(worker.work):
        client.add(song)
        reference = client.listen(clip)
    service.indexed()
    [match] = client.search({"terms": [{"clip": reference.id}]}).matches
    assert match.track.filename == "song.wav"


def test_a_job_that_fails_is_told_with_its_reason(worker, client, song):
    with at_work(lambda: worker.refuse("Not decodable.")), pytest.raises(JobGivenUp, match=r"Not decodable\."):
        client.add(song)


def test_all_pages_of_a_listing_come_one_after_the_other(client, tmp_path):
    for number in range(5):
        file = tmp_path / f"{number}.wav"
        file.write_bytes(b"RIFF" + bytes([number]))
        client.upload_track(file)
    assert [track.filename for track in client.tracks(sort="created_at")] == [f"{n}.wav" for n in range(5)]
    assert len(list(client.jobs())) == 5


def test_a_track_is_edited_and_removed(client, song):
    track = client.upload_track(song).track
    assert client.edit_track(track.id, {"licence": "CC0"}).metadata.licence == "CC0"
    client.remove_track(track.id)
    with pytest.raises(ServiceRefused, match="There is no track") as refused:
        client.track(track.id)
    assert refused.value.status == 404


def test_a_wrong_key_refuses_every_call(serve):
    service = serve(admin_key="k" * 40)
    with Client(service.url, "wrong") as client, pytest.raises(EveryCallRefused, match="--key"):
        client.stats()
    with Client(service.url, "k" * 40) as client:
        assert client.stats().tracks[TrackState.READY] == 0


def test_where_nothing_answers_it_gives_up_in_time(monkeypatch):
    monkeypatch.setattr("app.client.patience.PATIENCE_S", 0.05)
    with Client("http://127.0.0.1:9") as client:
        for call in (client.greet, client.stats):
            with pytest.raises(ServiceAway, match=r"Nothing answers at http://127\.0\.0\.1:9"):
                call()


class Deaf:
    """A server that hears every call and hangs up without an answer."""

    def __init__(self):
        self.heard = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.recv(65536)
                self.heard += 1
                connection.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def deaf():
    server = Deaf()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.close()
    thread.join()


def test_a_call_whose_answer_was_lost_is_sent_again_only_where_that_does_no_harm(deaf, monkeypatch):
    monkeypatch.setattr("app.client.patience.PATIENCE_S", 0.05)
    with Client(deaf.url) as client:
        with pytest.raises(ServiceAway):
            client.remove_track("0")
        assert deaf.heard == 1
        with pytest.raises(ServiceAway):
            client.track("0")
        assert deaf.heard > 2


def test_a_rebuild_is_waited_for_as_long_as_it_takes_and_never_begun_twice(deaf, service):
    with Client(deaf.url) as client, pytest.raises(ServiceAway):
        client.do(calls.rebuild_index())
    assert deaf.heard == 1
    with calls.rebuild_index().request() as sent:
        assert sent["timeout"].read is None
    with Client(service.url) as client:
        assert client.do(calls.rebuild_index()).indexes == []


def test_the_client_on_an_event_loop_does_the_same(service, worker, song):
    async def story():
        async with AsyncClient(service.url) as client:
            await client.greet()
            sent = []
            track = await client.add(song, {"title": "Mine"}, on_sent=sent.append)
            listed = [each.id async for each in client.tracks()]
            jobs = [job.subject async for job in client.jobs()]
            with pytest.raises(ServiceRefused, match="is not an id"):
                await client.track("nothing")
            return track, listed, jobs, sent

    with at_work(worker.work):
        track, listed, jobs, sent = asyncio.run(story())
    assert track.state is TrackState.READY
    assert listed == jobs == [track.id]
    assert sent[-1] == song.stat().st_size


def test_several_uploads_run_at_once_on_an_event_loop(service, worker, tmp_path):
    files = [tmp_path / f"{number}.wav" for number in range(8)]
    for number, file in enumerate(files):
        file.write_bytes(b"RIFF" + bytes([number]) * 1000)

    async def story():
        async with AsyncClient(service.url) as client:
            return await asyncio.gather(*(client.add(file) for file in files))

    with at_work(worker.work):
        tracks = asyncio.run(story())
    assert [track.filename for track in tracks] == [file.name for file in files]


def test_a_brief_is_kept_run_decided_on_and_exported(service, worker, client, song, tmp_path):
    other = tmp_path / "other.wav"
    other.write_bytes(b"RIFFother")
    with at_work(worker.work):
        reference = client.add(song)
        found = client.add(other, {"licence": "CC0"})
    service.indexed()
    question = {"reference": {"track": reference.id}, "constraints": {"licences": ["CC0"]}}
    assert [match.track.id for match in client.replace(question).matches] == [found.id]
    brief = client.create_brief({"name": "Rain scene", "request": question})
    assert [each.name for each in client.briefs()] == ["Rain scene"]
    assert [check.met for check in client.run_brief(brief.id).matches[0].constraints] == [True]
    client.decide(brief.id, found.id, Verdict.SHORTLISTED)
    assert [each.track.id for each in client.decisions(brief.id).items] == [found.id]
    assert client.export_brief(brief.id, "m3u", "shortlist").startswith(b"#EXTM3U")
    client.withdraw_decision(brief.id, found.id)
    assert client.edit_brief(brief.id, {"note": "Found"}).shortlisted == 0
    client.remove_brief(brief.id)
    assert client.gaps().items == list(client.briefs()) == []


def test_judgements_become_weights_that_are_kept(service, worker, client, tmp_path):
    files = [tmp_path / f"{number}.wav" for number in range(6)]
    for number, file in enumerate(files):
        file.write_bytes(b"RIFF" + bytes([number]))
    with at_work(worker.work):
        reference, liked, *_ = [client.add(file).id for file in files]
    service.indexed()
    search = {"terms": [{"track": reference, "weights": {"timbre": 1, "rhythm": 1}}]}
    proposal = client.propose_weights({"search": search, "liked": [liked]})
    learnt = proposal.terms[0].weights.new
    kept = client.save_weighting("mine", proposal.encoder, learnt)
    assert [each.weights for each in client.weightings().items] == [learnt]
    client.remove_weighting(kept.id)
    assert client.weightings().items == []


def test_both_clients_offer_the_same_calls():
    def calls(kind):
        return {name for name in vars(kind) if not name.startswith("_")}

    assert calls(Client) == calls(AsyncClient)
