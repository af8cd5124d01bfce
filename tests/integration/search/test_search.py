"""Searching: what is found, in which order, and why."""

import tracemalloc

import pytest

from app.adapters.memory_index import MemoryIndex
from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_tracks import SqlTracks
from app.domain import DEFAULT_LIBRARY, EncoderState
from app.filters import AllOf, AnyOf, Between, Not, OneOf, SameAsQuery
from app.retrieval import Term
from app.services import candidates, explanation

approx = pytest.approx

HALF = 2**-11
"""Half precision moves a coordinate by at most so much of itself, and the score of unit vectors by no more."""


@pytest.fixture
def shelf(world):
    """A query and three tracks around it: one alike in timbre, one in rhythm, one in nothing."""
    query = world.track("query", timbre=0, rhythm=0, artist="Ada")
    world.track("timbre twin", timbre=5, rhythm=120, artist="Ada")
    world.track("rhythm twin", timbre=100, rhythm=5, artist="Bob")
    world.track("stranger", timbre=180, rhythm=180)
    return query


def test_the_nearest_come_first_without_the_query_itself(world, shelf, titles, cos):
    answer = world.search(shelf)
    assert titles(answer) == ["rhythm twin", "timbre twin", "stranger"]
    assert [match.similarity for match in answer.matches] == approx(
        [(cos(100) + cos(5)) / 2, (cos(5) + cos(120)) / 2, -1], abs=HALF
    )


def test_k_limits_the_matches(world, shelf, titles):
    assert titles(world.search(shelf, k=1)) == ["rhythm twin"]


def test_weights_change_the_order_and_a_space_left_out_does_not_count(world, shelf, titles, cos):
    answer = world.search(Term(shelf.id, {"timbre": 0.3}))
    assert titles(answer) == ["timbre twin", "rhythm twin", "stranger"]
    assert answer.matches[0].similarity == approx(cos(5), abs=HALF)
    assert answer.weights == {"timbre": 1, "rhythm": 0}


def test_a_negative_weight_asks_for_contrast(world, shelf, titles):
    answer = world.search(Term(shelf.id, {"rhythm": -1}))
    assert titles(answer) == ["stranger", "timbre twin", "rhythm twin"]
    assert answer.matches[0].similarity == approx(1, abs=HALF)


def test_each_space_can_have_a_reference_of_its_own(world, titles):
    mood = world.track("for timbre", timbre=0, rhythm=90)
    beat = world.track("for rhythm", timbre=200, rhythm=200)
    world.track("both", timbre=0, rhythm=200)
    world.track("neither", timbre=90, rhythm=90)
    answer = world.search(Term(mood.id, {"timbre": 1}), Term(beat.id, {"rhythm": 1}))
    assert titles(answer) == ["both", "neither"]
    assert answer.matches[0].similarity == approx(1, abs=HALF)


def test_a_clip_asks_but_is_never_found(world, shelf, titles):
    clip = world.clip("clip", timbre=5, rhythm=120)
    assert titles(world.search(clip))[0] == "timbre twin"
    assert "clip" not in titles(world.search(shelf))


def test_the_track_with_the_bytes_of_the_clip_is_not_among_its_matches(world, shelf, titles):
    clip = world.clip("clip", content="timbre twin", timbre=5, rhythm=120)
    assert "timbre twin" not in titles(world.search(clip))


def test_tracks_of_another_library_are_invisible(world, shelf, titles):
    other = world.library("other")
    foreign = world.track("foreign", library_id=other, timbre=0, rhythm=0)
    world.track("foreign twin", library_id=other, timbre=0, rhythm=0)
    assert "foreign" not in titles(world.search(shelf))
    assert titles(world.search(foreign, library_id=other)) == ["foreign twin"]


def test_ties_are_in_order_of_arrival(world, shelf, titles):
    for number in range(5):
        world.track(f"same {number}", timbre=0, rhythm=0)
    assert titles(world.search(shelf, k=5)) == [f"same {number}" for number in range(5)]


def test_a_track_absent_in_every_weighed_space_is_never_a_neighbour(world, titles):
    query = world.track("query", timbre=0, rhythm=0)
    world.track("silence")
    world.track("no rhythm", timbre=0)
    assert titles(world.search(query)) == ["no rhythm"]
    assert titles(world.search(Term(query.id, {"rhythm": 1}))) == []


# filters


def test_a_filter_limits_what_may_be_found(world, shelf, titles):
    answer = world.search(shelf, where=OneOf("artist", ["ada"]))
    assert titles(answer) == ["timbre twin"]
    assert (answer.indexed, answer.allowed) == (4, 2)


def test_same_as_query_means_a_value_of_any_reference(world, shelf, titles):
    assert titles(world.search(shelf, where=SameAsQuery("artist"))) == ["timbre twin"]
    both = (Term(shelf.id), Term(world.track("second", timbre=9, rhythm=9, artist="BOB").id))
    assert set(titles(world.search(*both, where=SameAsQuery("artist")))) == {"timbre twin", "rhythm twin"}
    assert titles(world.search(shelf, where=Not(SameAsQuery("artist")), k=2)) == ["second", "rhythm twin"]


def test_a_value_that_no_reference_knows_equals_nothing(world, shelf, titles):
    assert titles(world.search(shelf, where=SameAsQuery("album"))) == []
    assert len(titles(world.search(shelf, where=Not(SameAsQuery("album"))))) == 3


def test_same_as_query_works_inside_a_tree_and_for_lists_and_numbers(world, titles):
    query = world.track("query", timbre=0, rhythm=0, tags=("calm", "dark"), tempo_bpm=90.0)
    world.track("calm", timbre=9, rhythm=9, tags=("calm",), tempo_bpm=91.0)
    world.track("slow", timbre=5, rhythm=5, tempo_bpm=90.0)
    where = AllOf([AnyOf([SameAsQuery("tags"), SameAsQuery("tempo_bpm")]), Between("tempo_bpm", lte=100)])
    assert titles(world.search(query, where=where)) == ["slow", "calm"]


# after retrieval


def test_a_ceiling_leaves_out_what_is_too_close(world, titles):
    query = world.track("query", timbre=0, rhythm=0)
    for degrees in range(1, 60):
        world.track(f"at {degrees}", timbre=degrees, rhythm=degrees)
    answer = world.search(query, k=3, max_similarity=0.75)
    assert titles(answer) == ["at 42", "at 43", "at 44"]
    assert all(match.similarity <= 0.75 for match in answer.matches)


def test_a_ceiling_of_one_leaves_out_nothing(world, titles):
    query = world.track("query", timbre=33, rhythm=77)
    world.track("copy", timbre=33, rhythm=77)
    assert titles(world.search(query, max_similarity=1.0)) == ["copy"]


def test_an_artist_limit_is_filled_from_further_down(world, titles):
    query = world.track("query", timbre=0, rhythm=0)
    for degrees in range(1, 40):
        world.track(f"ada {degrees}", timbre=degrees, rhythm=degrees, artist="Ada" if degrees % 2 else " ADA ")
    world.track("bob", timbre=60, rhythm=60, artist="Bob")
    world.track("unknown 1", timbre=70, rhythm=70)
    world.track("unknown 2", timbre=80, rhythm=80)
    assert titles(world.search(query, k=6, max_per_artist=2)) == ["ada 1", "ada 2", "bob", "unknown 1", "unknown 2"]


@pytest.fixture
def crowd(world, monkeypatch):
    """A query and 60 tracks around it, by Ada and Bob and none other, of which a search looks at the 30 nearest."""
    monkeypatch.setattr(candidates, "MAX_DEPTH", 30)
    query = world.track("query", timbre=0, rhythm=0)
    for degrees in range(1, 61):
        world.track(f"at {degrees}", timbre=degrees, rhythm=degrees, artist="Bob" if degrees % 5 == 0 else "Ada")
    return query


def test_a_search_that_an_artist_limit_leaves_short_ends_at_the_greatest_depth_and_says_so(world, crowd, titles):
    answer = world.search(crowd, k=8, max_per_artist=2)
    assert titles(answer) == ["at 1", "at 2", "at 5", "at 10"]
    assert (answer.exact, answer.recall) == (False, 0.5)


def test_a_search_that_finds_enough_or_all_there_is_within_the_greatest_depth_is_exact(world, crowd, titles):
    enough = world.search(crowd, k=4, max_per_artist=2)
    assert (titles(enough), enough.exact, enough.recall) == (["at 1", "at 2", "at 5", "at 10"], True, 1)
    diverse = world.search(crowd, k=4, max_per_artist=2, diversity=0.1)
    assert (len(diverse.matches), diverse.exact, diverse.recall) == (4, True, 1)
    few = world.search(crowd, k=8, max_per_artist=2, where=OneOf("title", [f"at {place}" for place in range(20)]))
    assert (titles(few), few.exact, few.recall) == (["at 1", "at 2", "at 5", "at 10"], True, 1)


def test_a_ceiling_below_the_greatest_depth_leaves_nothing_and_the_answer_says_why(world, crowd):
    answer = world.search(crowd, max_similarity=0.5)
    assert (answer.matches, answer.exact, answer.recall) == ((), False, 0)
    assert answer.empty_because == (
        "max_similarity = 0.5 left none: 29 tracks are closer. No more than the nearest 30 are looked at."
    )


def test_an_answer_longer_than_the_greatest_depth_is_looked_for_once(world, crowd, titles):
    assert len(titles(world.search(crowd, k=50))) == 50
    assert titles(world.search(crowd, k=50, max_per_artist=1)) == ["at 1", "at 5"]


def test_an_artist_limit_reads_no_more_tracks_than_it_finds(world_on, sqlite_url, titles, monkeypatch):
    database = SqlDatabase(sqlite_url)
    world = world_on(database, MemoryIndex)
    query = world.track("query", timbre=0, rhythm=0)
    for degrees in range(1, 41):
        world.track(f"at {degrees}", timbre=degrees, rhythm=degrees, artist="Ada" if degrees < 40 else "Bob")
    read, tracks_by_number = [], SqlTracks.tracks_by_number

    def counted(catalogue, library_id, numbers):
        found = tracks_by_number(catalogue, library_id, numbers)
        read.extend(track.metadata.title for track in found.values())
        return found

    monkeypatch.setattr(SqlTracks, "tracks_by_number", counted)
    assert titles(world.search(query, k=3, max_per_artist=1)) == read == ["at 1", "at 40"]
    database.close()


def test_diversity_prefers_tracks_that_are_unlike_each_other(world, titles):
    query = world.track("query", timbre=0, rhythm=0)
    for degrees in (10, 11, 12):
        world.track(f"left {degrees}", timbre=degrees, rhythm=degrees)
    world.track("right", timbre=-20, rhythm=-20)
    assert titles(world.search(query, k=2)) == ["left 10", "left 11"]
    assert titles(world.search(query, k=2, diversity=0.5)) == ["left 10", "right"]


def test_a_track_deleted_but_not_yet_followed_is_already_gone(world, shelf, titles):
    world.keeper.catch_up()
    with world.database.transaction() as tx:
        twin = tx.catalogue.list_tracks(DEFAULT_LIBRARY, where=OneOf("title", ["rhythm twin"])).items[0]
        tx.catalogue.delete_track(DEFAULT_LIBRARY, twin.id)
    assert titles(world.search(shelf, k=2)) == ["timbre twin", "stranger"]


# explanation


def test_contributions_sum_to_the_similarity(world, shelf):
    for match in world.search(Term(shelf.id, {"timbre": 2, "rhythm": -1})).matches:
        assert sum(share.contribution for share in match.by_space.values()) == approx(match.similarity, abs=1e-6)
        for share in match.by_space.values():
            assert share.similarity * share.weight == approx(share.contribution, abs=1e-6)


def test_the_explanation_names_the_closest_segment(world, shelf, cos):
    segments = [((0, 10), {"timbre": 90, "rhythm": 90}), ((10, 20), {"timbre": 3, "rhythm": 3})]
    world.track("long", timbre=45, rhythm=45, segments=segments)
    best = world.search(shelf, k=1).matches[0].segment
    assert (best.start_s, best.end_s) == (10, 20)
    assert best.similarity == approx(cos(3), abs=1e-3)


def test_without_explain_there_are_no_shares_and_segments(world, shelf):
    match = world.search(shelf, explain=False).matches[0]
    assert (dict(match.by_space), match.segment) == ({}, None)


def test_reasons_are_the_same_however_many_matches_are_explained_together(world, shelf, monkeypatch):
    world.track("bare", timbre=3, rhythm=9, embedded=False)
    whole = world.search(Term(shelf.id, {"timbre": 2, "rhythm": -1})).matches
    monkeypatch.setattr(explanation, "_TOGETHER", 2)
    assert world.search(Term(shelf.id, {"timbre": 2, "rhythm": -1})).matches == whole


def test_a_long_answer_takes_no_more_memory_to_explain_than_a_short_one(world):
    query = world.track("query", timbre=0, rhythm=0)
    parts = [((start, start + 1), {"timbre": start, "rhythm": 0}) for start in range(300)]
    for degrees in range(200):
        world.track(f"at {degrees}", timbre=degrees, rhythm=0, segments=parts)

    def peak(k):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert len(world.search(query, k=k).matches) == k
        return tracemalloc.get_traced_memory()[1] - before

    world.search(query)
    tracemalloc.start()
    short, long = peak(50), peak(200)
    tracemalloc.stop()
    assert long < 1.5 * short


def test_a_percentile_is_the_share_of_the_catalogue_that_is_less_similar(world, shelf):
    assert [match.percentile for match in world.search(shelf).matches] == pytest.approx([200 / 3, 100 / 3, 0])


def test_a_percentile_of_a_large_catalogue_comes_from_a_sample(world, shelf, monkeypatch):
    monkeypatch.setattr("app.services.background.SIZE", 50)
    for degrees in range(400):
        world.track(f"at {degrees}", timbre=degrees * 0.9, rhythm=0)
    ranks = [match.percentile for match in world.search(shelf, k=300).matches]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] >= 95
    assert ranks[200] == approx(50, abs=20)
    assert ranks == [match.percentile for match in world.search(shelf, k=300).matches]


def test_equal_weights_mean_equal_influence_once_the_library_is_calibrated(world):
    for place in range(30):
        world.track(f"{place}", timbre=place * 0.5, rhythm=place * 70)
    query = world.track("query", timbre=0, rhythm=0)
    calibrated = world.search(query, calibrate=True).weights
    assert calibrated["timbre"] > 0.9
    assert sum(calibrated.values()) == approx(1)
    assert world.search(query, calibrate=False).weights == {"timbre": 0.5, "rhythm": 0.5}


def test_the_answer_says_what_was_searched_and_how_long_it_took(world, shelf):
    answer = world.search(shelf)
    assert (answer.encoders, answer.indexed, answer.allowed, answer.exact) == (("librosa",), 4, 4, True)
    assert set(answer.took_ms) == {"resolve", "filter", "index", "rerank", "explain"}
    assert all(took >= 0 for took in answer.took_ms.values())
    assert answer.empty_because is None


def test_the_default_encoder_answers_unless_another_is_named(world, shelf):
    with world.database.transaction() as tx:
        other = tx.catalogue.announce_encoder(world.new_encoder("csn", "b" * 64))
        assert other.state is EncoderState.READY
        world.embed(tx, shelf, encoder=other, timbre=0, rhythm=0)
    assert world.search(shelf).encoders == ("librosa",)
    assert world.search(shelf, encoder="csn").encoders == ("csn",)


# nothing found


def test_an_empty_answer_says_that_nothing_is_indexed(world):
    clip = world.clip("clip", timbre=0, rhythm=0)
    answer = world.search(clip)
    assert answer.matches == ()
    assert "No track of the library is embedded" in answer.empty_because


def test_an_empty_answer_says_that_the_filter_left_nothing(world, shelf):
    answer = world.search(shelf, where=OneOf("artist", ["nobody"]))
    assert answer.empty_because == "The filter left none of the 4 indexed tracks."


def test_an_empty_answer_says_that_the_ceiling_removed_all(world, shelf):
    answer = world.search(shelf, where=OneOf("artist", ["bob"]), max_similarity=0.1)
    assert answer.empty_because == "max_similarity = 0.1 left none: 1 tracks are closer."


def test_an_empty_answer_says_that_only_the_query_is_there(world):
    query = world.track("alone", timbre=0, rhythm=0)
    assert "Nothing is left but the references" in world.search(query).empty_because
