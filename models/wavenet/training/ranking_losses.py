"""What paper 004 learns by (section 3.3): a hinge over pairs, and LambdaLoss over lists, as pure functions.

Axis letters: Q queries, n tracks listed for a query, E dimensions of an embedding.

LambdaLoss is that of Wang, Li, Golbandi, Bendersky and Najork, "The LambdaLoss Framework for Ranking Metric
Optimization", CIKM 2018. Of a list with scores s and relevance y, for the pair of tracks i and j:

    π_i      rank of i by falling s, from 1
    D_r      log2(1 + r), the discount of rank r
    G_i      (2^y_i − 1) / maxDCG, where maxDCG = Σ (2^y_i − 1) / D of the rank of i by falling y
    ρ_ij     |1 / D_π_i − 1 / D_π_j|
    δ_ij     |1 / D_|π_i − π_j| − 1 / D_(|π_i − π_j| + 1)|
"""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Similarity = Literal["cosine", "euclidean"]
Weighting = Literal["ndcg1", "ndcg2", "ndcg2++", "lambdarank"]


def similarities(queries: Tensor, listed: Tensor, kind: Similarity) -> Tensor:
    """How near each listed track is to its query (paper 004, section 4).

    Args:
        queries: (Q, E).
        listed: (Q, n, E).
        kind: ``cosine``, or ``euclidean``: minus the distance ‖A − B‖.

    Returns:
        (Q, n), higher is nearer: −1…1, or at most 0. The gradient of the distance of two equal embeddings is
        taken as 0; the cosine to an embedding of zeros is 0.
    """
    if kind == "cosine":
        return functional.cosine_similarity(queries[:, None], listed, dim=2)
    distances: Tensor = torch.linalg.vector_norm(queries[:, None] - listed, dim=2)
    return -distances


def pairwise_hinge(similar: Tensor, dissimilar: Tensor, margin: float = 1.0) -> Tensor:
    """Mean over pairs of max(0, margin − d(q, m⁻) + d(q, m⁺)) (paper 004, equation 2).

    The distance d is minus the similarity, but for a constant that cancels: 1 − cosine, or ‖A − B‖.

    Args:
        similar: (…,) similarities of queries to similar tracks, m⁺.
        dissimilar: (…,) those of the same queries to dissimilar tracks, m⁻. The shapes are broadcast: (Q, a, 1) and
            (Q, 1, b) are all pairs.
        margin: By how much m⁺ has to be the nearer one; 1 in the paper.

    Returns:
        Scalar, at least 0; 0 without pairs.
    """
    losses = functional.relu(margin + dissimilar - similar)
    return losses.sum() / max(losses.numel(), 1)


def lambda_loss(
    scores: Tensor, relevance: Tensor, weighting: Weighting, *, sigma: float = 1.0, mu: float = 10.0
) -> Tensor:
    """LambdaLoss: mean over lists of Σ_{y_i > y_j} w_ij log2(1 + e^(−σ(s_i − s_j))).

    ==============  ===========================  =========================================
    weighting       w_ij                         Wang et al. 2018
    ==============  ===========================  =========================================
    ``ndcg1``       G_i / D_π_i                  NDCG-Loss1, but for the pairs (see below)
    ``ndcg2``       δ_ij |G_i − G_j|             NDCG-Loss2
    ``ndcg2++``     (ρ_ij + μ δ_ij) |G_i − G_j|  NDCG-Loss2++
    ``lambdarank``  ρ_ij |G_i − G_j|             LambdaRank
    ==============  ===========================  =========================================

    Ranks, and so the weights, are those of the scores as they stand: no gradient flows through them, and the loss
    leaps where ranks change. Tied scores are ranked by their place in the list. The mean is over all Q lists; one
    without a pair of unequal relevance counts with a loss of 0.

    Deviation: NDCG-Loss1 of the paper (and of allRank) runs over all i and j. Left out here are i = j, without
    gradient, which keeps the loss of a perfect list from 0; pairs of equal relevance, which would order similar
    tracks among themselves; and y_i < y_j, which asks for the wrong order. Where relevance is binary, all that the
    paper has between similar and dissimilar tracks is kept.

    Args:
        scores: (Q, n) similarities, higher is nearer. What counts is σ times their differences: cosines, which
            differ by 2 at most, want a σ above 1.
        relevance: (Q, n) y, binary or graded, of any type of number: 0…100, as gains grow by 2^y.
        weighting: Of pairs.
        sigma: σ.
        mu: μ, of ``ndcg2++`` alone.

    Returns:
        Scalar, at least 0; 0 without lists.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranked = scores.gather(1, order)
    wanted = relevance.to(scores.dtype).gather(1, order)
    surprises = -functional.logsigmoid(sigma * _differences(ranked)) / math.log(2)
    weights = _pair_weights(_normalised_gains(wanted), weighting, mu) * (_differences(wanted) > 0)
    return (weights * surprises).sum() / max(len(scores), 1)


def _pair_weights(gains: Tensor, weighting: Weighting, mu: float) -> Tensor:
    """(Q, n) G in the order of the scores → (Q, n, n) w_ij."""
    ranks = torch.arange(1, gains.shape[1] + 1, dtype=gains.dtype, device=gains.device)
    if weighting == "ndcg1":
        return (gains * _discounted(ranks))[:, :, None].expand(-1, -1, len(ranks))
    between = _differences(ranks).abs().clamp_min(1)  # the diagonal is no pair; 0 has no discount
    delta = _discounted(between) - _discounted(between + 1)
    rho = _differences(_discounted(ranks)).abs()
    by_rank = {"ndcg2": delta, "ndcg2++": rho + mu * delta, "lambdarank": rho}[weighting]
    return by_rank * _differences(gains).abs()


def _normalised_gains(relevance: Tensor) -> Tensor:
    """(Q, n) y → (Q, n) G; all 0 where nothing is relevant."""
    gains = torch.exp2(relevance) - 1
    ranks = torch.arange(1, gains.shape[1] + 1, dtype=gains.dtype, device=gains.device)
    best = (gains.sort(dim=1, descending=True).values * _discounted(ranks)).sum(1, keepdim=True)
    return gains / best.clamp_min(torch.finfo(gains.dtype).tiny)


def _discounted(ranks: Tensor) -> Tensor:
    """1 / D of ranks from 1."""
    return 1 / torch.log2(1 + ranks)


def _differences(values: Tensor) -> Tensor:
    """(…, n) → (…, n, n), the row's minus the column's."""
    return values[..., :, None] - values[..., None, :]
