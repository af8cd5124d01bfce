"""What the page shows when the service is not ready for everything."""

import pytest
from playwright.sync_api import expect

KEY = "open-sesame" * 3

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_without_a_worker_uploads_wait_and_the_page_says_why(idle_service, desktop, music):
    page = desktop.open(idle_service)
    expect(page.locator("#counts")).to_contain_text("the worker is starting")
    page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    expect(page.locator(".upload .state")).to_have_text("in the queue")
    expect(page.locator(".track .state")).to_have_text("waiting")
    expect(page.locator(".track .pick")).to_be_disabled()
    desktop.check()


def test_a_service_with_keys_asks_for_one_and_then_everything_works(locked_service, desktop, music):
    page = desktop.open(locked_service)
    dialog = page.locator("#key-dialog")
    expect(dialog).to_be_visible()
    expect(page.locator("#key-note")).to_contain_text("needs a key")
    page.locator("#key-input").fill("guess")
    page.keyboard.press("Enter")
    expect(page.locator("#key-note")).to_contain_text("not known")
    desktop.keep_screenshot("key")
    page.locator("#key-input").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#catalogue-note")).to_contain_text("The catalogue is empty")
    page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    page.locator(".track .play").click()
    desktop.hear(from_s=0.3)
    page.reload()
    expect(page.locator(".track")).to_have_count(1)
    expect(dialog).to_be_hidden()
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("soundkin_session", True, "Strict")
    kept = "() => [document.cookie, ...Object.values(sessionStorage), ...Object.values(localStorage)].join()"
    assert not {KEY, cookie["value"]} & set(page.locator("html").evaluate(kept).split(","))
    desktop.check(allowed="401")


def test_a_session_that_ended_asks_for_a_key_and_then_does_what_was_asked(locked_service, desktop, music):
    page = desktop.open(locked_service)
    give_key(page)
    expect(page.locator("#catalogue-note")).to_contain_text("The catalogue is empty")
    page.context.clear_cookies()
    page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    expect(page.locator("#key-note")).to_contain_text("needs a key")
    give_key(page)
    expect(page.locator(".upload .state")).to_have_text("in the queue")
    expect(page.locator(".track")).to_have_count(1)
    page.context.clear_cookies()
    page.locator(".track .play").click()
    expect(page.locator("#key-dialog")).to_be_visible()
    give_key(page)
    desktop.hear(from_s=0.3)
    desktop.check(allowed="401")


def test_a_login_in_another_tab_does_not_keep_this_one_from_writing(locked_service, desktop, music):
    page = desktop.open(locked_service)
    give_key(page)
    first, second = sorted(music.iterdir())[:2]
    page.locator("#pick-tracks").set_input_files(first)
    expect(page.locator(".track")).to_have_count(1)
    page.request.post(f"{locked_service.url}/v1/session", data={"key": KEY})
    page.locator("#pick-tracks").set_input_files(second)
    expect(page.locator(".track")).to_have_count(2)
    expect(page.locator("#key-dialog")).to_be_hidden()
    desktop.check(allowed="Failed to load resource")


def test_what_is_sent_while_a_login_is_on_its_way_waits_for_it(locked_service, desktop, music):
    page = desktop.open(locked_service)
    expect(page.locator("#key-dialog")).to_be_visible()
    sessions, uploads = desktop.hold("**/v1/session"), desktop.hold("**/v1/tracks")
    give_key(page)
    page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    page.wait_for_timeout(300)
    for asked in reversed(sessions):
        asked.continue_()
    expect(page.locator("#catalogue-note")).to_contain_text("The catalogue is empty")
    page.wait_for_timeout(300)
    uploads.pop().continue_()
    expect(page.locator(".track")).to_have_count(1)
    desktop.check(allowed="401")


def give_key(page):
    expect(page.locator("#key-dialog")).to_be_visible()
    page.locator("#key-input").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#key-dialog")).to_be_hidden()


def test_an_address_of_a_track_that_is_gone_says_so(idle_service, desktop):
    desktop.page.goto(f"{idle_service.url}/#track=01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55")
    expect(desktop.page.locator("#matches-empty")).to_contain_text("There is no track")
    desktop.check(allowed="404")


def test_the_description_of_the_api_works_without_anything_from_elsewhere(idle_service, desktop):
    page = desktop.page
    page.goto(f"{idle_service.url}/docs")
    expect(page.locator("#operations-keys-log_in_v1_session_post")).to_be_visible()
    desktop.check()
