"""Briefs as files: whatever stands in titles, no file does harm."""

import csv
import io
import json
from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, Analysis

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil","x")', " =1", "=1"]
BROKEN = "one\r\n#EXTINF:1,two\nhttp://evil/\N{LINE SEPARATOR}three\N{NEXT LINE}four"


def add(service, worker, content, **metadata):
    sent = json.dumps({"artist": None, "tags": [], **metadata})
    track_id = service.upload(b"RIFF" + content.encode(), metadata=sent).json()["track"]["id"]
    worker.work()
    with service.database.transaction() as tx:
        analysis = Analysis(61.6, -14.0, 119.5, 0.5, "A minor", 0.5, 44100, 2, "wav")
        tx.catalogue.save_analysis(track_id, analysis)
    return track_id


@pytest.fixture
def brief(service, worker):
    """A brief with a match whose metadata is what a test makes it."""
    reference = add(service, worker, "reference", title="reference", artist="Ada")
    service.match = add(service, worker, "match", title="match")
    body = {
        "name": "Rain",
        "request": {
            "reference": {"track": reference},
            "constraints": {"other_artist": True, "tempo_bpm": {"within": 1}},
        },
    }
    service.indexed()
    return service.http.post("/v1/briefs", json=body).json()


def describe(service, **metadata):
    """Write metadata past the checks of the edge, as tags of a file would bring them."""
    with service.database.transaction() as tx:
        known = tx.catalogue.track(DEFAULT_LIBRARY, service.match).metadata
        tx.catalogue.update_metadata(DEFAULT_LIBRARY, service.match, replace(known, **metadata))


def export(service, brief, **params):
    answer = service.http.get(f"/v1/briefs/{brief['id']}/export", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    return answer


def table(answer):
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_matches_come_as_a_table(service, brief):
    describe(service, title='Ürban, "Night"', artist="Bea", album="Rails", licence="CC0")
    [row] = table(export(service, brief))
    assert row["rank"] == "1"
    assert (row["title"], row["artist"], row["album"], row["licence"]) == ('Ürban, "Night"', "Bea", "Rails", "CC0")
    assert (row["duration_s"], row["tempo_bpm"], row["key"]) == ("61.6", "119.5", "A minor")
    assert -1 <= float(row["similarity"]) <= 1
    assert row["constraint_tempo_bpm"] == "119.5 bpm"
    assert row["constraint_other_artist"] == "Bea"
    assert row["verdict"] == row["reason"] == ""
    assert service.http.get(row["audio"]).content.startswith(b"RIFFmatch")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(service, brief, formula):
    describe(service, title=formula, artist=formula, album=formula, licence=formula, external_id=formula)
    service.http.put(
        f"/v1/briefs/{brief['id']}/decisions/{service.match}", json={"verdict": "shortlisted", "reason": formula}
    )
    for what in ("matches", "shortlist"):
        [row] = table(export(service, brief, what=what))
        assert row["title"].startswith("'")
        assert row["title"].replace("'", "") == formula
        dangerous = ("=", "+", "-", "@", "\t", "\r", "\n", "=")
        texts = {name: cell for name, cell in row.items() if name not in {"similarity", "percentile"}}
        assert not [name for name, cell in texts.items() if cell.lstrip(" ").startswith(dangerous)]


def test_a_title_of_10_kb_comes_through_whole_in_every_kind_of_file(service, brief):
    title = "<b>&\N{RIGHT-TO-LEFT OVERRIDE}" * 2560
    describe(service, title=title, artist=title)
    assert table(export(service, brief))[0]["title"] == title
    assert export(service, brief, format="json").json()["items"][0]["artist"] == title
    assert len(export(service, brief, format="m3u").text.splitlines()) == 3
    found = service.http.post(f"/v1/briefs/{brief['id']}/run").json()["matches"][0]
    assert found["constraints"][-1]["found"] == title


def test_numbers_stay_numbers(service, brief):
    [row] = table(export(service, brief))
    assert float(row["similarity"]) <= 1
    assert not row["similarity"].startswith("'")


def test_a_playlist_names_length_title_and_address(service, brief):
    describe(service, title="Night Train", artist="Bea")
    answer = export(service, brief, format="m3u")
    assert answer.headers["content-type"] == "audio/mpegurl; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[:2] == ["#EXTM3U", "#EXTINF:62,Bea - Night Train"]
    assert lines[2] == f"{service.url}/v1/tracks/{service.match}/audio"
    assert service.http.get(lines[2]).status_code == 200


def test_no_title_begins_a_line_of_a_playlist(service, brief):
    describe(service, title=BROKEN, artist="\x0b\x1c")
    lines = export(service, brief, format="m3u").text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("#EXTINF:62,one #EXTINF:1,two http://evil/ three four")


def test_a_track_without_audio_is_not_on_the_playlist(service, brief):
    with service.database.transaction() as tx:
        tx.catalogue.set_audio_key(service.match, None)
    assert export(service, brief, format="m3u").text.splitlines() == ["#EXTM3U"]
    assert table(export(service, brief))[0]["audio"] == ""


def test_json_holds_everything(service, brief):
    describe(service, title=BROKEN, tags=("calm",))
    document = export(service, brief, format="json").json()
    assert document["brief"] == {
        "id": brief["id"],
        "name": "Rain",
        "note": "",
        "request": brief["request"],
    }
    [item] = document["items"]
    assert (item["id"], item["title"], item["tags"]) == (service.match, BROKEN, ["calm"])
    assert [each["met"] for each in item["constraints"]] == [True, True]


def test_the_shortlist_is_what_was_shortlisted(service, worker, brief):
    other = add(service, worker, "other", title="other")
    service.indexed()
    place = f"/v1/briefs/{brief['id']}/decisions"
    service.http.put(f"{place}/{service.match}", json={"verdict": "shortlisted", "reason": "yes"})
    service.http.put(f"{place}/{other}", json={"verdict": "rejected", "reason": "no"})
    [row] = table(export(service, brief, what="shortlist"))
    assert (row["title"], row["verdict"], row["reason"], row["similarity"]) == ("match", "shortlisted", "yes", "")
    assert [row["id"] for row in table(export(service, brief))] == [service.match]


def test_an_empty_shortlist_is_a_table_without_rows(service, brief):
    assert table(export(service, brief, what="shortlist")) == []
    assert export(service, brief, what="shortlist", format="m3u").text == "#EXTM3U\n"
    assert export(service, brief, what="shortlist", format="json").json()["items"] == []


def test_looking_at_a_file_does_not_make_matches_seen(service, brief):
    export(service, brief)
    assert service.http.get(f"/v1/briefs/{brief['id']}").json()["seen"] == 0


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Rain", "Rain - matches.csv"),
        ('x"; filename="evil.exe', "x__ filename=_evil.exe - matches.csv"),
        ("a\r\nSet-Cookie: x=1", "a Set-Cookie_ x_1 - matches.csv"),
        ("../../etc/passwd", "_.._etc_passwd - matches.csv"),
        ("日本", "__ - matches.csv"),
    ],
)
def test_the_name_of_the_file_is_harmless(service, brief, name, plain):
    service.http.patch(f"/v1/briefs/{brief['id']}", json={"name": name})
    header = export(service, brief).headers["content-disposition"]
    sent = header.removeprefix('attachment; filename="').partition('"')[0]
    assert sent.replace("=", "_") == plain.replace("=", "_")
    assert header.count('"') == 2
    assert "filename*=UTF-8''" in header


def test_unknown_kinds_of_files_are_refused(service, brief):
    for params in ({"format": "xlsx"}, {"what": "everything"}):
        assert service.http.get(f"/v1/briefs/{brief['id']}/export", params=params).status_code == 422
