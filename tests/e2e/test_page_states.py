"""What the page shows when the service is not ready for everything."""

import pytest
from playwright.sync_api import expect

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
    page.locator("#key-input").fill("open-sesame" * 3)
    page.keyboard.press("Enter")
    expect(page.locator("#catalogue-note")).to_contain_text("The catalogue is empty")
    page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    page.locator(".track .play").click()
    desktop.hear(from_s=0.3)
    page.reload()
    expect(page.locator(".track")).to_have_count(1)
    expect(dialog).to_be_hidden()
    desktop.check(allowed="401")


def test_an_address_of_a_track_that_is_gone_says_so(idle_service, desktop):
    desktop.page.goto(f"{idle_service.url}/#track=01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55")
    expect(desktop.page.locator("#matches-empty")).to_contain_text("There is no track")
    desktop.check(allowed="404")
