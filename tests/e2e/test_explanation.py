"""What opens under a match: the plot, what adds up to its similarity, and the parts that are closest."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def track_id(service: Any, title: str) -> str:
    answer = httpx.get(f"{service.url}/v1/tracks", params={"text": title}, trust_env=False).json()
    return str(answer["items"][0]["id"])


def opened(visit: Any, service: Any, address: str) -> Locator:
    """Open an address and the explanation of its first match."""
    visit.page.goto(f"{service.url}/#{address}")
    visit.page.locator(".match .why").first.click()
    return visit.page.locator(".explanation")


def number(text: str) -> float:
    return float(text.replace("\u2212", "-").removesuffix(" %"))


def heard(page: Page) -> str:
    return page.locator("#player-title").inner_text()


def test_contributions_add_up_and_the_plot_says_in_words_what_it_shows(stocked_service, desktop):
    why = opened(desktop, stocked_service, f"encoder=csn&track={track_id(stocked_service, 'slow harp')}")
    rows = why.locator(".sum tbody tr").all()
    total = number(why.locator(".sum tfoot .number").inner_text())
    assert len(rows) == 6
    for row in rows:
        alike, share, adds = (number(text) for text in row.locator("td").all_inner_texts())
        assert alike * share / 100 == pytest.approx(adds, abs=0.011)
    added = sum(number(row.locator("td").last.inner_text()) for row in rows)
    assert added == pytest.approx(total, abs=0.031)
    plot = why.get_by_role("img")
    expect(plot).to_have_attribute("aria-label", re.compile(r"^Similarity in each dimension: genre −?\d\.\d\d, "))
    assert why.locator("svg polygon.series").count() == 2
    mix = desktop.page.locator("#mix-radar").get_by_role("img")
    expect(mix).to_have_attribute("aria-label", re.compile(r"^Share of each dimension in the query: .*\d %"))
    desktop.keep_screenshot("explanation")
    desktop.check()


def test_the_keyboard_opens_and_closes_it_and_sliders_keep_it_up_to_date(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/#encoder=librosa&track={track_id(stocked_service, 'slow harp')}")
    button = page.locator(".match .why").first
    expect(button).to_have_attribute("aria-expanded", "false")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    why = page.locator(".explanation")
    assert button.get_attribute("aria-controls") == why.get_attribute("id")
    for space in ("harmony", "rhythm", "dynamics"):
        page.locator(f"#sliders input[name='{space}']").fill("0")
    expect(why.locator(".sum tbody tr")).to_have_count(1)
    expect(why.locator(".sum tbody td").nth(1)).to_have_text("100 %")
    button.focus()
    page.keyboard.press("Space")
    expect(why).to_have_count(0)
    desktop.check()


def test_contrast_is_told_from_likeness(stocked_service, desktop):
    address = (
        f"encoder=csn&track={track_id(stocked_service, 'slow harp')}&weights=genre:-1&tag=csn/instrument/harp:1"
    )
    why = opened(desktop, stocked_service, address)
    expect(why.locator(".sum tbody th").first).to_have_text("not genre")
    expect(why.locator("svg text").first).to_contain_text("not genre")
    expect(why.locator(".tag-share bdi")).to_have_text("harp")
    expect(why.locator(".tag-share .note")).to_contain_text("through instrument")
    desktop.check()


def test_the_closest_parts_are_named_and_heard_one_after_the_other(stocked_service, desktop):
    why = opened(desktop, stocked_service, f"encoder=librosa&track={track_id(stocked_service, 'slow harp')}")
    page = desktop.page
    nearest = page.locator(".match .title").first.inner_text()
    words = why.locator(".part-words")
    expect(words).to_have_text(
        re.compile(r"^\d:\d\d–\d:\d\d of this track sounds like \d:\d\d–\d:\d\d of the reference: ")
    )
    why.locator(".play-both").click()
    expect(page.locator("#player-title")).to_have_text("slow harp")
    expect(page.locator("#player-note")).to_contain_text("closest part from")
    expect(page.locator("#player-title")).to_have_text(nearest, timeout=20_000)
    page.locator("#player-close").click()
    why.locator(".play-part").click()
    expect(page.locator("#player-title")).to_have_text(nearest)
    desktop.check()


def test_all_similar_parts_stand_on_a_timeline(stocked_service, desktop):
    why = opened(desktop, stocked_service, f"encoder=librosa&track={track_id(stocked_service, 'slow harp')}")
    expect(why.locator(".timeline .section")).to_have_count(1)
    expect(why.locator(".timeline-end")).to_have_text("0:12")
    why.locator(".sections").click()
    expect(why.locator(".sections-note")).to_contain_text("nearly as close")
    button = why.locator(".timeline button").first
    expect(button).to_have_attribute("aria-label", re.compile(r"^Play \d:\d\d–\d:\d\d, similarity −?\d\.\d\d$"))
    button.click()
    expect(desktop.page.locator("#player")).to_be_visible()
    desktop.check()
