import numpy as np
import pytest

from app.preference import Round, propose

EVEN = np.ones(3)


def shown(similarities, liked=(), disliked=(), first=0):
    """A round; tracks are named by their place."""
    table = np.array(similarities, dtype=np.float64)
    marks = [np.isin(np.arange(len(table)), marked) for marked in (liked, disliked)]
    numbers = first + np.arange(len(table))
    return Round(numbers, table, *marks)


CLOSE_IN_FIRST = [[2.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0.5, 0.5, 0.5]]


def test_liking_a_track_that_is_close_in_a_space_raises_its_weight_above_the_others():
    weights = propose(EVEN, [shown(CLOSE_IN_FIRST, liked=[0])]).weights
    assert weights[0] == 1
    assert max(weights[1:]) < 0.9


def test_disliking_a_track_that_is_close_in_a_space_lowers_its_weight():
    weights = propose(EVEN, [shown(CLOSE_IN_FIRST, disliked=[0])]).weights
    assert weights[0] < 0.5
    assert max(weights[1:]) == 1


def test_without_judgements_the_weights_stay_and_nothing_is_certain():
    proposal = propose(np.array([2.0, 1, 0]), [shown(CLOSE_IN_FIRST)])
    np.testing.assert_allclose(proposal.weights, [1, 0.5, 0])
    assert proposal.certainty == 0


@pytest.mark.parametrize("verdict", ["liked", "disliked"])
def test_judging_everything_that_was_shown_alike_says_nothing_and_nothing_is_certain(verdict):
    every = shown(CLOSE_IN_FIRST, **{verdict: range(4)})
    proposal = propose(np.array([2.0, 1, 0]), [every, every])
    np.testing.assert_allclose(proposal.weights, [1, 0.5, 0])
    assert proposal.certainty == 0
    telling = shown(CLOSE_IN_FIRST, liked=[0], first=100)
    assert propose(EVEN, [every, telling]).certainty == propose(EVEN, [telling]).certainty > 0


def test_a_judgement_counts_once_however_many_alike_were_shown_beside():
    few = shown([[0.1, 0, 0], [0, 0.1, 0]], liked=[0])
    many = shown([[0.1, 0, 0], *[[0, 0.1, 0]] * 50], liked=[0])
    once, beside_many, often = (propose(EVEN, each).weights[1] for each in ([few], [many], [few] * 50))
    assert 0 <= often < beside_many < once
    assert beside_many > 0.2


def test_what_was_neither_close_nor_far_in_a_space_leaves_it_near_where_it_was():
    weights = propose(np.array([1.0, 1.0]), [shown([[1, 0.5], [0, 0.5]], liked=[0])]).weights
    raw = weights[1] / weights[0]
    assert 0.5 < raw < 1


def test_a_space_that_was_left_out_can_come_in():
    weights = propose(np.array([1.0, 0, 0]), [shown([[1, 3, 0], [1, 0, 0]], liked=[0])]).weights
    assert weights[1] > 0.3
    assert weights[2] == 0


def test_a_contrast_stays_one_or_vanishes_but_never_turns():
    far = propose(np.array([1.0, -1.0]), [shown([[1, -2], [1, 2]], liked=[0])]).weights
    close = propose(np.array([1.0, -1.0]), [shown([[0, 4], [0, -4]], liked=[0])] * 9).weights
    assert far.tolist() == pytest.approx([far[0], -1])
    assert close[1] == 0
    assert close[0] == 1


def test_what_a_strong_weight_explains_says_little_about_the_others():
    table = [[0.0, 1, 4], [1, 0, 0]]
    plain = propose(np.array([1.0, 1, 0]), [shown(table, liked=[0])]).weights
    explained = propose(np.array([1.0, 1, 1]), [shown(table, liked=[0])]).weights
    assert plain[0] < explained[0]
    np.testing.assert_allclose(explained, 1, atol=0.01)


def test_features_that_cannot_be_told_apart_share_what_is_learnt():
    similar = [[2.0, 2, 0], [0, 0, 1], [0.5, 0.5, 0.5]]
    weights = propose(EVEN, [shown(similar, liked=[0])]).weights
    assert weights[0] == pytest.approx(weights[1])
    assert weights[2] < weights[0]


def test_judgements_that_agree_make_it_more_certain():
    generator = np.random.default_rng(0)
    truth = np.array([1, 0.5, 0.1])
    rounds = []
    for number in range(12):
        table = generator.normal(size=(20, 3))
        rounds.append(shown(table, liked=[int(np.argmax(table @ truth))], first=20 * number))
    certainties = [propose(EVEN, rounds[:count]).certainty for count in (1, 3, 12)]
    assert certainties == sorted(certainties)
    assert certainties[-1] > 0.9


def test_a_track_that_was_liked_before_was_not_passed_over_when_it_is_shown_again():
    first = shown(CLOSE_IN_FIRST, liked=[0])
    again = shown(CLOSE_IN_FIRST, liked=[3])
    elsewhere = shown(CLOSE_IN_FIRST, liked=[3], first=100)
    kept, contradicted = (propose(EVEN, [first, each]).weights[1] for each in (again, elsewhere))
    assert kept < contradicted


def test_judgements_against_every_space_leave_the_weights_that_were_given():
    nothing = shown([[0.0, 0], [5, 5]], liked=[0])
    proposal = propose(np.array([1.0, 0.5]), [nothing] * 40)
    np.testing.assert_allclose(proposal.weights, [1, 0.5])
    assert proposal.certainty == 0
