"""The pages of briefs. The tests tell one story and run in order on one service; the last of them tidies up."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.test_accessibility import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "Calm opening"
HOSTILE = '<img src=x onerror="alert(1)"> \u202e evil ' + "W" * 150


@pytest.fixture
def api(stocked_service):
    with httpx.Client(base_url=stocked_service.url, timeout=30, trust_env=False) as client:
        yield client


def track_id(api, title):
    return api.get("/v1/tracks", params={"text": title}).raise_for_status().json()["items"][0]["id"]


def made(api, name, request, **more):
    return api.post("/v1/briefs", json={"name": name, "request": request, **more}).raise_for_status().json()


def open_brief(visit, service, brief):
    visit.page.goto(f"{service.url}/briefs/{brief}")
    expect(visit.page.locator("#brief-status")).to_contain_text("ran")
    return visit.page


@pytest.fixture
def brief(api):
    """Id of the brief that the story is about."""
    return next(each["id"] for each in api.get("/v1/briefs").json()["items"] if each["name"] == NAME)


def titles(page, place="#match-list"):
    return page.locator(f"{place} .candidate .title bdi").all_inner_texts()


def test_without_briefs_the_page_says_what_one_is_and_the_form_says_what_it_lacks(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    expect(page.locator("#briefs-empty")).to_contain_text("No brief yet")
    page.locator("#brief-first").click()
    expect(page.get_by_role("dialog", name="New brief")).to_be_visible()
    expect(page.locator("#brief-found li")).not_to_have_count(0)
    page.locator("#brief-form-save").click()
    expect(page.locator("[data-place=name] .fault")).to_have_text("Give the brief a name.")
    expect(page.locator("[data-place=reference] .fault").first).to_contain_text("Choose a track")
    expect(page.locator("#brief-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    desktop.check()


def test_faults_of_the_service_stand_at_their_fields(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    page.locator("#brief-new").click()
    page.locator("#brief-found .pick").first.click()
    expect(page.locator("#brief-name")).to_have_value(re.compile("Like .+"))
    page.locator("#brief-tempo-mode").select_option("range")
    page.locator("[name=tempo_gte]").fill("140")
    page.locator("[name=tempo_lte]").fill("90")
    page.locator("#brief-webhook").fill("hooks")
    page.locator("#brief-form-save").click()
    expect(page.locator("[data-place='constraints.tempo_bpm'] .fault")).to_contain_text("nothing lies between")
    expect(page.locator("[data-place=webhook] .fault")).to_contain_text("not an address")
    expect(page.locator("#brief-form-faults")).to_have_text("2 places need another look.")
    desktop.check(allowed="422")


def test_a_brief_is_made_and_its_matches_say_how_they_meet_it(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    page.locator("#brief-new").click()
    page.locator("#brief-find").fill("slow harp")
    page.locator("#brief-found .pick", has_text="slow harp").click()
    page.locator("#brief-name").fill(NAME)
    page.locator("#brief-encoder").select_option("librosa")
    page.locator("#brief-licence").fill("CC0")
    page.keyboard.press("Enter")
    page.locator("#brief-tempo-mode").select_option("within_percent")
    page.locator("[name=tempo_amount]").fill("40")
    desktop.keep_screenshot("brief-form")
    assert faults_of(page) == []
    page.locator("#brief-form-save").click()
    expect(page.locator("#brief-title")).to_have_text(NAME)
    expect(page.locator("#brief-asked")).to_contain_text("licence CC0")
    expect(page.locator("#match-list .candidate").first).to_be_visible()
    for match in page.locator("#match-list .candidate").all():
        expect(match.locator(".meet", has_text="Licence")).to_contain_text("CC0")
        expect(match.locator(".meet.broken")).to_have_count(0)
    for miss in page.locator("#near-list .candidate").all():
        expect(miss.locator(".meet.broken")).not_to_have_count(0)
    expect(page.locator("#lefts .left", has_text="Licence").locator(".amount")).to_have_text(
        re.compile(r"\d+ of 12")
    )
    desktop.keep_screenshot("brief")
    desktop.check()


def test_matches_are_walked_heard_shortlisted_and_rejected_by_keys(stocked_service, desktop, brief, api):
    page = open_brief(desktop, stocked_service, brief)
    first, second = titles(page)[:2]
    page.keyboard.press("j")
    page.keyboard.press("Space")
    desktop.hear(from_s=0.2)
    page.keyboard.press("s")
    expect(page.locator("#tab-shortlist")).to_contain_text("1")
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.get_by_role("button", name="wrong mood").first.click()
    expect(page.locator("#tab-rejected")).to_contain_text("1")
    assert faults_of(page) == []
    decided = api.get(f"/v1/briefs/{brief}/decisions").json()["items"]
    verdicts = {each["track"]["metadata"]["title"]: (each["verdict"], each["reason"]) for each in decided}
    assert verdicts == {first: ("shortlisted", ""), second: ("rejected", "wrong mood")}
    page.locator("#tab-shortlist").click()
    assert titles(page, "#shortlist") == [first]
    page.locator("#tab-rejected").click()
    expect(page.locator("#rejected .verdict-note")).to_have_text("wrong mood")
    desktop.check()


def test_the_keys_go_on_where_a_decision_was_taken_back(stocked_service, desktop, api):
    request = {"encoder": "librosa", "reference": {"track": track_id(api, "slow harp")}}
    kept = made(api, "Walked", request)
    try:
        page = open_brief(desktop, stocked_service, kept["id"])
        for place in range(4):
            page.keyboard.press("j")
            page.keyboard.press("s")
            expect(page.locator("#tab-shortlist")).to_contain_text(str(place + 1))
        page.locator("#tab-shortlist").click()
        first, _, third, _ = titles(page, "#shortlist")
        for key in "jjs":
            page.keyboard.press(key)
        expect(page.locator("#shortlist .candidate")).to_have_count(3)
        focused = page.locator("#shortlist .candidate:focus .title bdi")
        expect(focused).to_have_text(third)
        page.keyboard.press("j")
        page.keyboard.press("s")
        expect(page.locator("#shortlist .candidate")).to_have_count(2)
        expect(focused).to_have_text(third)
        page.keyboard.press("k")
        expect(focused).to_have_text(first)
    finally:
        api.delete(f"/v1/briefs/{kept['id']}").raise_for_status()
    desktop.check()


def test_what_is_rejected_is_left_out_of_the_next_run_until_it_is_taken_back(stocked_service, desktop, brief):
    page = open_brief(desktop, stocked_service, brief)
    page.locator("#brief-run").click()
    page.locator("#tab-rejected").click()
    gone = titles(page, "#rejected")[0]
    page.locator("#tab-matches").click()
    expect(page.locator("#match-list .title", has_text=re.compile(f"^{gone}$"))).to_have_count(0)
    page.locator("#tab-rejected").click()
    page.locator("#rejected .verdict.reject").click()
    expect(page.locator("#rejected .candidate")).to_have_count(0)
    page.locator("#brief-run").click()
    page.locator("#tab-matches").click()
    expect(page.locator("#match-list .title", has_text=gone)).to_have_count(1)
    desktop.check()


def test_judgements_propose_weights_and_accepting_them_changes_the_brief(stocked_service, desktop, brief, api):
    page = open_brief(desktop, stocked_service, brief)
    page.locator("#match-list .like").first.click()
    page.locator("#near-list .dislike").first.click()
    page.locator("#judging-ask").click()
    expect(page.locator("#changes .why").first).not_to_be_empty()
    desktop.keep_screenshot("brief-feedback")
    assert faults_of(page) == []
    page.locator("#judging-accept").click()
    expect(page.locator("#judging")).to_be_hidden()
    expect(page.locator("#match-list .candidate").first).to_be_visible()
    assert api.get(f"/v1/briefs/{brief}").json()["request"]["reference"]["weights"]
    desktop.check()


def test_judgements_weigh_further_terms_of_a_brief_anew_too(stocked_service, desktop, api):
    request = {
        "encoder": "csn",
        "reference": {"track": track_id(api, "slow harp")},
        "terms": [{"track": track_id(api, "fast drum")}, {"tag": "piano", "weight": 0.5}],
    }
    kept = made(api, "Of three minds", request)
    try:
        page = open_brief(desktop, stocked_service, kept["id"])
        page.locator("#match-list .like").first.click()
        page.locator("#match-list .dislike").last.click()
        page.locator("#judging-ask").click()
        groups = page.locator("#changes .change-group .of")
        expect(groups.first).to_be_visible()
        assert set(groups.all_inner_texts()) <= {"The reference", "Further reference", "Tag piano"}
        desktop.keep_screenshot("brief-feedback-terms")
        assert faults_of(page) == []
        page.locator("#judging-accept").click()
        expect(page.locator("#judging")).to_be_hidden()
        accepted = api.get(f"/v1/briefs/{kept['id']}").json()["request"]
        [further, tag] = accepted["terms"]
        weights = [*accepted["reference"]["weights"].values(), *further["weights"].values(), tag["weight"]]
        assert max(weights) == 1
        assert len({round(weight, 3) for weight in weights}) > 2
    finally:
        api.delete(f"/v1/briefs/{kept['id']}").raise_for_status()
    desktop.check()


def test_judgements_that_tell_nothing_are_said_to(stocked_service, desktop, brief):
    page = open_brief(desktop, stocked_service, brief)
    term = {"term": 0, "weights": {"old": {"timbre": 1}, "new": {"timbre": 1}}, "changes": []}
    nothing = {"encoder": "librosa", "terms": [term], "judgements": 1, "certainty": 0}
    page.route("**/v1/feedback", lambda route: route.fulfill(json=nothing))
    page.locator("#match-list .like").first.click()
    page.locator("#judging-ask").click()
    expect(page.locator("#judging-note")).to_contain_text("From 1 judgement nothing can be told yet: like some")
    expect(page.locator("#judging-accept")).to_be_hidden()
    desktop.check()


def test_what_a_later_run_finds_first_is_marked_as_new(stocked_service, desktop, brief, api):
    page = open_brief(desktop, stocked_service, brief)
    expect(page.locator("#match-list .badge:visible")).to_have_count(0)
    before = titles(page)
    request = api.get(f"/v1/briefs/{brief}").json()["request"]
    wider = {**request, "constraints": {**request["constraints"], "licences": ["CC0", "CC-BY-4.0"]}}
    api.patch(f"/v1/briefs/{brief}", json={"request": wider}).raise_for_status()
    page.goto(f"{stocked_service.url}/briefs")
    expect(page.locator(".brief", has_text=NAME).locator(".badge")).to_have_text(re.compile(r"\d+ new"))
    page.locator(".brief-who", has_text=NAME).click()
    expect(page.locator("#brief-status")).to_contain_text("new since the run before")
    fresh = page.locator("#match-list .candidate", has=page.locator(".badge:visible")).locator(".title bdi")
    assert set(fresh.all_inner_texts()) == set(titles(page)) - set(before)
    page.reload()
    expect(page.locator("#match-list .badge:visible")).not_to_have_count(0)
    desktop.check()


def test_matches_and_the_shortlist_are_exported(stocked_service, desktop, brief, api):
    page = open_brief(desktop, stocked_service, brief)
    with page.expect_download() as got:
        page.locator("#export-csv").click()
    assert got.value.suggested_filename.endswith(".csv")
    page.locator("#tab-shortlist").click()
    listed = api.get(page.locator("#export-m3u").get_attribute("href"))
    assert listed.text.startswith("#EXTM3U")
    assert listed.text.count("#EXTINF") == page.locator("#shortlist .candidate").count()
    desktop.check()


def test_the_secret_of_a_webhook_is_shown_once(stocked_service, desktop, brief):
    page = open_brief(desktop, stocked_service, brief)
    page.locator("#brief-edit").click()
    page.locator("#brief-webhook").fill("https://hooks.example.org/soundkin")
    page.locator("#brief-form-save").click()
    expect(page.locator("#secret")).to_have_value(re.compile("whsec_.+"))
    page.get_by_role("button", name="I have kept it").click()
    page.locator("#tab-webhook").click()
    expect(page.locator("#webhook-note")).to_contain_text("hooks.example.org")
    expect(page.locator("#webhook-note")).to_contain_text("Nothing was sent yet")
    desktop.check()


def test_a_brief_that_nothing_meets_says_why_and_is_a_gap_of_the_catalogue(stocked_service, desktop, api):
    request = {"reference": {"track": track_id(api, "slow harp")}, "constraints": {"licences": ["No such licence"]}}
    hard = made(api, "Cannot be met", request)
    page = open_brief(desktop, stocked_service, hard["id"])
    expect(page.locator("#matches-empty")).to_contain_text("licence")
    expect(page.locator("#lefts .left.none")).to_have_count(1)
    page.goto(f"{stocked_service.url}/briefs")
    expect(page.locator(".gap", has_text="Cannot be met").locator(".left.none")).to_contain_text("0 tracks")
    desktop.keep_screenshot("briefs")
    assert faults_of(page) == []
    desktop.check()


def test_a_clip_that_was_deleted_leaves_a_brief_that_asks_for_another_reference(
    stocked_service, desktop, api, excerpt
):
    sent = api.post("/v1/clips", files={"file": (excerpt.name, excerpt.read_bytes())}).raise_for_status().json()
    orphan = made(api, "Orphan", {"reference": {"clip": sent["clip"]["id"]}})
    api.delete(f"/v1/clips/{sent['clip']['id']}").raise_for_status()
    desktop.page.goto(f"{stocked_service.url}/briefs/{orphan['id']}")
    expect(desktop.page.locator("#brief-trouble")).to_contain_text("The reference was deleted")
    desktop.page.get_by_role("button", name="Choose another reference").click()
    expect(desktop.page.locator("#brief-picking")).to_be_visible()
    desktop.check(allowed="404")


def test_a_brief_that_was_saved_says_so_though_it_cannot_be_run(stocked_service, desktop, api):
    busy = {"type": "urn:problem:busy", "title": "Busy", "status": 503, "detail": "Try again soon."}
    orphan = next(each["id"] for each in api.get("/v1/briefs").json()["items"] if each["name"] == "Orphan")
    page = desktop.page
    page.route("**/run", lambda route: route.fulfill(status=503, json=busy))
    page.goto(f"{stocked_service.url}/briefs/{orphan}")
    page.get_by_role("button", name="Choose another reference").click()
    page.locator("#brief-found .pick", has_text="slow harp").first.click()
    page.locator("#brief-form-save").click()
    expect(page.locator("#brief-trouble")).to_contain_text("Try again soon.")
    expect(page.locator("#brief-reference")).to_have_text("slow harp")
    page.unroute("**/run")
    page.locator("#brief-run").click()
    expect(page.locator("#match-list .candidate").first).to_be_visible()
    page.route("**/run", lambda route: route.fulfill(status=503, json=busy))
    page.locator("#brief-edit").click()
    page.locator("[name=note]").fill("Slower than that")
    page.locator("#brief-form-save").click()
    expect(page.locator("#toasts")).to_contain_text("Try again soon.")
    expect(page.locator("#brief-description")).to_have_text("Slower than that")
    page.locator("#brief-edit").click()
    expect(page.locator("[name=note]")).to_have_value("Slower than that")
    desktop.check(allowed="Failed to load resource")


def test_a_search_opens_the_form_with_what_was_asked(stocked_service, desktop, api):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    draft = {
        "encoder": "librosa",
        "reference": {"track": track_id(api, "fast organ"), "weights": {"timbre": 1, "rhythm": 0.5}},
        "terms": [{"track": track_id(api, "slow harp"), "weights": {"rhythm": -1}}],
        "constraints": {"duration_s": {"within": 5}, "key": "compatible"},
    }
    page.evaluate("draft => sessionStorage.setItem('soundkin.brief-draft', draft)", json.dumps(draft))
    page.goto(f"{stocked_service.url}/briefs#new")
    expect(page.locator("#brief-chosen-title")).to_have_text("fast organ")
    expect(page.locator("#brief-name")).to_have_value("Like fast organ")
    expect(page.locator("#brief-key")).to_have_value("compatible")
    expect(page.locator("[name=length_amount]")).to_have_value("5")
    expect(page.locator("#brief-weights [name='weight rhythm']")).to_have_value("0.5")
    expect(page.locator("#brief-weights [name='weight harmony']")).to_have_value("0")
    expect(page.locator("#brief-terms-note")).to_contain_text("1 further reference")
    desktop.check()


@pytest.fixture
def weighting(api):
    """Saved weights, which no slider could be dragged to exactly."""
    body = {"name": "Beat first", "encoder": "librosa", "weights": {"rhythm": 1, "timbre": 0.333}}
    kept = api.post("/v1/weightings", json=body).raise_for_status().json()
    yield kept
    api.delete(f"/v1/weightings/{kept['id']}").raise_for_status()


def test_the_form_offers_no_saved_weights_where_there_are_none(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    page.locator("#brief-new").click()
    expect(page.locator("#brief-weights .slider").first).to_be_visible()
    expect(page.locator("#brief-weighting")).to_be_hidden()
    desktop.check()


def test_saved_weights_of_the_encoder_are_chosen_in_the_form(stocked_service, desktop, phone, api, weighting):
    for visit, name in ((desktop, "light"), (phone, "phone")):
        page = visit.page
        page.goto(f"{stocked_service.url}/briefs")
        page.locator("#brief-new").click()
        page.locator("#brief-found .pick", has_text="slow harp").first.click()
        page.locator("#brief-encoder").select_option("csn")
        expect(page.locator("#brief-weighting")).to_be_hidden()
        page.locator("#brief-encoder").select_option("librosa")
        choice = page.get_by_label("Saved weights")
        expect(choice.locator("option:checked")).to_have_text("Choose…")
        choice.select_option(label=weighting["name"])
        expect(page.locator("#brief-weights [name='weight rhythm']")).to_have_value("1")
        expect(page.locator("#brief-weights [name='weight harmony']")).to_have_value("0")
        expect(choice.locator("option:checked")).to_have_text(weighting["name"])
        page.locator("#brief-weights").scroll_into_view_if_needed()
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        assert faults_of(page) == []
        visit.keep_screenshot(f"brief-form-weighting-{name}")
        page.locator("#brief-weights [name='weight harmony']").fill("0.5")
        expect(choice.locator("option:checked")).to_have_text("Choose…")
        choice.select_option(label=weighting["name"])
        visit.check()
    desktop.page.locator("#brief-name").fill("By the beat")
    desktop.page.locator("#brief-form-save").click()
    expect(desktop.page.locator("#brief-title")).to_have_text("By the beat")
    made_of_it = next(each for each in api.get("/v1/briefs").json()["items"] if each["name"] == "By the beat")
    try:
        assert made_of_it["request"]["reference"]["weights"] == weighting["weights"]
        desktop.page.locator("#brief-edit").click()
        expect(desktop.page.get_by_label("Saved weights").locator("option:checked")).to_have_text("Beat first")
    finally:
        api.delete(f"/v1/briefs/{made_of_it['id']}").raise_for_status()
    desktop.check()


def test_hostile_names_are_shown_as_the_text_they_are_on_every_screen(stocked_service, phone, dark_desktop, api):
    hostile = made(api, HOSTILE, {"reference": {"track": track_id(api, "slow harp")}}, note=HOSTILE)
    for visit, name in ((phone, "phone"), (dark_desktop, "dark")):
        page = visit.page
        page.goto(f"{stocked_service.url}/briefs")
        expect(page.locator(".brief .title", has_text="<img src=x").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        page.locator("#brief-new").click()
        visit.keep_screenshot(f"brief-form-{name}")
        open_brief(visit, stocked_service, hostile["id"])
        expect(page.locator("#brief-title")).to_contain_text("<img src=x")
        assert page.locator("main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        visit.keep_screenshot(f"brief-{name}")
        assert faults_of(page) == []
        visit.check()


def test_a_service_that_is_away_is_missed_and_welcomed_back(stocked_service, desktop, brief):
    page = open_brief(desktop, stocked_service, brief)
    page.context.set_offline(True)
    page.locator("#near-list .verdict.shortlist, #match-list .verdict.shortlist").last.click()
    expect(page.locator("#banner")).to_contain_text("does not answer")
    expect(page.locator("#match-list .candidate")).not_to_have_count(0)
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_be_hidden()
    page.locator("#brief-run").click()
    expect(page.locator("#brief-status")).to_contain_text("ran")
    desktop.check(allowed="ERR_")


def test_a_brief_that_is_not_there_is_told_kindly(stocked_service, desktop):
    desktop.page.goto(f"{stocked_service.url}/briefs/01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55")
    expect(desktop.page.locator("#brief-trouble")).to_contain_text("There is no such brief")
    expect(desktop.page.locator("#results")).to_be_hidden()
    desktop.check(allowed="404")


def test_briefs_are_duplicated_and_deleted_when_that_is_confirmed(stocked_service, desktop, api):
    page = desktop.page
    page.goto(f"{stocked_service.url}/briefs")
    page.get_by_role("button", name=f"Duplicate {NAME}").click()
    expect(page.locator("#brief-name")).to_have_value(f"{NAME} (copy)")
    page.keyboard.press("Escape")
    expect(page.locator(".brief")).to_have_count(4)
    for left in range(4, 0, -1):
        page.locator(".brief .delete").first.click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".brief")).to_have_count(left)
        page.locator(".brief .delete").first.click()
        page.get_by_role("button", name="Delete the brief").click()
        expect(page.locator(".brief")).to_have_count(left - 1)
    expect(page.locator("#briefs-empty")).to_be_visible()
    assert api.get("/v1/briefs").json()["items"] == []
    desktop.check()
