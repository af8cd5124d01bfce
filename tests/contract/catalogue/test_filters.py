"""What every catalogue makes of a filter: its faults, named with their places, and its awkward corners."""

import pytest

from app.domain import DEFAULT_LIBRARY, Library, Metadata, TrackKind, new_id
from app.errors import InvalidRequest
from app.filters import AllOf, AnyOf, Between, Known, Not, OneOf, SameAsQuery


@pytest.mark.parametrize(
    ("where", "places"),
    [
        (OneOf("genre", ["x"]), ["filter.field"]),
        (Known("metadata.title"), ["filter.field"]),
        (OneOf("title", [1.0]), ["filter.in"]),
        (OneOf("tags", [1.0]), ["filter.in"]),
        (OneOf("tempo_bpm", ["fast"]), ["filter.in"]),
        (OneOf("tempo_bpm", [True]), ["filter.in"]),
        (Between("tempo_bpm", gte=float("nan")), ["filter.gte"]),
        (Between("tempo_bpm", lte=float("inf")), ["filter.lte"]),
        (Between("tempo_bpm", lte=10**400), ["filter.lte"]),
        (Between("tempo_bpm", gt="90", lt="x"), ["filter.gt", "filter.lt"]),
        (Between("created_at", gte="yesterday"), ["filter.gte"]),
        (Between("created_at", gte=2026.0), ["filter.gte"]),
        (Between("created_at", gte="0001-01-01T00:00:00+14:00"), ["filter.gte"]),
        (Between("tags", gte="a"), ["filter.field"]),
        (Between("id", gte="a"), ["filter.field"]),
        (SameAsQuery("artist"), ["filter"]),
        (
            AllOf([Known("title"), Not(OneOf("x", [])), AnyOf([OneOf("artist", ["a", 1])])]),
            ["filter.all[1].not.field", "filter.all[2].any[0].in"],
        ),
    ],
)
def test_every_fault_is_named_with_its_place(catalogue, where, places):
    for use in (
        lambda: catalogue.allowed_numbers(DEFAULT_LIBRARY, where),
        lambda: catalogue.list_tracks(DEFAULT_LIBRARY, where=where),
    ):
        with pytest.raises(InvalidRequest) as refused:
            use()
        assert [fault.place for fault in refused.value.faults] == places


def test_a_fault_is_a_sentence_that_stands_for_itself(catalogue):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("tempo_bpm", ["fast"]))
    assert [fault.message for fault in refused.value.faults] == ["'tempo_bpm' takes a finite number, not 'fast'"]


def test_a_filter_without_end_is_refused(catalogue):
    deep = Known("title")
    for _ in range(5000):
        deep = Not(deep)
    for where in (deep, AllOf([Known("title")] * 5000), OneOf("title", ["x"] * 100_000)):
        with pytest.raises(InvalidRequest):
            catalogue.allowed_numbers(DEFAULT_LIBRARY, where)


def test_the_largest_filter_that_is_taken_can_be_answered(catalogue, make):
    stored = catalogue.add_track(make.track("x"))
    deep = Known("title")
    for _ in range(48):
        deep = Not(deep)
    for where in (deep, AllOf([Known("title")] * 499), OneOf("title", [str(n) for n in range(9_999)] + ["x"])):
        assert catalogue.allowed_numbers(DEFAULT_LIBRARY, where).tolist() == [stored.number]


def test_ids_of_any_spelling_can_be_asked_for(catalogue, make):
    stored = catalogue.add_track(make.track())
    where = OneOf("id", ["not an id", "\0", stored.id.upper()])
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, where).tolist() == [stored.number]


def test_tags_are_compared_whole_and_without_case(catalogue, make):
    stored = catalogue.add_track(make.track(metadata=Metadata(tags=("Drum & Bass", 'a"b', "ÜBER"))))
    for tag in ("drum & bass", 'A"B', "über", "U\N{COMBINING DIAERESIS}ber"):
        assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("tags", [tag])).tolist() == [stored.number]
    for tag in ("drum", "", "%", "über "):
        assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("tags", [tag])).tolist() == []


def test_not_of_an_unknown_field_holds(catalogue, make):
    bare = catalogue.add_track(make.track())
    for where in (
        Not(OneOf("artist", ["x"])),
        Not(Between("tempo_bpm", gte=0)),
        Not(Between("tempo_bpm")),
        Not(Known("tags")),
        Not(OneOf("tags", ["x"])),
        Not(AllOf([OneOf("artist", ["x"]), Known("id")])),
        Not(AnyOf([OneOf("artist", ["x"]), Between("key", gte="a")])),
        Not(Not(Not(OneOf("artist", ["x"])))),
        Not(AnyOf([])),
        AllOf([]),
    ):
        assert catalogue.allowed_numbers(DEFAULT_LIBRARY, where).tolist() == [bare.number], where


def test_filters_that_are_asked_together_are_answered_as_each_alone(catalogue, make):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    for place in range(6):
        metadata = Metadata(artist="Bob" if place % 2 else None, tags=('say "calm"',) * (place % 3), licence="CC0")
        for values in ({}, {"library_id": other.id}, {"kind": TrackKind.CLIP}):
            catalogue.add_track(make.track(metadata=metadata, **values))
    calm, bob = OneOf("tags", ['Say "CALM"']), OneOf("artist", ["bob"])
    asked = [AllOf([]), calm, bob, Not(bob), Known("licence"), OneOf("tags", ["calm"]), calm]
    found = [each.tolist() for each in catalogue.allowed_by_each(DEFAULT_LIBRARY, asked)]
    assert found == [catalogue.allowed_numbers(DEFAULT_LIBRARY, each).tolist() for each in asked]
    assert [len(each) for each in found] == [6, 4, 3, 3, 6, 0, 4]
    assert list(catalogue.allowed_by_each(DEFAULT_LIBRARY, [])) == []
    assert [each.tolist() for each in catalogue.allowed_by_each(new_id(), asked)] == [[]] * len(asked)


def test_of_filters_that_are_asked_together_a_wrong_one_is_refused(catalogue):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.allowed_by_each(DEFAULT_LIBRARY, [Known("title"), Known("artist"), OneOf("title", [1.0])])
    assert [fault.place for fault in refused.value.faults] == ["filter.in"]
