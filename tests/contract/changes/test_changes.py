"""What every change log does, and what transactions promise."""

import threading
from datetime import timedelta

import pytest

from app.domain import DEFAULT_LIBRARY, Change, ChangeKind, Library, new_id, utc_now


def append(database, *subjects, library_id=DEFAULT_LIBRARY):
    with database.transaction() as tx:
        for subject in subjects:
            tx.changes.append(library_id, ChangeKind.TRACK_ADDED, subject, number=7)


def after(database, seq, **arguments):
    with database.transaction(read_only=True) as tx:
        return list(tx.changes.after(seq, **arguments))


def test_a_new_log_is_empty(database):
    assert after(database, 0) == []
    with database.transaction(read_only=True) as tx:
        assert tx.changes.last_seq() == 0


def test_changes_come_back_in_order_with_growing_numbers(database):
    subjects = [new_id() for _ in range(3)]
    before = utc_now()
    append(database, *subjects[:2])
    append(database, subjects[2])
    changes = after(database, 0)
    assert [change.subject for change in changes] == subjects
    assert [change.seq for change in changes] == [1, 2, 3]
    first = changes[0]
    assert first == Change(1, DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, subjects[0], 7, first.at)
    assert before <= first.at <= utc_now()


def test_a_reader_goes_on_where_it_stopped(database):
    append(database, *(new_id() for _ in range(5)))
    assert [change.seq for change in after(database, 0, limit=2)] == [1, 2]
    assert [change.seq for change in after(database, 2, limit=2)] == [3, 4]
    assert after(database, 5) == []
    assert after(database, 10**12) == []


def test_a_reader_of_one_library_sees_its_own_only(database):
    other = new_id()
    append(database, new_id())
    append(database, new_id(), library_id=other)
    append(database, new_id())
    assert [change.seq for change in after(database, 0, library_id=DEFAULT_LIBRARY)] == [1, 3]
    assert [change.seq for change in after(database, 0, library_id=other)] == [2]


def test_a_transaction_does_not_see_its_own_changes_before_its_commit(database):
    with database.transaction() as tx:
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, new_id())
        assert tx.changes.last_seq() == 0
        assert tx.changes.after(0) == []
    assert len(after(database, 0)) == 1


def test_what_is_rolled_back_takes_no_number(database):
    def write_in_vain():
        with database.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), "gone"))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, new_id())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_in_vain()
    append(database, new_id())
    assert [change.seq for change in after(database, 0)] == [1]
    with database.transaction(read_only=True) as tx:
        assert [library.name for library in tx.catalogue.libraries()] == ["default"]


def test_a_failed_transaction_does_not_block_the_next(database):
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), database.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), str(1 / 0)))
    append(database, new_id())
    assert len(after(database, 0)) == 1


def test_a_follower_misses_nothing_among_concurrent_writers(database):
    """Numbers in the order of commits: a follower that asks for what is after its last never needs to look back."""
    writers, each = 6, 15
    done = threading.Event()
    followed = []

    def write():
        for _ in range(each):
            append(database, new_id(), new_id())

    def follow():
        while True:
            was_done = done.is_set()
            news = after(database, followed[-1].seq if followed else 0, limit=10)
            followed.extend(news)
            if was_done and not news:
                return

    threads = [threading.Thread(target=write) for _ in range(writers)]
    follower = threading.Thread(target=follow)
    for thread in (follower, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    follower.join()
    assert [change.seq for change in followed] == list(range(1, writers * each * 2 + 1))
    assert followed == after(database, 0)


def test_a_database_that_works_answers(database):
    database.ping()


def forget(database, before, **arguments):
    with database.transaction() as tx:
        return tx.changes.forget(before, **arguments)


def test_old_changes_are_forgotten_from_the_beginning_in_portions(database):
    append(database, *(new_id() for _ in range(5)))
    middle = utc_now()
    append(database, new_id(), new_id())
    assert forget(database, middle - timedelta(hours=1)) == 0
    assert forget(database, middle, limit=2) == 2
    assert [change.seq for change in after(database, 0)] == [3, 4, 5, 6, 7]
    assert forget(database, middle) == 3
    assert [change.seq for change in after(database, 0)] == [6, 7]


def test_numbers_go_on_after_everything_was_forgotten(database):
    assert forget(database, utc_now()) == 0
    append(database, new_id(), new_id())
    assert forget(database, utc_now() + timedelta(hours=1)) == 2
    append(database, new_id())
    assert [change.seq for change in after(database, 0)] == [3]
    with database.transaction(read_only=True) as tx:
        assert tx.changes.last_seq() == 3
