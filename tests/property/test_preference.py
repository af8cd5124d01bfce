"""Whatever is judged, a proposal can be searched with, and does not depend on the order of things."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.preference import Round, propose

SIMILARITIES = st.floats(-20, 20, width=32)
OLD = st.lists(st.floats(-2, 2).filter(lambda weight: weight == 0 or abs(weight) > 1e-3), min_size=4, max_size=4)


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    count = draw(st.integers(1, 8))
    table = draw(arrays.arrays(np.float64, (count, 4), elements=SIMILARITIES))
    marks = draw(arrays.arrays(np.int8, count, elements=st.integers(-1, 1)))
    return Round(np.arange(count), table, marks == 1, marks == -1)


def turned(judged: Round, order: list[int]) -> Round:
    return Round(judged.numbers[order], judged.similarities[order], judged.liked[order], judged.disliked[order])


@settings(max_examples=60)
@given(old=OLD.filter(any), judged=st.lists(rounds(), max_size=4))
def test_a_proposal_is_finite_scaled_and_of_the_old_signs(old: list[float], judged: list[Round]) -> None:
    proposal = propose(np.array(old), judged)
    weights = proposal.weights
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() == 1
    assert 0 <= proposal.certainty <= 1
    negative = np.array(old) < 0
    assert (weights[negative] <= 0).all()
    assert (weights[~negative] >= 0).all()


@settings(max_examples=40)
@given(old=OLD.filter(any), judged=st.lists(rounds(), min_size=1, max_size=4), data=st.data())
def test_the_order_of_tracks_and_rounds_does_not_matter(
    old: list[float], judged: list[Round], data: st.DataObject
) -> None:
    shuffled = [turned(each, data.draw(st.permutations(range(len(each.numbers))))) for each in judged]
    again = propose(np.array(old), data.draw(st.permutations(shuffled)))
    once = propose(np.array(old), judged)
    np.testing.assert_allclose(again.weights, once.weights, atol=1e-5)
    np.testing.assert_allclose(again.certainty, once.certainty, atol=1e-5)


@settings(max_examples=30)
@given(old=OLD.filter(any), judged=rounds())
def test_where_nothing_is_judged_the_old_weights_are_proposed(old: list[float], judged: Round) -> None:
    nothing = np.zeros(len(judged.numbers), dtype=bool)
    weights = propose(np.array(old), [Round(judged.numbers, judged.similarities, nothing, nothing)]).weights
    np.testing.assert_allclose(weights, np.array(old) / np.abs(old).max())
