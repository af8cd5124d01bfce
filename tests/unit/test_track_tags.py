"""What a track carries, of what people say and encoders hear."""

from app.domain import Metadata
from app.services.ingest import merge
from app.track_tags import TagSource, TrackTag, all_tags, without

OWN, HEARD = TagSource.OWN, TagSource.HEARD


def test_own_tags_come_first_in_their_order_then_those_heard_the_surest_first():
    found = all_tags(Metadata(tags=("rock", "Calm")), {"piano": 0.6, "guitar": 0.9, "bass": 0.6})
    assert [each.tag for each in found] == ["rock", "Calm", "guitar", "bass", "piano"]
    assert found[0] == TrackTag("rock", OWN)
    assert found[2] == TrackTag("guitar", HEARD, 0.9)


def test_each_tag_is_there_once_as_it_was_first_said():
    found = all_tags(Metadata(tags=("Piano", "x", "piano")), {"PIANO": 0.9, "Sad": 0.9, "sad": 0.7})
    assert [(each.tag, each.source) for each in found] == [("Piano", OWN), ("x", OWN), ("Sad", HEARD)]


def test_what_is_denied_is_not_there_unless_it_is_an_own_tag():
    metadata = Metadata(tags=("calm",), denied_tags=("CALM", "\N{LATIN CAPITAL LETTER U WITH DIAERESIS}ber"))
    assert [each.tag for each in all_tags(metadata, {"u\N{COMBINING DIAERESIS}ber": 0.9})] == ["calm"]


def test_tags_are_taken_out_whatever_their_case():
    assert without(("Piano", "calm"), ["PIANO", "x"]) == ("calm",)


def test_a_tag_that_is_denied_is_an_own_one_no_longer_and_the_other_way_round():
    known = Metadata(tags=("Piano", "calm"), denied_tags=("rock",))
    denied = merge(known, {"denied_tags": ["piano"]})
    assert (denied.tags, denied.denied_tags) == (("calm",), ("piano",))
    given = merge(known, {"tags": ["Rock"]})
    assert (given.tags, given.denied_tags) == (("Rock",), ())
    assert merge(known, {"title": "x"}).denied_tags == ("rock",)
    assert merge(known, {"denied_tags": None}).denied_tags == ()
