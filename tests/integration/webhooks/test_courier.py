"""Messages are sent until they are taken: at least once, and by one process at a time."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.adapters.memory_webhooks import MemoryWebhookSender
from app.adapters.sql_database import SqlDatabase
from app.ports import NotTaken
from app.services.deliveries import GIVEN_UP_AFTER, LONGEST_PAUSE, PUT_OFF_FOR, Courier, pause_after

URL = "https://hooks.example.org/"
AWAY = NotTaken("The receiver cannot be reached.", away=True)
KILLED = Path(__file__).with_name("killed_courier.py")


@pytest.fixture
def sender():
    return MemoryWebhookSender()


@pytest.fixture
def courier_to(database, sender_to, clock):
    """A courier that may go to some hosts, all of them on this machine."""
    return lambda *hosts: Courier(database, sender_to(*hosts), clock=clock)


@pytest.fixture
def courier(database, sender, clock):
    return Courier(database, sender, clock=clock)


def test_a_message_that_is_taken_is_sent_once(desk, courier, sender, clock):
    message = desk.message(desk.brief(URL))
    assert courier.deliver_due() == 1
    clock.forward(days=2)
    assert courier.deliver_due() == 0
    [sent] = sender.sent
    assert (sent.url, sent.body, sent.secret, sent.delivery_id) == (URL, message.body, "whsec_test", message.id)
    stored = desk.stored(message)
    assert (stored.attempts, stored.due_at, stored.error) == (1, None, None)
    assert stored.delivered_at == clock() - timedelta(days=2)


def test_after_an_error_of_the_receiver_it_is_sent_again(desk, courier_to, clock, new_receiver):
    receiver = new_receiver(500)
    host = f"hooks.example.org:{receiver.port}"
    message = desk.message(desk.brief(f"http://{host}/"))
    courier = courier_to(host)
    assert courier.deliver_due() == 0
    failed = desk.stored(message)
    assert (failed.attempts, failed.error) == (1, "The receiver answered 500.")
    assert failed.due_at == clock() + pause_after(1)
    assert courier.deliver_due() == 0
    clock.now = failed.due_at
    assert courier.deliver_due() == 1
    taken = desk.stored(message)
    assert (taken.attempts, taken.due_at, taken.delivered_at, taken.error) == (2, None, clock(), None)
    assert receiver.ids == [message.id, message.id]


def test_a_server_that_is_down_gets_the_message_once_it_is_back(desk, courier_to, clock, dead_port, new_receiver):
    host = f"hooks.example.org:{dead_port}"
    message = desk.message(desk.brief(f"http://{host}/"))
    courier = courier_to(host)
    assert courier.deliver_due() == 0
    assert "cannot be reached" in desk.stored(message).error
    receiver = new_receiver(port=dead_port)
    clock.forward(minutes=1)
    assert courier.deliver_due() == 1
    assert receiver.ids == [message.id]


def test_pauses_double_up_to_an_hour():
    pauses = [pause_after(attempts) for attempts in range(1, 2000)]
    assert pauses[0] == timedelta(seconds=30)
    assert all(later in {2 * sooner, LONGEST_PAUSE} for sooner, later in pairwise(pauses))
    assert pauses[-1] == LONGEST_PAUSE


def test_a_message_that_nobody_takes_is_given_up_after_a_day_with_the_reason(desk, courier, sender, clock):
    message = desk.message(desk.brief(URL))
    sender.trouble[URL] = NotTaken("The receiver answered 503.")
    begun = clock()
    while (due_at := desk.stored(message).due_at) is not None:
        clock.now = max(clock(), due_at)
        courier.deliver_due()
    given_up = desk.stored(message)
    assert given_up.error == "Given up after a day. The receiver answered 503."
    assert (given_up.delivered_at, given_up.attempts) == (None, len(sender.sent))
    assert GIVEN_UP_AFTER <= clock() - begun <= GIVEN_UP_AFTER + LONGEST_PAUSE
    assert 24 <= len(sender.sent) <= 40


def test_what_is_not_allowed_any_more_is_not_sent_and_says_so(desk, courier_to, receiver):
    message = desk.message(desk.brief(f"http://hooks.example.org:{receiver.port}/"))
    courier_to("other.example.org").deliver_due()
    assert "SOUNDKIN_WEBHOOK_HOSTS" in desk.stored(message).error
    assert receiver.requests == []


def test_a_receiver_that_is_away_is_asked_once_a_round_and_keeps_nobody_waiting(desk, courier, sender, clock):
    bad, good = desk.brief("https://bad.example.org/"), desk.brief(URL)
    first, *others = [desk.message(bad) for _ in range(5)]
    desk.message(good)
    sender.trouble["https://bad.example.org/"] = AWAY
    assert courier.deliver_due() == 1
    assert [sent.url for sent in sender.sent].count("https://bad.example.org/") == 1
    assert (desk.stored(first).attempts, desk.stored(first).error) == (1, AWAY.reason)
    soon = clock() + PUT_OFF_FOR
    assert [desk.stored(each) for each in others] == [replace(each, due_at=soon) for each in others]


class Picky(MemoryWebhookSender):
    """Refuses what it is told to refuse, by body or by secret, and takes everything else."""

    def __init__(self, **refused):
        super().__init__()
        self.refused = refused

    def send(self, url, body, *, secret, delivery_id):
        super().send(url, body, secret=secret, delivery_id=delivery_id)
        return self.refused.get(body) or self.refused.get(secret)


def test_what_a_receiver_answers_one_message_is_said_of_no_other(database, desk, clock):
    refused = NotTaken("The receiver answered 413.")
    courier = Courier(database, Picky(big=refused), clock=clock)
    brief = desk.brief(URL)
    big = desk.message(brief, "big")
    small = [desk.message(brief, "small") for _ in range(3)]
    assert courier.deliver_due() == 3
    assert desk.stored(big).error == refused.reason
    assert {desk.stored(each).attempts for each in small} == {1}


@pytest.mark.parametrize("problem", [NotTaken("The receiver answered 401."), AWAY])
def test_briefs_that_share_a_receiver_do_not_share_what_befalls_them(database, desk, clock, problem):
    courier = Courier(database, Picky(theirs=problem), clock=clock)
    theirs = desk.message(desk.brief(URL, secret="theirs"))
    ours = desk.message(desk.brief(URL, secret="ours"))
    assert courier.deliver_due() == 1
    assert (desk.stored(ours).attempts, desk.stored(ours).error) == (1, None)
    assert desk.stored(theirs).error == problem.reason


def test_a_message_that_always_finds_the_receiver_away_holds_up_the_others_for_a_moment(database, desk, clock):
    courier = Courier(database, Picky(slow=AWAY), clock=clock)
    brief = desk.brief(URL)
    desk.message(brief, "slow")
    others = [desk.message(brief) for _ in range(3)]
    assert courier.deliver_due() == 0
    clock.forward(seconds=PUT_OFF_FOR.total_seconds())
    assert courier.deliver_due() == 3
    assert {desk.stored(each).attempts for each in others} == {1}


def test_all_that_waited_for_a_day_for_a_receiver_that_is_away_is_given_up(desk, courier, sender, clock):
    brief = desk.brief(URL)
    old = [desk.message(brief) for _ in range(3)]
    clock.forward(hours=24)
    young = desk.message(brief)
    sender.trouble[URL] = AWAY
    courier.deliver_due()
    assert {desk.stored(each).error for each in old} == {f"Given up after a day. {AWAY.reason}"}
    assert {desk.stored(each).due_at for each in old} == {None}
    assert desk.stored(young).due_at == clock() + PUT_OFF_FOR


def test_what_came_of_a_message_is_stored_however_many_came_after_it(desk, courier, sender):
    brief = desk.brief(URL)
    messages = [desk.message(brief) for _ in range(102)]
    sender.trouble[URL] = NotTaken("The receiver answered 500.")
    courier.deliver_due()
    assert [each.error for each in desk.all_of(brief)] == ["The receiver answered 500."] * len(messages)


class Broken(MemoryWebhookSender):
    """Breaks over one URL, in a way that nobody expected."""

    def send(self, url, body, *, secret, delivery_id):
        if url.endswith("broken"):
            raise ZeroDivisionError("secret detail")
        return super().send(url, body, secret=secret, delivery_id=delivery_id)


def test_a_message_that_breaks_the_sender_is_put_off_like_any_other_and_keeps_none_waiting(database, desk, clock):
    broken = desk.message(desk.brief(f"{URL}broken"))
    others = [desk.message(desk.brief(URL)) for _ in range(2)]
    courier = Courier(database, Broken(), clock=clock)
    with capture_logs() as logs:
        assert courier.deliver_due() == 2
    assert all(desk.stored(each).delivered_at for each in others)
    stored = desk.stored(broken)
    assert (stored.attempts, stored.due_at) == (1, clock() + pause_after(1))
    assert stored.error == "It cannot be sent: unexpected ZeroDivisionError; the service's log says more."
    [noted] = [entry for entry in logs if entry.get("exc_info")]
    assert (noted["delivery"], noted["log_level"]) == (broken.id, "error")
    clock.forward(hours=24)
    courier.deliver_due()
    assert desk.stored(broken).due_at is None


class Meddler(MemoryWebhookSender):
    """Takes nothing; while it is asked, somebody puts another webhook in its place."""

    def __init__(self, database, message):
        super().__init__()
        self.stored = replace(message, due_at=None, error="The webhook was changed.")
        self.database = database

    def send(self, url, body, *, secret, delivery_id):
        with self.database.transaction() as tx:
            tx.briefs.save_delivery(self.stored)
        return NotTaken("The receiver answered 500.")


def test_what_somebody_decided_while_it_was_sent_stays(database, desk, clock):
    message = desk.message(desk.brief(URL))
    courier = Courier(database, Meddler(database, message), clock=clock)
    courier.deliver_due()
    assert desk.stored(message).error == "The webhook was changed."
    clock.forward(hours=2)
    assert courier.deliver_due() == 0


def test_several_processes_send_each_message_once(database, desk, sender, clock):
    briefs = [desk.brief(f"{URL}{number}") for number in range(3)]
    made = {desk.message(brief).id for brief in briefs for _ in range(5)}
    together = threading.Barrier(3)

    def deliver():
        together.wait()
        Courier(database, sender, clock=clock).deliver_due()

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent.delivery_id for sent in sender.sent) == sorted(made)


def test_a_message_whose_sender_was_killed_is_sent_again_with_its_id(
    sqlite_url, desk_on, new_receiver, sender_to, clock
):
    receiver = new_receiver(lambda _, own: own.release.wait(30))
    host = f"hooks.example.org:{receiver.port}"
    database = SqlDatabase(sqlite_url)
    desk = desk_on(database)
    message = desk.message(desk.brief(f"http://{host}/"))
    process = subprocess.Popen([sys.executable, KILLED, sqlite_url, host])
    try:
        assert receiver.came.wait(30)
    finally:
        process.kill()
        process.wait()
    held = desk.stored(message)
    assert (held.attempts, held.delivered_at) == (1, None)
    assert held.due_at > clock()
    courier = Courier(database, sender_to(host), clock=clock)
    assert courier.deliver_due() == 0
    clock.now = held.due_at
    assert courier.deliver_due() == 1
    assert receiver.ids == [message.id, message.id]
    assert desk.stored(message).attempts == 2
    database.close()


def test_it_runs_by_itself_and_stops(database, desk, sender):
    courier = Courier(database, sender, interval_s=0.01)
    message = desk.message(desk.brief(URL))
    courier.start()
    deadline = time.monotonic() + 5
    while desk.stored(message).delivered_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    courier.close()
    later = desk.message(desk.brief(URL))
    time.sleep(0.05)
    assert desk.stored(later).attempts == 0
