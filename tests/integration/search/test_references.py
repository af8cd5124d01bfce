"""What a search may refer to, and what it says of references that it cannot use."""

import pytest

from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, Job, JobKind, JobState, new_id
from app.errors import InvalidQuery, NotEmbedded, NotFound, Transient
from app.filters import Between, OneOf, SameAsQuery
from app.retrieval import SearchRequest, Term
from app.services.search import SearchService

approx = pytest.approx

HALVES = [((0, 30), {"timbre": 0, "rhythm": 0}), ((30, 60), {"timbre": 90, "rhythm": 90})]


@pytest.fixture
def halves(world):
    """A minute of music whose halves differ, and a track alike to each half."""
    track = world.track("halves", timbre=45, rhythm=45, segments=HALVES)
    world.track("like the first", timbre=0, rhythm=0)
    world.track("like the second", timbre=90, rhythm=90)
    return track


def places(error):
    return [fault.place for fault in error.value.faults]


def test_a_segment_asks_with_its_own_part_of_the_track(world, halves, titles):
    for segment_s, title in (((5, 25), "like the first"), ((31, 60), "like the second")):
        match = world.search(Term(halves.id, segment_s=segment_s)).matches[0]
        assert match.track.metadata.title == title
        assert match.similarity == approx(1, abs=1e-3)


def test_a_segment_across_several_is_their_mean_by_overlap_at_unit_length(world, halves, cos):
    answer = world.search(Term(halves.id, segment_s=(20, 40)))
    assert [match.similarity for match in answer.matches] == approx([cos(45), cos(45)], abs=1e-3)
    grazing = world.search(Term(halves.id, segment_s=(0, 30.5)))
    assert grazing.matches[0].similarity == approx(1, abs=1e-3)


def test_a_segment_in_which_a_space_is_absent_has_no_say_there(world, titles):
    segments = [((0, 30), {"timbre": 0}), ((30, 60), {"timbre": 0, "rhythm": 0})]
    track = world.track("intro without beat", timbre=0, rhythm=0, segments=segments)
    world.track("other", timbre=0, rhythm=180)
    shares = world.search(Term(track.id, segment_s=(0, 29))).matches[0].by_space
    assert shares["rhythm"].contribution == 0


def test_the_last_moments_that_no_segment_reaches_use_the_nearest_one(world, halves):
    short = world.track("short", timbre=0, rhythm=0, duration_s=62.0, segments=HALVES)
    match = world.search(Term(short.id, segment_s=(60.5, 62))).matches[0]
    assert match.track.metadata.title == "like the second"


@pytest.mark.parametrize("segment_s", [(50, 70), (61, 62), (0, 60.2)])
def test_a_segment_outside_the_track_is_refused_with_its_duration(world, halves, segment_s):
    with pytest.raises(InvalidQuery, match=r"outside the track, which lasts 60\.00 s") as error:
        world.search(Term(halves.id, segment_s=segment_s))
    assert places(error) == ["terms.0.segment"]


@pytest.mark.parametrize("segment_s", [(10, 10), (20, 10), (-1, 5), (float("nan"), 5), (0, float("inf"))])
def test_a_segment_that_is_no_range_is_refused(world, halves, segment_s):
    with pytest.raises(InvalidQuery, match="is no range"):
        world.search(Term(halves.id, segment_s=segment_s))


def test_a_segment_of_a_track_without_analysis_is_measured_by_its_segments(world):
    track = world.track("bare", timbre=0, rhythm=0, duration_s=None, segments=HALVES)
    with pytest.raises(InvalidQuery, match=r"lasts 60\.00 s"):
        world.search(Term(track.id, segment_s=(0, 90)))


@pytest.mark.parametrize("reference", ["", "no id", "01920000-0000-7000-8000-000000000000"])
def test_an_unknown_reference_is_not_found(world, halves, reference):
    with pytest.raises(NotFound):
        world.search(Term(reference))


def test_all_unknown_references_are_named_together(world, halves):
    unknown = [new_id(), new_id()]
    with pytest.raises(NotFound) as error:
        world.search(*[Term(each) for each in unknown])
    assert all(each in str(error.value) for each in unknown)


def test_a_track_of_another_library_is_not_found(world, halves):
    foreign = world.track("foreign", library_id=world.library("other"), timbre=0, rhythm=0)
    with pytest.raises(NotFound):
        world.search(foreign)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (JobState.QUEUED, "is queued. Ask again when it is done."),
        (JobState.RUNNING, "is running. Ask again when it is done."),
        (JobState.FAILED, "is failed (no sound in it). Retry the job"),
    ],
)
def test_a_track_not_embedded_yet_says_what_its_job_is_up_to(world, halves, state, says):
    track = world.track("new", embedded=False)
    with world.database.transaction() as tx:
        job = Job(
            new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, track.id, 5, state, error_message="no sound in it"
        )
        tx.queue.enqueue(job)
    with pytest.raises(NotEmbedded) as error:
        world.search(track)
    assert job.id in str(error.value)
    assert says in str(error.value)


def test_a_track_without_job_and_vectors_says_that_they_come(world, halves):
    with pytest.raises(NotEmbedded, match="once a worker with this encoder"):
        world.search(world.track("new", embedded=False))


def test_an_unknown_encoder_is_refused_with_those_there_are(world, halves):
    with pytest.raises(InvalidQuery, match=r"no encoder 'csn'.*: librosa") as error:
        world.search(halves, encoder="csn", k=0)
    assert places(error) == ["k", "encoder"]


def test_before_any_worker_came_there_is_no_encoder_to_search_with(world):
    empty = MemoryDatabase()
    with pytest.raises(NotEmbedded, match="Start a worker"):
        SearchService(empty, world.keeper).search(SearchRequest(DEFAULT_LIBRARY, (Term("x"),)))


def test_an_index_that_is_not_loaded_yet_says_try_again(world, halves):
    with pytest.raises(Transient, match="try again"):
        SearchService(world.database, world.new_keeper()).search(SearchRequest(DEFAULT_LIBRARY, (Term(halves.id),)))


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"k": 0}, "k"),
        ({"k": 1001}, "k"),
        ({"k": -5}, "k"),
        ({"max_similarity": 1.5}, "max_similarity"),
        ({"max_similarity": float("nan")}, "max_similarity"),
        ({"diversity": -0.1}, "diversity"),
        ({"diversity": float("nan")}, "diversity"),
        ({"max_per_artist": 0}, "max_per_artist"),
        ({"where": OneOf("mood", ["calm"])}, "filter.field"),
        ({"where": SameAsQuery("mood")}, "filter.field"),
        ({"where": SameAsQuery("extra")}, "filter.field"),
    ],
)
def test_a_request_out_of_bounds_is_refused_at_its_place(world, halves, options, place):
    with pytest.raises(InvalidQuery) as error:
        world.search(halves, **options)
    assert places(error) == [place]


def test_all_faults_of_a_request_are_reported_together(world, halves):
    terms = [
        Term(halves.id, {"mood": 1}),
        Term(halves.id, {"timbre": float("nan")}, segment_s=(50, 99)),
        Term("nowhere"),
    ]
    with pytest.raises(InvalidQuery) as error:
        world.search(*terms, k=0, diversity=2, where=Between("tempo_bpm", gte="fast"))
    assert places(error) == [
        "k",
        "diversity",
        "terms.0.weights.mood",
        "terms.1.weights.timbre",
        "terms.1.segment",
        "filter.gte",
        "terms.2",
    ]


def test_faults_are_told_one_sentence_each(world, halves):
    with pytest.raises(InvalidQuery) as error:
        world.search(Term("nowhere"), where=Between("tempo_bpm", gte="fast"))
    assert str(error.value).startswith("'tempo_bpm' takes a finite number, not 'fast'. There is no ")


def test_too_many_terms_are_refused_before_they_are_read(world, halves):
    with pytest.raises(InvalidQuery, match="101 terms"):
        world.search(*[halves] * 101)


def test_no_terms_and_zero_weights_are_refused(world, halves):
    for terms in ([], [Term(halves.id, {"timbre": 0})], [Term(halves.id, {})]):
        with pytest.raises(InvalidQuery):
            world.search(*terms)


def test_terms_that_cancel_out_are_refused(world, halves):
    with pytest.raises(InvalidQuery, match="cancel"):
        world.search(Term(halves.id, {"timbre": 1}), Term(halves.id, {"timbre": -1}))


def test_a_silent_reference_is_refused(world, halves):
    with pytest.raises(InvalidQuery, match="no vector in the spaces"):
        world.search(world.track("silence"))
