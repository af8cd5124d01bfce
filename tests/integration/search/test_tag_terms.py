"""Searching by tags: alone, beside references, and what is said of tags that cannot be asked with."""

import pytest

from app.errors import InvalidQuery
from app.filters import Not, SameAsQuery
from app.retrieval import TagTerm, Term

approx = pytest.approx

HALF = 2**-11
"""Half precision moves a coordinate by at most so much of itself, and the score of unit vectors by no more."""


@pytest.fixture
def world(tagged_world):
    return tagged_world


@pytest.fixture
def shelf(world):
    """A query, and tracks that carry one tag more than others."""
    query = world.track("query", timbre=0, rhythm=0, artist="Ada")
    world.track("bright", timbre=10, rhythm=170, artist="Ada")
    world.track("dark", timbre=170, rhythm=10, artist="Bob")
    world.track("beat only", rhythm=0)
    return query


def refused(world, *terms, **options):
    with pytest.raises(InvalidQuery) as caught:
        world.search(*terms, **options)
    return [(fault.place, fault.message) for fault in caught.value.faults]


def test_a_tag_alone_finds_the_tracks_that_lie_in_its_direction(world, shelf, titles, cos):
    answer = world.search(TagTerm("bright"))
    assert titles(answer) == ["query", "bright", "dark"]
    assert [match.similarity for match in answer.matches] == approx([1, cos(10), cos(170)], abs=HALF)
    assert [match.percentile for match in answer.matches] == approx([75, 50, 0])
    assert answer.weights == {"timbre": 1, "rhythm": 0}


def test_a_track_absent_in_the_space_of_the_tag_is_no_match(world, shelf, titles):
    assert "beat only" not in titles(world.search(TagTerm("bright")))


def test_a_negative_weight_asks_for_the_opposite(world, shelf, titles):
    answer = world.search(TagTerm("bright", -3))
    assert titles(answer) == ["dark", "bright", "query"]
    assert answer.weights == {"timbre": -1, "rhythm": 0}


def test_a_tag_beside_a_track_pulls_the_matches_its_way(world, shelf, titles):
    alone = world.search(Term(shelf.id, {"rhythm": 1}))
    assert titles(alone) == ["beat only", "dark", "bright"]
    answer = world.search(Term(shelf.id, {"rhythm": 1}), TagTerm("bright", 4))
    assert titles(answer)[0] == "bright"
    assert answer.weights == approx({"timbre": 0.8, "rhythm": 0.2})
    assert "query" not in titles(answer)


def test_the_explanation_names_each_tag_and_what_it_adds(world, shelf, cos):
    terms = (Term(shelf.id), TagTerm("warm", 2), TagTerm("driving", -1))
    answer = world.search(*terms)
    assert [(tag.tag, tag.space, tag.weight) for tag in answer.tags] == [
        ("warm", "timbre", approx(0.4)),
        ("driving", "rhythm", approx(-0.2)),
    ]
    [match] = [match for match in answer.matches if match.track.metadata.title == "bright"]
    warm, driving = match.by_tag
    assert (warm.tag, warm.space, warm.weight) == ("warm", "timbre", approx(0.4))
    assert (warm.similarity, warm.contribution) == approx((cos(80), 0.4 * cos(80)), abs=HALF)
    assert (driving.similarity, driving.contribution) == approx((cos(170), -0.2 * cos(170)), abs=HALF)
    assert sum(share.contribution for share in match.by_space.values()) == approx(match.similarity, abs=1e-6)
    rest = match.by_space["timbre"].contribution - warm.contribution
    assert rest == approx(0.2 * cos(10), abs=HALF)


def test_without_explain_matches_do_not_speak_of_tags(world, shelf):
    assert world.search(TagTerm("bright"), explain=False).matches[0].by_tag == ()


def test_calibration_scales_a_tag_as_it_scales_its_space(world):
    for place in range(30):
        world.track(f"{place}", timbre=place * 0.5, rhythm=place * 70)
    answer = world.search(TagTerm("bright"), TagTerm("driving"), calibrate=True)
    assert answer.weights["timbre"] > 0.9
    assert [tag.weight for tag in answer.tags] == approx(list(answer.weights.values()))
    assert [match.percentile for match in answer.matches] == sorted(
        (match.percentile for match in answer.matches), reverse=True
    )


def test_tags_work_with_ceiling_diversity_and_filter(world, shelf, titles):
    assert titles(world.search(TagTerm("bright"), max_similarity=0.99)) == ["bright", "dark"]
    assert len(world.search(TagTerm("bright"), diversity=0.5).matches) == 3
    assert titles(world.search(TagTerm("bright"), max_per_artist=1)) == ["query", "dark"]


def test_with_tags_alone_nothing_is_the_same_as_in_the_query(world, shelf, titles):
    everything = world.search(TagTerm("bright"), where=Not(SameAsQuery("artist")))
    assert titles(everything) == ["query", "bright", "dark"]
    nothing = world.search(TagTerm("bright"), where=SameAsQuery("artist"))
    assert nothing.empty_because == "The filter left none of the 4 indexed tracks."


def test_a_tag_is_found_whatever_its_case(world, shelf):
    assert [tag.tag for tag in world.search(TagTerm("BRIGHT")).tags] == ["bright"]


def test_a_tag_that_stands_in_several_spaces_is_asked_for_in_one(world, shelf, titles):
    [(place, message)] = refused(world, TagTerm("dark"))
    assert (place, message) == (
        "terms.0.space",
        "The tag 'dark' stands in several spaces: timbre, rhythm. Say which one is meant.",
    )
    assert titles(world.search(TagTerm("dark", space="timbre")))[0] == "dark"
    assert titles(world.search(TagTerm("dark", space="rhythm"))) == ["bright", "dark", "query", "beat only"]


def test_a_tag_in_a_space_that_does_not_know_it_is_refused_with_the_one_that_does(world, shelf):
    [(place, message)] = refused(world, TagTerm("warm", space="rhythm"))
    assert (place, message) == ("terms.0.space", "The tag 'warm' does not stand in 'rhythm', but in timbre.")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("brihgt", "Did you mean 'bright' (timbre)?"),
        ("drak", "Did you mean 'dark' (timbre) or 'dark' (rhythm)?"),
        ("drive", "Did you mean 'driving' (rhythm)?"),
        ("riv", "Did you mean 'driving' (rhythm)?"),
        ("accordion", "GET /v1/tags lists those that it knows."),
        ("x" * 5000, "GET /v1/tags lists those that it knows."),
    ],
)
def test_an_unknown_tag_is_refused_with_those_that_were_perhaps_meant(world, shelf, wanted, says):
    [(place, message)] = refused(world, TagTerm(wanted))
    assert place == "terms.0.tag"
    assert says in message
    assert len(message) < 250


def test_an_encoder_that_knows_no_tags_says_so(world, shelf, tmp_path):
    world.tags = {}
    with world.database.transaction() as tx:
        tx.catalogue.announce_encoder(world.new_encoder("bare", "b" * 64))
    [(place, message)] = refused(world, TagTerm("bright"), encoder="bare")
    assert place == "terms.0.tag"
    assert message.startswith("The encoder 'bare' knows no tags; ask with a track or a clip")


def test_every_fault_of_tags_and_references_is_told_together(world, shelf):
    faults = refused(
        world, TagTerm("brihgt"), Term(shelf.id, {"mood": 1}), TagTerm("warm", float("nan")), Term("no"), k=0
    )
    assert [place for place, _ in faults] == [
        "k",
        "terms.0.tag",
        "terms.2.weight",
        "terms.1.weights.mood",
        "terms.3",
    ]


def test_a_query_whose_tags_weigh_nothing_or_cancel_out_is_refused(world, shelf):
    [(_, zero)] = refused(world, TagTerm("bright", 0))
    assert "All weights are zero" in zero
    [(_, cancelled)] = refused(world, TagTerm("bright", 1), TagTerm("bright", -1))
    assert "cancel" in cancelled
