"""What every catalogue does when it lists tracks, page by page."""

from datetime import timedelta

import pytest

from app.domain import DEFAULT_LIBRARY, Metadata, TrackKind, TrackState
from app.errors import InvalidRequest
from app.filters import Between, Not, OneOf


def listed(catalogue, limit=50, **arguments):
    """Every track of a listing, gathered page by page."""
    found, cursor = [], None
    while True:
        page = catalogue.list_tracks(DEFAULT_LIBRARY, limit=limit, cursor=cursor, **arguments)
        assert len(page.items) <= limit
        found.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.fixture
def varied(catalogue, make):
    """Tracks with equal, different and unknown values."""
    titles = ["beta", "Alpha", None, "alpha", "Émile", "emile", "zeta", None, "ÉMILE"]
    tracks = [
        make.track(
            title,
            analysis=make.analysis(tempo_bpm=[90.0, 120.5, None][place % 3]) if place % 4 else None,
            metadata=Metadata(title, artist="artist" if place % 2 else None, licence="CC0"),
        )
        for place, title in enumerate(titles)
    ]
    return [catalogue.add_track(track) for track in tracks]


SORTS = ["title", "artist", "licence", "key", "tempo_bpm", "duration_s", "created_at", "id"]


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
@pytest.mark.parametrize("limit", [1, 4])
def test_pages_together_are_the_whole_listing(catalogue, varied, sort, limit):
    whole = listed(catalogue, sort=sort)
    assert sorted(track.id for track in whole) == sorted(track.id for track in varied)
    assert listed(catalogue, sort=sort, limit=limit) == whole


def test_titles_sort_without_case_and_unknown_ones_last(catalogue, varied):
    ascending = [track.metadata.title for track in listed(catalogue, sort="title")]
    descending = [track.metadata.title for track in listed(catalogue, sort="-title")]
    assert ascending == ["Alpha", "alpha", "beta", "emile", "zeta", "Émile", "ÉMILE", None, None]
    assert descending == ["ÉMILE", "Émile", "zeta", "emile", "beta", "alpha", "Alpha", None, None]


def test_numbers_sort_as_numbers(catalogue, make):
    for tempo in (100.0, 99.5, 1000.0):
        catalogue.add_track(make.track(analysis=make.analysis(tempo_bpm=tempo)))
    assert [track.analysis.tempo_bpm for track in listed(catalogue, sort="tempo_bpm")] == [99.5, 100.0, 1000.0]


def test_the_newest_come_first_unless_asked_otherwise(catalogue, varied):
    assert listed(catalogue) == varied[::-1]
    assert listed(catalogue, sort="created_at") == varied


def test_tracks_added_and_removed_meanwhile_shift_no_page(catalogue, make, varied):
    page = catalogue.list_tracks(DEFAULT_LIBRARY, limit=4)
    catalogue.add_track(make.track("newer"))
    catalogue.delete_track(DEFAULT_LIBRARY, page.items[-1].id)
    catalogue.delete_track(DEFAULT_LIBRARY, page.items[0].id)
    rest = catalogue.list_tracks(DEFAULT_LIBRARY, cursor=page.next_cursor)
    assert [*page.items, *rest.items] == varied[::-1]
    assert rest.next_cursor is None


def test_clips_are_not_listed(catalogue, make):
    catalogue.add_track(make.track(kind=TrackKind.CLIP))
    assert listed(catalogue) == []


def test_a_listing_can_be_limited_to_a_state_and_a_filter(catalogue, make):
    ready = catalogue.add_track(make.track("a", state=TrackState.READY))
    catalogue.add_track(make.track("b", state=TrackState.READY))
    catalogue.add_track(make.track("a"))
    assert listed(catalogue, state=TrackState.READY, where=OneOf("title", ["A"])) == [ready]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ÉTUDE", ["Étude Nº 1"]),
        ("e\N{COMBINING ACUTE ACCENT}tude", ["Étude Nº 1"]),
        ("straße", ["STRASSE"]),
        ("100%", ["100% pure"]),
        ("0_", []),
        ("_", ["under_score"]),
        ("\\", ["back\\slash"]),
        ("ARTIST", ["by artist"]),
        ("album", ["on album"]),
        ("\0", ["100% pure", "STRASSE", "back\\slash", "by artist", "on album", "under_score", "Étude Nº 1"]),
    ],
)
def test_text_is_looked_for_in_title_artist_and_album(catalogue, make, text, found):
    for title in ("Étude Nº 1", "STRASSE", "100% pure", "under_score", "back\\slash"):
        catalogue.add_track(make.track(title))
    catalogue.add_track(make.track(metadata=Metadata("by artist", artist="The Artist")))
    catalogue.add_track(make.track(metadata=Metadata("on album", album="First Album")))
    catalogue.add_track(make.track(metadata=Metadata(licence="artist album 100% _")))
    titles = [track.metadata.title for track in listed(catalogue, text=text)]
    assert sorted(title for title in titles if title) == found


def test_a_text_without_end_is_refused(catalogue):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.list_tracks(DEFAULT_LIBRARY, text="x" * 100_000)
    assert [fault.place for fault in refused.value.faults] == ["text"]


@pytest.mark.parametrize("sort", ["", "-", "tags", "loudness", "--title", "number", "title; drop table track"])
def test_an_order_that_does_not_exist_is_refused(catalogue, sort):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.list_tracks(DEFAULT_LIBRARY, sort=sort)
    assert [fault.place for fault in refused.value.faults] == ["sort"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\0",
        "e30",
        "bnVsbA",
        "W10",
        "WyJ0aXRsZSIsZmFsc2UsbnVsbCwieCJd",
        "WyJ0aXRsZSIsZmFsc2UsMSwiMDE5Il0",
        "W1tbW1tb" * 99,
    ],
)
def test_a_cursor_that_no_listing_gave_is_refused(catalogue, varied, cursor):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.list_tracks(DEFAULT_LIBRARY, sort="title", cursor=cursor)
    assert [fault.place for fault in refused.value.faults] == ["cursor"]


def test_a_cursor_of_another_order_is_refused(catalogue, varied):
    cursor = catalogue.list_tracks(DEFAULT_LIBRARY, sort="title", limit=1).next_cursor
    for sort in ("-title", "artist", "tempo_bpm"):
        with pytest.raises(InvalidRequest, match="cursor"):
            catalogue.list_tracks(DEFAULT_LIBRARY, sort=sort, cursor=cursor)


def test_a_time_bound_includes_and_excludes_to_the_microsecond(catalogue, varied):
    moment = varied[4].created_at
    place = [track.id for track in varied]
    for where, expected in (
        (Between("created_at", gte=moment), place[4:]),
        (Between("created_at", gt=moment.isoformat()), place[5:]),
        (Between("created_at", lt=moment.isoformat().replace("+00:00", "Z")), place[:4]),
        (Not(Between("created_at", gte=moment - timedelta(microseconds=1))), place[:4]),
        (OneOf("created_at", [moment]), place[4:5]),
    ):
        assert [track.id for track in listed(catalogue, where=where, sort="created_at")] == expected
