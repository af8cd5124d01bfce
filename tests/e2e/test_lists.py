"""Lists that are kept up to date while somebody looks at them, or does not."""

import contextlib

import httpx
import pytest
from playwright.sync_api import expect

from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY, Job, JobKind, Priority, new_id

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LISTS = {"/": (".track", "#catalogue-more"), "/library": (".entry", "#library-more")}
TURN_AWAY = "Object.defineProperty(document, 'hidden', { value: true, configurable: true })"
TURN_BACK = "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
REFRESHED_MS = 2500


def client_of(service):
    return httpx.Client(base_url=service.url, timeout=60, trust_env=False)


def add(service, file):
    """Add a track; return its id."""
    with client_of(service) as client:
        sent = {"file": (file.name, file.read_bytes())}
        return client.post("/v1/tracks", files=sent).raise_for_status().json()["track"]["id"]


def ids_of_api(service, path, count):
    """The first ids of a listing, over as many pages as that takes."""
    listed, cursor = [], {}
    with client_of(service) as client:
        while len(listed) < count:
            page = client.get(path, params={"limit": 50, **cursor}).raise_for_status().json()
            listed += [each["id"] for each in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
    return listed[:count]


def ids(rows):
    return rows.evaluate_all("rows => rows.map(row => row.dataset.id)")


def show_more(page, button, rows, counts):
    for count in counts:
        page.locator(button).click()
        expect(rows).to_have_count(count)


def queue_jobs(service, count):
    with (
        contextlib.closing(SqlDatabase(f"sqlite:///{service.folder / 'data' / 'soundkin.sqlite3'}")) as database,
        database.transaction() as tx,
    ):
        for _ in range(count):
            tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_CLIP, new_id(), Priority.BACKGROUND))


def without_events(visit):
    """A proxy on the way lets no events through: the page looks now and then instead."""
    visit.page.route("**/v1/events", lambda route: route.fulfill(status=204))


@pytest.mark.parametrize(("address", "counts"), [("/", "#counts"), ("/library", "#library-counts")])
def test_what_comes_while_nobody_looks_is_there_when_somebody_looks_again(
    idle_service, desktop, music, address, counts
):
    page = desktop.page
    page.goto(idle_service.url + address)
    expect(page.locator(counts)).to_contain_text("0 tracks")
    rows = page.locator(LISTS[address][0])
    page.evaluate(TURN_AWAY)
    add(idle_service, min(music.iterdir()))
    page.wait_for_timeout(REFRESHED_MS)
    expect(rows).to_have_count(0)
    page.evaluate(TURN_BACK)
    expect(rows).to_have_count(1)
    expect(page.locator(counts)).to_contain_text("1 on the way")
    desktop.check()


def test_tags_that_came_while_nobody_looked_stay_when_more_are_added(idle_service, desktop, music):
    track = add(idle_service, min(music.iterdir()))
    page = desktop.page
    page.goto(f"{idle_service.url}/library")
    page.locator(".entry input[type=checkbox]").check()
    page.evaluate(TURN_AWAY)
    with client_of(idle_service) as client:
        client.patch(f"/v1/tracks/{track}", json={"tags": ["from elsewhere"]}).raise_for_status()
    page.locator("#bulk-edit").click()
    page.get_by_label("Add tags").fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("1 track changed")
    with client_of(idle_service) as client:
        assert client.get(f"/v1/tracks/{track}").json()["metadata"]["tags"] == ["from elsewhere", "mine"]
    desktop.check()


@pytest.mark.parametrize(
    "places", [("/", ".track", ".play"), ("/library", ".entry", ".title"), ("/jobs", ".job", ".act")]
)
def test_the_focus_stays_in_its_row_when_another_comes(idle_service, desktop, music, places):
    address, row, control = places
    first, second = sorted(music.iterdir())[:2]
    add(idle_service, first)
    page = desktop.page
    page.goto(idle_service.url + address)
    expect(page.locator(row)).to_have_count(1)
    [focused] = ids(page.locator(row))
    page.locator(f"{row} {control}").focus()
    add(idle_service, second)
    expect(page.locator(row)).to_have_count(2)
    expect(page.locator(f"{row}[data-id='{focused}'] {control}")).to_be_focused()
    desktop.check()


@pytest.mark.parametrize("address", LISTS)
def test_a_track_that_comes_leaves_no_gap_in_a_long_list(large_service, desktop, music, address):
    page = desktop.page
    page.goto(large_service.url + address)
    row, more = LISTS[address]
    rows = page.locator(row)
    expect(rows).to_have_count(50)
    show_more(page, more, rows, (100, 150, 200, 250))
    new = add(large_service, min(music.iterdir()))
    try:
        expect(page.locator(f"{row}[data-id='{new}']")).to_have_count(1)
        assert ids(rows) == ids_of_api(large_service, "/v1/tracks", 250)
        show_more(page, more, rows, (300,))
        assert ids(rows) == ids_of_api(large_service, "/v1/tracks", 300)
    finally:
        with client_of(large_service) as client:
            client.delete(f"/v1/tracks/{new}").raise_for_status()
    desktop.check()


def test_without_events_the_jobs_that_were_asked_for_stay(idle_service, desktop):
    queue_jobs(idle_service, 60)
    without_events(desktop)
    page = desktop.page
    page.goto(f"{idle_service.url}/jobs")
    rows = page.locator(".job")
    expect(rows).to_have_count(50)
    show_more(page, "#jobs-more", rows, (60,))
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "/v1/jobs?" in answer.url)
    expect(rows).to_have_count(60)
    desktop.check()


def test_no_job_is_left_out_of_a_long_list_that_moves(idle_service, desktop):
    queue_jobs(idle_service, 480)
    page = desktop.page
    page.goto(f"{idle_service.url}/jobs")
    rows = page.locator(".job")
    expect(rows).to_have_count(50)
    show_more(page, "#jobs-more", rows, range(100, 451, 50))
    rows.first.locator(".act").click()
    expect(rows.first.locator(".badge")).to_have_text("cancelled")
    expect(rows).to_have_count(450)
    show_more(page, "#jobs-more", rows, (480,))
    assert ids(rows) == ids_of_api(idle_service, "/v1/jobs", 480)
    desktop.check()


def test_jobs_that_are_pushed_out_by_newer_ones_can_be_asked_for_again(idle_service, desktop):
    page = desktop.page
    page.goto(f"{idle_service.url}/jobs")
    expect(page.locator("#jobs-empty")).to_be_visible()
    queue_jobs(idle_service, 420)
    expect(page.locator("#jobs-note")).to_have_text("The newest 400 are shown")
    show_more(page, "#jobs-more", page.locator(".job"), (420,))
    desktop.check()


def test_more_briefs_come_once_however_often_they_are_asked_for(large_service, desktop):
    [track] = ids_of_api(large_service, "/v1/tracks", 1)
    request = {"reference": {"track": track}}
    with client_of(large_service) as client:
        for number in range(60):
            client.post("/v1/briefs", json={"name": f"Brief {number}", "request": request}).raise_for_status()
    page = desktop.page
    page.goto(f"{large_service.url}/briefs")
    rows = page.locator("#brief-list > *")
    expect(rows).to_have_count(50)
    page.locator("#briefs-more").dblclick()
    expect(rows).to_have_count(60)
    page.wait_for_timeout(REFRESHED_MS)
    expect(rows).to_have_count(60)
    desktop.check()
