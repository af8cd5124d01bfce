"""Filters mean the same in SQL, on SQLite and on PostgreSQL, as in Python."""

import string
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.checked_filter import UNORDERED, checked_filter
from app.adapters.memory_filters import holds
from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY, Analysis, Metadata, StoredAudio, Track, TrackKind, new_id
from app.filters import FIELDS, AllOf, AnyOf, Between, FieldType, Known, Not, OneOf, fold_text

# Few values, so that conditions meet tracks; with case, accents in both forms, wildcards and the like.
TEXTS = [
    "a",
    "A",
    "b",
    "é",
    "É",
    "e\N{COMBINING ACUTE ACCENT}",
    "ß",
    "SS",
    "İ",
    "ǅ",
    "ς",
    "Σ",
    "%",
    "_",
    "'",
    '"',
    "\\",
    " ",
    "🎵",
    "z",
    "\ud800",
    "a\0",
]
NUMBERS = [-14.5, -0.0, 0.0, 1.0, 1.5, 90.0, 1e-300, 1e300]
START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [
    START,
    START + timedelta(microseconds=1),
    START + timedelta(days=1),
    START.astimezone().replace(tzinfo=UTC),
]

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
times = st.sampled_from(TIMES)
maybe_text = st.none() | texts
maybe_number = st.none() | numbers

text_lists = st.lists(texts, max_size=3).map(tuple)
metadatas = st.builds(
    Metadata,
    *[maybe_text] * 5,
    tags=text_lists,
    denied_tags=text_lists,
)
heards = st.dictionaries(texts, st.sampled_from([0.5, 0.75, 1.0]), max_size=4)
analyses = st.none() | st.builds(
    Analysis,
    duration_s=numbers,
    loudness_lufs=maybe_number,
    tempo_bpm=maybe_number,
    tempo_confidence=numbers,
    key=st.none() | st.sampled_from(["A minor", "F# major"]),
    key_confidence=numbers,
    sample_rate_hz=st.just(44100),
    channels=st.just(2),
    codec=st.just("mp3"),
)


@st.composite
def tracks(draw):
    track_id = new_id()
    audio = StoredAudio("key", (track_id * 2)[:64], 1, "audio/mpeg", "x.mp3")
    return Track(
        track_id,
        DEFAULT_LIBRARY,
        TrackKind.TRACK,
        draw(metadatas),
        audio,
        analysis=draw(analyses),
        heard=draw(heards),
        created_at=draw(times),
    )


def values_of(field):
    return {FieldType.NUMBER: numbers, FieldType.TIME: times}.get(FIELDS[field], texts)


@st.composite
def conditions(draw):
    field = draw(st.sampled_from(sorted(FIELDS)))
    kind = draw(st.sampled_from([OneOf, Between, Known]))
    if kind is OneOf:
        return OneOf(field, draw(st.lists(values_of(field), max_size=3)))
    if kind is Between and field not in UNORDERED:
        return Between(field, *(draw(st.none() | values_of(field)) for _ in range(4)))
    return Known(field)


filters = st.recursive(
    conditions(),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, max_size=3))
        | st.builds(AnyOf, st.lists(inner, max_size=3))
    ),
    max_leaves=6,
)


class RollBack(Exception):
    """Ends a transaction that shall leave nothing."""


@contextmanager
def rolled_back(database):
    with suppress(RollBack), database.transaction() as tx:
        yield tx
        raise RollBack


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request):
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    database = SqlDatabase(request.getfixturevalue(f"{request.param}_url"))
    yield database
    database.close()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(tracks(), max_size=5), st.lists(filters, min_size=1, max_size=8))
def test_sql_and_python_agree_on_which_tracks_a_filter_allows(sql, made, asked):
    with rolled_back(sql) as tx:
        stored = [tx.catalogue.add_track(track) for track in made]
        for where in asked:
            checked = checked_filter(where)
            expected = [track.number for track in stored if holds(checked, track)]
            assert tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, where).tolist() == expected, where
        by_each = [tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, where).tolist() for where in asked]
        assert [each.tolist() for each in tx.catalogue.allowed_by_each(DEFAULT_LIBRARY, asked)] == by_each


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(tracks(), max_size=6),
    st.sampled_from([name for name, kind in FIELDS.items() if kind is not FieldType.TEXT_LIST]),
    st.booleans(),
    st.integers(1, 4),
)
def test_pages_in_any_order_hold_every_track_once_and_sorted(sql, made, field, descending, limit):
    with rolled_back(sql) as tx:
        stored = {tx.catalogue.add_track(track).id for track in made}
        sort = f"-{field}" if descending else field
        whole = list(tx.catalogue.list_tracks(DEFAULT_LIBRARY, sort=sort).items)
        paged, cursor = [], None
        for _ in range(len(made) + 1):
            page = tx.catalogue.list_tracks(DEFAULT_LIBRARY, sort=sort, limit=limit, cursor=cursor)
            paged.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert paged == whole
        assert {track.id for track in whole} == stored


@given(st.text())
def test_folding_twice_changes_nothing_that_letters_and_accents_make(text):
    assert fold_text(text.upper()) == fold_text(fold_text(text.upper()))


@given(st.text(alphabet=string.ascii_letters))
def test_folded_text_has_no_case(text):
    assert fold_text(text.upper()) == fold_text(text.lower()) == fold_text(text)
