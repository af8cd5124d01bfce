"""What ``soundkin doctor`` finds."""

from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest

from app.adapters.memory_database import MemoryDatabase
from app.cli.doctor import _check_access, _check_service
from app.domain import DEFAULT_LIBRARY, Library, new_id, utc_now
from app.errors import ConfigurationError
from app.keys import Scope
from app.services.access import AccessService
from app.services.health import Verdict
from app.settings import Settings


def answer(monkeypatch, *findings):
    body = {"ready": True, "findings": list(findings)}
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json=body))


def test_the_doctor_passes_on_why_the_worker_of_a_running_service_does_not_run(monkeypatch):
    trouble = {"name": "workers", "verdict": "warn", "message": "exit status 2", "remedy": "See its log lines."}
    answer(monkeypatch, trouble, {"name": "index", "verdict": "ok", "message": "0 tracks", "remedy": None})
    assert [(found.name, found.message) for found in _check_service()][1:] == [
        ("workers", "exit status 2"),
        ("index", "0 tracks"),
    ]


def test_the_doctor_does_not_repeat_that_workers_are_alive(monkeypatch):
    answer(monkeypatch, {"name": "workers", "verdict": "ok", "message": "1 alive", "remedy": None})
    assert [found.name for found in _check_service()] == ["service"]


OPEN_TO_ALL = "0.0.0.0"


class Lock:
    """A database with keys that were made a week ago."""

    def __init__(self):
        self.database = MemoryDatabase()
        self.access = AccessService(
            self.database, admin_key=None, loopback=True, clock=lambda: utc_now() - timedelta(days=7)
        )

    def key(self, *, days, library_id=DEFAULT_LIBRARY):
        """Make a key that is valid for so long from then on."""
        key, _ = self.access.create_key(library_id, "key", Scope.READ, utc_now() + timedelta(days=days - 7))
        return key

    def found(self, **settings):
        [finding] = _check_access(Settings(_env_file=None, **settings), SimpleNamespace(database=self.database))
        return finding


@pytest.fixture
def lock(monkeypatch):
    for name in ("HOST", "ADMIN_KEY"):
        monkeypatch.delenv(f"SOUNDKIN_{name}", raising=False)
    return Lock()


@pytest.mark.parametrize("host", ["127.0.0.1", OPEN_TO_ALL])
def test_the_doctor_warns_when_every_key_has_expired_and_says_how_to_get_in(lock, host):
    lock.key(days=1)
    lock.key(days=6)
    found = lock.found(host=host)
    assert (found.verdict, "nobody gets in" in found.message) == (Verdict.WARN, True)
    assert "soundkin keys create" in found.remedy


def test_one_key_that_is_valid_is_enough_whatever_library_it_opens(lock):
    other = Library(new_id(), "other")
    with lock.database.transaction() as tx:
        tx.catalogue.add_library(other)
    lock.key(days=1)
    lock.key(days=30, library_id=other.id)
    assert (lock.found().verdict, lock.found().message.endswith("asks for a key")) == (Verdict.OK, True)


def test_the_key_from_outside_gets_in_when_all_others_have_expired(lock):
    lock.key(days=1)
    assert lock.found(admin_key="k" * 32).verdict is Verdict.OK


def test_when_the_last_key_was_revoked_the_service_is_open_to_this_machine_and_refuses_others(lock):
    key = lock.key(days=1)
    lock.access.revoke(DEFAULT_LIBRARY, key.id, also_the_last=True)
    assert (lock.found().verdict, "without keys" in lock.found().message) == (Verdict.OK, True)
    with pytest.raises(ConfigurationError, match="soundkin keys create"):
        lock.found(host=OPEN_TO_ALL)
