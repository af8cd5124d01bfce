"""The page of the library. The tests of this file run in order on one service."""

import re

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMBEDDING_MS = 120_000


def opened(visit, service, query=""):
    visit.page.goto(f"{service.url}/library{query}")
    return visit.page


def titles(page):
    return page.locator(".entry .title").all_inner_texts()


def of_api(service, **params):
    answer = httpx.get(f"{service.url}/v1/tracks", params=params, trust_env=False)
    return answer.raise_for_status().json()["items"]


def test_an_empty_library_says_what_to_do(service, desktop):
    page = opened(desktop, service)
    expect(page.locator("#library-empty-title")).to_have_text("Your library is empty")
    expect(page.locator("#library-counts")).to_have_text("0 tracks ready")
    desktop.keep_screenshot("library-empty")
    desktop.check()


def test_a_folder_is_taken_in_with_its_progress_and_without_what_is_no_audio(service, desktop, music, tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for file in sorted(music.iterdir()):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "cover.txt").write_text("A cover, were it a picture.")
    (folder / "letter.mp3").write_text("Dear listener, this is not audio at all.\n" * 50)
    page = opened(desktop, service)
    page.locator("#pick-folder").set_input_files(folder)
    expect(page.locator(".toast")).to_contain_text("1 file left out")
    expect(page.locator("#uploads-summary")).to_have_text(
        "12 of 13 files in the catalogue, 1 failed", timeout=EMBEDDING_MS
    )
    expect(page.locator(".upload.bad .reason")).to_be_visible()
    expect(page.locator("#uploads-retry")).to_be_visible()
    expect(page.locator(".entry")).to_have_count(12)
    expect(page.locator("#library-counts")).to_have_text("12 tracks ready")
    desktop.keep_screenshot("library-uploads")
    desktop.check(allowed="status of 4")


def test_tracks_are_ordered_by_their_columns_and_the_address_keeps_it(service, desktop):
    page = opened(desktop, service)
    page.get_by_role("button", name="Title").click()
    expect(page.locator(".entry .title").first).to_have_text("fast drum")
    assert titles(page) == sorted(titles(page))
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Title")
    page.get_by_role("button", name="Title").click()
    expect(page.locator(".entry .title").first).to_have_text("walking organ")
    page.reload()
    expect(page.locator(".entry .title").first).to_have_text("walking organ")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Title")
    desktop.check()


def test_tracks_are_found_by_text_tempo_and_state(service, desktop):
    page = opened(desktop, service)
    page.locator("#library-text").fill("HARP")
    expect(page.locator(".entry")).to_have_count(3)
    page.locator("#library-filters summary").click()
    page.get_by_label("Slowest tempo, bpm").fill("399")
    expect(page.locator("#library-empty-title")).to_have_text("Nothing fits")
    page.locator("#library-clear").click()
    expect(page.locator(".entry")).to_have_count(12)
    page.get_by_role("radio", name="Failed").check(force=True)
    expect(page).to_have_url(re.compile(r"/library\?state=failed$"))
    expect(page.locator(".entry")).to_have_count(0)
    desktop.check()


def test_several_tracks_are_edited_at_once_and_then_found_by_their_tag(service, desktop):
    page = opened(desktop, service, "?sort=title")
    boxes = page.locator(".entry input[type=checkbox]")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    desktop.keep_screenshot("library-selected")
    page.locator("#bulk-edit").click()
    page.get_by_label("Add tags").fill("for the trailer, calm")
    page.locator("#edit-licence").fill("CC-BY-4.0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("3 tracks changed")
    expect(page.locator(".entry .tag", has_text="for the trailer")).to_have_count(3)
    expect(page.locator(".entry .licence", has_text="CC-BY-4.0")).to_have_count(3)
    page.locator("#library-filters summary").click()
    page.locator("#library-tag").fill("For the Trailer")
    page.locator("#library-licence").fill("cc-by-4.0, CC0")
    expect(page.locator(".entry")).to_have_count(3)
    assert sum(track["metadata"]["tags"] == ["for the trailer", "calm"] for track in of_api(service)) == 3
    desktop.check()


def test_deleting_asks_first_and_then_tells(service, desktop):
    page = opened(desktop, service, "?sort=-title")
    page.locator(".entry input[type=checkbox]").first.check()
    page.locator("#bulk-delete").click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("Delete 1 track?")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(of_api(service)) == 12
    page.locator("#bulk-delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text("1 track deleted")
    expect(page.locator(".entry")).to_have_count(11)
    expect(page.locator("#bulk")).to_be_hidden()
    assert len(of_api(service)) == 11
    desktop.check()


def test_a_track_is_heard_and_opened_from_its_row(service, desktop):
    page = opened(desktop, service, "?text=slow+harp")
    page.locator(".entry .play").click()
    desktop.hear(from_s=0.2)
    page.locator(".entry .title").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("slow harp")
    page.go_back()
    expect(page.locator(".entry")).to_have_count(1)
    desktop.check()


def test_a_listing_that_fails_says_why_and_can_be_asked_for_again(service, desktop):
    page = desktop.page
    page.route("**/v1/tracks?*", lambda route: route.fulfill(status=500, json={"detail": "Out of order."}))
    opened(desktop, service)
    expect(page.locator("#library-trouble")).to_contain_text("Out of order.")
    desktop.keep_screenshot("library-trouble")
    page.unroute("**/v1/tracks?*")
    page.locator("#library-again").click()
    expect(page.locator(".entry")).to_have_count(11)
    expect(page.locator("#library-trouble")).to_be_hidden()
    desktop.check(allowed="status of 500")


def test_the_library_fits_on_a_phone_with_hostile_titles(service, phone):
    track = of_api(service, limit=1)[0]
    title = '<img src=x onerror="alert(1)"> \u202e evil \u0645\u0648\u0633\u064a\u0642\u0649 ' + "W" * 700
    changed = {"title": title, "artist": "Ж" * 900, "tags": ["T" * 100]}
    httpx.patch(f"{service.url}/v1/tracks/{track['id']}", json=changed, trust_env=False).raise_for_status()
    page = opened(phone, service)
    expect(page.locator(".entry .title", has_text="<img src=x")).to_be_visible()
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("library-phone")
    phone.check()
