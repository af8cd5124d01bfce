"""What somebody does on their first morning, on thirty recordings, with the default settings.

The tests are the chapters of one story and run in order on one service.
"""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from app.client import Client
from models.audio import decode
from tests.e2e.conftest import RATE_HZ, Visit, encode, running, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMBEDDING_MS = 240_000
DRAWING_MS = 120_000
BRIEF = "Chase on the roofs"
LICENCE = "CC-BY-SA-3.0"
SCREENS = {
    "light": {"viewport": {"width": 1440, "height": 960}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 960}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
}


@pytest.fixture(scope="module")
def first_morning(tmp_path_factory):
    """A service as ``make run`` starts it."""
    with running(tmp_path_factory.mktemp("service"), SOUNDKIN_ENCODERS="") as service:
        service.wait_for("/readyz")
        yield service


@pytest.fixture
def client(first_morning):
    with Client(first_morning.url) as client:
        yield client


@pytest.fixture(scope="module")
def overheard(recordings, tmp_path_factory):
    """Fifteen seconds of one of the recordings, quieter, as somebody's phone might have sent them."""
    with next(each.file for each in recordings if "scooterfest" in each.file.name).open("rb") as file:
        waveform = decode(file, sample_rate_hz=RATE_HZ, max_duration_s=35).waveform[20 * RATE_HZ :]
    clip = tmp_path_factory.mktemp("clip") / "overheard.mp3"
    clip.write_bytes(encode(0.5 * waveform, "mp3", "overheard"))
    return clip


@pytest.fixture
def brief(client):
    return next(each for each in client.briefs() if each.name == BRIEF)


def test_thirty_tracks_are_uploaded_while_one_watches(first_morning, desktop, recordings):
    page = desktop.page
    page.goto(f"{first_morning.url}/library")
    expect(page.locator("#library-empty-title")).to_have_text("Your library is empty")
    page.locator("#pick-tracks").set_input_files([each.file for each in recordings])
    expect(page.locator("#uploads-summary")).to_contain_text("of 30 files")
    expect(page.locator(".upload .state", has_text=re.compile(r"\d+ %")).first).to_be_visible(timeout=EMBEDDING_MS)
    expect(page.locator("#uploads-summary")).to_have_text("30 of 30 files in the catalogue", timeout=EMBEDDING_MS)
    expect(page.locator("#library-counts")).to_have_text("30 tracks ready")
    first_morning.wait_for_tracks(30, indexes=2)
    desktop.check()


def test_a_program_says_what_the_files_do_not(client, recordings):
    said = {each.file.name: each for each in recordings}
    for track in list(client.tracks()):
        known = said[track.filename]
        client.edit_track(track.id, {"licence": known.licence, "album": known.soundtrack})
    licensed = {"field": "licence", "equals": LICENCE}
    assert len(list(client.tracks(where=licensed))) == sum(each.licence == LICENCE for each in recordings)


def search_by_clip(visit: Visit, service, clip):
    page = visit.open(service)
    page.locator("#pick-clip").set_input_files(clip)
    expect(page.locator(".match").first).to_be_visible(timeout=EMBEDDING_MS)
    return page


def test_a_dropped_clip_finds_the_recording_that_it_is_of(first_morning, desktop, overheard):
    page = search_by_clip(desktop, first_morning, overheard)
    expect(page.locator("#reference-title")).to_have_text("overheard")
    expect(page.locator(".match .title").first).to_have_text("scooterfest")
    desktop.check()


def test_sliders_are_moved_and_the_best_match_is_explained(first_morning, desktop, overheard):
    page = search_by_clip(desktop, first_morning, overheard)
    before = page.locator(".match .title").all_inner_texts()
    page.locator("#sliders input[name='timbre']").fill("0")
    page.locator("#sliders input[name='dynamics']").fill("-1")
    expect(page.locator(".match .title")).not_to_have_text(before)
    page.locator(".match .why").first.click()
    explanation = page.locator(".explanation")
    expect(explanation.get_by_role("img").first).to_have_accessible_name(re.compile("Similarity in each dimension"))
    expect(explanation.locator(".part-words")).to_contain_text("of the reference")
    page.locator(".match").first.evaluate("row => row.scrollIntoView()")
    desktop.keep_screenshot("story-explanation")
    page.locator(".match .play").first.click()
    desktop.hear(from_s=0.2)
    desktop.check()


def test_the_search_becomes_a_brief_with_a_licence_and_a_tempo(first_morning, desktop, overheard, client):
    page = search_by_clip(desktop, first_morning, overheard)
    page.get_by_role("button", name="Make a brief").click()
    expect(page.locator("#brief-chosen-title")).to_have_text("overheard")
    page.locator("#brief-name").fill(BRIEF)
    page.locator("#brief-licence").fill(LICENCE)
    page.keyboard.press("Enter")
    page.locator("#brief-tempo-mode").select_option("within_percent")
    page.locator("[name=tempo_amount]").fill("25")
    page.locator("#brief-form-save").click()
    expect(page.locator("#brief-title")).to_have_text(BRIEF)
    expect(page.locator("#match-list .candidate").first).to_be_visible()
    for match in page.locator("#match-list .candidate").all():
        expect(match.locator(".meet", has_text="Licence")).to_contain_text(LICENCE)
        expect(match.locator(".meet.broken")).to_have_count(0)
    expect(page.locator("#near-list .candidate .meet.broken").first).to_be_visible()
    [kept] = client.briefs()
    assert kept.request["constraints"]["licences"] == [LICENCE]
    desktop.check()


def open_brief(visit: Visit, service, brief):
    visit.page.goto(f"{service.url}/briefs/{brief.id}")
    expect(visit.page.locator("#match-list .candidate").first).to_be_visible()
    return visit.page


def test_one_match_is_shortlisted_and_another_rejected(first_morning, desktop, brief, client):
    page = open_brief(desktop, first_morning, brief)
    for key in ("j", "s", "j", "r"):
        page.keyboard.press(key)
    page.get_by_role("button", name="wrong mood").first.click()
    expect(page.locator("#tab-rejected")).to_contain_text("1")
    assert {each.verdict: each.reason for each in client.decisions(brief.id).items} == {
        "shortlisted": "",
        "rejected": "wrong mood",
    }
    desktop.check()


def test_suggested_weights_are_accepted_and_the_brief_asks_with_them(first_morning, desktop, brief, client):
    page = open_brief(desktop, first_morning, brief)
    page.locator("#match-list .like").first.click()
    page.locator("#near-list .dislike").first.click()
    page.locator("#judging-ask").click()
    expect(page.locator("#changes .why").first).not_to_be_empty()
    page.locator("#judging-accept").click()
    expect(page.locator("#judging")).to_be_hidden()
    expect(page.locator("#match-list .candidate").first).to_be_visible()
    weights = client.brief(brief.id).request["reference"]["weights"]
    assert len(set(weights.values())) > 1
    desktop.check()


def test_the_shortlist_is_exported(first_morning, desktop, brief):
    page = open_brief(desktop, first_morning, brief)
    page.locator("#tab-shortlist").click()
    with page.expect_download() as got:
        page.locator("#export-csv").click()
    [row] = csv.DictReader(io.StringIO(got.value.path().read_text("utf-8-sig")))
    assert row["licence"] == LICENCE
    desktop.check()


def test_the_map_is_drawn(first_morning, desktop):
    page = desktop.page
    page.goto(f"{first_morning.url}/map")
    page.get_by_role("button", name="Draw the map").click()
    expect(page.locator("#legend li").first).to_be_visible(timeout=DRAWING_MS)
    expect(page.locator("#map-note")).to_contain_text("30 tracks")
    desktop.check(allowed="404")  # there was no map to begin with


def pages_of(client, brief):
    track = next(client.tracks(text="scooterfest"))
    other = next(client.tracks(text="opening"))
    mixed = "encoder=csn&weights=mood:1,tempo:0.5"
    return {
        "search": f"/#track={track.id}&{mixed}",
        "search-two": f"/#tracks={track.id},{other.id}",
        "library": "/library",
        "track": f"/tracks/{track.id}",
        "briefs": "/briefs",
        "brief": f"/briefs/{brief.id}",
        "map": "/map",
        "encoders": f"/encoders#track={track.id}",
        "jobs": "/jobs",
        "settings": "/settings",
    }


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_stands_on_every_screen(first_morning, browser, client, brief, screen):
    with visiting(browser, **SCREENS[screen]) as visit:
        look_at_every_page(visit, first_morning, pages_of(client, brief), screen)


def look_at_every_page(visit, service, pages, screen):
    for name, address in pages.items():
        visit.page.goto(service.url + address)
        expect(visit.page.locator("h1")).to_be_visible()
        expect(visit.page.locator(".skeleton:visible")).to_have_count(0)
        visit.page.wait_for_timeout(400)  # answers that come one after the other
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= visit.page.viewport_size["width"], name
        visit.keep_screenshot(f"{name}-{screen}")
    visit.check()
