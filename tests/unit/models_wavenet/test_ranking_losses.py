"""The losses of paper 004: against a slow loop, another implementation, and in the direction that they are for."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.wavenet.training.ranking_losses import lambda_loss, pairwise_hinge, similarities

WEIGHTINGS = ["ndcg1", "ndcg2", "ndcg2++", "lambdarank"]
KINDS = ["cosine", "euclidean"]


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn_relevance(seed, highest, *shape):
    return torch.randint(0, highest + 1, shape, generator=torch.Generator().manual_seed(seed))


def loss_and_gradient(loss, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = loss(*inputs)
    return value.item(), torch.autograd.grad(value, inputs)


# The formulas, pair by pair.


def slow_weight(weighting, mu, ranks, gains):
    """Of a pair, from its two ranks and gains."""

    def inverse(r):
        return 1 / math.log2(1 + r)

    if weighting == "ndcg1":
        return gains[0] * inverse(ranks[0])
    apart = abs(ranks[0] - ranks[1])
    delta = abs(inverse(apart) - inverse(apart + 1))
    rho = abs(inverse(ranks[0]) - inverse(ranks[1]))
    return {"ndcg2": delta, "ndcg2++": rho + mu * delta, "lambdarank": rho}[weighting] * abs(gains[0] - gains[1])


def slow_list(scores, relevance, weighting, sigma=1.0, mu=10.0, *, counts=lambda y_i, y_j: y_i > y_j):
    """Loss of a list and its gradient, with weights held fixed."""
    places = range(len(scores))
    by_score = sorted(places, key=lambda i: (-scores[i], i))
    ranks = {i: by_score.index(i) + 1 for i in places}
    best = sum((2**y - 1) / math.log2(2 + i) for i, y in enumerate(sorted(relevance, reverse=True)))
    gains = [(2**y - 1) / best if best else 0 for y in relevance]
    loss, gradient = 0.0, [0.0 for _ in places]
    for i in places:
        for j in places:
            if not counts(relevance[i], relevance[j]):
                continue
            weight = slow_weight(weighting, mu, (ranks[i], ranks[j]), (gains[i], gains[j]))
            wrong = math.exp(-sigma * (scores[i] - scores[j]))
            loss += weight * math.log2(1 + wrong)
            slope = -weight * sigma * wrong / (1 + wrong) / math.log(2)
            gradient[i] += slope
            gradient[j] -= slope
    return loss, gradient


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 7)),
    highest=st.sampled_from([0, 1, 4]),
    by=st.fixed_dictionaries({"sigma": st.sampled_from([0.5, 1.0, 8.0]), "mu": st.sampled_from([0.0, 3.0, 10.0])}),
    ties=st.booleans(),
)
def test_lambda_loss_and_its_gradient_are_those_of_a_slow_loop_that_holds_weights_fixed(
    seed, shape, highest, by, ties
):
    scores, relevance = drawn(seed, *shape), drawn_relevance(seed, highest, *shape)
    if ties:
        scores = scores.round()
    for weighting in WEIGHTINGS:
        value, (gradient,) = loss_and_gradient(
            lambda s, weighting=weighting: lambda_loss(s, relevance, weighting, **by), scores
        )
        lists = [
            slow_list(*each, weighting, **by) for each in zip(scores.tolist(), relevance.tolist(), strict=True)
        ]
        assert value == pytest.approx(sum(loss for loss, _ in lists) / len(lists), rel=1e-9, abs=1e-12)
        expected = torch.tensor([slopes for _, slopes in lists], dtype=torch.float64) / len(lists)
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_tied_scores_are_ranked_by_their_place_in_the_list(weighting):
    scores, relevance = [0.0, 0.0, 1.0] * 20, drawn_relevance(0, 1, 60).tolist()
    expected, _ = slow_list(scores, relevance, weighting)
    assert lambda_loss(torch.tensor([scores]), torch.tensor([relevance]), weighting).item() == pytest.approx(
        expected
    )


def test_sigma_is_1_and_mu_is_10_by_default():
    scores, relevance = drawn(1, 1, 5), torch.tensor([[0, 1, 0, 1, 1]])
    expected, _ = slow_list(scores[0].tolist(), relevance[0].tolist(), "ndcg2++", 1.0, 10.0)
    assert lambda_loss(scores, relevance, "ndcg2++").item() == pytest.approx(expected)


# Another implementation: allRank 1.4.3 (github.com/allegro/allRank, commit c884756), `lambdaLoss` of
# allrank/models/losses/lambdaLoss.py, run in double precision on each of these lists alone, with `weighing_scheme`
# as named below, reduction="sum", reduction_log="binary" (base 2, as in the paper) and its own eps of 1e-10.

SCORES = [[0.3, -1.2, 0.8, 0.1, 2.0, -0.4], [1.5, 0.2, -0.7, 0.9, -0.1, 0.4]]
BINARY = [[1, 1, 0, 1, 0, 0], [0, 1, 1, 0, 0, 1]]
GRADED = [[3, 0, 1, 2, 0, 1], [0, 4, 1, 1, 2, 0]]
ALLRANK = [  # relevance, weighting, sigma, mu, losses of the lists
    (BINARY, "ndcg2", 1.0, 10.0, [1.179613, 1.077016]),  # ndcgLoss2_scheme
    (BINARY, "ndcg2++", 1.0, 10.0, [15.327408, 13.480472]),  # ndcgLoss2PP_scheme
    (BINARY, "lambdarank", 1.0, 10.0, [3.531283, 2.710308]),  # lambdaRank_scheme
    (GRADED, "ndcg2", 1.0, 10.0, [1.045001, 1.049874]),
    (GRADED, "ndcg2++", 1.0, 10.0, [12.517289, 12.452586]),
    (GRADED, "lambdarank", 1.0, 10.0, [2.067276, 1.953843]),
    (BINARY, "ndcg2", 5.0, 2.0, [3.811663, 3.034979]),
    (BINARY, "ndcg2++", 5.0, 2.0, [23.791452, 17.504101]),
    (BINARY, "lambdarank", 5.0, 2.0, [16.168127, 11.434143]),
    (GRADED, "ndcg2", 5.0, 2.0, [2.892322, 2.111088]),
    (GRADED, "ndcg2++", 5.0, 2.0, [14.464887, 11.826656]),
    (GRADED, "lambdarank", 5.0, 2.0, [8.680243, 7.60448]),
]
ALLRANK_NDCG1 = [  # ndcgLoss1_scheme
    (BINARY, 1.0, [5.689249, 4.998525]),
    (GRADED, 1.0, [4.17041, 3.601819]),
    (BINARY, 5.0, [19.292206, 14.576621]),
    (GRADED, 5.0, [11.137094, 9.240805]),
]


@pytest.mark.parametrize(("relevance", "weighting", "sigma", "mu", "expected"), ALLRANK)
def test_lambda_loss_is_that_of_allrank(relevance, weighting, sigma, mu, expected):
    losses = [
        lambda_loss(torch.tensor([s]), torch.tensor([y]), weighting, sigma=sigma, mu=mu).item()
        for s, y in zip(SCORES, relevance, strict=True)
    ]
    assert losses == pytest.approx(expected, rel=1e-5)
    together = lambda_loss(torch.tensor(SCORES), torch.tensor(relevance), weighting, sigma=sigma, mu=mu)
    assert together.item() == pytest.approx(sum(expected) / 2, rel=1e-5)  # allRank: the sum over lists


@pytest.mark.parametrize(("relevance", "sigma", "expected"), ALLRANK_NDCG1)
def test_ndcg_loss_1_is_that_of_allrank_but_for_pairs_that_are_not_in_the_wanted_order(relevance, sigma, expected):
    for s, y, whole in zip(SCORES, relevance, expected, strict=True):
        left_out, _ = slow_list(s, y, "ndcg1", sigma, counts=lambda y_i, y_j: y_i <= y_j)
        loss = lambda_loss(torch.tensor([s]), torch.tensor([y]), "ndcg1", sigma=sigma).item()
        assert loss + left_out == pytest.approx(whole, rel=1e-5)


# Direction. The loss of a list leaps where ranks change: single steps are too short for that.

STEP = 1e-4
LIKE = torch.tensor([1, 1, 1, 0, 0, 0]).repeat(4, 1)  # 4 lists of 3 similar and 3 dissimilar tracks each
LOSSES = {
    "hinge": lambda scores: pairwise_hinge(scores[:, :3, None], scores[:, None, 3:]),
    "ndcg1": lambda scores: lambda_loss(scores, LIKE, "ndcg1", sigma=2.0),
    "ndcg2": lambda scores: lambda_loss(scores, LIKE, "ndcg2", sigma=2.0),
    "ndcg2++": lambda scores: lambda_loss(scores, LIKE, "ndcg2++", sigma=2.0),
    "lambdarank": lambda scores: lambda_loss(scores, LIKE, "lambdarank", sigma=2.0),
}


def gap(scores):
    return (scores[:, :3].mean() - scores[:, 3:].mean()).item()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_step_down_the_gradient_sets_similar_scores_above_dissimilar_ones(loss, seed):
    scores = drawn(seed, 4, 6)
    before, (gradient,) = loss_and_gradient(loss, scores)
    moved = scores - STEP * gradient
    assert loss(moved).item() < before
    assert gap(moved) > gap(scores)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_step_of_the_embeddings_brings_similar_tracks_nearer_than_dissimilar_ones(loss, kind, seed):
    embeddings = drawn(seed, 4, 8), drawn(seed + 100, 4, 6, 8)
    before, slopes = loss_and_gradient(lambda *e: loss(similarities(*e, kind)), *embeddings)
    moved = [e - STEP * slope for e, slope in zip(embeddings, slopes, strict=True)]
    assert loss(similarities(*moved, kind)).item() < before
    assert gap(similarities(*moved, kind)) > gap(similarities(*embeddings, kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_following_the_gradient_ranks_all_similar_tracks_first(loss, kind):
    embeddings = [drawn(0, 4, 8), drawn(100, 4, 6, 8)]

    def ranked_first():
        scores = similarities(*embeddings, kind)
        return (scores[:, :3].amin(1) > scores[:, 3:].amax(1)).sum().item()

    assert ranked_first() < 2
    for _ in range(300):
        _, slopes = loss_and_gradient(lambda *e: loss(similarities(*e, kind)), *embeddings)
        embeddings = [e - 0.2 * slope for e, slope in zip(embeddings, slopes, strict=True)]
    assert ranked_first() == 4


# Order.

FALLING = torch.tensor([[60.0, 50.0, 40.0, 30.0, 20.0, 10.0]])


def cost(relevance, weighting, scale=1.0):
    """The loss of a list whose scores fall evenly, from its relevances from the top."""
    return lambda_loss(scale * FALLING, torch.tensor([relevance]), weighting).item()


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_perfect_and_well_separated_list_costs_nothing_and_every_worse_order_more(weighting):
    assert cost([1, 1, 1, 0, 0, 0], weighting) < 1e-3
    assert cost([3, 2, 2, 1, 0, 0], weighting) < 1e-2
    orders = [[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1]]
    costs = [cost(order, weighting) for order in orders]
    assert costs == sorted(set(costs))


def test_a_pair_swapped_at_the_top_costs_more_than_at_the_bottom_where_absolute_ranks_count():
    top, bottom = [0, 1, 1, 0, 1, 0], [1, 0, 1, 0, 0, 1]  # of 1, 0, 1, 0, 1, 0; each the other's mirror image
    for weighting in ("lambdarank", "ndcg2++"):
        assert cost(top, weighting, 0.1) > 1.02 * cost(bottom, weighting, 0.1)
    assert cost(top, "ndcg2", 0.1) == pytest.approx(cost(bottom, "ndcg2", 0.1))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_neither_a_constant_added_to_a_list_nor_its_order_on_paper_matters(weighting):
    scores, relevance = drawn(5, 3, 6), drawn_relevance(5, 3, 3, 6)
    loss = lambda_loss(scores, relevance, weighting)
    shifted = scores + torch.tensor([[3.0], [-7.0], [0.5]])
    torch.testing.assert_close(lambda_loss(shifted, relevance, weighting), loss)
    for seed in range(3):
        places = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(lambda_loss(scores[:, places], relevance[:, places], weighting), loss)


# Similarities and the hinge.


def test_similarities_are_cosines_or_minus_distances():
    queries, listed = drawn(0, 2, 3), drawn(1, 2, 4, 3)
    for q in range(2):
        for i in range(4):
            a, b = queries[q].tolist(), listed[q, i].tolist()
            dot = sum(x * y for x, y in zip(a, b, strict=True))
            cosine = similarities(queries, listed, "cosine")[q, i].item()
            assert cosine == pytest.approx(dot / math.hypot(*a) / math.hypot(*b))
            euclidean = similarities(queries, listed, "euclidean")[q, i].item()
            assert euclidean == pytest.approx(-math.dist(a, b))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_the_gradient_is_finite_where_embeddings_are_the_same_or_zero(kind, value):
    queries, listed = torch.full((2, 3), value), torch.full((2, 4, 3), value)
    _, slopes = loss_and_gradient(lambda *e: similarities(*e, kind).sum(), queries, listed)
    assert all(slope.isfinite().all() for slope in slopes)
    torch.testing.assert_close(slopes[1], torch.zeros(2, 4, 3), atol=1e-6, rtol=0)


def test_the_hinge_of_a_few_pairs_by_hand():
    similar, dissimilar = torch.tensor([0.9, 0.5, -0.25]), torch.tensor([0.1, 0.75, -0.5])
    assert pairwise_hinge(similar, dissimilar).item() == pytest.approx((0.2 + 1.25 + 0.75) / 3)
    assert pairwise_hinge(similar, dissimilar, margin=0.5).item() == pytest.approx((0 + 0.75 + 0.25) / 3)
    of_all = [max(0.0, 1 + unlike - like) for like in similar.tolist() for unlike in dissimilar.tolist()]
    assert pairwise_hinge(similar[:, None], dissimilar[None]).item() == pytest.approx(sum(of_all) / 9)


def test_the_hinge_is_that_of_the_paper_on_distances():
    queries, listed = drawn(0, 3, 4), drawn(1, 3, 2, 4)
    distances = (queries[:, None] - listed).square().sum(2).sqrt()
    expected = sum(max(0, 1 - unlike + like) for like, unlike in distances.tolist()) / 3
    similar, dissimilar = similarities(queries, listed, "euclidean").unbind(1)
    assert pairwise_hinge(similar, dissimilar).item() == pytest.approx(expected)


def test_the_hinge_is_flat_beyond_the_margin():
    loss, slopes = loss_and_gradient(pairwise_hinge, torch.tensor([-1.0, 2.0]), torch.tensor([-2.5, 0.9]))
    assert loss == 0
    assert all(not slope.any() for slope in slopes)


# Extremes.


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_huge_scores_give_a_finite_loss_and_gradient(weighting):
    scores = torch.tensor([[1e4, -1e4, 0.0, 1e4], [-1e4, 1e4, -1e4, 0.0]])
    relevance = torch.tensor([[0, 1, 1, 0], [1, 0, 1, 0]])
    loss, (slope,) = loss_and_gradient(lambda s: lambda_loss(s, relevance, weighting, sigma=10.0), scores)
    assert 1e3 < loss < math.inf
    assert slope.isfinite().all()
    assert (slope[relevance == 1] < 0).all()


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("everywhere", [0, 1, 3])
def test_a_list_of_equal_relevance_costs_nothing_and_is_counted_in_the_mean(weighting, everywhere):
    scores, equal = drawn(2, 1, 5).float(), torch.full((1, 5), everywhere)
    loss, (slope,) = loss_and_gradient(lambda s: lambda_loss(s, equal, weighting), scores)
    assert loss == 0
    assert not slope.any()
    mixed = torch.tensor([[0, 1, 0, 1, 1]])
    alone = lambda_loss(scores, mixed, weighting)
    both = lambda_loss(scores.repeat(2, 1), torch.cat([mixed, equal]), weighting)
    torch.testing.assert_close(2 * both, alone)


def test_nothing_at_all_costs_nothing():
    loss, slopes = loss_and_gradient(pairwise_hinge, torch.zeros(0), torch.zeros(0))
    assert loss == 0
    assert [slope.shape for slope in slopes] == [(0,), (0,)]
    assert lambda_loss(torch.zeros(0, 6), torch.zeros(0, 6), "ndcg2").item() == 0


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_relevance_may_be_of_any_type_and_the_loss_is_float32(weighting, dtype):
    scores = drawn(0, 4, 6)
    loss = lambda_loss(scores.float(), LIKE.to(dtype), weighting)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, lambda_loss(scores, LIKE, weighting).float())


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_nothing_is_made_on_another_device_than_that_of_the_inputs(weighting):
    scores, relevance = torch.zeros(2, 6, device="meta"), torch.zeros(2, 6, device="meta")
    assert lambda_loss(scores, relevance, weighting).device.type == "meta"
