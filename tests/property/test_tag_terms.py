"""Tags in the algebra: a direction in one space is a reference like any other, and masked everywhere else."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain import EncoderInfo, Space, Vectors
from app.errors import InvalidQuery
from app.joint_space import JointSpace
from app.query import Query, Weights, compose, weight_matrix
from app.retrieval import TagTerm
from app.services.space_names import SpaceNames
from app.services.tags import AskedTag, asked_tags, heard_tags
from app.tag_directions import TagDirections

ROUNDING = 1e-6
TAGS_PER_SPACE = 3
SIGNED = st.floats(-4, 4).filter(lambda weight: abs(weight) > 1e-3)


@dataclass(frozen=True)
class Case:
    """A query of tags, and perhaps of one track before them."""

    encoder: EncoderInfo
    asked: list[AskedTag]
    track: Vectors | None
    weights: Weights
    scale: dict[str, float]
    tracks: Vectors

    def query(self) -> Query:
        own = [] if self.track is None else [self.weights]
        weights = [*own, *({tag.space: tag.weight} for tag in self.asked)]
        sources = [*([] if self.track is None else [self.track]), *(self.vector(tag) for tag in self.asked)]
        matrix = weight_matrix(weights, self.encoder.spaces)
        return compose(self.encoder.spaces, np.stack(sources), matrix, self.scale)

    def vector(self, tag: AskedTag) -> Vectors:
        return tag.vector(JointSpace((self.encoder,)))


def unit(rng: np.random.Generator, count: int, width: int) -> Vectors:
    rows = rng.standard_normal((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def encoder_of(spaces: tuple[Space, ...], rng: np.random.Generator) -> EncoderInfo:
    names = tuple(f"t{number}" for number in range(TAGS_PER_SPACE))
    tags = {
        space.name: TagDirections(
            names,
            unit(rng, TAGS_PER_SPACE, space.dimension),
            rng.uniform(0.5, 20, TAGS_PER_SPACE).astype(np.float32),
            rng.normal(size=TAGS_PER_SPACE).astype(np.float32),
        )
        for space in spaces
    }
    return EncoderInfo("e", "toy", "1", "d", spaces, tags)


@st.composite
def cases(draw: st.DrawFn, *, with_track: bool | None = None, most: int = 4) -> Case:
    widths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    spaces = tuple(Space(f"s{index}", width) for index, width in enumerate(widths))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    encoder = encoder_of(spaces, rng)
    names = st.sampled_from([space.name for space in spaces])
    tag = st.builds(TagTerm, st.sampled_from(encoder.tags["s0"].names), SIGNED, names)
    terms = draw(st.lists(tag, min_size=1, max_size=most))
    has_track = draw(st.booleans()) if with_track is None else with_track
    rows = np.concatenate([unit(rng, 13, space.dimension) for space in spaces], axis=1)
    return Case(
        encoder,
        asked_tags(SpaceNames(encoder, [encoder]), terms, []),
        rows[0] if has_track else None,
        draw(st.none() | st.dictionaries(names, SIGNED, min_size=1)) if has_track else None,
        {space.name: draw(st.floats(0.5, 50)) for space in spaces},
        rows[1:],
    )


def query_or_reject(case: Case) -> Query:
    try:
        return case.query()
    except InvalidQuery:  # the terms cancel each other out
        assume(False)
        raise


@given(cases())
def test_contributions_by_space_still_add_up_to_the_similarity(case: Case) -> None:
    query = query_or_reject(case)
    np.testing.assert_allclose(
        query.contributions(case.tracks).sum(axis=1), query.scores(case.tracks), atol=ROUNDING
    )
    assert (np.abs(query.scores(case.tracks)) <= 1 + ROUNDING).all()


@given(cases())
def test_contributions_by_term_add_up_to_the_similarity_too(case: Case) -> None:
    query = query_or_reject(case)
    by_term = case.tracks.astype(np.float64) @ query.addends.T
    np.testing.assert_allclose(by_term.sum(axis=1), query.scores(case.tracks), atol=ROUNDING)
    np.testing.assert_allclose(query.addends.sum(axis=0), query.vector, atol=ROUNDING)


@given(cases(with_track=False))
def test_what_tags_alone_contribute_to_a_space_is_all_that_it_contributes(case: Case) -> None:
    query = query_or_reject(case)
    for track in case.tracks:
        by_space = {space: share.contribution for space, share in query.explain(track[np.newaxis])[0].items()}
        for tag in case.asked:
            by_space[tag.space] -= query.explain_term(tag.term, track).contribution
        assert list(by_space.values()) == pytest.approx([0.0] * len(by_space), abs=ROUNDING)


@given(cases())
def test_a_share_of_a_tag_is_its_cosine_times_its_weight(case: Case) -> None:
    query = query_or_reject(case)
    first = 0 if case.track is None else 1
    for place, tag in enumerate(case.asked):
        share = query.explain_term(first + place, case.tracks[0])
        assert share.similarity == pytest.approx(float(case.vector(tag) @ case.tracks[0]), abs=1e-5)
        assert share.similarity * share.weight == pytest.approx(share.contribution, abs=1e-5)
        assert np.sign(share.weight) == np.sign(tag.weight)
    assert np.abs(query.term_shares).sum() == pytest.approx(1)


@given(cases(with_track=False, most=1))
def test_one_tag_alone_scores_by_the_cosine_with_its_direction_whatever_weight_and_calibration(case: Case) -> None:
    [tag] = case.asked
    expected = np.sign(tag.weight) * (case.tracks @ case.vector(tag))
    np.testing.assert_allclose(case.query().scores(case.tracks), expected, atol=ROUNDING)


@given(cases(with_track=False, most=1))
def test_one_tag_alone_ranks_tracks_by_how_sure_the_encoder_is_of_it(case: Case) -> None:
    [tag] = case.asked
    order = np.argsort(-case.query().scores(case.tracks))
    confidences = []
    for track in case.tracks[order]:
        heard = heard_tags(case.encoder, track, 0.0)[tag.space]
        confidences += [each.confidence for each in heard if each.tag == tag.tag]
    falls = -np.diff(confidences) * np.sign(tag.weight)
    assert (falls > -1e-5).all()


@given(cases())
def test_a_tag_masks_every_space_but_its_own(case: Case) -> None:
    query = query_or_reject(case)
    first = 0 if case.track is None else 1
    for place, tag in enumerate(case.asked):
        shares = query.term_shares[first + place]
        assert {case.encoder.spaces[index].name for index in np.flatnonzero(shares)} == {tag.space}
        places = case.encoder.slices()
        assert all(not case.vector(tag)[where].any() for space, where in places.items() if space != tag.space)


@given(cases(with_track=False), st.integers(0, 3))
def test_what_a_track_is_like_in_other_spaces_does_not_touch_a_query_of_tags(case: Case, seed: int) -> None:
    query = query_or_reject(case)
    others = case.tracks.copy()
    asked = {tag.space for tag in case.asked}
    for space, where in case.encoder.slices().items():
        if space not in asked:
            others[:, where] = np.random.default_rng(seed).normal(size=others[:, where].shape)
    np.testing.assert_array_equal(query.scores(others), query.scores(case.tracks))


@given(cases(with_track=False))
def test_a_tag_and_its_opposite_score_a_track_oppositely(case: Case) -> None:
    opposite = Case(
        case.encoder,
        [replace(tag, weight=-tag.weight) for tag in case.asked],
        None,
        None,
        case.scale,
        case.tracks,
    )
    query = query_or_reject(case)
    np.testing.assert_allclose(opposite.query().scores(case.tracks), -query.scores(case.tracks), atol=ROUNDING)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_tags_heard_are_those_above_the_threshold_and_fall_in_confidence(seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    spaces = (Space("a", 3), Space("b", 2))
    encoder = encoder_of(spaces, rng)
    track = np.concatenate([unit(rng, 1, 3), unit(rng, 1, 2)], axis=1)[0]
    everything, heard = heard_tags(encoder, track, 0.0), heard_tags(encoder, track, least)
    assert everything.keys() == heard.keys() == encoder.tags.keys()
    for space, tags in heard.items():
        confidences = [each.confidence for each in tags]
        assert confidences == sorted(confidences, reverse=True)
        assert set(tags) == {each for each in everything[space] if each.confidence >= least}
        assert all(0 <= each.confidence <= 1 for each in everything[space])
