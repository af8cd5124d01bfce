"""Feedback through the service: what was shown is found again, judged tracks are read, and reasons are said."""

from dataclasses import replace

import numpy as np
import pytest

from app.domain import DEFAULT_LIBRARY, Embedding, EncoderInfo, Space, new_id
from app.errors import InvalidQuery, NotEmbedded, NotFound
from app.retrieval import SearchRequest, TagTerm, Term
from app.services.feedback import FeedbackService, JudgedSearch
from app.services.search import SearchService


def feedback(world):
    world.keeper.catch_up()
    return FeedbackService(world.database, SearchService(world.database, world.keeper))


def first(proposal):
    """What is proposed for the first term."""
    return proposal.terms[0]


def judged(*terms, liked=(), disliked=(), **options):
    request = SearchRequest(DEFAULT_LIBRARY, tuple(terms), **{"calibrate": False, "k": 3, **options})
    return JudgedSearch(request, [each.id for each in liked], [each.id for each in disliked])


@pytest.fixture
def shelf(world):
    """A reference, and tracks that are alike in one of two spaces."""
    query = world.track("query", timbre=0, rhythm=0)
    near = {
        name: world.track(name, timbre=timbre, rhythm=rhythm)
        for name, timbre, rhythm in (
            ("timbre twin", 5, 120),
            ("timbre sister", 10, 100),
            ("rhythm twin", 120, 5),
            ("rhythm sister", 100, 10),
            ("stranger", 170, 170),
        )
    }
    return query, near


def test_liking_what_is_close_in_a_space_raises_its_weight_and_says_why(world, shelf):
    query, near = shelf
    proposal = feedback(world).propose([judged(Term(query.id), liked=[near["timbre twin"]], k=5)])
    assert first(proposal).old == {"timbre": 1, "rhythm": 1}
    assert first(proposal).new["timbre"] == 1
    assert first(proposal).new["rhythm"] < 0.7
    assert (proposal.encoder, proposal.judgements) == ("librosa", 1)
    assert 0 < proposal.certainty < 1
    (change,) = first(proposal).changes
    assert (change.space, change.old, change.new) == ("rhythm", 1, first(proposal).new["rhythm"])
    assert change.why.startswith("You liked tracks that are far off in rhythm (mean similarity -0.50; 0.")
    assert change.why.endswith("of the others), so rhythm counts less.")


def test_a_space_that_was_left_out_is_said_to_count_more(world, shelf):
    query, near = shelf
    proposal = feedback(world).propose(
        [judged(Term(query.id, {"timbre": 2}), liked=[near["rhythm twin"], near["rhythm sister"]], k=5)]
    )
    assert first(proposal).old == {"timbre": 1, "rhythm": 0}
    said = {change.space: change.why for change in first(proposal).changes}
    assert said["rhythm"].startswith("You liked tracks that are close in rhythm (mean similarity 0.99;")
    assert said["rhythm"].endswith("so rhythm counts more.")


def test_disliking_what_is_close_in_a_space_lowers_its_weight(world, shelf):
    query, near = shelf
    proposal = feedback(world).propose(
        [judged(Term(query.id), disliked=[near["timbre twin"], near["timbre sister"]], k=5)]
    )
    assert first(proposal).new["rhythm"] == 1
    assert first(proposal).new["timbre"] < 0.5
    assert "You disliked tracks that are close in timbre" in first(proposal).changes[0].why


def test_a_judged_track_need_not_have_been_shown(world, shelf):
    query, near = shelf
    proposal = feedback(world).propose([judged(Term(query.id), disliked=[near["stranger"]], k=2)])
    assert proposal.judgements == 1
    both = feedback(world).propose(
        [judged(Term(query.id), disliked=[near["stranger"]], liked=[near["rhythm twin"]], k=2)]
    )
    assert first(both).new["rhythm"] == 1
    assert first(both).new["timbre"] < first(proposal).new["timbre"]


def test_a_contrast_can_only_be_weakened(world, shelf):
    query, near = shelf
    asked = Term(query.id, {"timbre": 1, "rhythm": -1})
    away = feedback(world).propose([judged(asked, liked=[near["rhythm sister"]], k=5)])
    assert first(away).old == {"timbre": 1, "rhythm": -1}
    assert -1 < first(away).new["rhythm"] <= 0
    change = next(change for change in first(away).changes if change.space == "rhythm")
    assert "the contrast in rhythm" in change.why


def test_earlier_rounds_count_and_the_estimate_starts_from_their_first_weights(world, shelf):
    query, near = shelf
    begun = judged(Term(query.id), liked=[near["rhythm twin"]], k=5)
    service = feedback(world)
    one = service.propose([begun])
    again = judged(Term(query.id, dict(first(one).new)), liked=[near["rhythm twin"]], k=5)
    both = service.propose([begun, again])
    assert both.judgements == 2
    assert first(both).old == pytest.approx(first(one).new)
    assert first(both).new["timbre"] < first(one).new["timbre"]


def test_an_earlier_round_that_wants_the_opposite_in_a_space_is_refused(world, shelf):
    query, near = shelf
    wanted, unwanted, without = (
        judged(Term(query.id, {"timbre": 1, "rhythm": weight}), liked=[near["rhythm twin"]], k=5)
        for weight in (1, -1, 0)
    )
    service = feedback(world)
    with pytest.raises(InvalidQuery, match="opposite of a later one in rhythm") as caught:
        service.propose([without, wanted, unwanted])
    assert [fault.place for fault in caught.value.faults] == ["earlier.1.search"]
    with pytest.raises(InvalidQuery, match="opposite"):
        service.propose([wanted, unwanted, without])


def test_a_contrast_that_came_in_later_does_not_turn(world, shelf):
    query, near = shelf
    without, unwanted = (
        judged(Term(query.id, {"timbre": 1, "rhythm": weight}), liked=[near["rhythm twin"]], k=5)
        for weight in (0, -1)
    )
    proposal = feedback(world).propose([without, unwanted])
    assert first(proposal).old["rhythm"] == -1
    assert first(proposal).new["rhythm"] <= 0
    assert first(feedback(world).propose([without])).new["rhythm"] > 0


def test_judgements_move_the_reference_that_explains_them(world, shelf):
    query, near = shelf
    other = near["rhythm twin"]
    asked = (Term(query.id), Term(other.id))
    proposal = feedback(world).propose([judged(*asked, liked=[near["timbre twin"]], k=5)])
    assert [(each.term, each.old) for each in proposal.terms] == [
        (0, {"timbre": 1, "rhythm": 1}),
        (1, {"timbre": 1, "rhythm": 1}),
    ]
    of_query, of_other = (each.new for each in proposal.terms)
    assert of_query["timbre"] == 1
    assert max(*of_other.values(), of_query["rhythm"]) < 0.8
    said = {(each.term, change.space): change.why for each in proposal.terms for change in each.changes}
    assert set(said) == {(0, "rhythm"), (1, "timbre"), (1, "rhythm")}
    assert "far off in timbre" in said[1, "timbre"]


def test_which_of_two_references_matters_is_learnt_in_either_order(world, shelf):
    query, near = shelf
    asked = (Term(query.id), Term(near["rhythm twin"].id))
    one = feedback(world).propose([judged(*asked, liked=[near["timbre twin"]], k=5)])
    turned = feedback(world).propose([judged(*asked[::-1], liked=[near["timbre twin"]], k=5)])
    for there, here in zip(one.terms, reversed(turned.terms), strict=True):
        assert here.new == pytest.approx(there.new)


def test_weights_of_all_terms_keep_one_scale(world, shelf):
    query, near = shelf
    strong = Term(query.id, {"timbre": 2, "rhythm": 1})
    weak = Term(near["rhythm twin"].id, {"timbre": 0.5})
    proposal = feedback(world).propose([judged(strong, weak, liked=[near["stranger"]], k=5)])
    assert [each.old for each in proposal.terms] == [{"timbre": 1, "rhythm": 0.5}, {"timbre": 0.25, "rhythm": 0}]
    assert max(weight for each in proposal.terms for weight in each.new.values()) == 1


def test_a_reference_that_came_to_count_nothing_is_still_learnt_of(world, shelf):
    query, near = shelf
    other = near["rhythm twin"].id
    begun = judged(Term(query.id), Term(other), liked=[near["timbre twin"]], k=5)
    later = judged(Term(query.id), Term(other, {}), disliked=[near["timbre sister"]], k=5)
    proposal = feedback(world).propose([begun, later])
    assert proposal.terms[1].old == {"timbre": 0, "rhythm": 0}
    assert max(proposal.terms[1].new.values()) > 0


def test_an_earlier_round_with_other_terms_is_refused(world, shelf):
    query, near = shelf
    alone = judged(Term(query.id), liked=[near["timbre twin"]], k=5)
    beside = judged(Term(query.id), Term(near["rhythm twin"].id), liked=[near["timbre twin"]], k=5)
    with pytest.raises(InvalidQuery, match="other terms than the present one") as caught:
        feedback(world).propose([alone, beside])
    assert [fault.place for fault in caught.value.faults] == ["earlier.0.search"]


def test_an_earlier_round_in_another_measure_is_refused(world, shelf):
    query, near = shelf
    rounds = [judged(Term(query.id), liked=[near["timbre twin"]], k=5, calibrate=each) for each in (False, True)]
    with pytest.raises(InvalidQuery, match="differ in calibrate") as caught:
        feedback(world).propose(rounds)
    assert [fault.place for fault in caught.value.faults] == ["earlier.0.search"]


def test_more_judgements_than_memory_holds_are_refused(world, shelf, monkeypatch):
    query, near = shelf
    monkeypatch.setattr("app.services.feedback.MAX_COMPARED", 2 * 5 * 2)
    two = judged(Term(query.id), liked=[near["timbre twin"]], disliked=[near["stranger"]], k=5)
    service = feedback(world)
    assert service.propose([two]).judgements == 2
    with pytest.raises(InvalidQuery, match="compare 40 similarities, 20 are taken at most"):
        service.propose([two, two])


def test_a_tag_is_weighed_anew_beside_a_reference(tagged_world):
    query = tagged_world.track("query", timbre=0, rhythm=0)
    near = [tagged_world.track(f"{place}", timbre=10 + 50 * place, rhythm=60) for place in range(4)]
    tagged = judged(TagTerm("bright"), Term(query.id, {"rhythm": 0.5}), liked=[near[3]], disliked=[near[0]], k=4)
    tag, reference = feedback(tagged_world).propose([tagged]).terms
    assert (tag.old, reference.old) == ({"timbre": 1}, {"timbre": 0, "rhythm": 0.5})
    assert (tag.new, reference.new) == ({"timbre": 0}, {"timbre": 0, "rhythm": 1})
    assert tag.changes[0].why.startswith("You liked tracks that are far from bright (mean similarity -0.94;")
    assert tag.changes[0].why.endswith("of the others), so bright no longer counts.")


def test_a_search_with_one_weight_only_is_refused(tagged_world):
    near = [tagged_world.track(f"{place}", timbre=10 * place, rhythm=90) for place in range(4)]
    service = feedback(tagged_world)
    with pytest.raises(InvalidQuery, match="has bright only to weigh") as caught:
        service.propose([judged(TagTerm("bright"), liked=[near[0]])])
    assert caught.value.faults[0].place == "search.terms"


def test_what_cannot_be_judged_is_refused(world, shelf):
    query, near = shelf
    service = feedback(world)
    twin = near["timbre twin"]
    gone = world.track("gone", timbre=1, rhythm=1)
    world.delete(gone)
    waiting = world.track("waiting", embedded=False)
    foreign = world.track("foreign", library_id=world.library("other"), timbre=0, rhythm=0)
    for marks, error, says in (
        ({}, InvalidQuery, "No track is judged"),
        ({"liked": [twin], "disliked": [twin]}, InvalidQuery, "liked and disliked"),
        ({"liked": [query]}, InvalidQuery, "reference of the search itself"),
        ({"liked": [gone]}, NotFound, gone.id),
        ({"liked": [foreign]}, NotFound, foreign.id),
        ({"disliked": [waiting]}, NotEmbedded, "no vectors"),
    ):
        with pytest.raises(error, match=says):
            service.propose([judged(Term(query.id), **marks)])


def test_faults_of_all_rounds_are_named_with_their_place(world, shelf):
    query, near = shelf
    wrong = judged(Term(query.id, {"colour": 1}), liked=[near["timbre twin"]])
    twice = judged(Term(query.id), liked=[near["stranger"]], disliked=[near["stranger"]])
    with pytest.raises(InvalidQuery) as caught:
        feedback(world).propose([wrong, twice])
    assert {fault.place for fault in caught.value.faults} == {
        "earlier.0.search.terms.0.weights.colour",
        "disliked.0",
    }


def new_encoder(world, name, spaces):
    with world.database.transaction() as tx:
        return tx.catalogue.announce_encoder(EncoderInfo(new_id(), name, "1", name[0] * 64, spaces))


def save(world, track, encoder, vector):
    with world.database.transaction() as tx:
        spans = np.array([[0, 60]], np.float32)
        made = Embedding(encoder.id, np.array(vector, np.float32), spans, np.array([vector], np.float32))
        tx.catalogue.save_embedding(track.id, made)
        tx.changes.append(track.library_id, "track.embedded", track.id, track.number)


def test_spaces_of_several_encoders_are_weighed_together(world, shelf):
    query, near = shelf
    other = new_encoder(world, "pitch", (Space("key", 2),))
    for place, track in enumerate([query, *near.values()]):
        save(world, track, other, [1, 0] if place in {0, 3} else [0, 1])
    asked = Term(query.id, {"librosa.timbre": 1, "pitch.key": 0.5})
    proposal = feedback(world).propose([judged(asked, liked=[near["rhythm twin"]], k=5)])
    assert proposal.encoder == "librosa"
    assert first(proposal).old == {"librosa.timbre": 1, "librosa.rhythm": 0, "pitch.key": 0.5}
    assert first(proposal).new["pitch.key"] > first(proposal).new["librosa.timbre"]
    service = SearchService(world.database, world.keeper)
    found = service.search(SearchRequest(DEFAULT_LIBRARY, (replace(asked, weights=dict(first(proposal).new)),)))
    assert found.matches[0].track.id == near["rhythm twin"].id


def test_rounds_of_other_encoders_and_encoders_of_one_space_are_refused(world, shelf):
    query, near = shelf
    other = new_encoder(world, "pitch", (Space("key", 2),))
    for track in (query, *near.values()):
        save(world, track, other, [1, 0])
    service = feedback(world)
    present = judged(Term(query.id), liked=[near["rhythm twin"]])
    with pytest.raises(InvalidQuery, match="other encoders") as caught:
        service.propose([replace(present, search=replace(present.search, encoder="pitch")), present])
    assert caught.value.faults[0].place == "earlier.0.search"
    with pytest.raises(InvalidQuery, match="has key only to weigh"):
        service.propose([replace(present, search=replace(present.search, encoder="pitch"))])


def test_a_library_of_a_single_other_track_can_be_judged(world):
    query = world.track("query", timbre=0, rhythm=0)
    only = world.track("only", timbre=10, rhythm=90)
    proposal = feedback(world).propose([judged(Term(query.id), liked=[only])])
    assert first(proposal).new == {"timbre": 1, "rhythm": 1}
    assert first(proposal).changes == []
    assert proposal.certainty == 0
