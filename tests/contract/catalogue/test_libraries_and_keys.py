"""What every catalogue does with libraries and access keys."""

from datetime import timedelta

import pytest

from app.domain import DEFAULT_LIBRARY, Library, new_id, utc_now
from app.errors import Conflict, NotFound
from app.keys import ApiKey, Scope


def key(name="key", *, library_id=DEFAULT_LIBRARY, age_s=0):
    created_at = utc_now() - timedelta(seconds=age_s)
    return ApiKey(new_id(), library_id, name, Scope.WRITE, (new_id() * 2)[:64], created_at)


def test_there_is_a_default_library(catalogue):
    assert catalogue.libraries() == [Library(DEFAULT_LIBRARY, "default")]


def test_libraries_are_listed_by_name(catalogue):
    added = [Library(new_id(), name) for name in ("zoo", "archive")]
    for library in added:
        catalogue.add_library(library)
    assert catalogue.libraries() == [added[1], Library(DEFAULT_LIBRARY, "default"), added[0]]


def test_a_library_of_the_same_name_or_id_is_a_conflict_and_the_transaction_goes_on(catalogue):
    for twin in (Library(new_id(), "default"), Library(DEFAULT_LIBRARY, "other")):
        with pytest.raises(Conflict):
            catalogue.add_library(twin)
    assert len(catalogue.libraries()) == 1


def test_keys_come_back_oldest_first(catalogue):
    newer, older = key("newer"), key("older", age_s=60)
    for each in (newer, older):
        catalogue.add_key(each)
    assert catalogue.keys(DEFAULT_LIBRARY) == [older, newer]
    assert catalogue.count_keys() == 2
    assert catalogue.key_by_hash(newer.secret_sha256) == newer
    assert catalogue.key_by_hash("nothing") is None


def test_the_same_secret_twice_is_a_conflict(catalogue):
    added = key()
    catalogue.add_key(added)
    with pytest.raises(Conflict):
        catalogue.add_key(added)
    assert catalogue.count_keys() == 1


def test_a_key_is_deleted_by_its_own_library_only(catalogue):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    added = key(library_id=other.id)
    catalogue.add_key(added)
    for library_id, key_id in ((DEFAULT_LIBRARY, added.id), (other.id, new_id()), (other.id, "x")):
        with pytest.raises(NotFound):
            catalogue.delete_key(library_id, key_id)
    catalogue.delete_key(other.id, added.id)
    assert catalogue.keys(other.id) == []
