"""The benchmark of filters asks the same in two ways, and says so where they differ."""

import pytest
from sqlalchemy import update

from app.adapters.sql_engine import open_engine, parse_url
from app.adapters.tables import tag_count
from benchmarks import service_catalogue
from benchmarks.service_catalogue import seed
from benchmarks.service_filters import CONSTRAINTS, constrained, counted


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, monkeypatch):
    """URL of a database with 40 made-up tracks."""
    monkeypatch.setattr(service_catalogue, "BLOCK", 40)
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    url = request.getfixturevalue(f"{request.param}_url")
    seed(url, 40)
    return url


def test_both_ways_of_asking_are_timed_and_compared(url):
    for asked in (constrained(url, CONSTRAINTS, turns=2), counted(url, turns=2)):
        assert asked.times_as_fast == pytest.approx(asked.plainly_ms / asked.ours_ms)
        assert min(asked.plainly_ms, asked.ours_ms, asked.again_ms) > 0


def test_counts_that_are_not_those_of_the_tracks_end_the_benchmark(url):
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(update(tag_count).values(tracks=tag_count.c.tracks + 1))
    engine.dispose()
    with pytest.raises(SystemExit, match="answered differently"):
        counted(url, turns=1)
