"""The losses of papers 001 and 003, as pure functions. B tracks, T triplets, Z tags, d dimensions."""

import torch
from torch import Tensor
from torch.nn import functional


def cosine_distances(vectors: Tensor) -> Tensor:
    """(B, d) → (B, B) one minus the cosine."""
    unit = functional.normalize(vectors, dim=1)
    return 1 - unit @ unit.T


def triplet_hinge(to_positive: Tensor, to_negative: Tensor, margin: float) -> Tensor:
    """(T,) distances → mean of max(0, D(a, p) − D(a, n) + Δ) (paper 001, equation 1); 0 without triplets."""
    if not len(to_positive):
        return to_positive.sum()
    return (to_positive - to_negative + margin).clamp_min(0).mean()


def mine_semi_hard(
    distances: Tensor, alike: Tensor, unlike: Tensor, margin: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Triplets of a batch with D(a, p) < D(a, n) < D(a, p) + Δ (paper 001, section 3.4).

    Of every pair of an anchor and a positive, one such negative at random. A pair without one is left out: papers
    are silent about that, and the nearest negative beyond the margin would have no loss.

    Args:
        distances: (B, B).
        alike: (B, B) pairs of anchor and positive.
        unlike: (B, B) pairs of anchor and negative.
        margin: Δ.
        generator: Chooses among negatives, on the CPU.

    Returns:
        (T,) anchors, positives and negatives.
    """
    anchors, positives = alike.nonzero(as_tuple=True)
    reached = distances[anchors, positives][:, None]
    others = distances[anchors]
    fits = unlike[anchors] & (others > reached) & (others < reached + margin)
    chance = torch.rand(fits.shape, generator=generator).to(fits.device).masked_fill(~fits, -1.0)
    best, negatives = chance.max(1) if len(chance) else (chance.sum(1), anchors)
    found = best >= 0
    return anchors[found], positives[found], negatives[found]


def tag_loss(scores: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """(B, Z) scores → binary cross-entropy summed over the tags (paper 003, equation 6), mean over tracks.

    Only what is known counts, and only tracks of which anything is; 0 if nothing is.
    """
    losses = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none") * known
    return losses.sum() / known.any(1).sum().clamp_min(1)
