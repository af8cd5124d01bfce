"""Where in one track a query is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.domain import DEFAULT_LIBRARY, ChangeKind, Embedding
from app.errors import InvalidQuery, NotEmbedded, NotFound
from app.retrieval import TagTerm, Term
from app.services.search import SearchService
from app.services.sections import Section, SectionRequest, SectionService, merged_sections
from models.encoder import embed
from models.registry import load_encoder
from workers.embed import to_encoder_info

RATE_HZ = 22_050
PART_S = 20


def find(world, track, *terms, library_id=DEFAULT_LIBRARY, **options):
    world.keeper.catch_up()
    service = SectionService(world.database, SearchService(world.database, world.keeper))
    return service.find(SectionRequest(library_id, terms, track.id, **options))


def spans(answer):
    return [(section.start_s, section.end_s) for section in answer.sections]


@pytest.fixture
def rondo(world):
    """Five parts of ten seconds, 0° being the theme."""
    segments = [((at, at + 10), {"timbre": angle}) for at, angle in ((0, 0), (10, 10), (20, 90), (30, 5), (40, 80))]
    return world.track("rondo", timbre=40, segments=segments)


@pytest.fixture
def theme(world):
    return world.track("theme", timbre=0)


def test_parts_that_touch_are_one_section_as_similar_as_its_best(world, rondo, theme, cos):
    answer = find(world, rondo, Term(theme.id, {"timbre": 1}))
    assert spans(answer) == [(0, 20), (30, 40)]
    assert [section.similarity for section in answer.sections] == pytest.approx([1, cos(5)], abs=1e-3)
    assert answer.track.id == rondo.id
    assert answer.weights == {"timbre": 1.0, "rhythm": 0.0}
    assert answer.empty_because is None


def test_a_part_of_the_track_itself_can_be_looked_for(world, rondo):
    answer = find(world, rondo, Term(rondo.id, {"timbre": 1}, segment_s=(30, 40)), min_similarity=0.98)
    assert spans(answer) == [(0, 20), (30, 40)] or spans(answer) == [(30, 40), (0, 20)]
    assert find(world, rondo, Term(rondo.id, {"timbre": 1}, segment_s=(30, 40)), k=1).sections[0].start_s == 30


def test_tags_can_be_looked_for(tagged_world):
    segments = [((0, 10), {"timbre": 0}), ((10, 20), {"timbre": 180})]
    track = tagged_world.track("one", timbre=0, segments=segments)
    answer = find(tagged_world, track, TagTerm("dark", space="timbre"))
    assert spans(answer) == [(10, 20)]
    assert [(used.tag, used.weight) for used in answer.tags] == [("dark", 1.0)]


def test_nothing_found_says_how_similar_the_best_part_is(world, rondo):
    opposite = world.track("opposite", timbre=200)
    answer = find(world, rondo, Term(opposite.id, {"timbre": 1}))
    assert answer.sections == ()
    assert "-0.3" in answer.empty_because or "-0.5" in answer.empty_because
    assert "min_similarity is 0.5" in answer.empty_because


def test_parts_without_the_weighed_spaces_are_no_match_however_low_the_bar(world, rondo, theme):
    beat = world.track("beat", timbre=0, rhythm=0)
    answer = find(world, rondo, Term(beat.id, {"rhythm": 1}), min_similarity=-1)
    assert answer.sections == ()
    assert "No part" in answer.empty_because


def test_what_cannot_be_looked_for_or_looked_through_says_so(world, rondo, theme):
    pending = world.track("pending", embedded=False)
    with pytest.raises(NotEmbedded, match=pending.id):
        find(world, pending, Term(theme.id))
    with pytest.raises(NotFound, match="no track"):
        find(world, world.clip("clip", timbre=0), Term(theme.id))
    with pytest.raises(NotFound):
        find(world, rondo, Term(theme.id), library_id=world.library("other"))
    with pytest.raises(InvalidQuery) as refused:
        find(world, rondo, Term(theme.id, {"mood": 1}), TagTerm("piano"))
    assert [fault.place for fault in refused.value.faults] == ["terms.1.tag", "terms.0.weights.mood"]


def test_sections_overlap_no_other_and_ties_are_in_order_of_time():
    spans_s = np.array([(0, 4), (2, 6), (6, 8), (8.5, 9), (20, 24), (22, 26)], np.float32)
    scores = np.array([0.6, 0.9, 0.7, 0.9, 0.2, 0.5])
    assert merged_sections(spans_s, scores, 0.5) == [Section(0, 8, 0.9), Section(8.5, 9, 0.9), Section(22, 26, 0.5)]
    assert merged_sections(spans_s[::-1], scores[::-1], 0.5)[0] == Section(0, 8, 0.9)
    assert merged_sections(spans_s[:0], scores[:0], 0.5) == []


def test_an_inner_part_does_not_shorten_its_section():
    assert merged_sections(np.float32([(0, 10), (2, 5), (8, 12)]), np.full(3, 0.7), 0.5) == [Section(0, 12, 0.7)]


def notes(pitches_hz, harmonics, beat_s):
    time_s = np.arange(int(beat_s * RATE_HZ)) / RATE_HZ
    decay = np.exp(-6 * time_s)
    partials = [(hz, [(n, a) for n, a in enumerate(harmonics, start=1)]) for hz in pitches_hz]
    tones = [sum(a * np.sin(2 * np.pi * hz * n * time_s) for n, a in each) for hz, each in partials]
    beat = np.concatenate([tone * decay for tone in tones])
    return np.tile(beat, int(np.ceil(PART_S * RATE_HZ / len(beat))))[: PART_S * RATE_HZ].astype(np.float32) * 0.3


def test_in_a_track_of_the_form_aba_the_query_a_finds_both(world):
    theme = notes((220, 277.2, 329.6, 277.2), (1, 0.5, 0.25), 0.25)
    middle = notes((98, 116.5, 98, 146.8), (0.3, 1, 0.8, 0.9, 0.7, 0.6), 0.6)
    encoder = load_encoder("librosa", torch.device("cpu"))
    ids = {}
    for title, waveform in {"aba": np.concatenate([theme, middle, theme]), "a": theme}.items():
        made = embed(encoder, waveform)
        track = world.track(title, embedded=False, duration_s=len(waveform) / RATE_HZ)
        with world.database.transaction() as tx:
            info = tx.catalogue.announce_encoder(replace(to_encoder_info(encoder), name="heard"))
            tx.catalogue.save_embedding(track.id, Embedding(info.id, made.vector, made.spans_s, made.segments))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_EMBEDDED, track.id, track.number)
        ids[title] = track
    answer = find(world, ids["aba"], Term(ids["a"].id), encoder="heard", min_similarity=0.8)
    found = sorted(spans(answer))
    assert found == [pytest.approx((0, 20), abs=0.5), pytest.approx((40, 60), abs=0.5)]
    first = Term(ids["aba"].id, segment_s=(0, PART_S))
    assert sorted(spans(find(world, ids["aba"], first, encoder="heard", min_similarity=0.8))) == found
