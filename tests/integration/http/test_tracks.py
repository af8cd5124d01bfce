import json
import threading

import pytest

from app.domain import Analysis

ANALYSIS = Analysis(2.5, -14.0, 120.0, 0.8, "A minor", 0.6, 44_100, 2, "pcm_s16le")
WAV = b"RIFF" + bytes(5000)


def test_an_upload_is_answered_with_its_track_and_job(service):
    answer = service.upload(WAV, "song.wav")
    body = answer.json()
    assert answer.status_code == 202
    assert body["created"] is True
    assert body["track"]["state"] == "pending"
    assert body["track"]["size_bytes"] == len(WAV)
    assert body["track"]["filename"] == "song.wav"
    assert body["job"]["state"] == "queued"
    assert body["job"]["subject"] == body["track"]["id"]
    assert answer.headers["location"] == f"/v1/tracks/{body['track']['id']}"


def test_declared_metadata_goes_before_the_tags_in_the_file(service):
    declared = {"title": "Mine", "artist": "", "extra": {"page": 1}}
    metadata = service.upload(metadata=json.dumps(declared)).json()["track"]["metadata"]
    assert metadata["title"] == "Mine"
    assert metadata["artist"] is None
    assert metadata["tags"] == ["wav"]
    assert metadata["extra"] == {"page": 1}


def test_the_same_bytes_give_the_track_that_is_there(service):
    first = service.upload(WAV).json()["track"]["id"]
    again = service.upload(WAV, "other name.wav")
    assert again.status_code == 200
    assert again.json()["track"]["id"] == first
    assert again.json()["created"] is False
    assert len(service.http.get("/v1/tracks").json()["items"]) == 1
    assert len(service.ports.store._objects) == 1


def test_uploads_of_the_same_bytes_at_once_give_one_track(database, serve):
    service = serve(database=database)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(service.upload(WAV))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.json()["track"]["id"] for answer in answers}.__len__() == 1
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert len(service.ports.store._objects) == 1


def test_a_track_that_failed_gets_a_fresh_job_when_its_bytes_come_again(service, worker):
    first = service.upload(WAV).json()
    worker.refuse()
    assert service.http.get(f"/v1/tracks/{first['track']['id']}").json()["state"] == "failed"
    again = service.upload(WAV).json()
    assert again["track"]["id"] == first["track"]["id"]
    assert again["track"]["state"] == "pending"
    assert again["job"]["id"] != first["job"]["id"]
    assert again["job"]["state"] == "queued"


def test_lost_audio_of_a_failed_track_is_stored_again(service, worker):
    first = service.upload(WAV).json()
    worker.refuse()
    service.ports.store._objects.clear()
    again = service.upload(WAV).json()
    assert again["track"]["id"] == first["track"]["id"]
    assert service.http.get(f"/v1/tracks/{first['track']['id']}/audio").content == WAV


def test_tracks_are_listed_filtered_and_paged(service):
    for number in range(5):
        service.upload(WAV + bytes([number]), metadata=json.dumps({"title": f"T{number}", "licence": "CC0"}))
    page = service.http.get("/v1/tracks", params={"limit": 2, "sort": "title"}).json()
    titles = [item["metadata"]["title"] for item in page["items"]]
    while page["next_cursor"]:
        params = {"limit": 2, "sort": "title", "cursor": page["next_cursor"]}
        page = service.http.get("/v1/tracks", params=params).json()
        titles += [item["metadata"]["title"] for item in page["items"]]
    assert titles == ["T0", "T1", "T2", "T3", "T4"]
    where = '{"all": [{"field": "licence", "equals": "cc0"}, {"field": "title", "in": ["T1", "T3"]}]}'
    found = service.http.get("/v1/tracks", params={"filter": where, "sort": "-title"}).json()["items"]
    assert [item["metadata"]["title"] for item in found] == ["T3", "T1"]
    assert len(service.http.get("/v1/tracks", params={"text": "t2"}).json()["items"]) == 1
    assert service.http.get("/v1/tracks", params={"state": "ready"}).json()["items"] == []


def test_metadata_is_edited_field_by_field(service):
    track = service.upload(metadata='{"title": "Old", "extra": {"a": 1}}').json()["track"]["id"]
    edited = service.http.patch(f"/v1/tracks/{track}", json={"title": None, "extra": {"b": 2}, "tags": ["x"]})
    assert edited.json()["metadata"] == {
        "title": None, "artist": "Tag", "album": None, "external_id": None, "licence": None,
        "tags": ["x"], "denied_tags": [], "extra": {"a": 1, "b": 2},
    }  # fmt: skip
    assert service.http.get(f"/v1/tracks/{track}").json() == edited.json()


def test_a_removed_track_is_gone_with_its_audio_and_job(service):
    body = service.upload().json()
    assert service.http.delete(f"/v1/tracks/{body['track']['id']}").status_code == 204
    assert service.http.get(f"/v1/tracks/{body['track']['id']}").status_code == 404
    assert service.http.get(f"/v1/jobs/{body['job']['id']}").status_code == 404
    assert service.http.delete(f"/v1/tracks/{body['track']['id']}").status_code == 404
    assert service.ports.store._objects == {}


def test_audio_comes_whole_and_in_ranges(service):
    content = b"RIFF" + bytes(range(256)) * 4
    url = f"/v1/tracks/{service.upload(content, 'my song.wav').json()['track']['id']}/audio"
    whole = service.http.get(url)
    assert whole.content == content
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["accept-ranges"] == "bytes"
    assert "my%20song.wav" in whole.headers["content-disposition"]
    part = service.http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert service.http.get(url, headers={"Range": "bytes=-5"}).content == content[-5:]
    outside = service.http.get(url, headers={"Range": "bytes=99999-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(content)}"
    assert outside.headers["content-type"] == "application/problem+json"


def test_head_tells_the_size_and_sends_nothing(service):
    url = f"/v1/tracks/{service.upload(WAV).json()['track']['id']}/audio"
    head = service.http.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(WAV)), b"")


def test_audio_that_the_client_has_is_not_sent_again(service):
    url = f"/v1/tracks/{service.upload(WAV).json()['track']['id']}/audio"
    etag = service.http.get(url).headers["etag"]
    assert service.http.get(url, headers={"If-None-Match": etag}).status_code == 304
    changed = service.http.get(url, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, WAV)


def test_vectors_are_told_by_space(service, worker):
    track = service.upload().json()["track"]["id"]
    not_yet = service.http.get(f"/v1/tracks/{track}/embedding")
    assert (not_yet.status_code, not_yet.json()["type"]) == (409, "urn:soundkin:problem:not-embedded")
    worker.work()
    body = service.http.get(f"/v1/tracks/{track}/embedding", params={"encoder": "fake"}).json()
    assert {name: len(vector) for name, vector in body["spaces"].items()} == {"timbre": 4, "rhythm": 2}
    assert sum(x * x for x in body["spaces"]["timbre"]) == pytest.approx(1, abs=1e-6)
    assert service.http.get(f"/v1/tracks/{track}/embedding", params={"encoder": "other"}).status_code == 404


def test_a_clip_is_not_a_track_and_a_track_is_not_a_clip(service):
    track = service.upload().json()["track"]["id"]
    clip = service.upload(path="/v1/clips").json()["clip"]["id"]
    assert service.http.get(f"/v1/clips/{clip}").status_code == 200
    for path in (
        f"/v1/tracks/{clip}",
        f"/v1/clips/{track}",
        f"/v1/tracks/{clip}/audio",
        f"/v1/clips/{track}/audio",
    ):
        assert service.http.get(path).status_code == 404
    assert [item["id"] for item in service.http.get("/v1/tracks").json()["items"]] == [track]


def test_an_untitled_track_is_called_as_its_file(service):
    track = service.upload(WAV, "Evening Song.final.wav", metadata=json.dumps({"title": ""})).json()["track"]
    assert track["metadata"]["title"] == "Evening Song.final"


def test_the_waveform_of_a_track_or_clip_is_shown_once_it_was_measured(service, worker):
    track = service.upload().json()["track"]["id"]
    clip = service.upload(b"RIFFclip", path="/v1/clips").json()["clip"]["id"]
    for path in (f"/v1/tracks/{track}/waveform", f"/v1/clips/{clip}/waveform"):
        answer = service.http.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:soundkin:problem:not-found")
        assert "No waveform" in answer.json()["detail"]
        with service.database.transaction() as tx:
            tx.catalogue.save_analysis(path.split("/")[3], ANALYSIS)
            tx.catalogue.save_waveform(path.split("/")[3], bytes([0, 51, 255]))
        assert service.http.get(path).json() == {"peaks": [0.0, 0.2, 1.0], "duration_s": 2.5}
    assert service.http.get(f"/v1/tracks/{clip}/waveform").status_code == 404
