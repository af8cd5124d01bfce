"""What every database does with messages to webhooks."""

import threading
from dataclasses import replace
from datetime import timedelta

from app.briefs import Delivery, DueDelivery
from app.domain import new_id


def test_messages_of_a_brief_come_back_newest_first(desk, hook):
    brief, other = desk.brief(webhook=hook), desk.brief(webhook=hook)
    first, second = desk.delivery(brief), desk.delivery(brief)
    desk.delivery(other)
    assert desk.briefs.deliveries(brief.id) == [second, first]


def test_what_is_due_comes_with_its_webhook_the_longest_due_first(desk, hook, start):
    brief = desk.brief(webhook=hook)
    later, sooner, future = (desk.delivery(brief, due_s=due_s) for due_s in (-1, -60, 1))
    assert desk.briefs.due_deliveries(start) == [DueDelivery(sooner, hook), DueDelivery(later, hook)]
    assert desk.briefs.due_deliveries(start, limit=1) == [DueDelivery(sooner, hook)]
    assert len(desk.briefs.due_deliveries(future.due_at)) == 3


def test_a_brief_without_a_webhook_any_more_has_nothing_due(desk, hook, start):
    brief = desk.brief(webhook=hook)
    desk.delivery(brief)
    desk.briefs.save(replace(brief, webhook=None))
    assert desk.briefs.due_deliveries(start) == []


def test_the_outcome_of_an_attempt_is_stored(desk, hook, start):
    brief = desk.brief(webhook=hook)
    delivery = desk.delivery(brief)
    failed = replace(delivery, attempts=1, due_at=start + timedelta(minutes=1), error="HTTP 500")
    desk.briefs.save_delivery(failed)
    assert desk.briefs.deliveries(brief.id) == [failed]
    assert desk.briefs.due_deliveries(start) == []
    done = replace(failed, attempts=2, due_at=None, error=None, delivered_at=start + timedelta(minutes=1))
    desk.briefs.save_delivery(done)
    assert desk.briefs.deliveries(brief.id) == [done]
    assert desk.briefs.due_deliveries(start + timedelta(days=1)) == []


def test_the_outcome_for_a_deleted_brief_is_dropped(desk, hook):
    brief = desk.brief(webhook=hook)
    delivery = desk.delivery(brief)
    desk.briefs.delete(brief.library_id, brief.id)
    desk.briefs.save_delivery(replace(delivery, attempts=1))
    assert desk.briefs.deliveries(brief.id) == []


def test_an_outcome_is_stored_only_while_the_message_is_due_when_it_was_thought_to_be(desk, hook, start):
    brief = desk.brief(webhook=hook)
    delivery = desk.delivery(brief)
    failed = replace(delivery, attempts=1, due_at=start + timedelta(minutes=1), error="HTTP 500")
    assert desk.briefs.settle_delivery(failed, delivery.due_at)
    assert desk.briefs.deliveries(brief.id) == [failed]
    late = replace(delivery, attempts=7, due_at=None)
    assert not desk.briefs.settle_delivery(late, delivery.due_at)
    assert desk.briefs.deliveries(brief.id) == [failed]
    desk.briefs.delete(brief.library_id, brief.id)
    assert not desk.briefs.settle_delivery(failed, failed.due_at)
    assert desk.briefs.deliveries(brief.id) == []


def test_all_messages_of_a_brief_that_wait_are_given_up_at_once_however_many(desk, hook, start):
    brief, other = desk.brief(webhook=hook), desk.brief(webhook=hook)
    taken = replace(desk.delivery(brief), due_at=None, delivered_at=start)
    desk.briefs.save_delivery(taken)
    for number in range(120):
        desk.delivery(brief, due_s=number)
    kept = desk.delivery(other)
    desk.briefs.give_up_deliveries(brief.id, "The webhook was changed.")
    *waiting, first = desk.briefs.deliveries(brief.id, limit=200)
    assert len(waiting) == 120
    assert {(each.due_at, each.error) for each in waiting} == {(None, "The webhook was changed.")}
    assert first == taken
    assert desk.briefs.deliveries(other.id) == [kept]


def test_what_is_due_of_a_brief_is_put_off_and_nothing_else_of_it_changes(desk, hook, start):
    brief, other = desk.brief(webhook=hook), desk.brief(webhook=hook)
    due, later, over = (desk.delivery(brief, due_s=due_s, attempts=3, error="HTTP 500") for due_s in (-5, 5, 0))
    over = replace(over, due_at=None)
    desk.briefs.save_delivery(over)
    kept = desk.delivery(other)
    until = start + timedelta(seconds=15)
    desk.briefs.put_off_deliveries(brief.id, start, until)
    assert desk.briefs.deliveries(brief.id) == [over, later, replace(due, due_at=until)]
    assert desk.briefs.deliveries(other.id) == [kept]


def test_only_messages_that_were_made_until_some_time_can_be_given_up(desk, hook, start):
    brief = desk.brief(webhook=hook)
    old = desk.delivery(brief, attempts=3)
    young = Delivery(new_id(), brief.id, "{}", due_at=start, created_at=start + timedelta(seconds=1))
    desk.briefs.add_delivery(young)
    desk.briefs.give_up_deliveries(brief.id, "Too late.", until=start - timedelta(seconds=1))
    assert desk.briefs.deliveries(brief.id) == [young, old]
    desk.briefs.give_up_deliveries(brief.id, "Too late.", until=start)
    assert desk.briefs.deliveries(brief.id) == [young, replace(old, due_at=None, error="Too late.")]


def test_messages_that_are_over_are_forgotten_after_a_while_those_that_wait_never(desk, hook, start):
    brief = desk.brief(webhook=hook)
    over, waiting = desk.delivery(brief), desk.delivery(brief)
    desk.briefs.save_delivery(replace(over, due_at=None, delivered_at=start))
    assert desk.briefs.forget_deliveries(start) == 0
    assert desk.briefs.forget_deliveries(start + timedelta(seconds=1)) == 1
    assert desk.briefs.deliveries(brief.id) == [waiting]


def test_only_the_last_messages_are_listed(desk, hook):
    brief = desk.brief(webhook=hook)
    messages = [desk.delivery(brief) for _ in range(4)]
    assert desk.briefs.deliveries(brief.id, limit=2) == [messages[3], messages[2]]


def test_what_is_due_can_be_looked_at_without_writing(database, at_desk, hook, start):
    with database.transaction() as tx:
        desk = at_desk(tx)
        delivery = desk.delivery(desk.brief(webhook=hook))
    with database.transaction(read_only=True) as tx:
        assert tx.briefs.due_deliveries(start) == [DueDelivery(delivery, hook)]


def test_two_senders_never_take_the_same_message(database, at_desk, hook, start):
    with database.transaction() as tx:
        desk = at_desk(tx)
        brief = desk.brief(webhook=hook)
        made = {desk.delivery(brief).id for _ in range(20)}
    taken = []
    together = threading.Barrier(4)

    def take():
        together.wait()
        for _ in range(20):
            with database.transaction() as tx:
                for due in tx.briefs.due_deliveries(start, limit=3):
                    tx.briefs.save_delivery(replace(due.delivery, due_at=start + timedelta(minutes=1)))
                    taken.append(due.delivery.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(made)


def test_two_watchers_never_tell_of_the_same_track(database, at_desk, hook):
    with database.transaction() as tx:
        desk = at_desk(tx)
        brief = desk.brief(webhook=hook)
        numbers = [desk.track().number for _ in range(10)]
    told = []
    together = threading.Barrier(4)

    def watch():
        together.wait()
        with database.transaction() as tx:
            told.extend(tx.briefs.note(brief.id, numbers))

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == numbers
