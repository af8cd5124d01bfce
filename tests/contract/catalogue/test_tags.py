"""What every catalogue makes of the tags of a track: its own, those heard in it, those denied."""

import random
import types
from contextlib import suppress
from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, Library, Metadata, TrackKind, TrackState, new_id
from app.errors import InvalidRequest
from app.filters import Between, Known, Not, OneOf


@pytest.fixture
def add(catalogue, make):
    """Store a READY track with own and denied tags and what is heard."""

    def add(*own, denied=(), heard=types.MappingProxyType({}), **values):
        metadata = Metadata(tags=own, denied_tags=denied)
        return catalogue.add_track(make.track(metadata=metadata, heard=heard, state=TrackState.READY, **values))

    return add


@pytest.fixture
def carriers(catalogue):
    """Numbers of the tracks that carry a tag."""
    return lambda *tags: catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("all_tags", tags)).tolist()


def test_what_people_say_and_what_is_heard_comes_back(catalogue, make):
    metadata = Metadata(tags=("Piano",), denied_tags=("Vocals", "rock"))
    track = make.track(metadata=metadata, heard={"calm": 0.75, "Vocals": 0.5})
    stored = catalogue.add_track(track)
    assert stored == replace(track, number=stored.number) == catalogue.track(DEFAULT_LIBRARY, track.id)


def test_a_track_carries_its_own_tags_and_those_heard_that_nobody_denied(add, carriers):
    both = add("Piano", denied=("VOCALS",), heard={"Calm": 0.8, "vocals": 0.9})
    own = add("vocals")
    assert carriers("PIANO") == carriers("calm") == [both.number]
    assert carriers("Vocals") == [own.number]
    assert carriers("piano", "vocals") == [both.number, own.number]


def test_an_own_tag_is_there_even_if_it_was_denied(add, carriers):
    track = add("piano", denied=("Piano",), heard={"piano": 0.9})
    assert carriers("piano") == [track.number]


def test_the_own_tags_can_still_be_asked_for_alone(add, catalogue):
    add(heard={"piano": 0.9})
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("tags", ["piano"])).tolist() == []


def test_a_track_without_any_tag_has_the_field_unknown(add, catalogue):
    tagged, bare = add(heard={"calm": 0.5}), add(denied=("calm",), heard={"calm": 0.5})
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, Known("all_tags")).tolist() == [tagged.number]
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, Not(Known("all_tags"))).tolist() == [bare.number]


def test_tags_have_no_order(catalogue):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.allowed_numbers(DEFAULT_LIBRARY, Between("all_tags", gte="a"))
    assert [fault.place for fault in refused.value.faults] == ["filter.field"]
    with pytest.raises(InvalidRequest):
        catalogue.list_tracks(DEFAULT_LIBRARY, sort="all_tags")


def test_editing_what_people_say_leaves_what_is_heard(add, catalogue, carriers):
    track = add("old", heard={"calm": 0.8, "sad": 0.7})
    edited = catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata(tags=("new",), denied_tags=("Sad",)))
    assert (edited.metadata.denied_tags, edited.heard) == (("Sad",), {"calm": 0.8, "sad": 0.7})
    assert (carriers("old"), carriers("sad")) == ([], [])
    assert carriers("new") == carriers("calm") == [track.number]
    catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata())
    assert carriers("sad") == [track.number]


def test_what_is_heard_replaces_what_was_and_says_whose_tags_have_changed(add, catalogue, carriers):
    first, second, third = add("piano"), add(denied=("calm",)), add(heard={"calm": 0.6})
    changed = catalogue.save_heard(
        {first.number: {"calm": 0.9}, second.number: {"calm": 0.9}, third.number: {"Calm": 0.7}, 10**9: {"x": 1.0}}
    )
    assert set(changed) == {first.number}
    assert carriers("calm") == [first.number, third.number]
    assert catalogue.track(DEFAULT_LIBRARY, second.id).heard == {"calm": 0.9}
    assert set(catalogue.save_heard({first.number: {}})) == {first.number}
    assert (carriers("calm"), carriers("piano")) == ([third.number], [first.number])


def test_listening_is_no_edit(add, catalogue):
    track = add()
    catalogue.save_heard({track.number: {"calm": 0.9}})
    assert catalogue.track(DEFAULT_LIBRARY, track.id).updated_at == track.updated_at


def test_saving_nothing_changes_nothing(catalogue):
    assert not catalogue.save_heard({})


def test_names_of_tags_that_a_database_cannot_hold_are_mended(add, catalogue, carriers):
    track = add()
    catalogue.save_heard({track.number: {"a\0": 0.75, "a": 0.5, "\ud800": 1.0}})
    assert catalogue.track(DEFAULT_LIBRARY, track.id).heard == {"a": 0.75, "\ufffd": 1.0}
    assert carriers("a\0") == [track.number]


def test_those_to_listen_to_are_ready_tracks_that_nobody_has_heard(add, catalogue, make):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    catalogue.add_track(make.track(state=TrackState.PENDING))
    listened = add()
    catalogue.save_heard({listened.number: {}})
    add(kind=TrackKind.CLIP)
    waiting = [add(), add(library_id=other.id), add()]
    assert catalogue.unheard() == waiting
    assert catalogue.unheard(limit=2) == waiting[:2]
    catalogue.save_heard({track.number: {} for track in waiting})
    assert catalogue.unheard() == []


def test_to_have_all_listened_to_anew_leaves_their_tags_till_then(add, catalogue, carriers):
    track = add()
    catalogue.save_heard({track.number: {"calm": 0.9}})
    assert catalogue.unheard() == []
    catalogue.forget_heard()
    assert [each.id for each in catalogue.unheard()] == [track.id]
    assert carriers("calm") == [track.number]


def test_tags_are_counted_without_case_the_commonest_first(add, catalogue, make):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    add("Piano", heard={"Calm": 0.9, "piano": 0.9})
    add("piano", denied=("calm",), heard={"calm": 0.9})
    add("Zither", heard={"alto": 0.5})
    add("piano", kind=TrackKind.CLIP)
    add("piano", library_id=other.id)
    counts = catalogue.count_tags(DEFAULT_LIBRARY)
    assert list(counts.items()) == [("piano", 2), ("alto", 1), ("calm", 1), ("zither", 1)]
    assert list(catalogue.count_tags(DEFAULT_LIBRARY, limit=2)) == ["piano", "alto"]
    assert catalogue.count_tags(new_id()) == {}


def test_counts_follow_edits_hearing_and_deletion(add, catalogue):
    first, second = add("Piano", heard={"calm": 0.9}), add("piano", denied=("calm",), heard={"calm": 0.9})
    clip = add("piano", kind=TrackKind.CLIP)
    catalogue.update_metadata(DEFAULT_LIBRARY, second.id, Metadata(tags=("flute",)))
    catalogue.update_metadata(DEFAULT_LIBRARY, clip.id, Metadata(tags=("flute",)))
    assert catalogue.count_tags(DEFAULT_LIBRARY) == {"calm": 2, "flute": 1, "piano": 1}
    catalogue.save_heard({first.number: {"Loud": 0.9}, clip.number: {"loud": 0.9}})
    assert catalogue.count_tags(DEFAULT_LIBRARY) == {"calm": 1, "flute": 1, "loud": 1, "piano": 1}
    for gone in (first, clip):
        catalogue.delete_track(DEFAULT_LIBRARY, gone.id)
    assert catalogue.count_tags(DEFAULT_LIBRARY) == {"calm": 1, "flute": 1}


def test_what_was_counted_in_a_transaction_is_there_for_the_next(database, make):
    with database.transaction() as tx:
        track = tx.catalogue.add_track(make.track(metadata=Metadata(tags=("piano", "calm"))))
    with suppress(ZeroDivisionError), database.transaction() as tx:
        tx.catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata(tags=("loud",)))
        raise ZeroDivisionError
    with database.transaction(read_only=True) as tx:
        assert tx.catalogue.count_tags(DEFAULT_LIBRARY) == {"calm": 1, "piano": 1}
    with database.transaction() as tx:
        tx.catalogue.delete_track(DEFAULT_LIBRARY, track.id)
    with database.transaction(read_only=True) as tx:
        assert tx.catalogue.count_tags(DEFAULT_LIBRARY) == {}


def test_tags_of_any_length_are_counted(add, catalogue):
    long = "\N{MUSICAL SYMBOL G CLEF}abc" * 5000
    for ending in ("x", "x", "y"):
        add(long + ending)
    assert catalogue.count_tags(DEFAULT_LIBRARY) == {long + "x": 2, long + "y": 1}


def test_whatever_happens_to_tracks_counts_are_those_of_their_tags(add, catalogue):
    draw = random.Random(0)
    tracks, words = [], ["calm", "Loud", "PIANO", "flute"]

    def some():
        return tuple(draw.sample(words, draw.randrange(4)))

    for _ in range(60):
        kind = draw.choice(["add", "add", "edit", "hear", "delete"])
        if kind == "add" or not tracks:
            tracks.append(add(*some(), heard=dict.fromkeys(some(), 0.5)))
        elif kind == "edit":
            edited = Metadata(tags=some(), denied_tags=some())
            catalogue.update_metadata(DEFAULT_LIBRARY, draw.choice(tracks).id, edited)
        elif kind == "hear":
            catalogue.save_heard({track.number: dict.fromkeys(some(), 0.5) for track in draw.sample(tracks, 1)})
        else:
            catalogue.delete_track(DEFAULT_LIBRARY, tracks.pop(draw.randrange(len(tracks))).id)
        carried = {word.lower(): OneOf("all_tags", [word]) for word in words}
        counted = {tag: len(catalogue.allowed_numbers(DEFAULT_LIBRARY, where)) for tag, where in carried.items()}
        assert catalogue.count_tags(DEFAULT_LIBRARY) == {tag: n for tag, n in counted.items() if n}
