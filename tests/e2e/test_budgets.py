"""What each page may cost: its scripts, and the time until something is to be seen, with 10 000 tracks."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/",
    "/components",
    "/library",
    "/tracks/{track}",
    "/briefs",
    "/briefs/nothing",
    "/encoders",
    "/encoders#track={track}",
    "/map",
    "/jobs",
    "/settings",
)
SCRIPT_BYTES = 300_000
FIRST_PAINT_MS = 1000
TRIES = 3

TRACKS_THERE = """
    performance.getEntriesByType("resource").find(({ name }) => name.includes("/v1/tracks?")).responseEnd
"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@pytest.fixture(scope="module")
def track(large_service):
    page = httpx.get(f"{large_service.url}/v1/tracks?limit=1", trust_env=False).raise_for_status().json()
    return page["items"][0]["id"]


def opened(browser, url):
    """Open a page in a browser that has nothing of it yet; return bytes of scripts, and the first paint in ms."""
    with visiting(browser, viewport={"width": 1440, "height": 960}) as visit:
        scripts = []
        visit.page.on("response", lambda got: got.request.resource_type == "script" and scripts.append(got))
        visit.page.goto(url)
        expect(visit.page.locator("main")).to_be_visible()
        first_paint_ms = visit.page.evaluate(FIRST_PAINT)
        return sum(len(script.body()) for script in scripts), first_paint_ms


def holds(measure, limit_ms):
    """Whether the best of a few tries stays below the limit; a busy machine deserves another try."""
    return any(measure() < limit_ms for _ in range(TRIES))


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_small_and_seen_at_once(large_service, browser, track, address):
    url = large_service.url + address.format(track=track)
    size, first_paint_ms = opened(browser, url)
    assert 0 < size < SCRIPT_BYTES
    assert first_paint_ms < FIRST_PAINT_MS or holds(lambda: opened(browser, url)[1], FIRST_PAINT_MS)


def test_the_library_shows_tracks_at_once_however_many_there_are(large_service, browser):
    def shown_ms():
        with visiting(browser, viewport={"width": 1440, "height": 960}) as visit:
            visit.page.goto(f"{large_service.url}/library")
            expect(visit.page.locator(".entry").first).to_be_visible()
            return visit.page.evaluate(TRACKS_THERE)

    assert holds(shown_ms, FIRST_PAINT_MS)


def test_more_tracks_come_when_they_are_asked_for(large_service, desktop):
    page = desktop.page
    page.goto(f"{large_service.url}/library?sort=title")
    expect(page.locator(".entry")).to_have_count(50)
    expect(page.locator("#library-note")).to_have_text("The first 50 are shown")
    page.locator("#library-more").click()
    expect(page.locator(".entry")).to_have_count(100)
    titles = page.locator(".entry .title").all_inner_texts()
    assert titles == sorted(titles, key=str.casefold)
    desktop.check()
