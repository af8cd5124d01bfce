"""Quadratic functions as matrix products."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.hdpgmm.quadratic import coefficients, pack, packed_size, unpack

sizes = st.integers(1, 7)
seeds = st.integers(0, 2**31)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(sizes, seeds)
def test_packed_frames_times_coefficients_are_the_quadratic_functions(features, seed):
    frames, constant = drawn(seed, 9, features), drawn(seed + 1, 3)
    linear, root = drawn(seed + 2, 3, features), drawn(seed + 3, 3, features, features)
    square = root + root.mT
    found = pack(frames) @ coefficients(constant, linear, square)
    expected = constant + frames @ linear.T + torch.einsum("fa,kab,fb->fk", frames, square, frames)
    torch.testing.assert_close(found, expected)


@given(sizes, seeds)
def test_sums_of_packed_frames_are_counts_sums_and_outer_products(features, seed):
    frames, weights = drawn(seed, 9, features), drawn(seed + 1, 9, 2).abs()
    counts, first, second = unpack(weights.T @ pack(frames), features)
    torch.testing.assert_close(counts, weights.sum(0))
    torch.testing.assert_close(first, weights.T @ frames)
    torch.testing.assert_close(second, torch.einsum("fk,fa,fb->kab", weights, frames, frames))


@given(sizes)
def test_the_size_is_what_packing_gives(features):
    assert pack(torch.zeros(2, 3, features)).shape == (2, 3, packed_size(features))


def test_52_features_make_1431_monomials():
    assert packed_size(52) == 1431
