"""The page of components, and other encoders mixed into a search. The tests run in order on one service."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMBEDDING_MS = 120_000


def test_components_are_there_before_any_track_is(mixed_service, desktop):
    desktop.page.goto(f"{mixed_service.url}/components")
    expect(desktop.page.locator(".card").first).to_be_visible(timeout=EMBEDDING_MS)
    expect(desktop.page.locator("#components-note")).to_contain_text(
        "No track of this library is embedded by it yet"
    )
    expect(desktop.page.locator(".card .example")).to_have_count(0)
    desktop.check()


def test_components_show_their_tags_shares_and_best_tracks(mixed_service, desktop, music):
    page = desktop.open(mixed_service)
    page.locator("#pick-tracks").set_input_files(sorted(music.iterdir()))
    expect(page.locator("#uploads-summary")).to_have_text("12 of 12 files in the catalogue", timeout=EMBEDDING_MS)
    mixed_service.wait_for_tracks(12)
    page.locator("#components-link").click()
    card = page.locator(".card").first
    expect(card.locator(".example")).to_have_count(3)
    expect(page.locator("#components-note")).to_contain_text("12 tracks of this library")
    assert re.search(r"\d+(\.\d)? % of this library", card.locator(".amounts").inner_text())
    assert page.locator(".card .tag .lift").first.inner_text().startswith("×")
    desktop.keep_screenshot("components")
    desktop.check()


def test_an_example_can_be_heard_and_searched_from(mixed_service, desktop):
    page = desktop.page
    page.goto(f"{mixed_service.url}/components")
    example = page.locator(".card .example").first
    example.locator(".play").click()
    desktop.hear(from_s=0.2)
    title = example.locator(".title").inner_text()
    example.locator(".pick").click()
    expect(page.locator("#reference-title")).to_have_text(title)
    expect(page.locator(".match").first).to_be_visible()
    desktop.check()


def test_components_that_are_hardly_used_are_shown_when_asked_for(mixed_service, desktop):
    page = desktop.page
    page.goto(f"{mixed_service.url}/components")
    expect(page.locator(".card .example").first).to_be_visible()
    few = page.locator(".card").count()
    page.locator("#components-more").click()
    expect(page.locator("#components-more")).to_be_hidden()
    assert page.locator(".card").count() > few


def test_another_encoder_is_mixed_in_by_its_slider(mixed_service, desktop):
    page = desktop.open(mixed_service)
    page.locator(".track .pick", has_text="slow harp").click()
    expect(page.locator(".match")).to_have_count(11)
    alone = page.locator(".match .title").all_inner_texts()
    assert page.locator(".slider .name").all_inner_texts()[-1] == "hdpgmm"
    assert page.locator(".slider .share").all_inner_texts()[-1] == "ignored"
    page.locator("#sliders input[name='hdpgmm']").fill("2")
    expect(page.locator(".match .bar .name", has_text="sound")).to_have_count(11)
    expect(page.locator(".match .shared").first).to_contain_text("Shares")
    assert page.locator(".match .title").all_inner_texts() != alone
    shares = [int(text.removesuffix(" %")) for text in page.locator(".slider .share").all_inner_texts()]
    assert sum(shares) in range(98, 103)
    assert shares[-1] > 20
    desktop.keep_screenshot("mixed")
    page.locator("#mix-reset").click()
    expect(page.locator(".match .bar .name", has_text="sound")).to_have_count(0)
    desktop.check()


def test_the_page_of_components_fits_on_a_phone_and_in_the_dark(mixed_service, phone, dark_desktop):
    for visit, name in ((phone, "components-phone"), (dark_desktop, "components-dark")):
        visit.page.goto(f"{mixed_service.url}/components")
        expect(visit.page.locator(".card .example").first).to_be_visible()
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= visit.page.viewport_size["width"]
        visit.keep_screenshot(name)
        visit.check()


def test_without_a_worker_the_page_waits_and_says_so(idle_service, desktop):
    desktop.page.goto(f"{idle_service.url}/components")
    expect(desktop.page.locator("#components-note")).to_have_text(
        "No encoder is there yet: the worker is starting."
    )
    expect(desktop.page.locator(".card")).to_have_count(0)
    desktop.check()
