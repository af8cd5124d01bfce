"""What the networks learn by: pairs of crops of the same song, and of different ones.

Axis letters: B songs, E dimensions of an embedding, P of a projection.
"""

from typing import cast

import torch
from torch import Tensor, nn

HIDDEN = 128
PROJECTED = 64
SAME, DIFFERENT = 1, 0


class SameSong(nn.Module):
    """KIM's task: whether two crops are of one song (paper 000's code, task ``self_``, with its two-crop head).

    Every crop stands in one pair of the same song and in one of different songs, where 000 draws each pair anew:
    as many of either kind, but twice the pairs for the same crops.

    Args:
        dimension: E.
        dropout: In the head.
    """

    def __init__(self, dimension: int, dropout: float) -> None:
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(2 * dimension, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, 2),
        )
        for module in self.head:
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Two (B, E) embeddings of crops, B ≥ 2, rows of one song side by side → the mean cross-entropy."""
        scores = self.scores(torch.cat([one, one]), torch.cat([other, other.roll(1, 0)]))
        same = torch.tensor([SAME, DIFFERENT], device=one.device).repeat_interleave(len(one))
        return nn.functional.cross_entropy(scores, same)

    def scores(self, one: Tensor, other: Tensor) -> Tensor:
        """Two (B, E) → (B, 2) scores of DIFFERENT and SAME."""
        return cast("Tensor", self.head(torch.cat([one, other], 1)))


class Contrast(nn.Module):
    """CLMR's task: to find the other crop of a song among all other crops of the batch.

    Args:
        dimension: E.
        temperature: τ.
    """

    def __init__(self, dimension: int, temperature: float) -> None:
        super().__init__()
        self.projector = nn.Sequential(
            nn.Linear(dimension, dimension, bias=False), nn.ReLU(), nn.Linear(dimension, PROJECTED, bias=False)
        )
        self._temperature = temperature

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Two (B, E) embeddings of crops, B ≥ 2, rows of one song side by side → NT-Xent of their projections."""
        return nt_xent(self.projector(one), self.projector(other), self._temperature)


def nt_xent(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Two (B, P) projections → the normalised, temperature-scaled cross-entropy (Chen et al. 2020, equation 1).

    Mean over all 2 B crops of −ln softmax of the cosine to the song's other crop, among the cosines to all other
    crops, by the temperature.
    """
    crops = nn.functional.normalize(torch.cat([one, other]), dim=1)
    cosines = (crops @ crops.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(crops), device=crops.device).roll(len(one))
    return nn.functional.cross_entropy(cosines, partners)
