"""The page in a browser. The tests of this file tell one story and run in order on one service."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMBEDDING_MS = 120_000
SPACES = ("timbre", "harmony", "rhythm", "dynamics")

BREAK_OFF = """audio => {
  Object.defineProperty(audio, "error", { value: { code: MediaError.MEDIA_ERR_NETWORK }, configurable: true });
  audio.addEventListener("emptied", () => delete audio.error, { once: true });
  audio.dispatchEvent(new Event("error"));
}"""
"""What a sound element does when nothing more comes, which a browser takes half a minute to find out."""


def choose(page: Page, title: str) -> None:
    """Take a track of the catalogue as the reference."""
    page.locator(".track .pick", has_text=title).click()
    expect(page.locator(".match").first).to_be_visible()


def order(page: Page) -> list[str]:
    return page.locator(".match .title").all_inner_texts()


def order_by_api(service: Any, title: str, weights: dict[str, float]) -> list[str]:
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        track = client.get("/v1/tracks", params={"text": title}).json()["items"][0]["id"]
        answer = client.post("/v1/search", json={"terms": [{"track": track, "weights": weights}]}).json()
    return [match["track"]["metadata"]["title"] for match in answer["matches"]]


def weigh(page: Page, **weights: float) -> None:
    """Move the sliders and wait for the answer that belongs to them."""
    for space, weight in weights.items():
        page.locator(f"#sliders input[name='{space}']").fill(str(weight))
    expect(page.locator("#matches.stale")).to_have_count(0)
    page.wait_for_timeout(400)
    expect(page.locator("#matches.stale")).to_have_count(0)


def test_an_empty_catalogue_says_what_to_do(service, desktop):
    page = desktop.open(service)
    expect(page.locator("#catalogue-note")).to_contain_text("The catalogue is empty. Add some music")
    expect(page.locator("#counts")).to_contain_text("0 tracks")
    desktop.keep_screenshot("empty")
    desktop.check()


def test_uploads_show_their_progress_and_end_in_the_catalogue(service, desktop, music, tmp_path):
    text = tmp_path / "letter.mp3"
    text.write_text("Dear listener, this is not audio at all.\n" * 50)
    page = desktop.open(service)
    page.locator("#pick-tracks").set_input_files([*sorted(music.iterdir()), text])
    expect(page.locator("#uploads-summary")).to_contain_text("of 13 files")
    expect(page.locator(".upload .state", has_text=re.compile(r"\d+ %")).first).to_be_visible(timeout=EMBEDDING_MS)
    desktop.keep_screenshot("uploading")
    expect(page.locator("#uploads-summary")).to_have_text(
        "12 of 13 files in the catalogue, 1 failed", timeout=EMBEDDING_MS
    )
    failed = page.locator(".upload.bad")
    expect(failed.locator(".title")).to_have_text("letter.mp3")
    expect(failed.locator(".reason")).to_contain_text("not")
    expect(page.locator(".track .pick:not([disabled])")).to_have_count(12)
    expect(page.locator("#counts")).to_have_text("12 tracks")
    desktop.check(allowed="422")


def test_moving_the_weights_changes_the_order_and_the_shares(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    expect(page.locator(".match")).to_have_count(11)
    orders = []
    for weights in ({"timbre": 2}, {"timbre": -1}, {"rhythm": 1}, {"harmony": 0.5, "dynamics": 2}):
        weigh(page, **{space: weights.get(space, 0) for space in SPACES})
        assert order(page) == order_by_api(service, "slow harp", weights)
        orders.append(order(page))
    assert orders[1] == orders[0][::-1]
    assert len({tuple(seen) for seen in orders}) == 4
    weigh(page, timbre=1, harmony=0, rhythm=0, dynamics=0)
    assert page.locator(".slider .share").all_inner_texts() == ["100 %", "ignored", "ignored", "ignored"]
    desktop.keep_screenshot("by-timbre")
    page.locator("#mix-reset").click()
    expect(page.locator(".slider .share", has_text="ignored")).to_have_count(0)
    desktop.check()


def test_bars_say_in_words_what_they_show_and_add_up_to_the_similarity(service, desktop):
    page = desktop.open(service)
    choose(page, "fast organ")
    match = page.locator(".match").first
    words = match.locator(".bar .unseen").all_inner_texts()
    assert len(words) == 4
    assert re.fullmatch(r"timbre: similarity −?\d\.\d\d, weight \d+ %, (adds|takes away) \d\.\d\d", words[0])
    amounts = [float(text.replace("−", "-")) for text in match.locator(".amount").all_inner_texts()]
    similarity = float(match.locator(".similarity").inner_text().replace("−", "-"))
    assert sum(amounts) == pytest.approx(similarity, abs=0.025)


def test_with_every_dimension_ignored_the_page_says_so(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    weigh(page, timbre=0, harmony=0, rhythm=0, dynamics=0)
    expect(page.locator("#matches-empty")).to_have_text("Every dimension is ignored. Raise at least one slider.")
    expect(page.locator(".match")).to_have_count(0)
    page.locator("#mix-reset").click()
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()


@pytest.mark.parametrize("suffix", ["wav", "mp3", "ogg"])
def test_matches_can_be_heard(service, desktop, music, suffix):
    title = next(file.stem for file in sorted(music.iterdir()) if file.suffix == f".{suffix}")
    page = desktop.open(service)
    choose(page, next(file.stem for file in music.iterdir() if file.stem != title))
    match = page.locator(".match", has=page.get_by_text(title, exact=True))
    match.locator(".play").click()
    expect(match.locator(".play")).to_have_class(re.compile("playing"))
    desktop.hear(from_s=desktop.heard_s() + 0.5)
    expect(page.locator("#player-title")).to_have_text(title)
    expect(page.locator("#player-length")).to_have_text("0:12")
    match.locator(".play").click()
    assert page.evaluate("document.getElementById('audio').paused")
    desktop.check()


def test_sound_that_did_not_come_is_fetched_again(service, desktop):
    page = desktop.open(service)
    choose(page, "slow organ")
    page.route("**/audio", lambda route: route.abort())
    match = page.locator(".match").first
    match.locator(".play").click()
    expect(page.locator("#player-note")).to_contain_text("cannot play it")
    for button in (page.locator("#player-toggle"), match.locator(".play")):
        expect(button).to_have_attribute("aria-label", re.compile("^Play"))
    page.unroute("**/audio")
    page.locator("#player-toggle").click()
    desktop.hear(from_s=0.2)
    desktop.check(allowed="ERR_FAILED")


def test_sound_that_breaks_off_goes_on_where_it_was(service, desktop):
    page = desktop.open(service)
    page.locator(".track", has_text="slow flute").locator(".play").click()
    desktop.hear(from_s=0.5)
    page.locator("#audio").evaluate(BREAK_OFF)
    expect(page.locator("#player-note")).to_contain_text("stopped coming")
    expect(page.locator("#player-toggle")).to_have_attribute("aria-label", "Play")
    stopped_s = desktop.heard_s()
    page.locator("#player-toggle").click()
    desktop.hear(from_s=stopped_s + 0.2)
    assert page.locator("#audio").evaluate("audio => audio.error") is None
    assert desktop.heard_s() < stopped_s + 5
    desktop.check()


def test_sound_whose_source_could_not_be_had_is_asked_for_again(service, desktop):
    page = desktop.open(service)
    page.route("**/v1/session", lambda route: route.abort())
    page.locator(".track .play").first.click()
    expect(page.locator("#player-note")).to_contain_text("does not answer")
    expect(page.locator("#player-toggle")).to_have_attribute("aria-label", "Play")
    page.unroute("**/v1/session")
    page.locator("#player-toggle").click()
    desktop.hear(from_s=0.2)
    desktop.check(allowed="ERR_FAILED")


def test_seeking_moves_the_sound(service, desktop):
    page = desktop.open(service)
    choose(page, "slow organ")
    page.locator("#reference-play").click()
    expect(page.locator("#player-length")).to_have_text("0:12")
    page.locator("#player-seek").fill("9")
    desktop.hear(from_s=9)
    page.locator("#player-close").click()
    expect(page.locator("#player")).to_be_hidden()
    desktop.check()


def test_a_clip_finds_the_track_it_was_taken_from(service, desktop, excerpt):
    page = desktop.open(service)
    page.locator("#pick-clip").set_input_files(excerpt)
    expect(page.locator(".match").first).to_be_visible(timeout=EMBEDDING_MS)
    assert order(page)[0] == "slow harp"
    expect(page.locator("#reference-kind")).to_have_text("Your clip")
    expect(page.locator("#counts")).to_have_text("12 tracks")
    page.reload()
    expect(page.locator("#reference-title")).to_have_text("hummed")
    desktop.check()


def test_a_clip_that_is_not_audio_is_refused_with_the_reason(service, desktop, tmp_path):
    text = tmp_path / "letter.ogg"
    text.write_text("Dear listener")
    page = desktop.open(service)
    page.locator("#pick-clip").set_input_files(text)
    expect(page.locator("#reference-note")).to_contain_text("not")
    desktop.check(allowed="422")


def test_a_match_becomes_the_reference_and_going_back_undoes_it(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    nearest = order(page)[0]
    page.locator(".match .use").first.click()
    expect(page.locator("#reference-title")).to_have_text(nearest)
    expect(page.locator(".track.chosen .title")).to_have_text(nearest)
    page.go_back()
    expect(page.locator("#reference-title")).to_have_text("slow harp")
    desktop.check()


def test_a_track_that_is_picked_before_the_page_has_loaded_stays_picked(service, desktop):
    held = desktop.hold("**/v1/weightings")
    page = desktop.open(service)
    choose(page, "slow harp")
    held.pop().continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#reference-title")).to_have_text("slow harp")
    assert "#track=" in page.url
    desktop.check()


def test_a_track_that_is_picked_while_a_link_is_being_followed_stays_picked(service, desktop):
    page = desktop.open(service)
    choose(page, "fast flute")
    held = desktop.hold("**/v1/tracks/*")
    page.reload()
    choose(page, "slow harp")
    held.pop().continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#reference-title")).to_have_text("slow harp")
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()


def test_a_track_that_is_opened_before_it_was_heard_is_known_once_it_was(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    early = []

    def answer_early(route: Route) -> None:
        if early:
            route.continue_()
            return
        early.append(route.request.url)
        route.fulfill(json=route.fetch().json() | {"state": "pending", "analysis": None})

    page.route("**/v1/tracks/*", answer_early)
    page.reload()
    expect(page.locator("#reference-title")).to_have_text("slow harp")
    expect(page.locator("#reference-note")).not_to_contain_text("0:12")
    expect(page.locator("#reference-note")).to_contain_text("0:12")
    expect(page.locator("#filters [value=same]")).to_have_text(re.compile("^the same, "))
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()


def test_filters_leave_out_what_does_not_fit_and_say_when_nothing_is_left(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    page.locator("#filters summary").click()
    page.locator("[name=duration_min]").fill("3600")
    expect(page.locator(".match")).to_have_count(0)
    expect(page.locator("#matches-empty")).to_be_visible()
    expect(page.locator("#filter-note")).to_have_text("from 1:00:00")
    page.locator("#filter-form button[type=reset]").click()
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()


def test_the_catalogue_is_searched_by_text(service, desktop):
    page = desktop.open(service)
    page.locator("#catalogue-text").fill("ORGAN")
    expect(page.locator(".track")).to_have_count(3)
    page.locator("#catalogue-text").fill("no such thing")
    expect(page.locator("#catalogue-note")).to_contain_text("no such thing")
    desktop.check()


def test_the_keyboard_alone_is_enough(service, desktop):
    page = desktop.open(service)
    page.locator(".track .pick", has_text="slow harp").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".match")).to_have_count(11)
    before = order(page)
    slider = page.locator("#sliders input[type=range]").first
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".slider .share").first).to_contain_text("\u2212")
    expect(page.locator("#matches.stale")).to_have_count(0)
    page.wait_for_timeout(400)
    assert order(page) != before
    assert slider.evaluate("element => element === document.activeElement")
    page.locator(".match .play").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#player")).to_be_visible()
    desktop.check()


def test_the_page_fits_in_the_dark_and_on_a_phone(service, dark_desktop, phone):
    for visit, name in ((dark_desktop, "dark"), (phone, "phone")):
        page = visit.open(service)
        choose(page, "walking flute")
        page.locator(".match .play").first.click()
        expect(page.locator("#player-length")).to_have_text("0:12")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visit.keep_screenshot(name)
        visit.check()


def test_hostile_titles_are_shown_as_the_text_they_are(service, phone, music):
    title = (
        '<img src=x onerror="alert(1)"><script>alert(2)</script> \u202e evil \u0645\u0648\u0633\u064a\u0642\u0649 '
        + "W" * 700
    )
    file = min(music.iterdir())
    answer = httpx.post(
        f"{service.url}/v1/tracks",
        files={"file": (file.name, file.read_bytes() + b"\0")},
        data={"metadata": json.dumps({"title": title, "artist": "Ж" * 900})},
        trust_env=False,
    )
    assert answer.status_code == 202
    page = phone.open(service)
    row = page.locator(".track", has_text="<img src=x")
    expect(row.locator(".pick")).to_be_enabled(timeout=EMBEDDING_MS)
    row.locator(".pick").click()
    expect(page.locator("#reference-title")).to_contain_text("<script>alert(2)</script>")
    expect(page.locator(".match").first).to_be_visible()
    assert page.locator("main img, aside img, body script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("hostile")
    phone.check()


def test_a_finished_upload_is_compared_with_as_it_was_heard(service, desktop, music, tmp_path):
    again = tmp_path / "again.wav"
    again.write_bytes(next(music.glob("*.wav")).read_bytes() + b"\0\0")
    page = desktop.open(service)
    page.locator("#pick-tracks").set_input_files(again)
    page.get_by_role("button", name="Find similar").click(timeout=EMBEDDING_MS)
    expect(page.locator("#reference-note")).to_contain_text("0:12")
    expect(page.locator("#filters [value=same]")).to_have_text(re.compile("^the same, "))
    expect(page.locator(".match").first).to_be_visible()
    desktop.check()


def test_a_service_that_goes_away_is_missed_and_welcomed_back(service, desktop):
    page = desktop.open(service)
    choose(page, "slow harp")
    service.stop()
    page.locator("#sliders input[type=range]").first.fill("0.3")
    expect(page.locator("#banner")).to_contain_text("does not answer")
    expect(page.locator(".match")).not_to_have_count(0)
    service.start()
    service.wait_for("/readyz")
    expect(page.locator("#banner")).to_be_hidden()
    weigh(page, timbre=0.5)
    expect(page.locator("#matches-note")).to_contain_text("among")
    desktop.check(allowed="ERR_")
