"""Files on their way into the catalogue, on a service without any worker."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.test_lists import without_events

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DROPPED = """() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["Not audio at all."], "letter.mp3"));
    return transfer;
}"""
LOOKED_MS = 15_000


@pytest.fixture
def api(idle_service):
    with httpx.Client(base_url=idle_service.url, timeout=30, trust_env=False) as client:
        yield client


def uploaded(visit, service, music):
    """Upload a tune; return its row, once its job waits."""
    visit.open(service)
    visit.page.locator("#pick-tracks").set_input_files(min(music.iterdir()))
    row = visit.page.locator(".upload")
    expect(row.locator(".state")).to_have_text("in the queue")
    return row


def job_of(api):
    [job] = api.get("/v1/jobs").raise_for_status().json()["items"]
    return job["id"]


def cancel(api, row):
    api.post(f"/v1/jobs/{job_of(api)}/cancel").raise_for_status()
    expect(row.locator(".reason")).to_have_text("Cancelled.", timeout=LOOKED_MS)


def test_a_row_goes_on_when_its_job_is_tried_again_elsewhere(idle_service, desktop, music, api):
    row = uploaded(desktop, idle_service, music)
    cancel(api, row)
    api.post(f"/v1/jobs/{job_of(api)}/retry").raise_for_status()
    expect(row.locator(".state")).to_have_text("in the queue")
    expect(row.locator(".reason")).to_be_hidden()
    desktop.check()


def test_a_job_is_tried_again_once_however_often_that_is_asked_for(idle_service, desktop, music, api):
    row = uploaded(desktop, idle_service, music)
    cancel(api, row)
    asked = desktop.hold("**/v1/jobs/*/retry")
    row.locator(".act").dblclick()
    expect(row.locator(".state")).to_have_text("in the queue")
    expect(desktop.page.locator("#uploads-retry")).to_be_hidden()
    [retry] = asked
    retry.continue_()
    expect(row.locator(".state")).to_have_text("in the queue")
    expect(desktop.page.locator("#matches-empty")).to_be_hidden()
    desktop.check()


def test_a_row_whose_job_was_tried_again_unheard_goes_on(idle_service, desktop, music, api):
    without_events(desktop)
    row = uploaded(desktop, idle_service, music)
    cancel(api, row)
    api.post(f"/v1/jobs/{job_of(api)}/retry").raise_for_status()
    with desktop.page.expect_response("**/v1/jobs/*/retry") as answer:
        row.locator(".act").click()
    assert answer.value.status == 409
    expect(row.locator(".state")).to_have_text("in the queue")
    api.post(f"/v1/jobs/{job_of(api)}/cancel").raise_for_status()
    expect(row.locator(".state")).to_have_text("failed", timeout=LOOKED_MS)
    desktop.check(allowed="409")


def test_a_row_says_that_its_track_was_removed(idle_service, desktop, music, api):
    without_events(desktop)
    row = uploaded(desktop, idle_service, music)
    [track] = api.get("/v1/tracks").raise_for_status().json()["items"]
    api.delete(f"/v1/tracks/{track['id']}").raise_for_status()
    expect(row.locator(".reason")).to_have_text("The track was removed meanwhile.", timeout=LOOKED_MS)
    desktop.check(allowed="404")


def test_what_is_dropped_on_a_place_within_another_is_taken_once(idle_service, desktop):
    page = desktop.page
    page.goto(f"{idle_service.url}/library")
    expect(page.locator("#library-empty")).to_be_visible()
    dropped = {"dataTransfer": page.evaluate_handle(DROPPED)}
    page.dispatch_event("#folder-button", "dragover", dropped)
    expect(page.locator(".over")).to_have_id("folder-button")
    expect(page.locator(".drop-veil")).to_be_visible()
    page.dispatch_event("#folder-button", "drop", dropped)
    expect(page.locator("#uploads-summary")).to_have_text("0 of 1 file in the catalogue, 1 failed")
    expect(page.locator(".drop-veil")).to_be_hidden()
    expect(page.locator(".over")).to_have_count(0)
    desktop.check(allowed="status of 4")
