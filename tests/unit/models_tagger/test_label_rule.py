import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from models.errors import TrainingImpossible
from models.labelling.rule import FLOOR, MOST_TAGS, SHARE, SURE, cohen_kappa, judge
from models.taggers.vocabulary import MSD, MSD_DIMENSIONS

TRACKS = 100


def probabilities(**of_tags):
    """(2, TRACKS, 50) of teachers who are sure of nothing, but for tags given as (TRACKS,) or (2, TRACKS)."""
    made = np.full((2, TRACKS, 50), 0.001, np.float32)
    for tag, values in of_tags.items():
        made[:, :, MSD.index(tag)] = values
    return made


def rising(top=0.25):
    return np.linspace(0, top, TRACKS)


def test_the_highest_share_of_a_tag_is_given_where_the_teachers_agree():
    given_tags = judge(probabilities(jazz=rising())).given[:, MSD.index("jazz")]
    assert given_tags.sum() == pytest.approx(SHARE * TRACKS, abs=1)
    assert given_tags[-round(SHARE * TRACKS) + 1 :].all()


def test_a_tag_on_which_they_do_not_agree_is_given_to_nobody():
    verdicts = judge(probabilities(jazz=np.stack([rising(), rising()[::-1]])))
    assert verdicts.kappa[MSD.index("jazz")] < 0
    assert not verdicts.given.any()


def test_a_track_needs_the_word_of_both():
    other = rising().copy()
    other[-1] = 0
    given_tags = judge(probabilities(jazz=np.stack([rising(), other]))).given[:, MSD.index("jazz")]
    assert given_tags[-2]
    assert not given_tags[-1]


def test_a_teacher_who_is_sure_needs_no_rank():
    common = np.where(np.arange(TRACKS) < 70, SURE + 0.01 + rising(0.1), 0.05)
    assert judge(probabilities(electronic=common)).given[:, MSD.index("electronic")].sum() == 70


def test_what_is_all_but_impossible_is_not_given_to_the_highest_either():
    assert not judge(probabilities(sexy=rising(FLOOR * 0.9))).given.any()


def test_of_two_words_for_one_thing_one_is_given():
    verdicts = judge(probabilities(**{"female vocalists": rising(), "female vocalist": rising()}))
    assert verdicts.tags(TRACKS - 1) == {"instrument": frozenset({"female vocalists"})}


def test_a_dimension_keeps_its_most_probable_tags():
    tags = MSD_DIMENSIONS["mood"][:5]
    made = {tag: rising(0.05 + 0.01 * place) for place, tag in enumerate(tags)}
    made = {
        tag: np.where(rising() > 0.2, values + 0.1 * place, values)
        for place, (tag, values) in enumerate(made.items())
    }
    verdicts = judge(probabilities(**made))
    assert verdicts.tags(TRACKS - 1) == {"mood": frozenset(tags[-MOST_TAGS["mood"] :])}


def test_a_track_of_which_nothing_stands_out_has_no_dimensions():
    assert judge(probabilities(jazz=rising())).tags(0) == {}


def test_too_few_tracks_for_thresholds_are_refused():
    with pytest.raises(TrainingImpossible, match="49 tracks can be heard; weak labels need 50"):
        judge(probabilities()[:, :49])


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, (2, 12, 3), elements=st.booleans()))
def test_kappa_is_that_of_scikit_learn_and_0_where_a_teacher_always_says_the_same(vouched):
    for column, found in enumerate(cohen_kappa(*vouched)):
        one, other = vouched[:, :, column]
        constant = len(set(one)) == 1 or len(set(other)) == 1
        assert found == pytest.approx(0.0 if constant else cohen_kappa_score(one, other), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_track_has_more_tags_of_a_dimension_than_allowed_nor_one_that_a_teacher_denies(seed):
    made = np.random.default_rng(seed).beta(0.3, 3, (1, 60, 50)).astype(np.float32).repeat(2, axis=0)
    made[1] = made[1].clip(1e-3) ** 0.9
    verdicts = judge(made)
    assert (made >= verdicts.thresholds[:, None])[:, verdicts.given].all()
    for row in range(60):
        assert all(len(tags) <= MOST_TAGS[dimension] for dimension, tags in verdicts.tags(row).items())
