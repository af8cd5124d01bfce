"""Queries that weigh spaces of several encoders."""

from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY
from app.errors import InvalidQuery, NotEmbedded, Transient
from app.filters import OneOf
from app.retrieval import SearchRequest, TagTerm, Term
from app.services.search import SearchService

approx = pytest.approx

HALF = 2**-11
"""Half precision moves a coordinate by at most so much of itself, and the score of unit vectors by no more."""


@pytest.fixture
def world(real_world):
    return real_world


@pytest.fixture
def csn(world):
    with world.database.transaction() as tx:
        return tx.catalogue.announce_encoder(world.new_encoder("csn", "b" * 64))


@pytest.fixture
def shelf(world, csn):
    """A query, and tracks that are close to it by one encoder and less so by the other; one the other lacks."""

    def both(title, librosa, others, **values):
        track = world.track(title, timbre=librosa, rhythm=librosa, **values)
        world.move(track, encoder=csn, timbre=others, rhythm=others)
        return track

    query = both("query", 0, 0, artist="Ada")
    both("near by librosa", 10, 80, artist="Ada")
    both("near by csn", 60, 20, artist="Bob")
    both("between", 40, 40, artist="Bob")
    world.track("no csn", timbre=5, rhythm=5)
    return query


def test_weights_of_two_encoders_make_one_score_that_both_explain(world, shelf, titles, cos):
    answer = world.search(Term(shelf.id, {"timbre": 1, "csn.rhythm": 1}))
    assert answer.encoders == ("librosa", "csn")
    assert answer.weights == {"librosa.timbre": 0.5, "librosa.rhythm": 0, "csn.timbre": 0, "csn.rhythm": 0.5}
    assert titles(answer) == ["between", "near by csn", "near by librosa", "no csn"]
    expected = [cos(40), (cos(60) + cos(20)) / 2, (cos(10) + cos(80)) / 2, cos(5) / 2]
    assert [match.similarity for match in answer.matches] == approx(expected, abs=HALF)
    for match in answer.matches:
        assert sum(share.contribution for share in match.by_space.values()) == approx(match.similarity, abs=1e-6)
    assert answer.matches[1].by_space["csn.rhythm"].similarity == approx(cos(20), abs=HALF)


def test_the_balance_of_encoders_decides_what_comes_first(world, shelf, titles):
    assert titles(world.search(Term(shelf.id, {"librosa": 3, "csn": 1})))[0] == "near by librosa"
    assert titles(world.search(Term(shelf.id, {"librosa": 1, "csn": 3})))[0] == "near by csn"


def test_the_weight_of_an_encoder_is_shared_out_among_its_spaces(world, shelf):
    shares = world.search(Term(shelf.id, {"csn": 1, "timbre": 1})).weights
    assert shares == {"librosa.timbre": 0.5, "librosa.rhythm": 0, "csn.timbre": 0.25, "csn.rhythm": 0.25}


def test_a_query_may_leave_its_own_encoder_out(world, shelf, titles):
    answer = world.search(Term(shelf.id, {"csn.timbre": 1}))
    assert (answer.encoders, answer.weights) == (("csn",), {"timbre": 1, "rhythm": 0})
    assert answer.matches == world.search(Term(shelf.id, {"timbre": 1}), encoder="csn").matches
    assert "no csn" not in titles(answer)


def test_terms_may_ask_different_encoders(world, shelf, titles, cos):
    other = world.track("by ear", timbre=90, rhythm=90)
    answer = world.search(Term(shelf.id, {"csn": 1}), Term(other.id, {"librosa": 1}))
    scores = {match.track.metadata.title: match.similarity for match in answer.matches}
    assert scores["near by csn"] == approx((cos(20) + cos(30)) / 2, abs=HALF)
    assert {"query", "by ear"}.isdisjoint(scores)


def test_a_filter_a_ceiling_and_diversity_hold_across_encoders(world, shelf, titles):
    both = Term(shelf.id, {"librosa": 1, "csn": 1})
    filtered = world.search(both, where=OneOf("artist", ["bob"]))
    assert titles(filtered) == ["between", "near by csn"]
    assert (filtered.indexed, filtered.allowed) == (5, 2)
    assert "between" not in titles(world.search(both, max_similarity=0.75))
    assert len(world.search(both, diversity=0.9).matches) == 4


def test_contrast_to_one_encoder_puts_what_it_finds_alike_last(world, shelf, titles):
    found = titles(world.search(Term(shelf.id, {"librosa": 1, "csn": -1})))
    assert found.index("near by librosa") < found.index("near by csn")


def test_a_reference_needs_the_vectors_of_the_encoders_that_its_term_weighs_only(world, shelf, csn):
    lone = world.track("lone", timbre=0, rhythm=0)
    assert world.search(Term(lone.id, {"librosa": 1}), Term(shelf.id, {"csn": 1})).matches
    with pytest.raises(NotEmbedded, match="no vectors by the encoder 'csn'"):
        world.search(Term(lone.id, {"librosa": 1, "csn": 1}))


def test_spaces_of_several_encoders_are_calibrated_each_by_its_own_background(world, csn):
    for place in range(30):
        track = world.track(f"{place}", timbre=place * 0.5, rhythm=place * 0.5)
        world.move(track, encoder=csn, timbre=place * 70, rhythm=place * 70)
    term = Term(track.id, {"librosa": 1, "csn": 1})
    shares = world.search(term, calibrate=True).weights
    assert shares["librosa.timbre"] > 0.45
    assert shares["csn.timbre"] < 0.05
    assert set(world.search(term).weights.values()) == {0.25}


def test_nothing_is_calibrated_before_every_encoder_has_been_measured(world, csn):
    for place in range(30):
        track = world.track(f"{place}", timbre=place * 0.5, rhythm=place * 70)
    world.move(track, encoder=csn, timbre=0, rhythm=0)
    weights = {"librosa": 1, "csn": 1}
    assert set(world.search(Term(track.id, weights), calibrate=True).weights.values()) == {0.25}


def test_the_best_part_of_a_match_is_found_however_the_encoders_cut_it(world, csn):
    query = world.track("query", timbre=0, rhythm=0)
    world.move(query, encoder=csn, timbre=0, rhythm=0)
    halves = [((0, 30), {"timbre": 0}), ((30, 60), {"timbre": 90})]
    thirds = [((0, 20), {"timbre": 60}), ((20, 40), {"timbre": 10}), ((40, 60), {"timbre": 0})]
    match = world.track("match", timbre=45, segments=halves)
    with world.database.transaction() as tx:
        world.embed(tx, match, segments=thirds, encoder=csn, timbre=30)

    def part(weights):
        [found] = world.search(Term(query.id, weights)).matches
        return found.segment.start_s, found.segment.end_s

    assert part({"timbre": 1}) == (0, 30)
    assert part({"csn.timbre": 1}) == (40, 60)
    assert part({"timbre": 1, "csn.timbre": 1}) == (20, 40)


def test_a_segment_of_the_reference_is_taken_from_each_encoder(world, csn, cos):
    halves = [((0, 30), {"timbre": 0}), ((30, 60), {"timbre": 90})]
    query = world.track("query", timbre=45, segments=halves)
    with world.database.transaction() as tx:
        world.embed(tx, query, segments=halves[::-1], encoder=csn, timbre=45)
    other = world.track("other", timbre=0)
    world.move(other, encoder=csn, timbre=0)
    [match] = world.search(Term(query.id, {"timbre": 1, "csn.timbre": 1}, segment_s=(0, 30))).matches
    assert match.similarity == approx(1, abs=HALF)


def test_a_segment_out_of_reach_is_one_fault_whatever_the_encoders(world, shelf):
    with pytest.raises(InvalidQuery) as caught:
        world.search(Term(shelf.id, {"librosa": 1, "csn": 1}, segment_s=(50, 90)))
    assert [fault.place for fault in caught.value.faults] == ["terms.0.segment"]


def test_an_unknown_space_names_the_encoder_that_has_it(world, shelf):
    with pytest.raises(InvalidQuery, match=r"no space 'tibre'.* Did you mean .*timbre"):
        world.search(Term(shelf.id, {"tibre": 1}))


def test_an_index_that_is_not_loaded_is_named(world, shelf):
    request = SearchRequest(DEFAULT_LIBRARY, (Term(shelf.id, {"librosa": 1, "csn": 1}),))
    with pytest.raises(Transient, match="'librosa' is being loaded"):
        SearchService(world.database, world.new_keeper()).search(request)


# tags


@pytest.fixture
def plain(tagged_world):
    """An encoder without tags, beside the one that knows some."""
    with tagged_world.database.transaction() as tx:
        return tx.catalogue.announce_encoder(replace(tagged_world.new_encoder("plain", "c" * 64), tags={}))


def test_a_tag_of_another_encoder_is_asked_for_by_its_space(tagged_world, plain, cos):
    query = tagged_world.track("query", timbre=0, rhythm=0)
    tagged_world.move(query, encoder=plain, timbre=0, rhythm=0)
    other = tagged_world.track("other", timbre=10, rhythm=0)
    tagged_world.move(other, encoder=plain, timbre=60, rhythm=60)
    terms = (Term(query.id, {"timbre": 1}), TagTerm("bright", 1, "librosa.timbre"))
    answer = tagged_world.search(*terms, encoder="plain")
    [match] = answer.matches
    assert match.similarity == approx((cos(60) + cos(10)) / 2, abs=HALF)
    assert [tag.space for tag in (*answer.tags, *match.by_tag)] == ["librosa.timbre", "librosa.timbre"]


def test_a_tag_without_its_encoder_is_sought_in_the_own_one_alone(tagged_world, plain):
    with pytest.raises(InvalidQuery, match="'plain' knows no tags"):
        tagged_world.search(TagTerm("bright"), encoder="plain")
    with pytest.raises(InvalidQuery, match="stands in several spaces: timbre, rhythm"):
        tagged_world.search(TagTerm("dark", 1, "librosa"), encoder="plain")
