"""The losses against slow loops and against pytorch-metric-learning, and which way they pull."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer
from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_triplets_indices

from models.csn.training.losses import cosine_distances, mine_semi_hard, tag_loss, triplet_hinge

MARGIN = 0.1


@st.composite
def batches(draw, least=1):
    """Vectors of tracks, and pairs that are known to be alike or unlike; most are neither."""
    count = draw(st.integers(least, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    vectors = torch.from_numpy(generator.normal(size=(count, draw(st.integers(2, 5)))))
    drawn = generator.integers(0, 3, (count, count))
    alike, unlike = drawn == 1, drawn == 2
    np.fill_diagonal(alike, val=False)
    return vectors, torch.from_numpy(alike), torch.from_numpy(unlike)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def slow_cosine_distance(one, other):
    return 1 - float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))


def slow_semi_hard(vectors, alike, unlike):
    """By pair of anchor and positive: every negative that is farther, but by less than the margin."""
    found = {}
    for anchor in range(len(vectors)):
        for positive in range(len(vectors)):
            if not alike[anchor, positive]:
                continue
            near = slow_cosine_distance(vectors[anchor], vectors[positive])
            found[anchor, positive] = [
                negative
                for negative in range(len(vectors))
                if unlike[anchor, negative]
                and near < slow_cosine_distance(vectors[anchor], vectors[negative]) < near + MARGIN
            ]
    return {pair: negatives for pair, negatives in found.items() if negatives}


def slow_tag_loss(scores, wanted, known):
    total, tracks = 0.0, 0
    for row in range(len(scores)):
        if not known[row].any():
            continue
        tracks += 1
        for score, want, is_known in zip(
            scores[row].tolist(), wanted[row].tolist(), known[row].tolist(), strict=True
        ):
            probability = 1 / (1 + math.exp(-score))
            if is_known:
                total -= want * math.log(probability) + (1 - want) * math.log(1 - probability)
    return total / max(1, tracks)


@given(batches())
def test_distances_are_one_minus_the_cosine(batch):
    vectors, *_ = batch
    slow = [[slow_cosine_distance(one, other) for other in vectors] for one in vectors]
    torch.testing.assert_close(cosine_distances(vectors), torch.tensor(slow, dtype=torch.float64))


def test_a_vector_of_zeros_is_at_distance_1_from_all():
    distances = cosine_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    torch.testing.assert_close(distances, torch.tensor([[1.0, 1.0], [1.0, 0.0]]))


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1), st.floats(0.01, 0.5))
def test_the_hinge_is_the_mean_of_what_is_missing_to_the_margin(pairs, margin):
    to_positive, to_negative = torch.tensor(pairs, dtype=torch.float64).T
    expected = sum(max(0.0, near - far + margin) for near, far in pairs) / len(pairs)
    assert triplet_hinge(to_positive, to_negative, margin).item() == pytest.approx(expected, abs=1e-12)


@given(batches(3), st.integers(0, 2**32))
def test_the_hinge_is_that_of_pytorch_metric_learning(batch, seed):
    vectors, *_ = batch
    labels = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, len(vectors)))
    triplets = get_all_triplets_indices(labels)
    assume(len(triplets[0]))
    distances = cosine_distances(vectors)
    anchors, positives, negatives = triplets
    ours = triplet_hinge(distances[anchors, positives], distances[anchors, negatives], MARGIN)
    theirs = TripletMarginLoss(margin=MARGIN, distance=CosineSimilarity(), reducer=MeanReducer())
    torch.testing.assert_close(ours, theirs(vectors, labels, indices_tuple=triplets))


@given(batches(), st.integers(0, 1_000))
def test_mining_takes_one_semi_hard_negative_of_every_pair_that_has_one(batch, seed):
    vectors, alike, unlike = batch
    possible = slow_semi_hard(vectors, alike, unlike)
    mined = mine_semi_hard(cosine_distances(vectors), alike, unlike, MARGIN, generator(seed))
    found = [tuple(triplet) for triplet in torch.stack(mined, 1).tolist()]
    assert [(anchor, positive) for anchor, positive, _ in found] == sorted(possible)
    assert all(negative in possible[anchor, positive] for anchor, positive, negative in found)


@given(batches(3))
def test_mined_triplets_have_the_loss_that_pytorch_metric_learning_finds(batch):
    vectors, alike, unlike = batch
    distances = cosine_distances(vectors)
    mined = mine_semi_hard(distances, alike, unlike, MARGIN, generator())
    assume(len(mined[0]))
    anchors, positives, negatives = mined
    ours = triplet_hinge(distances[anchors, positives], distances[anchors, negatives], MARGIN)
    theirs = TripletMarginLoss(margin=MARGIN, distance=CosineSimilarity(), reducer=MeanReducer())
    torch.testing.assert_close(ours, theirs(vectors, torch.arange(len(vectors)), indices_tuple=mined))
    assert 0 < ours < MARGIN


def test_every_semi_hard_negative_is_drawn_about_as_often():
    angles = torch.tensor([0.0, 0.3, 0.34, 0.36, 0.38, 2.0])
    vectors = torch.stack([angles.cos(), angles.sin()], 1)
    alike = torch.zeros(6, 6, dtype=torch.bool)
    alike[0, 1] = True
    unlike = torch.zeros(6, 6, dtype=torch.bool)
    unlike[0, 2:] = True
    drawn = [
        int(mine_semi_hard(cosine_distances(vectors), alike, unlike, MARGIN, generator(seed))[2])
        for seed in range(600)
    ]
    assert sorted(set(drawn)) == [2, 3, 4]
    assert min(drawn.count(negative) for negative in (2, 3, 4)) > 150


@pytest.mark.parametrize("lacking", ["positives", "negatives", "all"])
def test_without_triplets_the_loss_is_0_and_can_be_derived(lacking):
    vectors = torch.randn(4, 3, requires_grad=True)
    pairs = ~torch.eye(4, dtype=torch.bool)
    none = torch.zeros_like(pairs)
    alike, unlike = {"positives": (none, pairs), "negatives": (pairs, none), "all": (none, none)}[lacking]
    distances = cosine_distances(vectors)
    anchors, positives, negatives = mine_semi_hard(distances.detach(), alike, unlike, MARGIN, generator())
    loss = triplet_hinge(distances[anchors, positives], distances[anchors, negatives], MARGIN)
    loss.backward()
    assert loss == 0
    assert not vectors.grad.any()


def triplet_loss(vectors, margin=0.5):
    """Of the first vector, with the second as positive and the third as negative."""
    distances = cosine_distances(vectors)
    return triplet_hinge(distances[:1, 1], distances[:1, 2], margin)


def at_angles(*angles):
    angles = torch.tensor(angles, dtype=torch.float64)
    return torch.stack([angles.cos(), angles.sin()], 1)


@given(st.floats(0.2, 1.0), st.floats(0.3, 1.0), st.floats(0.01, 0.1))
def test_a_positive_that_comes_closer_lowers_the_loss_and_a_negative_raises_it(positive, negative, step):
    before = triplet_loss(at_angles(0, positive, -negative))
    assume(before > 0)
    assert triplet_loss(at_angles(0, positive - step, -negative)) < before
    assert triplet_loss(at_angles(0, positive, -negative + step)) > before


@given(st.integers(0, 500))
def test_a_step_against_the_gradient_lowers_the_triplet_loss(seed):
    vectors = torch.randn(3, 4, generator=generator(seed), dtype=torch.float64, requires_grad=True)
    before = triplet_loss(vectors)
    assume(before > 0)
    before.backward()
    assert triplet_loss(vectors.detach() - 1e-3 * vectors.grad) < before


@st.composite
def scored(draw):
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    scores = torch.from_numpy(generator.normal(scale=3, size=shape))
    wanted = torch.from_numpy(generator.choice([0.0, 0.3, 1.0], shape))
    return scores, wanted, torch.from_numpy(generator.random(shape) < draw(st.floats(0, 1)))


@given(scored())
def test_the_tag_loss_is_that_of_the_loop(drawn):
    assert tag_loss(*drawn).item() == pytest.approx(slow_tag_loss(*drawn), rel=1e-9)


@given(scored(), st.floats(-20, 20), st.sampled_from([0.0, 1.0]))
def test_what_is_not_known_changes_neither_the_tag_loss_nor_its_gradient(drawn, score, want):
    scores, wanted, known = drawn
    other_scores = torch.where(known, scores, score).requires_grad_()
    scores = scores.clone().requires_grad_()
    loss = tag_loss(scores, wanted, known)
    other = tag_loss(other_scores, torch.where(known, wanted, want), known)
    loss.backward()
    other.backward()
    assert loss == other
    assert torch.equal(scores.grad, other_scores.grad)
    assert not scores.grad[~known].any()


@given(scored(), st.floats(0.01, 2))
def test_a_higher_score_lowers_the_loss_where_the_tag_is_wanted_and_raises_it_where_not(drawn, step):
    scores, wanted, known = drawn
    before = tag_loss(scores, wanted, known)
    for want, expected in ((1.0, -1), (0.0, 1)):
        for row, column in ((wanted == want) & known).nonzero().tolist()[:3]:
            raised = scores.clone()
            raised[row, column] += step
            assert torch.sign(tag_loss(raised, wanted, known) - before) == expected


@given(scored())
def test_a_step_against_the_gradient_lowers_the_tag_loss(drawn):
    scores, wanted, known = drawn
    scores = scores.requires_grad_()
    before = tag_loss(scores, wanted, known)
    assume(known.any())
    before.backward()
    assert tag_loss(scores.detach() - 1e-3 * scores.grad, wanted, known) < before


def test_scores_without_bounds_leave_the_loss_finite():
    scores = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss = tag_loss(scores, torch.eye(2), torch.ones(2, 2, dtype=torch.bool))
    loss.backward()
    assert loss.isfinite()
    assert scores.grad.isfinite().all()
