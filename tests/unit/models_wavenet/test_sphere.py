"""Vectors that are compared by distance, laid on a sphere: of unit length, in the order of their distances."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.wavenet.sphere import REACH, on_sphere

RADIUS = torch.tensor(7.0, dtype=torch.float64)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inside(seed, count, dimension, radius=RADIUS):
    """(count, E) random directions of any length up to half a radius."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.rand(count, 1, generator=generator, dtype=torch.float64) * radius / REACH
    return torch.nn.functional.normalize(drawn(seed, count, dimension)) * lengths


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(1e-6, 1e6))
def test_a_vector_of_any_length_becomes_one_of_unit_length_with_one_number_more(seed, dimension, scale):
    found = on_sphere(drawn(seed, 4, 3, dimension) * scale, RADIUS)
    assert found.shape == (4, 3, dimension + 1)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(4, 3, dtype=torch.float64))


def test_what_comes_first_points_where_the_vector_did():
    vectors = inside(0, 50, 8)
    torch.testing.assert_close(on_sphere(vectors, RADIUS)[:, :-1] * RADIUS, vectors)


def test_nothing_lies_at_the_top():
    assert on_sphere(torch.zeros(3), torch.tensor(2.0)).tolist() == [0.0, 0.0, 0.0, 1.0]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.98))
def test_of_vectors_of_one_length_cosines_are_in_the_order_of_distances(seed, share):
    vectors = torch.nn.functional.normalize(drawn(seed, 30, 6)) * share * RADIUS
    points = on_sphere(vectors, RADIUS)
    distances, cosines = torch.cdist(vectors[:1], vectors)[0, 1:], (points @ points[0])[1:]
    assert torch.equal(distances.argsort(), cosines.argsort(descending=True))
    torch.testing.assert_close((points[1:] - points[0]).norm(dim=1) * RADIUS, distances)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_within_half_the_radius_a_chord_is_the_distance_or_up_to_a_sixth_longer(seed, dimension):
    vectors = inside(seed, 40, dimension)
    points = on_sphere(vectors, RADIUS)
    shares = torch.pdist(points) * RADIUS / torch.pdist(vectors)
    assert shares.min() >= 1 - 1e-9
    assert shares.max() <= (4 / 3) ** 0.5


def test_the_most_is_added_between_two_that_differ_a_little_in_length_at_half_the_radius():
    vectors = torch.tensor([[0.499], [0.5], [0.0]], dtype=torch.float64) * RADIUS
    shares = torch.pdist(on_sphere(vectors, RADIUS)) * RADIUS / torch.pdist(vectors)
    assert shares[0] == pytest.approx((4 / 3) ** 0.5, abs=1e-3)
    assert shares[2] == pytest.approx(1.035, abs=1e-3)


@pytest.mark.parametrize("length", [1.0, 1.001, 50.0, 1e6, 1e12])
def test_what_is_longer_than_the_radius_is_shortened_to_just_below_it(length):
    vector = torch.nn.functional.normalize(drawn(1, 5), dim=0).float() * 7 * length
    found = on_sphere(vector, torch.tensor(7.0))
    assert found.isfinite().all()
    assert found[:-1].norm().item() == pytest.approx(0.99)
    assert found[-1] > 0.1
    torch.testing.assert_close(found[:-1] / 0.99, vector / vector.norm())
