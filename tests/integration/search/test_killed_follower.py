"""kill -9 while an index is built, saved or swapped: the next start catches up and answers as it should."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.adapters import faiss_index, row_view
from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY

PROGRAM = Path(__file__).with_name("killed_follower.py")
TRACKS = 400
KILLED = -9


def program():
    spec = importlib.util.spec_from_file_location("killed_follower", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MOMENTS = list(program().MOMENTS)


@pytest.fixture(scope="module")
def angles_of_tracks():
    return np.random.default_rng(1).uniform(0, 360, (TRACKS, 2)).tolist()


@pytest.fixture
def filled(world_on, tmp_path, angles_of_tracks):
    """A database file with more tracks than are scanned exactly, and what a follower of it should hold."""
    url = f"sqlite:///{tmp_path / 'soundkin.sqlite3'}"
    world = world_on(SqlDatabase(url), FaissIndex)
    with world.database.transaction() as tx:
        world.fill(tx, angles_of_tracks)
    yield world, url
    world.database.close()


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_left_by_a_killed_process_is_taken_up(filled, moment, monkeypatch):
    world, url = filled
    command = [sys.executable, str(PROGRAM), url, str(world.folder / "index"), moment]
    killed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert killed.returncode == KILLED, killed.stderr

    late = world.track("late", timbre=10, rhythm=20)
    gone = world.first()
    world.delete(gone)
    monkeypatch.setattr(faiss_index, "EXACT_UP_TO", 300)
    monkeypatch.setattr(row_view, "FEW", 50)
    keeper = world.restart()
    keeper.catch_up()
    keeper.improve()

    assert keeper.check() == []
    index = keeper.get(DEFAULT_LIBRARY, world.encoder.id).index
    assert late.number in index.numbers()
    assert gone.number not in index.numbers()
    assert "four-bit" in index.stats()["kind"]
    assert_answers_like_the_reference(index, world.encoder)


def assert_answers_like_the_reference(index, encoder):
    reference = MemoryIndex(encoder)
    reference.add(index.numbers(), index.vectors(index.numbers()))
    found = 0
    asked = np.random.default_rng(2).standard_normal((20, encoder.dimension)).astype(np.float32)
    for query in asked:
        best = reference.search(query, 10)
        found += int((index.search(query, 10).scores >= best.scores[-1]).sum())
    assert found >= 0.99 * 10 * len(asked)
