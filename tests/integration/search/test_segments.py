"""The parts that belong together: of a match, and of what the query asks with."""

import numpy as np
import pytest

from app.retrieval import ReferencePart, TagTerm, Term
from app.services.segments import Parts

HALVES = [((0, 30), {"timbre": 0, "rhythm": 0}), ((30, 60), {"timbre": 90, "rhythm": 90})]
TURNED = [((0, 20), {"timbre": 90, "rhythm": 95}), ((20, 40), {"timbre": 5, "rhythm": 0})]


@pytest.fixture
def halves(world):
    """A minute of music whose halves differ."""
    return world.track("halves", timbre=45, rhythm=45, segments=HALVES)


@pytest.fixture
def turned(world):
    """The same two parts the other way round."""
    return world.track("turned", timbre=45, rhythm=45, segments=TURNED)


def pair(answer):
    """The parts of the best match and of the reference."""
    segment = answer.matches[0].segment
    return (segment.start_s, segment.end_s), segment.reference


def test_a_match_says_which_part_of_the_reference_its_best_part_is_like(world, halves, turned):
    assert pair(world.search(halves)) == ((20, 40), ReferencePart(halves.id, 0, 30))
    assert pair(world.search(Term(halves.id, segment_s=(30, 60)))) == ((0, 20), ReferencePart(halves.id, 30, 60))


def test_the_pair_is_that_of_the_spaces_that_the_term_weighs(world, turned):
    crossed = [((0, 10), {"timbre": 90, "rhythm": 0}), ((10, 20), {"timbre": 0, "rhythm": 90})]
    track = world.track("crossed", timbre=45, rhythm=45, segments=crossed)
    part, reference = pair(world.search(Term(track.id, {"timbre": 1})))
    assert (part, reference) == ((20, 40), ReferencePart(track.id, 10, 20))
    part, reference = pair(world.search(Term(track.id, {"rhythm": 1})))
    assert (part, reference) == ((20, 40), ReferencePart(track.id, 0, 10))


def test_a_term_with_a_range_is_paired_within_it_only(world, turned):
    segments = [((at, at + 10), {"timbre": angle, "rhythm": angle}) for at, angle in ((0, 90), (10, 40), (20, 80))]
    track = world.track("many", timbre=70, rhythm=70, segments=segments)
    assert pair(world.search(track))[1] == ReferencePart(track.id, 0, 10)
    assert pair(world.search(Term(track.id, segment_s=(8, 28))))[1] == ReferencePart(track.id, 20, 28)
    assert pair(world.search(Term(track.id, segment_s=(11, 12))))[1] == ReferencePart(track.id, 11, 12)


def test_the_first_reference_that_is_asked_for_counts(world, halves, turned):
    other = world.track("other", timbre=0, rhythm=0)
    contrast = Term(other.id, {"timbre": -0.1})
    unweighed = Term(other.id, {"timbre": 0})
    for first in (contrast, unweighed):
        assert pair(world.search(first, Term(halves.id)))[1].id == halves.id
    assert pair(world.search(Term(other.id, {"timbre": 0.1}), Term(halves.id)))[1].id == other.id


def test_tags_and_contrasts_alone_have_no_part(tagged_world):
    track = tagged_world.track("one", timbre=0, rhythm=0, segments=HALVES)
    tagged_world.track("two", timbre=0, rhythm=0, segments=HALVES)
    assert pair(tagged_world.search(TagTerm("bright"))) == ((0, 30), None)
    assert pair(tagged_world.search(TagTerm("bright"), Term(track.id)))[1].id == track.id
    assert pair(tagged_world.search(Term(track.id, {"timbre": -1})))[1] is None


def test_a_clip_is_paired_like_a_track(world, turned):
    clip = world.clip("clip", timbre=90, rhythm=90, segments=HALVES)
    assert pair(world.search(clip))[1] == ReferencePart(clip.id, 30, 60)


def test_encoders_that_cut_differently_are_paired_by_the_finer_cut(world, halves, turned):
    with world.database.transaction() as tx:
        other = tx.catalogue.announce_encoder(world.new_encoder("other", "b" * 64))
        fine = [((at, at + 10), {"timbre": at, "rhythm": at}) for at in range(0, 60, 10)]
        for track in (halves, turned):
            world.embed(tx, track, encoder=other, timbre=0, rhythm=0, segments=fine)
    answer = world.search(Term(halves.id, {"other.timbre": 1, "librosa.timbre": 0.01}))
    part, reference = pair(answer)
    assert (part, reference) == ((0, 10), ReferencePart(halves.id, 0, 10))


def test_a_range_in_which_no_part_has_its_middle_is_one_part():
    spans_s = np.array([(0, 10), (10, 20)], np.float32)
    parts = Parts(spans_s, np.eye(2, dtype=np.float32))
    found = parts.within((12, 13))
    assert (found.spans_s.tolist(), found.vectors.tolist()) == ([[12, 13]], [[0, 1]])
    assert parts.within((2, 18)).spans_s.tolist() == [[2, 10], [10, 18]]
