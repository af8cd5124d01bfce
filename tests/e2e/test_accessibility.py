"""Whether people who cannot see, or cannot point, can use the pages: axe-core judges each of them."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/",
    "/#track={track}",
    "/components",
    "/library",
    "/library?tempo_min=60",
    "/tracks/{track}",
    "/tracks/nothing",
    "/briefs",
    "/briefs/nothing",
    "/encoders",
    "/encoders#track={track}",
    "/map",
    "/jobs",
    "/settings",
)
"""A new page goes in here; {track} is the id of a track that is ready."""

GRAVE = {"serious", "critical"}


def a_track(service):
    page = httpx.get(f"{service.url}/v1/tracks?limit=1", trust_env=False).raise_for_status().json()
    return page["items"][0]["id"]


def faults_of(page):
    """Every grave fault, with the elements that have it."""
    expect(page.locator("main")).to_be_visible()
    expect(page.locator(".skeleton:visible")).to_have_count(0)
    page.wait_for_timeout(400)  # answers that come one after the other
    found = Axe().run(page).response["violations"]
    return [
        (fault["id"], fault["help"], [node["target"] for node in fault["nodes"]][:5])
        for fault in found
        if fault["impact"] in GRAVE
    ]


@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_grave(large_service, desktop, dark_desktop, address):
    for visit in (desktop, dark_desktop):
        visit.page.goto(large_service.url + address.format(track=a_track(large_service)))
        assert faults_of(visit.page) == []


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_grave_on_a_phone_either(large_service, phone, address):
    phone.page.goto(large_service.url + address.format(track=a_track(large_service)))
    assert faults_of(phone.page) == []
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= phone.page.viewport_size["width"]


def test_nothing_is_grave_in_what_opens_on_the_search_page(stocked_service, desktop, dark_desktop):
    for visit in (desktop, dark_desktop):
        page = visit.page
        page.goto(f"{stocked_service.url}/#track={a_track(stocked_service)}&tag=csn/mood/calm:-1")
        page.locator(".match .add").nth(1).click()
        expect(page.locator(".voice")).to_have_count(2)
        page.locator(".part").first.click()
        page.locator(".match .why").first.click()
        page.locator(".match .dislike").first.click()
        expect(page.locator(".change").first).to_be_visible()
        page.locator("#filters summary").click()
        page.locator("#tag-text").fill("a")
        expect(page.locator("[role=option]").first).to_be_visible()
        assert faults_of(page) == []


def test_the_theme_is_chosen_kept_and_there_before_anything_is_drawn(large_service, desktop):
    page = desktop.page
    page.goto(f"{large_service.url}/jobs")
    background = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    switch = page.locator("#theme-switch")
    expect(switch).to_have_accessible_name("Theme: auto. Change to light")
    switch.click()
    switch.click()
    expect(switch).to_have_accessible_name("Theme: dark. Change to auto")
    page.goto(f"{large_service.url}/settings")
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != background
    expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    page.get_by_role("radio", name="As the system").check(force=True)
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == background
    desktop.check()


def test_every_section_is_in_the_menu_and_marked_where_one_is(large_service, phone):
    page = phone.page
    page.goto(f"{large_service.url}/settings")
    menu = page.get_by_role("navigation", name="Main")
    names = ["Search", "Library", "Briefs", "Map", "Encoders", "Jobs", "Settings"]
    assert menu.get_by_role("link").all_inner_texts() == names
    expect(menu.locator("[aria-current=page]")).to_have_text("Settings")
    expect(menu.locator("[aria-current=page]")).to_be_in_viewport(ratio=1)
    menu.get_by_role("link", name="Library").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Library")
