"""Quadratic forms of many frames as one matrix product.

A frame x of D features is packed into P = 1 + D + D (D + 1) / 2 monomials: 1, then x_a, then x_a x_b for a ≤ b. Any
quadratic function of x is linear in them: the expected log-likelihoods of K components are one product (F, P) by
(P, K), and the sums that the components learn from are one product (K, F) by (F, P).
"""

from functools import lru_cache

import torch
from torch import Tensor


def packed_size(features: int) -> int:
    """P for D features."""
    return 1 + features + features * (features + 1) // 2


def pack(frames: Tensor) -> Tensor:
    """(…, D) → (…, P) monomials."""
    ones = torch.ones_like(frames[..., :1])
    products = [frames[..., a : a + 1] * frames[..., a:] for a in range(frames.shape[-1])]
    return torch.cat([ones, frames, *products], -1)


def coefficients(constant: Tensor, linear: Tensor, square: Tensor) -> Tensor:
    """The function constant + linear · x + xᵀ square x of each of K components.

    Args:
        constant: (K,)
        linear: (K, D)
        square: (K, D, D), symmetric.

    Returns:
        (P, K) so that ``pack(x) @`` them is the functions' values.
    """
    rows, columns = _pairs(linear.shape[-1], linear.device)
    doubled = torch.where(rows == columns, 1.0, 2.0).to(square.dtype)
    return torch.cat([constant[:, None], linear, square[:, rows, columns] * doubled], 1).T


def unpack(sums: Tensor, features: int) -> tuple[Tensor, Tensor, Tensor]:
    """(K, P) sums of monomials → (K,) counts, (K, D) sums and (K, D, D) sums of outer products."""
    rows, columns = _pairs(features, sums.device)
    square = sums.new_zeros(len(sums), features, features)
    square[:, rows, columns] = sums[:, 1 + features :]
    square[:, columns, rows] = sums[:, 1 + features :]
    return sums[:, 0], sums[:, 1 : 1 + features], square


@lru_cache
def _pairs(features: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rows, columns = torch.triu_indices(features, features, device=device)
    return rows, columns
