"""The page of settings: theme, session, keys, encoders, weightings, what is configured."""

import re

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADMIN_KEY = "open-sesame" * 3


def opened(visit, service):
    visit.page.goto(f"{service.url}/settings")
    return visit.page


def log_in(page, key):
    page.locator("#key-input").fill(key)
    page.keyboard.press("Enter")
    expect(page.locator("#key-dialog")).to_be_hidden()


def ask(service, method, path, **body):
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    answer = httpx.request(method, service.url + path, headers=headers, trust_env=False, **body)
    return answer.raise_for_status()


def test_an_open_service_says_that_nobody_needs_a_key(idle_service, desktop):
    page = opened(desktop, idle_service)
    expect(page.locator("#keys-open")).to_contain_text("Nobody needs a key yet")
    expect(page.locator("#session-facts")).to_contain_text("none is needed")
    expect(page.locator("#log-out")).to_be_hidden()
    expect(page.locator("#disk-note")).to_contain_text("of the disk are free")
    expect(page.locator("#configured-list")).to_contain_text("SOUNDKIN_ENCODERS")
    desktop.check()


def test_from_the_first_key_on_everybody_needs_one(idle_service, desktop):
    page = opened(desktop, idle_service)
    page.get_by_label("Name").fill("mine")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#secret")).to_have_value(re.compile("^sk_"))
    secret = page.locator("#secret").input_value()
    page.get_by_role("button", name="I have kept it").click()
    expect(page.locator("#key-dialog")).to_be_visible()
    log_in(page, secret)
    expect(page.locator("#key-list tr", has_text="mine")).to_contain_text("admin")
    expect(page.locator("#keys-open")).to_be_hidden()
    desktop.check(allowed="401")


def make_first_key(page):
    page.get_by_label("Name").fill("mine")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#secret")).to_have_value(re.compile("^sk_"))
    return page.locator("#secret").input_value()


def test_nothing_covers_the_first_key_until_it_is_kept_and_then_the_page_catches_up(idle_service, desktop):
    desktop.page.clock.install()
    page = opened(desktop, idle_service)
    secret = make_first_key(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(20_000)
    page.wait_for_timeout(300)
    assert [url for url in asked if "/v1/events" not in url] == []
    expect(page.locator("#key-dialog")).to_be_hidden()
    expect(page.locator("#secret")).to_have_value(secret)
    page.get_by_role("button", name="I have kept it").click()
    log_in(page, secret)
    expect(page.locator("#session-facts")).to_contain_text("admin")
    expect(page.locator("#log-out")).to_be_visible()
    desktop.check(allowed="401")


def test_a_refusal_that_comes_late_waits_until_the_first_key_is_kept(idle_service, desktop):
    held = desktop.hold("**/v1/stats")
    page = opened(desktop, idle_service)
    secret = make_first_key(page)
    with page.expect_response("**/v1/stats") as answer:
        held.pop().continue_()
    assert answer.value.status == 401
    page.unroute("**/v1/stats")
    page.wait_for_timeout(300)
    expect(page.locator("#key-dialog")).to_be_hidden()
    page.get_by_role("button", name="I have kept it").click()
    log_in(page, secret)
    expect(page.locator("#stats-facts")).to_contain_text("Tracks")
    desktop.check(allowed="401")


def test_where_a_key_cannot_be_copied_the_page_says_how_it_can(idle_service, desktop):
    refusals = "navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false;"
    desktop.page.add_init_script(refusals)
    page = opened(desktop, idle_service)
    secret = make_first_key(page)
    page.locator("#secret-copy").click()
    expect(page.locator("#secret-copied")).to_have_text("Press Ctrl+C or ⌘C")
    expect(page.locator("#secret")).to_be_focused()
    selected = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert page.locator("#secret").evaluate(selected) == secret
    desktop.keep_screenshot("settings-secret-selected")
    desktop.check()


def test_a_service_that_comes_back_leaves_a_half_made_key_as_it_is(idle_service, desktop):
    desktop.page.clock.install()
    page = opened(desktop, idle_service)
    page.get_by_label("Name").fill("half made")
    page.locator("#new-key-scope").select_option("write")
    page.context.set_offline(True)
    page.clock.fast_forward(7_000)
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.context.set_offline(False)
    with page.expect_response("**/v1/session"):
        page.clock.fast_forward(2_000)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.get_by_label("Name")).to_have_value("half made")
    expect(page.locator("#new-key-scope")).to_have_value("write")
    desktop.check(allowed="ERR_")


def test_who_logs_in_with_another_key_sees_what_that_one_may(locked_service, desktop):
    reader = ask(locked_service, "POST", "/v1/keys", json={"name": "reader", "scope": "read"}).json()["secret"]
    desktop.page.clock.install()
    page = opened(desktop, locked_service)
    log_in(page, reader)
    expect(page.locator(".needs")).to_have_count(2)
    page.context.set_offline(True)
    page.clock.fast_forward(7_000)
    expect(page.locator("#banner")).to_be_visible()
    page.context.clear_cookies()
    page.context.set_offline(False)
    page.clock.fast_forward(2_000)
    log_in(page, ADMIN_KEY)
    expect(page.locator(".needs")).to_have_count(0)
    expect(page.locator("#new-key-form")).to_be_visible()
    expect(page.locator("#configured-list")).to_contain_text("SOUNDKIN_ENCODERS")
    desktop.check(allowed="Failed to load resource")


def test_no_key_is_made_before_the_page_knows_that_the_first_is_to_be_an_admins(idle_service, desktop):
    held = desktop.hold("**/v1/session")
    page = desktop.page
    page.goto(f"{idle_service.url}/settings")
    page.get_by_label("Name").fill("mine")
    expect(page.locator("#new-key-make")).to_be_disabled()
    held.pop().continue_()
    expect(page.locator("#new-key-make")).to_be_enabled()
    expect(page.locator("#new-key-scope")).to_have_value("admin")
    desktop.check()


def test_a_key_is_made_shown_once_and_revoked(locked_service, desktop):
    page = opened(desktop, locked_service)
    log_in(page, ADMIN_KEY)
    page.get_by_label("Name").fill("ingest robot")
    page.locator("#new-key-scope").select_option("write")
    page.locator("#new-key-days").select_option("7")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#secret")).to_have_value(re.compile("^sk_"))
    secret = page.locator("#secret").input_value()
    page.locator("#secret-copy").click()
    expect(page.locator("#secret-copied")).to_have_text("Copied")
    desktop.keep_screenshot("settings-secret")
    page.get_by_role("button", name="I have kept it").click()
    row = page.locator("#key-list tr", has_text="ingest robot")
    expect(row).to_contain_text("write")
    expect(row.locator(".expires")).not_to_have_text("never")
    assert secret not in page.content()
    assert page.locator("#secret").input_value() == ""
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{locked_service.url}/v1/tracks", headers=headers, trust_env=False).status_code == 200
    row.get_by_role("button", name="Revoke ingest robot").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert httpx.get(f"{locked_service.url}/v1/tracks", headers=headers, trust_env=False).status_code == 401
    desktop.check(allowed="401")


def test_who_may_only_read_is_told_what_is_missing(locked_service, desktop):
    reader = ask(locked_service, "POST", "/v1/keys", json={"name": "reader", "scope": "read"}).json()["secret"]
    page = opened(desktop, locked_service)
    log_in(page, reader)
    expect(page.locator("#session-facts")).to_contain_text("read")
    needs = page.locator(".needs")
    expect(needs).to_have_count(2)
    expect(needs.first).to_have_text("This takes a key with the scope admin; yours has read.")
    expect(page.locator("#new-key-form")).to_be_hidden()
    page.locator("#log-out").click()
    expect(page.locator("#key-dialog")).to_be_visible()
    desktop.check(allowed="401")


def test_weightings_are_renamed_and_forgotten(stocked_service, desktop):
    kept = {"name": "Mood first", "encoder": "csn", "weights": {"mood": 1, "genre": 0.3}}
    httpx.post(f"{stocked_service.url}/v1/weightings", json=kept, trust_env=False).raise_for_status()
    page = opened(desktop, stocked_service)
    row = page.locator(".weighting", has_text="csn: mood 1, genre 0.3")
    row.locator("input").fill("Mood above all")
    row.locator("input").press("Enter")
    expect(page.locator(".toast")).to_contain_text("Renamed")
    page.reload()
    expect(row.locator("input")).to_have_value("Mood above all")
    row.get_by_role("button", name="Forget Mood above all").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Forget").click()
    expect(row).to_have_count(0)
    desktop.check()


def test_encoders_tell_how_far_they_are_and_one_becomes_the_default(stocked_service, desktop):
    page = opened(desktop, stocked_service)
    csn = page.locator(".standing", has=page.get_by_role("heading", name=re.compile("csn")))
    librosa = page.locator(".standing", has=page.get_by_role("heading", name=re.compile("librosa")))
    expect(csn.locator(".covered")).to_contain_text("12 tracks embedded, 100 % of the library")
    desktop.keep_screenshot("settings")
    csn.get_by_role("button", name="Make it the default").click()
    expect(csn.locator(".badge", has_text="default")).to_be_visible()
    librosa.get_by_role("button", name="Make it the default").click()
    expect(librosa.locator(".badge", has_text="default")).to_be_visible()
    desktop.check()


def test_settings_fit_on_a_phone(locked_service, phone):
    ask(locked_service, "POST", "/v1/keys", json={"name": "W" * 200, "scope": "read"})
    page = opened(phone, locked_service)
    log_in(page, ADMIN_KEY)
    expect(page.locator("#key-list tr")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("settings-phone")
    phone.check(allowed="401")
