"""Files are there whole or not at all."""

import threading

import pytest

from models.whole_file import whole_file

both = pytest.mark.parametrize("shared", [True, False])


def fail_halfway(part):
    part.write_text("af")
    raise LookupError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@both
def test_a_file_takes_its_place_when_it_is_done(tmp_path, shared):
    path = tmp_path / "figures.csv"
    path.write_text("before")
    with whole_file(path, shared=shared) as part:
        part.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert names(tmp_path) == ["figures.csv"]


@both
def test_what_fails_leaves_what_was_there_and_nothing_else(tmp_path, shared):
    path = tmp_path / "figures.csv"
    path.write_text("before")
    with pytest.raises(LookupError), whole_file(path, shared=shared) as part:
        fail_halfway(part)
    assert path.read_text() == "before"
    assert names(tmp_path) == ["figures.csv"]


def test_what_a_killed_program_left_is_overwritten(tmp_path):
    path = tmp_path / "figures.csv"
    with whole_file(path) as part:
        left = part
        part.write_text("once")
    left.write_text("half")
    with whole_file(path) as part:
        part.write_text("again")
    assert (path.read_text(), names(tmp_path)) == ("again", ["figures.csv"])


def test_two_who_write_the_same_do_not_write_into_one_file(tmp_path):
    path = tmp_path / "figures.csv"
    parts = []

    def write():
        with whole_file(path, shared=True) as part:
            parts.append(part)
            barrier.wait(10)
            part.write_text(str(part))

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parts[0] != parts[1]
    assert path.read_text() in {str(part) for part in parts}
    assert names(tmp_path) == ["figures.csv"]
