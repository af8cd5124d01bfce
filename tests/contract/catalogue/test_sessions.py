"""What every database does with the sessions of browsers, and with keys that expire."""

from datetime import timedelta

from app.domain import DEFAULT_LIBRARY, new_id, utc_now
from app.keys import ApiKey, Scope, Session


def session(token="a", *, left_s=60.0):
    return Session(token * 64, "b" * 64, utc_now() + timedelta(seconds=left_s))


def test_a_session_is_found_by_its_token_until_it_is_removed(database):
    added = session()
    with database.transaction() as tx:
        tx.sessions.add(added)
    with database.transaction() as tx:
        assert tx.sessions.find(added.token_sha256) == added
        assert tx.sessions.find("c" * 64) is None
        tx.sessions.remove(added.token_sha256)
        tx.sessions.remove(added.token_sha256)
        assert tx.sessions.find(added.token_sha256) is None


def test_sessions_are_forgotten_once_their_time_is_over(database):
    over, live = session("1", left_s=-1), session("2")
    with database.transaction() as tx:
        for each in (over, live):
            tx.sessions.add(each)
    with database.transaction() as tx:
        assert tx.sessions.find(over.token_sha256) == over
        assert tx.sessions.remove_expired(utc_now()) == 1
        assert tx.sessions.remove_expired(utc_now()) == 0
        assert tx.sessions.find(over.token_sha256) is None
        assert tx.sessions.find(live.token_sha256) == live


def test_when_a_key_expires_is_kept_and_it_goes_on_counting_after_that(database):
    now = utc_now()
    keys = [
        ApiKey(new_id(), DEFAULT_LIBRARY, f"{days}", Scope.READ, f"{days}"[-1] * 64, now, now + timedelta(days))
        for days in (-1, 2)
    ]
    with database.transaction() as tx:
        for key in keys:
            tx.catalogue.add_key(key)
    with database.transaction(read_only=True) as tx:
        assert sorted(tx.catalogue.keys(DEFAULT_LIBRARY), key=lambda key: key.name) == keys
        assert tx.catalogue.key_by_hash(keys[0].secret_sha256) == keys[0]
        assert tx.catalogue.count_keys() == 2
