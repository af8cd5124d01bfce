"""What every audio store does."""

import threading

import pytest

from app.errors import InvalidRequest, NotFound

KEY = "4f/0190-4f"


def put(store, key, data):
    with store.create() as upload:
        upload.write(data)
        upload.commit(key)


def get(store, key):
    with store.open(key) as file:
        return file.read()


def test_bytes_come_back_as_they_were_written(store):
    data = bytes(range(256)) * 5000
    with store.create() as upload:
        for start in range(0, len(data), 100_000):
            upload.write(data[start : start + 100_000])
        upload.commit(KEY)
    assert get(store, KEY) == data
    assert store.size(KEY) == len(data)


def test_no_bytes_are_bytes(store):
    put(store, KEY, b"")
    assert get(store, KEY) == b""
    assert store.size(KEY) == 0


def test_a_reader_can_seek(store):
    put(store, KEY, bytes(range(200)) * 10_000)
    with store.open(KEY) as file:
        assert file.seekable()
        assert file.seek(-3, 2) == 1_999_997
        assert file.read() == bytes([197, 198, 199])
        file.seek(201)
        assert file.tell() == 201
        assert file.read(2) == bytes([1, 2])


def test_bytes_can_be_probed_before_they_are_committed(store):
    with store.create() as upload:
        upload.write(b"abc")
        assert upload.local_path().read_bytes() == b"abc"
        upload.write(b"def")
        path = upload.local_path()
        assert path.read_bytes() == b"abcdef"
        upload.commit(KEY)
    assert not path.exists()


def test_leaving_without_commit_leaves_nothing(store):
    with store.create() as upload:
        upload.write(b"abc")
        path = upload.local_path()
    assert not path.exists()
    with pytest.raises(NotFound):
        store.open(KEY)


def test_nothing_is_there_before_the_commit(store):
    with store.create() as upload:
        upload.write(b"abc")
        with pytest.raises(NotFound):
            store.open(KEY)
        with pytest.raises(NotFound):
            store.size(KEY)
        upload.commit(KEY)


def test_what_is_not_there_is_not_found(store):
    put(store, KEY, b"abc")
    for key in ("nothing", "4f", "4f/0190"):
        with pytest.raises(NotFound):
            store.open(key)
        with pytest.raises(NotFound):
            store.size(key)


def test_deleting_is_silent_about_what_is_gone(store):
    put(store, KEY, b"abc")
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(NotFound):
        store.open(KEY)


def test_a_second_commit_under_a_key_replaces_the_first(store):
    put(store, KEY, b"old")
    put(store, KEY, b"new and longer")
    assert get(store, KEY) == b"new and longer"
    put(store, KEY, b"n")
    assert (get(store, KEY), store.size(KEY)) == (b"n", 1)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/",
        ".incoming/x",
        "a\\b",
        "a\0b",
        "a b",
        "a\n",
        "é",
        "a" * 600,
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused(store, key):
    with store.create() as upload, pytest.raises(InvalidRequest, match="key"):
        upload.commit(key)
    for method in (store.open, store.size, store.delete):
        with pytest.raises(InvalidRequest, match="key"):
            method(key)


def test_a_store_that_works_answers(store):
    store.ping()


def test_uploads_at_once_do_not_mix(store):
    def upload(number):
        put(store, f"x/{number}", bytes([number]) * 10_000)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(get(store, f"x/{number}") == bytes([number]) * 10_000 for number in range(8))
