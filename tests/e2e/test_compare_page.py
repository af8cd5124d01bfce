"""Two encoders side by side on one query."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

K = 5
STARTING_MS = 60_000


def found_by(service: Any, title: str, encoder: str, weights: dict[str, float] | None = None) -> list[str]:
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        track = client.get("/v1/tracks", params={"text": title}).json()["items"][0]["id"]
        term = {"track": track} | ({"weights": weights} if weights else {})
        answer = client.post("/v1/search", json={"encoder": encoder, "terms": [term], "k": K}).json()
    return [match["track"]["metadata"]["title"] for match in answer["matches"]]


def choose(page: Page, title: str) -> None:
    """Take a track as the reference, by the keyboard."""
    page.locator("#reference-text").focus()
    page.keyboard.type(title)
    expect(page.locator("[role=option]", has_text=title).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#chosen-title")).to_have_text(title)
    expect(page.locator(".sides.busy")).to_have_count(0)


def column(page: Page, side: str) -> list[str]:
    return page.locator(f"#{side} .rank .title").all_inner_texts()


def moved(words: str) -> int | None:
    """Read how much lower a track stands on the other side; ``None`` where it is beyond the matches shown."""
    if words == "same place":
        return 0
    if step := re.fullmatch(r"(\d+) (lower|higher) there", words):
        return int(step[1]) * (1 if step[2] == "lower" else -1)
    assert re.fullmatch(r"\d+(st|nd|rd|th) there", words)
    return None


def test_each_side_shows_what_its_encoder_finds_and_the_agreement_is_counted(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    page.locator("#how-many").select_option(str(K))
    choose(page, "slow harp")
    expect(page.locator("#left .rank")).to_have_count(K)
    names = [page.locator(f"#{side}-title").inner_text() for side in ("left", "right")]
    assert sorted(names) == ["csn", "librosa"]
    left, right = (found_by(stocked_service, "slow harp", name) for name in names)
    assert (column(page, "left"), column(page, "right")) == (left, right)
    both = len(set(left) & set(right))
    expect(page.locator("#overlap")).to_have_text(f"{both} of the first {K} are found by both")
    assert page.locator("#links line").count() == both
    assert page.locator("#left .rank.shared").count() == both
    said = page.locator("#left .rank .elsewhere").all_inner_texts()
    assert [moved(words) for words in said] == [
        right.index(title) - place if title in right else None for place, title in enumerate(left)
    ]
    desktop.keep_screenshot("compare")
    desktop.check()


def test_facts_of_both_encoders_are_shown(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders#left=csn/whole&right=librosa/whole")
    expect(page.locator("#left .facts")).to_contain_text("6 dimensions")
    expect(page.locator("#left .facts")).to_contain_text("82 tags")
    expect(page.locator("#right .facts")).to_contain_text("no tags")
    expect(page.locator("#right .space .name")).to_have_text(["timbre", "harmony", "rhythm", "dynamics"])
    expect(page.locator("#right .embedded")).to_have_text("12 tracks embedded, 100 %")
    expect(page.locator("#overlap")).to_have_text("Choose a reference")
    desktop.check()


def test_one_dimension_is_compared_with_all_and_sides_are_swapped(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    choose(page, "fast organ")
    page.locator("#how-many").select_option(str(K))
    page.locator("#view-left").select_option("librosa/rhythm")
    page.locator("#view-right").select_option("librosa/whole")
    expect(page.locator("#left .space.off")).to_have_count(3)
    expect(page.locator(".sides.busy")).to_have_count(0)
    expect(page.locator("#left .rank .title")).to_have_text(
        found_by(stocked_service, "fast organ", "librosa", {"rhythm": 1})
    )
    page.locator("#swap-sides").click()
    expect(page.locator("#left-title")).to_have_text("librosa")
    expect(page.locator("#left .rank .title")).to_have_text(found_by(stocked_service, "fast organ", "librosa"))
    shown = column(page, "right")
    page.reload()
    expect(page.locator("#right-title")).to_have_text("librosa: rhythm only")
    expect(page.locator("#right .rank .title")).to_have_text(shown)
    desktop.check()


def test_rows_are_heard_and_point_at_each_other(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    choose(page, "slow harp")
    row = page.locator("#left .rank.shared").first
    row.locator(".play").click()
    desktop.hear(from_s=0.2)
    expect(page.locator("#player-title")).to_have_text(row.locator(".title").inner_text())
    expect(page.locator(".rank.lit")).to_have_count(2)
    expect(page.locator("#links line.lit")).to_have_count(1)
    desktop.check()


def test_it_fits_on_a_phone_and_in_the_dark(stocked_service, phone, dark_desktop):
    for visit, name in ((phone, "compare-phone"), (dark_desktop, "compare-dark")):
        visit.page.goto(f"{stocked_service.url}/encoders")
        choose(visit.page, "slow harp")
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visit.keep_screenshot(name)
        visit.check()


def test_a_service_that_goes_away_is_missed_and_the_comparison_stays(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    choose(page, "slow harp")
    shown = column(page, "left")
    page.route("**/v1/**", lambda route: route.abort())
    page.locator("#swap-sides").click()
    expect(page.locator("#banner")).to_contain_text("does not answer")
    assert column(page, "left") == shown
    desktop.check(allowed="ERR_FAILED")


def test_going_back_to_the_start_compares_nothing(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    choose(page, "slow harp")
    page.locator("#view-left").select_option("librosa/rhythm")
    expect(page.locator("#left .rank").first).to_be_visible()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator("#left-title")).to_have_text("librosa: rhythm only")
    expect(page.locator("#chosen-title")).to_have_text("slow harp")
    while "#" in page.url:
        page.go_back()
    expect(page.locator("#overlap")).to_have_text("Choose a reference")
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page.locator(".rank")).to_have_count(0)
    expect(page.locator("#links line")).to_have_count(0)
    page.go_forward()
    expect(page.locator("#chosen-title")).to_have_text("slow harp")
    expect(page.locator("#left-title")).to_have_text("librosa: rhythm only")
    expect(page.locator("#left .rank").first).to_be_visible()
    desktop.check()


def test_a_track_that_is_picked_while_a_link_is_being_followed_stays_picked(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders")
    choose(page, "fast organ")
    held = desktop.hold("**/v1/tracks/*")
    page.reload()
    choose(page, "slow harp")
    held.pop().continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#chosen-title")).to_have_text("slow harp")
    desktop.check()


def test_a_reference_that_is_gone_is_told(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/encoders#track=01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55")
    expect(page.locator("#overlap")).to_contain_text("There is no track")
    desktop.check(allowed="404")


def test_one_encoder_alone_says_what_to_configure(service, desktop):
    desktop.page.goto(f"{service.url}/encoders")
    expect(desktop.page.locator("#compare-notice")).to_contain_text(
        "SOUNDKIN_ENCODERS=librosa,csn", timeout=STARTING_MS
    )
    expect(desktop.page.locator("#left-title")).to_have_text("librosa")
    desktop.check()


def test_without_a_worker_the_page_waits_and_says_so(idle_service, desktop):
    desktop.page.goto(f"{idle_service.url}/encoders")
    expect(desktop.page.locator("#compare-notice")).to_have_text("No encoder is there yet: the worker is starting.")
    desktop.check()
