"""Replacements: the nearest tracks that meet every constraint, and those that nearly do."""

import pytest

from app.constraints import Bounds, Duration, Key, KeyMatch, Licences, OtherAlbum, OtherArtist, TagsRequired, Tempo
from app.domain import DEFAULT_LIBRARY
from app.errors import InvalidQuery, NotEmbedded, NotFound
from app.replacement import ReplacementRequest
from app.retrieval import SearchRequest, TagTerm, Term
from app.services.replacements import ReplacementService
from app.services.search import SearchService

FREE = Licences(("CC0",))
NEAR_TEMPO = Tempo(Bounds(within_percent=6))


class Broker:
    """Asks for replacements in a world."""

    def __init__(self, world):
        self.world = world
        self.service = ReplacementService(world.database, SearchService(world.database, world.keeper))

    def request(self, reference, *constraints, terms=(), near_misses=10, library_id=DEFAULT_LIBRARY, **options):
        term = reference if isinstance(reference, Term) else Term(reference.id)
        search = SearchRequest(library_id, (term, *terms), **{"calibrate": False, **options})
        return ReplacementRequest(search, constraints, near_misses)

    def replace(self, reference, *constraints, **options):
        self.world.keeper.catch_up()
        return self.service.replace(self.request(reference, *constraints, **options))

    def without(self, numbers, reference, *constraints, **options):
        self.world.keeper.catch_up()
        with self.world.database.transaction(read_only=True) as tx:
            request = self.request(reference, *constraints, **options)
            return self.service.find(tx, request, place="body", left_out=numbers)


@pytest.fixture
def broker(world):
    return Broker(world)


def found(replacements):
    return [each.match.track.metadata.title for each in replacements]


def broken(replacement):
    return [check.name for check in replacement.checks if not check.met]


def test_matches_meet_every_constraint_and_near_misses_say_which_they_break(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0, licence="all rights", tempo_bpm=120.0)
    world.track("fits", timbre=30, rhythm=30, licence="CC0", tempo_bpm=121.0)
    world.track("half as fast", timbre=40, rhythm=40, licence="cc0", tempo_bpm=60.0)
    world.track("licensed", timbre=10, rhythm=10, licence="all rights", tempo_bpm=120.0)
    world.track("too fast", timbre=20, rhythm=20, licence="CC0", tempo_bpm=140.0)
    world.track("neither", timbre=5, rhythm=5, licence=None, tempo_bpm=None)
    answer = broker.replace(reference, FREE, NEAR_TEMPO)
    assert found(answer.matches) == ["fits", "half as fast"]
    assert [broken(each) for each in answer.matches] == [[], []]
    assert found(answer.near_misses) == ["licensed", "too fast", "neither"]
    assert [broken(each) for each in answer.near_misses] == [
        ["licences"],
        ["tempo_bpm"],
        ["licences", "tempo_bpm"],
    ]
    tempo = answer.matches[1].checks[1]
    assert (tempo.wanted, tempo.found) == ("112.8–127.2 bpm, or half or double", "60 bpm (half)")
    assert [(each.name, each.left) for each in answer.constraints] == [("licences", 3), ("tempo_bpm", 3)]
    assert answer.search.empty_because is None


def test_matches_are_explained_as_those_of_a_search(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("other", timbre=60, rhythm=0, licence="CC0")
    match = broker.replace(reference, FREE).matches[0].match
    assert match == world.search(reference, where=None).matches[0]
    assert match.by_space["rhythm"].similarity == pytest.approx(1)


def test_without_constraints_it_is_a_search_and_nothing_nearly_misses(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("other", timbre=60, rhythm=0)
    answer = broker.replace(reference)
    assert found(answer.matches) == ["other"]
    assert answer.near_misses == answer.constraints == ()


def test_near_misses_are_no_closer_than_the_ceiling_and_never_the_reference_or_its_copy(world, broker):
    clip = world.clip("clip", content="same", timbre=0, rhythm=0)
    world.track("copy", content="same", timbre=0, rhythm=0)
    world.track("nearly a copy", timbre=1, rhythm=1)
    world.track("far enough", timbre=40, rhythm=40)
    assert found(broker.replace(clip, FREE, max_similarity=0.98).near_misses) == ["far enough"]
    assert found(broker.replace(clip, FREE).near_misses) == ["nearly a copy", "far enough"]


def test_so_many_near_misses_are_shown_as_are_asked_for(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0)
    for angle in range(5):
        world.track(f"{angle}", timbre=angle + 1, rhythm=0, artist="one")
    assert found(broker.replace(reference, FREE, near_misses=2).near_misses) == ["0", "1"]
    assert broker.replace(reference, FREE, near_misses=0).near_misses == ()
    assert found(broker.replace(reference, FREE, max_per_artist=1).near_misses) == ["0"]


def test_diversity_and_the_limit_of_an_artist_hold_for_matches(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0)
    for angle in (10, 11, 50):
        world.track(f"{angle}", timbre=angle, rhythm=0, artist="one", licence="CC0")
    assert found(broker.replace(reference, FREE, max_per_artist=1).matches) == ["10"]
    assert found(broker.replace(reference, FREE, diversity=0.9, k=2).matches) == ["10", "50"]


def test_further_terms_weigh_in(tagged_world):
    broker = Broker(tagged_world)
    reference = tagged_world.track("reference", timbre=0, rhythm=0)
    tagged_world.track("dark", timbre=90, rhythm=90, licence="CC0")
    tagged_world.track("bright", timbre=90, rhythm=-90, licence="CC0")
    term = Term(reference.id, {"timbre": 1})
    answer = broker.replace(term, FREE, terms=(TagTerm("driving", -0.1), TagTerm("dark", 1, "rhythm")))
    assert found(answer.matches) == ["dark", "bright"]


def test_rejected_tracks_are_neither_matches_nor_near_misses(world, broker):
    reference = world.track("reference", timbre=0, rhythm=0)
    kept = world.track("kept", timbre=20, rhythm=0, licence="CC0")
    rejected = world.track("rejected", timbre=10, rhythm=0, licence="CC0")
    missed = world.track("missed", timbre=10, rhythm=0)
    answer = broker.without({rejected.number, missed.number}, reference, FREE)
    assert found(answer.matches) == ["kept"]
    assert answer.near_misses == ()
    assert answer.constraints[0].left == 2
    everything = broker.without({kept.number, rejected.number}, reference, FREE).search.empty_because
    assert everything == "Every track that meets the constraints was rejected."


class TestNothingFound:
    def test_over_an_empty_library_it_says_so(self, world, broker):
        clip = world.clip("clip", timbre=0, rhythm=0)
        answer = broker.replace(clip, FREE)
        assert answer.matches == answer.near_misses == ()
        assert "No track of the library is embedded" in answer.search.empty_because

    def test_the_constraints_that_nobody_meets_are_named(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0, licence="CC0", tags=("piano",))
        world.track("other", timbre=0, rhythm=90)
        answer = broker.replace(reference, FREE, TagsRequired(("harp",)), NEAR_TEMPO)
        assert answer.search.empty_because == (
            "No track of the library meets licences: CC0. No track of the library meets tags_required: harp."
        )
        assert [each.left for each in answer.constraints] == [0, 0, 1]
        assert found(answer.near_misses) == ["other"]

    def test_constraints_that_exclude_each_other_are_named_without_the_harmless(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0, artist="me")
        world.track("free", timbre=10, rhythm=0, licence="CC0", tempo_bpm=90.0)
        world.track("fitting", timbre=10, rhythm=0, tempo_bpm=120.0)
        answer = broker.replace(reference, FREE, OtherArtist(), NEAR_TEMPO)
        assert answer.search.empty_because == (
            "No track meets these together, though some meet each alone: 1 licences; 1 tempo_bpm."
        )
        assert [broken(each) for each in answer.near_misses] == [["tempo_bpm"], ["licences"]]

    def test_the_ceiling_is_named(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0)
        world.track("twin", timbre=0, rhythm=0, licence="CC0")
        answer = broker.replace(reference, FREE, max_similarity=0.9)
        assert answer.search.empty_because == "max_similarity = 0.9 left none: 1 tracks are closer."

    def test_a_reference_is_not_counted_as_too_close_to_itself(self, world):
        reference = world.track("reference", timbre=0, rhythm=0)
        assert "Nothing is left but the references" in world.search(reference, max_similarity=0.9).empty_because

    def test_tracks_that_wait_for_their_vectors_are_not_held_against_the_constraints(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0)
        world.track("fresh", licence="CC0", embedded=False)
        answer = broker.replace(reference, FREE)
        assert answer.constraints[0].left == 1
        assert answer.search.empty_because == "None of the tracks that meet the constraints has vectors yet."

    @pytest.mark.parametrize("left_out", [False, True])
    def test_they_are_told_of_also_where_the_reference_or_what_was_rejected_fits(self, world, broker, left_out):
        reference = world.track("reference", timbre=0, rhythm=0, licence="CC0")
        rejected = [world.track("rejected", timbre=9, rhythm=0, licence="CC0").number] if left_out else []
        world.track("fresh", licence="CC0", embedded=False)
        found = broker.without(rejected, reference, FREE).search.empty_because
        assert found == "None of the tracks that meet the constraints has vectors yet."


class TestFaults:
    def test_a_reference_that_was_not_measured_is_a_fault_of_each_constraint_that_compares(self, world, broker):
        reference = world.track("noise", timbre=0, rhythm=0, tempo_bpm=None, key=None)
        with pytest.raises(InvalidQuery) as caught:
            broker.replace(reference, NEAR_TEMPO, Key(KeyMatch.SAME), OtherArtist(), OtherAlbum())
        assert [fault.place for fault in caught.value.faults] == [
            "body.constraints.tempo_bpm",
            "body.constraints.key",
        ]

    def test_faults_of_search_and_constraints_come_together_each_in_its_place(self, world, broker):
        reference = world.track("noise", timbre=0, rhythm=0, tempo_bpm=None)
        terms = (Term(reference.id, {"mood": 1}), TagTerm("nonsense"))
        with pytest.raises(InvalidQuery) as caught:
            broker.replace(Term(reference.id, {"colour": 1}), NEAR_TEMPO, terms=terms, k=0)
        assert {fault.place for fault in caught.value.faults} >= {
            "body.k",
            "body.reference.weights.colour",
            "body.terms[0].weights.mood",
            "body.constraints.tempo_bpm",
        }
        assert any(fault.place.startswith("body.terms[1]") for fault in caught.value.faults)

    def test_weights_that_cancel_each_other_are_a_fault(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0)
        with pytest.raises(InvalidQuery, match="cancel each other"):
            broker.replace(Term(reference.id), terms=(Term(reference.id, {"timbre": -1, "rhythm": -1}),))

    def test_a_reference_that_is_not_there_is_not_found(self, world, broker):
        reference = world.track("reference", timbre=0, rhythm=0)
        world.delete(reference)
        with pytest.raises(NotFound):
            broker.replace(reference, NEAR_TEMPO)

    def test_a_reference_of_another_library_is_not_found(self, world, broker):
        reference = world.track("theirs", library_id=world.library("other"), timbre=0, rhythm=0)
        with pytest.raises(NotFound):
            broker.replace(reference, FREE)

    def test_a_reference_without_vectors_is_told_as_such_before_its_lack_of_measures(self, world, broker):
        reference = world.track("fresh", embedded=False, duration_s=None)
        with pytest.raises(NotEmbedded):
            broker.replace(reference, NEAR_TEMPO, Duration(Bounds(within=3)))


def test_constraints_look_at_the_own_library_only(world, broker):
    other = world.library("other")
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("theirs", library_id=other, timbre=0, rhythm=0, licence="CC0")
    answer = broker.replace(reference, FREE)
    assert answer.matches == answer.near_misses == ()
    assert answer.constraints[0].left == 0


def test_answers_are_the_same_on_every_database_and_index(real_world):
    broker = Broker(real_world)
    reference = real_world.track("reference", timbre=0, rhythm=0, artist="me", album="one", tags=("piano",))
    real_world.track("by another", timbre=10, rhythm=0, artist="you", album="two", key="C major", licence="CC0")
    real_world.track("mine", timbre=5, rhythm=0, artist="ME", album="two", key="C major", licence="CC0")
    constraints = (FREE, OtherArtist(), OtherAlbum(), Key(KeyMatch.COMPATIBLE), Duration(Bounds(within=1)))
    answer = broker.replace(reference, *constraints, NEAR_TEMPO)
    assert found(answer.matches) == ["by another"]
    assert [check.found for check in answer.matches[0].checks] == [
        "CC0",
        "you",
        "two",
        "C major (relative)",
        "60 s",
        "120 bpm",
    ]
    assert [broken(each) for each in answer.near_misses] == [["other_artist"]]
    real_world.delete(answer.matches[0].match.track)
    assert broker.replace(reference, *constraints).matches == ()
