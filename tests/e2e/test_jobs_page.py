"""The page of jobs, on a service whose only worker is this test."""

import contextlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect

from app.adapters.sql_database import SqlDatabase
from app.domain import WorkerInfo, new_id
from app.services.jobs import settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTE = timedelta(minutes=1)


class Worker:
    """Takes jobs off the queue of a service, and does with them as it is told."""

    def __init__(self, service):
        self._database = SqlDatabase(f"sqlite:///{service.folder / 'data' / 'soundkin.sqlite3'}")
        self._id = new_id()
        with self._database.transaction() as tx:
            tx.queue.register(WorkerInfo(self._id, "desk:1", "cpu", datetime.now(UTC) + MINUTE, alive=True), MINUTE)

    def take(self):
        with self._database.transaction() as tx:
            return tx.queue.claim(self._id, limit=1, deadline=MINUTE)[0]

    def tell(self, job, stage, share):
        with self._database.transaction() as tx:
            tx.queue.progress(job.id, job.token, stage, share)

    def fail(self, job, message):
        with self._database.transaction() as tx:
            settle(tx, tx.queue.fail(job.id, job.token, code="broken", message=message, retry=False))

    def close(self):
        self._database.close()


@pytest.fixture
def worker(idle_service):
    with contextlib.closing(Worker(idle_service)) as worker:
        yield worker


def add(service, files):
    for file in files:
        sent = {"file": (file.name, file.read_bytes())}
        httpx.post(f"{service.url}/v1/tracks", files=sent, trust_env=False).raise_for_status()


def opened(visit, service):
    visit.page.goto(f"{service.url}/jobs")
    return visit.page


def test_an_idle_service_has_nothing_to_show(idle_service, desktop):
    page = opened(desktop, idle_service)
    expect(page.locator("#jobs-empty-title")).to_have_text("Nothing has been done yet")
    expect(page.locator("#tile-devices")).to_have_text("None is running: jobs wait.")
    desktop.check()


def test_who_is_not_told_of_the_workers_sees_the_other_numbers(idle_service, desktop):
    numbers = httpx.get(f"{idle_service.url}/v1/stats", trust_env=False).json()
    of_another_library = numbers | {
        "queue": [],
        "workers": None,
        "stages": {},
        "disk": None,
        "tracks": {"failed": 3},
        "index": {**numbers["index"], "caught_up": False, "lag": None, "applied_seq": None},
    }
    desktop.page.route("**/v1/stats", lambda route: route.fulfill(json=of_another_library))
    page = opened(desktop, idle_service)
    expect(page.locator("#tile-failed")).to_have_text("3")
    expect(page.locator("#tile-queued")).to_have_text("0")
    expect(page.locator("#tile-workers")).to_be_hidden()
    page.goto(f"{idle_service.url}/settings")
    expect(page.locator("#stats-facts")).to_contain_text("Indexesare catching up")
    expect(page.locator("#disk")).to_be_hidden()
    desktop.check()


def test_jobs_move_as_a_worker_does_them(idle_service, worker, desktop, music):
    page = opened(desktop, idle_service)
    expect(page.locator("#jobs-empty")).to_be_visible()
    add(idle_service, sorted(music.iterdir())[:3])
    rows = page.locator(".job")
    expect(rows).to_have_count(3)
    expect(page.locator("#tile-queued")).to_have_text("3")
    job = worker.take()
    worker.tell(job, "features", 0.4)
    running = page.locator(".job", has=page.locator(".badge[data-state=running]"))
    expect(running.locator(".stage")).to_have_text("features, 40 %")
    expect(page.locator("#tile-devices")).to_have_text("cpu on desk")
    desktop.keep_screenshot("jobs")
    worker.fail(job, "The file ends in the middle of a frame.")
    failed = page.locator(".job", has=page.locator(".badge[data-state=failed]"))
    expect(failed.locator(".reason")).to_have_text("The file ends in the middle of a frame.")
    expect(page.locator("#tile-failed")).to_have_text("1")
    desktop.check()


def test_jobs_are_cancelled_tried_again_and_filtered(idle_service, worker, desktop, music):
    add(idle_service, sorted(music.iterdir())[:3])
    for _ in range(2):
        worker.fail(worker.take(), "Out of luck.")
    page = opened(desktop, idle_service)
    page.get_by_role("button", name="Cancel: fast").click()
    expect(page.locator(".badge[data-state=cancelled]")).to_have_count(1)
    page.get_by_role("radio", name="Failed").check(force=True)
    expect(page.locator(".job")).to_have_count(2)
    desktop.keep_screenshot("jobs-failed")
    page.locator("#retry-all").click()
    expect(page.locator(".toast")).to_contain_text("2 jobs queued again")
    expect(page.locator("#jobs-empty-title")).to_have_text("Nothing has failed")
    page.get_by_role("radio", name="Waiting").check(force=True)
    expect(page.locator(".job")).to_have_count(2)
    page.reload()
    expect(page.locator(".job")).to_have_count(2)
    expect(page.locator(".job .title a").first).to_have_attribute("href", "/tracks/" + subject(idle_service))
    desktop.check()


def subject(service):
    answer = httpx.get(f"{service.url}/v1/jobs", params={"state": "queued"}, trust_env=False)
    return answer.json()["items"][0]["subject"]


def test_jobs_fit_on_a_phone(idle_service, worker, phone, music):
    add(idle_service, sorted(music.iterdir())[:2])
    worker.fail(worker.take(), "W" * 400)
    page = opened(phone, idle_service)
    expect(page.locator(".job")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("jobs-phone")
    phone.check()
