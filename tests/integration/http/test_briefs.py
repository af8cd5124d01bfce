"""Stored briefs over HTTP: kept, run again, decided on, and what is wrong with a call."""

import json

import pytest

from app.adapters.webhook_guard import Guard
from app.adapters.webhooks import HttpWebhookSender
from app.briefs import Brief
from app.domain import DEFAULT_LIBRARY, ChangeKind, Library, new_id
from app.keys import Scope

UNKNOWN = "00000000-0000-7000-8000-0000000000ff"
HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "right to left": "שלום \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "formula": '=HYPERLINK("http://evil","x")',
    "lines": "one\ntwo\r\n#EXTINF:1,three\N{LINE SEPARATOR}four",
    "quotes": '"; filename="evil.exe',
}


def add(service, worker, title, **metadata):
    sent = json.dumps({"title": title, "artist": None, "tags": [], "licence": "CC0", **metadata})
    track_id = service.upload(b"RIFF" + title.encode()[:200], metadata=sent).json()["track"]["id"]
    worker.work()
    service.indexed()
    return track_id


@pytest.fixture
def shelf(service, worker):
    return {title: add(service, worker, title) for title in ("reference", "one", "two", "three")}


def create(service, reference, *, name="Rain", **values):
    request = {"reference": {"track": reference}, **values.pop("request", {})}
    return service.http.post("/v1/briefs", json={"name": name, "request": request, **values})


def made(service, reference, **values):
    answer = create(service, reference, **values)
    assert answer.status_code == 201, answer.text
    return answer.json()


def run(service, brief, **params):
    answer = service.http.post(f"/v1/briefs/{brief['id']}/run", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def decide(service, brief, track_id, verdict="shortlisted", **values):
    return service.http.put(f"/v1/briefs/{brief['id']}/decisions/{track_id}", json={"verdict": verdict, **values})


def titles(matches):
    return {match["track"]["metadata"]["title"] for match in matches}


def test_a_brief_is_kept_as_it_was_sent(service, shelf):
    request = {"constraints": {"licences": ["CC0"]}, "k": 2, "diversity": 0.25}
    answer = create(service, shelf["reference"], note="Episode 3", request=request)
    brief = answer.json()
    assert answer.headers["location"] == f"/v1/briefs/{brief['id']}"
    assert brief["request"] == {"reference": {"track": shelf["reference"]}, **request}
    assert brief["reference"]["metadata"]["title"] == "reference"
    assert (brief["webhook"], brief["last_run_at"], brief["note"]) == (None, None, "Episode 3")
    assert (brief["shortlisted"], brief["rejected"], brief["seen"]) == (0, 0, 0)
    assert service.http.get(answer.headers["location"]).json() == brief
    assert service.http.get("/v1/briefs").json() == {"items": [brief], "next_cursor": None}


def test_what_is_stored_can_be_sent_again(service, shelf):
    reference = {"track": shelf["reference"], "weights": {"timbre": 1}, "segment": {"start_s": 0, "end_s": 2}}
    terms = [{"track": shelf["one"], "weights": {"rhythm": -0.5}}]
    brief = made(
        service, "", request={"reference": reference, "terms": terms, "constraints": {"other_album": True}}
    )
    again = service.http.post("/v1/replacements", json=brief["request"])
    assert again.status_code == 200
    assert service.http.patch(f"/v1/briefs/{brief['id']}", json={"request": brief["request"]}).status_code == 200


def test_a_run_marks_what_is_new_since(service, worker, shelf):
    brief = made(service, shelf["reference"])
    first = run(service, brief)
    assert (titles(first["matches"]), first["new"]) == ({"one", "two", "three"}, 0)
    assert not any(match["is_new"] for match in first["matches"])
    add(service, worker, "four")
    second = run(service, brief)
    assert second["new"] == 1
    assert titles(match for match in second["matches"] if match["is_new"]) == {"four"}
    assert run(service, brief)["new"] == 0
    shown = service.http.get(f"/v1/briefs/{brief['id']}").json()
    assert shown["seen"] == 4
    assert shown["last_run_at"] is not None


def test_a_run_that_is_not_remembered_only_looks(service, worker, shelf):
    brief = made(service, shelf["reference"])
    assert run(service, brief, remember=False)["new"] == 0
    assert service.http.get(f"/v1/briefs/{brief['id']}").json() == brief
    run(service, brief)
    add(service, worker, "four")
    assert [run(service, brief, remember=False)["new"] for _ in range(2)] == [1, 1]
    assert [run(service, brief)["new"] for _ in range(2)] == [1, 0]


def test_what_a_first_run_over_nothing_did_not_show_is_new_later(service, worker):
    clip = service.upload(b"RIFFclip", path="/v1/clips").json()["clip"]["id"]
    worker.work()
    service.indexed()
    brief = service.http.post("/v1/briefs", json={"name": "x", "request": {"reference": {"clip": clip}}}).json()
    empty = run(service, brief)
    assert empty["matches"] == []
    assert "No track of the library is embedded" in empty["empty_because"]
    add(service, worker, "late")
    assert run(service, brief)["new"] == 1


def test_near_misses_are_not_seen_so_that_they_are_new_once_they_match(service, shelf):
    brief = made(service, shelf["reference"], request={"constraints": {"licences": ["own"]}})
    answer = run(service, brief)
    assert titles(answer["near_misses"]) == {"one", "two", "three"}
    service.http.patch(f"/v1/tracks/{shelf['one']}", json={"licence": "own"})
    again = run(service, brief)
    assert (titles(again["matches"]), again["new"]) == ({"one"}, 1)


def test_rejected_tracks_are_left_out_unless_asked_for(service, shelf):
    brief = made(service, shelf["reference"], request={"constraints": {"other_album": True}})
    assert decide(service, brief, shelf["one"], "rejected", reason="too bright").status_code == 200
    decide(service, brief, shelf["two"])
    assert titles(run(service, brief)["matches"]) == {"two", "three"}
    every = run(service, brief, rejected=True)
    decisions = {match["track"]["metadata"]["title"]: match["decision"] for match in every["matches"]}
    assert decisions["one"]["verdict"] == "rejected"
    assert decisions["one"]["reason"] == "too bright"
    assert decisions["two"]["verdict"] == "shortlisted"
    assert decisions["three"] is None


def test_a_brief_whose_every_match_was_rejected_says_so(service, shelf):
    brief = made(service, shelf["reference"], request={"constraints": {"licences": ["CC0"]}})
    for title in ("one", "two", "three"):
        decide(service, brief, shelf[title], "rejected", reason="no")
    assert run(service, brief)["empty_because"] == "Every track that meets the constraints was rejected."


def test_decisions_are_listed_changed_and_withdrawn(service, shelf):
    brief = made(service, shelf["reference"])
    decide(service, brief, shelf["one"])
    decide(service, brief, shelf["two"], "rejected", reason="vocals")
    decide(service, brief, shelf["one"], "rejected", reason="after all")
    place = f"/v1/briefs/{brief['id']}/decisions"
    items = service.http.get(place).json()["items"]
    assert [(each["track"]["id"], each["verdict"], each["reason"]) for each in items] == [
        (shelf["two"], "rejected", "vocals"),
        (shelf["one"], "rejected", "after all"),
    ]
    assert service.http.get(f"/v1/briefs/{brief['id']}").json()["rejected"] == 2
    assert service.http.delete(f"{place}/{shelf['two']}").status_code == 204
    assert service.http.delete(f"{place}/{shelf['two']}").status_code == 404
    assert len(service.http.get(place).json()["items"]) == 1


def test_a_rejection_needs_a_reason(service, shelf):
    brief = made(service, shelf["reference"])
    for values in ({}, {"reason": "  "}):
        answer = decide(service, brief, shelf["one"], "rejected", **values)
        assert answer.status_code == 422
        assert "reason" in answer.json()["detail"]
    assert decide(service, brief, shelf["one"], "maybe").status_code == 422
    assert decide(service, brief, shelf["one"], "rejected", reason="x" * 10_000).status_code == 422


def test_decisions_on_what_is_not_there_are_not_found(service, shelf):
    brief = made(service, shelf["reference"])
    clip = service.upload(b"RIFFclip", path="/v1/clips").json()["clip"]["id"]
    for track_id in (UNKNOWN, "nonsense", clip):
        assert decide(service, brief, track_id).status_code == 404
    assert decide(service, {"id": UNKNOWN}, shelf["one"]).status_code == 404


def test_a_brief_is_changed_in_what_is_given(service, shelf):
    brief = made(service, shelf["reference"], note="old")
    place = f"/v1/briefs/{brief['id']}"
    changed = service.http.patch(place, json={"name": "Sun"}).json()
    assert (changed["name"], changed["note"], changed["request"]) == ("Sun", "old", brief["request"])
    assert changed["updated_at"] > brief["updated_at"]
    other = {"reference": {"track": shelf["one"]}, "k": 1}
    assert service.http.patch(place, json={"request": other, "note": ""}).json()["request"] == other
    assert service.http.patch(place, json={}).status_code == 200
    for wrong in ({"name": None}, {"request": None}, {"name": " "}, {"id": UNKNOWN}, {"name": "x" * 201}):
        assert service.http.patch(place, json=wrong).status_code == 422


def test_a_deleted_brief_is_gone(service, shelf):
    brief = made(service, shelf["reference"])
    decide(service, brief, shelf["one"])
    place = f"/v1/briefs/{brief['id']}"
    assert service.http.delete(place).status_code == 204
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/run"),
        ("GET", "/decisions"),
        ("GET", "/export"),
        ("GET", "/deliveries"),
    ):
        body = {} if method == "PATCH" else None
        assert service.http.request(method, place + path, json=body).status_code == 404, (method, path)


def test_a_deleted_reference_is_told_with_what_to_do(service, shelf):
    brief = made(service, shelf["reference"])
    service.http.delete(f"/v1/tracks/{shelf['reference']}")
    place = f"/v1/briefs/{brief['id']}"
    assert service.http.get(place).json()["reference"] is None
    for answer in (service.http.post(f"{place}/run"), service.http.get(f"{place}/export")):
        assert answer.status_code == 409
        assert "was deleted" in answer.json()["detail"]
        assert "another reference" in answer.json()["detail"]
    service.http.patch(place, json={"request": {"reference": {"track": shelf["one"]}}})
    assert titles(run(service, brief)["matches"]) == {"two", "three"}


def test_what_is_stored_of_one_brief_does_not_take_the_others_from_the_list(service, shelf):
    made(service, shelf["reference"])
    nothing = Brief(new_id(), DEFAULT_LIBRARY, "names nothing", "", {})
    with service.database.transaction() as tx:
        tx.briefs.add(nothing)
    listed = service.http.get("/v1/briefs").json()["items"]
    assert [each["name"] for each in listed] == ["names nothing", "Rain"]
    assert [each["reference"] is None for each in listed] == [True, False]
    answer = service.http.post(f"/v1/briefs/{nothing.id}/run")
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "body.request.reference")


def test_a_further_reference_that_was_deleted_is_told_too(service, shelf):
    terms = [{"track": shelf["one"], "weights": {"timbre": 1}}]
    brief = made(service, shelf["reference"], request={"terms": terms})
    service.http.delete(f"/v1/tracks/{shelf['one']}")
    assert service.http.post(f"/v1/briefs/{brief['id']}/run").status_code == 409


def test_a_deleted_track_leaves_the_counts(service, shelf):
    brief = made(service, shelf["reference"])
    run(service, brief)
    decide(service, brief, shelf["one"])
    service.http.delete(f"/v1/tracks/{shelf['one']}")
    shown = service.http.get(f"/v1/briefs/{brief['id']}").json()
    assert (shown["shortlisted"], shown["seen"]) == (0, 2)
    assert service.http.get(f"/v1/briefs/{brief['id']}/decisions").json() == {"items": []}


def test_the_clip_of_a_brief_stays_and_goes_once_the_brief_is_gone(service, worker, shelf):
    clips = [
        service.upload(b"RIFFclip%d" % number, path="/v1/clips", ttl_s="0.01").json()["clip"]["id"]
        for number in range(2)
    ]
    worker.work()
    brief = service.http.post("/v1/briefs", json={"name": "x", "request": {"reference": {"clip": clips[0]}}}).json()
    service.app.state.assembly.housekeeper.round()
    assert [service.http.get(f"/v1/clips/{clip}").status_code for clip in clips] == [200, 404]
    assert run(service, brief)["matches"]
    service.http.delete(f"/v1/briefs/{brief['id']}")
    service.app.state.assembly.housekeeper.round()
    assert service.http.get(f"/v1/clips/{clips[0]}").status_code == 404


class TestRefused:
    def places(self, answer):
        assert answer.status_code == 422, answer.text
        return [fault["place"] for fault in answer.json()["errors"]]

    def test_a_request_that_no_run_could_answer_with_its_places(self, service, shelf):
        request = {
            "reference": {"track": shelf["reference"], "weights": {"mood": 1}},
            "constraints": {"key": "same"},
        }
        expected = ["body.request.reference.weights.mood", "body.request.constraints.key"]
        assert self.places(create(service, "", request=request)) == expected
        brief = made(service, shelf["reference"])
        assert self.places(service.http.patch(f"/v1/briefs/{brief['id']}", json={"request": request})) == expected
        assert service.http.get(f"/v1/briefs/{brief['id']}").json() == brief

    def test_contradictory_constraints(self, service, shelf):
        answer = create(service, shelf["reference"], request={"constraints": {"tempo_bpm": {"gte": 9, "lte": 3}}})
        assert self.places(answer) == ["body.request.constraints.tempo_bpm"]

    def test_an_encoder_that_lacks_the_tag(self, service, shelf):
        answer = create(service, shelf["reference"], request={"terms": [{"tag": "piano"}]})
        assert self.places(answer)[0].startswith("body.request.terms[0]")

    @pytest.mark.parametrize("reference", [UNKNOWN, "nonsense", ""])
    def test_a_reference_that_is_not_there(self, service, shelf, reference):
        assert create(service, reference).status_code == 404

    def test_a_reference_that_is_not_there_before_anything_is_embedded(self, shared):
        assert create(shared, UNKNOWN).status_code == 404

    @pytest.mark.parametrize(
        "values", [{"name": ""}, {"name": "x" * 10_240}, {"note": "x" * 10_240}, {"name": "a\0b"}, {"colour": 1}]
    )
    def test_names_and_notes_that_cannot_be_kept(self, shared, values):
        assert create(shared, UNKNOWN, **values).status_code == 422

    def test_numbers_that_are_none(self, shared):
        body = '{"name": "x", "request": {"reference": {"track": "x"}, "max_similarity": NaN}}'
        answer = shared.http.post("/v1/briefs", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://example.org",
            "example.org/x",
            "https://",
            "https://user:secret@example.org",
            "javascript:alert(1)",
            "https://exa mple.org/",
            "https://example.org:99999/",
            "https://example.org/" + "x" * 3000,
            "",
        ],
    )
    def test_webhooks_that_are_no_addresses(self, shared, url):
        answer = create(shared, UNKNOWN, webhook={"url": url})
        assert self.places(answer) == ["body.webhook.url"]

    def test_ids_that_are_none(self, shared):
        for path in ("x", UNKNOWN, "%00", "x/run"):
            method = "POST" if path.endswith("run") else "GET"
            assert shared.http.request(method, f"/v1/briefs/{path}").status_code == 404

    def test_a_cursor_that_no_page_gave(self, shared):
        assert shared.http.get("/v1/briefs", params={"cursor": "x"}).status_code == 422
        assert shared.http.get("/v1/briefs", params={"limit": 0}).status_code == 422


def test_a_brief_over_a_reference_that_is_not_embedded_yet_is_kept_and_runs_later(service, worker, shelf):
    track_id = service.upload(b"RIFFfresh").json()["track"]["id"]
    brief = made(service, track_id, request={"constraints": {"other_artist": True}})
    assert service.http.post(f"/v1/briefs/{brief['id']}/run").status_code == 409
    worker.work()
    service.indexed()
    assert titles(run(service, brief)["matches"]) == set(shelf)


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_and_titles_come_back_as_they_are(service, worker, title):
    reference = add(service, worker, title)
    brief = made(service, reference, name=title, note=title)
    assert brief["name"] == title
    assert brief["reference"]["metadata"]["title"] == title
    assert service.http.get("/v1/briefs").json()["items"][0]["note"] == title


def test_a_thousand_briefs_are_paged(service, shelf):
    with service.database.transaction() as tx:
        for number in range(1000):
            request = {"reference": {"track": shelf["reference"]}}
            tx.briefs.add(Brief(new_id(), DEFAULT_LIBRARY, f"{number}", "", request))
    names, cursor = [], None
    while True:
        params = {"limit": 150, **({"cursor": cursor} if cursor else {})}
        page = service.http.get("/v1/briefs", params=params).json()
        names += [brief["name"] for brief in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"{number}" for number in reversed(range(1000))]


class TestWebhooks:
    @pytest.fixture
    def service(self, serve):
        """A service that may tell one host, whose name cannot be looked up here."""
        return serve(sender=HttpWebhookSender(Guard(["hooks.example.org", "10.0.0.1"], resolver=nowhere)))

    def test_the_secret_is_shown_once(self, service, shelf):
        brief = made(service, shelf["reference"], webhook={"url": "https://hooks.example.org/x"})
        assert brief["webhook"]["url"] == "https://hooks.example.org/x"
        assert brief["webhook"]["secret"].startswith("whsec_")
        place = f"/v1/briefs/{brief['id']}"
        for again in (service.http.get(place), service.http.patch(place, json={"name": "x"})):
            assert again.json()["webhook"] == {"url": "https://hooks.example.org/x"}
        fresh = service.http.patch(place, json={"webhook": {"url": "https://hooks.example.org/y"}}).json()[
            "webhook"
        ]
        assert fresh["secret"] != brief["webhook"]["secret"]
        assert service.http.patch(place, json={"webhook": None}).json()["webhook"] is None

    def test_a_host_that_is_not_allowed_is_refused_with_what_to_do(self, service, shelf):
        answer = create(service, shelf["reference"], webhook={"url": "https://evil.example.com"})
        assert answer.status_code == 422
        assert "SOUNDKIN_WEBHOOK_HOSTS" in answer.json()["detail"]
        brief = made(service, shelf["reference"])
        for url in (
            "https://evil.example.com",
            "http://hooks.example.org",
            "https://10.0.0.1/",
            "https://127.0.0.1/",
        ):
            answer = service.http.patch(f"/v1/briefs/{brief['id']}", json={"webhook": {"url": url}})
            assert answer.status_code == 422, url
            assert [fault["place"] for fault in answer.json()["errors"]] == ["body.webhook.url"]
        assert service.http.get(f"/v1/briefs/{brief['id']}").json() == brief

    def test_faults_of_webhook_and_request_come_together(self, service, shelf):
        answer = create(
            service,
            shelf["reference"],
            request={"constraints": {"key": "same"}},
            webhook={"url": "https://evil.example.com"},
        )
        assert [fault["place"] for fault in answer.json()["errors"]] == [
            "body.webhook.url",
            "body.request.constraints.key",
        ]


def nowhere(host, port):
    return [host] if host[0].isdigit() else []


def test_new_matches_are_told_of(service, worker, shelf):
    brief = made(service, shelf["reference"], webhook={"url": "https://example.org/hook"})
    add(service, worker, "late", artist="Ada")
    service.app.state.assembly.brief_watch.round()
    place = f"/v1/briefs/{brief['id']}/deliveries"
    [written] = service.http.get(place).json()["items"]
    service.app.state.assembly.courier.deliver_due()
    service.until(lambda: service.http.get(place).json()["items"][0]["delivered_at"])
    [sent] = service.ports.sender.sent
    assert (sent.url, sent.secret) == ("https://example.org/hook", brief["webhook"]["secret"])
    body = json.loads(sent.body)
    assert body["id"] == sent.delivery_id == written["id"]
    assert [match["track"]["title"] for match in body["matches"]] == ["late"]


class TestEveryDatabase:
    @pytest.fixture
    def service(self, database, serve):
        return serve(database=database)

    def test_a_brief_is_made_run_decided_on_told_of_exported_and_deleted(self, service, worker, shelf):
        request = {"constraints": {"licences": ["CC0"], "tags_excluded": ["vocals"]}, "near_misses": 5}
        brief = made(service, shelf["reference"], request=request, webhook={"url": "https://example.org"})
        place = f"/v1/briefs/{brief['id']}"
        assert titles(run(service, brief)["matches"]) == {"one", "two", "three"}
        add(service, worker, "late")
        add(service, worker, "unfree", licence="own")
        service.app.state.assembly.brief_watch.round()
        assert len(service.http.get(f"{place}/deliveries").json()["items"]) == 1
        assert decide(service, brief, shelf["one"], "rejected", reason="no").status_code == 200
        assert decide(service, brief, shelf["two"]).status_code == 200
        again = run(service, brief)
        assert (titles(again["matches"]), again["new"]) == ({"two", "three", "late"}, 1)
        assert titles(again["near_misses"]) == {"unfree"}
        shown = service.http.get("/v1/briefs").json()["items"][0]
        assert (shown["shortlisted"], shown["rejected"], shown["seen"]) == (1, 1, 4)
        assert "two" in service.http.get(f"{place}/export", params={"what": "shortlist"}).text
        assert service.http.get("/v1/briefs/gaps").json()["items"] == []
        assert service.http.delete(f"{place}/decisions/{shelf['two']}").status_code == 204
        assert service.http.delete(f"/v1/tracks/{shelf['one']}").status_code == 204
        assert service.http.delete(place).status_code == 204
        assert service.http.get("/v1/briefs").json()["items"] == []


class TestAccess:
    @pytest.fixture
    def keys(self, service, shelf):
        """Headers by who calls: of the library, readers of it, and of another one."""
        library = Library(new_id(), "other")
        with service.database.transaction() as tx:
            tx.catalogue.add_library(library)
            tx.changes.append(library.id, ChangeKind.LIBRARY_ADDED, library.id)
        access = service.app.state.assembly.access
        wanted = {
            "writer": (DEFAULT_LIBRARY, Scope.WRITE),
            "reader": (DEFAULT_LIBRARY, Scope.READ),
            "stranger": (library.id, Scope.ADMIN),
        }
        secrets = {name: access.create_key(of, name, scope)[1] for name, (of, scope) in wanted.items()}
        service.indexed()
        return {name: {"Authorization": f"Bearer {secret}"} for name, secret in secrets.items()}

    @pytest.fixture
    def brief(self, service, shelf, keys):
        body = {"name": "mine", "request": {"reference": {"track": shelf["reference"]}}}
        return service.http.post("/v1/briefs", json=body, headers=keys["writer"]).json()

    def calls(self, brief, shelf):
        place = f"/v1/briefs/{brief['id']}"
        decision = {"json": {"verdict": "shortlisted"}}
        return [
            ("GET", place, {}),
            ("POST", f"{place}/run", {}),
            ("GET", f"{place}/decisions", {}),
            ("GET", f"{place}/deliveries", {}),
            ("GET", f"{place}/export", {}),
            ("PATCH", place, {"json": {"name": "stolen"}}),
            ("PUT", f"{place}/decisions/{shelf['one']}", decision),
            ("DELETE", f"{place}/decisions/{shelf['one']}", {}),
            ("DELETE", place, {}),
        ]

    def test_another_library_sees_and_changes_nothing(self, service, shelf, keys, brief):
        for method, path, options in self.calls(brief, shelf):
            assert service.http.request(method, path, headers=keys["stranger"], **options).status_code == 404, path
        assert service.http.get("/v1/briefs", headers=keys["stranger"]).json()["items"] == []
        assert service.http.get("/v1/briefs/gaps", headers=keys["stranger"]).json()["items"] == []
        shown = service.http.get(f"/v1/briefs/{brief['id']}", headers=keys["writer"]).json()
        assert shown == brief

    def test_a_brief_of_one_library_refers_to_nothing_of_another(self, service, shelf, keys):
        body = {"name": "x", "request": {"reference": {"track": shelf["reference"]}}}
        assert service.http.post("/v1/briefs", json=body, headers=keys["stranger"]).status_code == 404

    def test_a_decision_on_a_track_of_another_library_is_not_found(self, service, shelf, keys, worker):
        foreign = service.http.post(
            "/v1/tracks", files={"file": ("a.wav", b"RIFFtheirs")}, headers=keys["stranger"]
        ).json()["track"]["id"]
        worker.work()
        service.indexed()
        body = {"name": "theirs", "request": {"reference": {"track": foreign}}}
        theirs = service.http.post("/v1/briefs", json=body, headers=keys["stranger"]).json()
        place = f"/v1/briefs/{theirs['id']}/decisions/{shelf['one']}"
        answer = service.http.put(place, json={"verdict": "shortlisted"}, headers=keys["stranger"])
        assert answer.status_code == 404

    def test_a_reader_reads_and_runs_but_changes_nothing(self, service, shelf, keys, brief):
        answers = {
            (method, path.removeprefix(f"/v1/briefs/{brief['id']}")): service.http.request(
                method, path, headers=keys["reader"], **options
            ).status_code
            for method, path, options in self.calls(brief, shelf)
        }
        assert {each for each, status in answers.items() if status == 200} == {
            ("GET", ""),
            ("POST", "/run"),
            ("GET", "/decisions"),
            ("GET", "/deliveries"),
            ("GET", "/export"),
        }
        assert {status for status in answers.values() if status != 200} == {403}
        body = {"name": "x", "request": brief["request"]}
        assert service.http.post("/v1/briefs", json=body, headers=keys["reader"]).status_code == 403
        shown = service.http.get(f"/v1/briefs/{brief['id']}", headers=keys["writer"]).json()
        assert (shown["seen"], shown["last_run_at"]) == (0, None)


class TestGaps:
    def gaps(self, service, **params):
        service.indexed()
        answer = service.http.get("/v1/briefs/gaps", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def test_what_the_catalogue_lacks_is_named_the_worst_first(self, service, shelf):
        weak = made(service, shelf["reference"], name="weak", request={"max_similarity": 0.999})
        unmet = made(service, shelf["reference"], name="unmet", request={"constraints": {"licences": ["GPL"]}})
        broken = made(service, shelf["two"], name="broken")
        service.http.delete(f"/v1/tracks/{shelf['two']}")
        items = self.gaps(service, min_similarity=1)
        assert [each["brief"]["id"] for each in items] == [unmet["id"], weak["id"], broken["id"]]
        assert (items[0]["best"], items[0]["matches"]) == (None, 0)
        assert items[0]["reason"] == "No track of the library meets licences: GPL."
        assert items[0]["constraints"] == [{"name": "licences", "wanted": "GPL", "left": 0}]
        assert items[1]["matches"] == 2
        assert items[1]["reason"] == f"The best match has a similarity of {items[1]['best']:.2f}, below 1."
        assert "was deleted" in items[2]["reason"]

    def test_good_enough_is_no_gap(self, service, shelf):
        made(service, shelf["reference"])
        assert self.gaps(service, min_similarity=-1) == []

    def test_a_brief_with_a_shortlisted_track_is_answered(self, service, shelf):
        brief = made(service, shelf["reference"], request={"constraints": {"licences": ["GPL"]}})
        assert len(self.gaps(service)) == 1
        decide(service, brief, shelf["one"])
        assert self.gaps(service) == []

    def test_rejected_tracks_answer_nothing(self, service, shelf):
        brief = made(service, shelf["reference"], request={"constraints": {"licences": ["CC0"]}})
        for title in ("one", "two", "three"):
            decide(service, brief, shelf[title], "rejected", reason="no")
        assert self.gaps(service, min_similarity=-1)[0]["reason"].endswith("was rejected.")

    def test_without_briefs_nothing_is_lacking(self, shared):
        assert self.gaps(shared) == []
        assert shared.http.get("/v1/briefs/gaps", params={"min_similarity": 2}).status_code == 422
