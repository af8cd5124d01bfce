"""How sure shares are, against drawn samples and at the ends of the scale."""

import pytest
import torch
from torch.distributions import Dirichlet

from models.hdpgmm.certainty import CertaintySettings, certainty, expected_roots, fit_certainty

SURE = CertaintySettings(familiar_above=-100.0, independent_s=2.0)
SHARES = torch.tensor([[0.5, 0.25, 0.25, 0.0]], dtype=torch.float64)


def of(shares=SHARES, seconds=60.0, familiar=1.0):
    return float(certainty(shares, torch.tensor([seconds]).double(), torch.tensor([familiar]).double(), SURE))


def test_expected_roots_are_those_of_drawn_shares():
    torch.manual_seed(0)
    looks = 7.0
    drawn = Dirichlet(looks * SHARES[0, :3]).sample((200_000,)).sqrt().mean(0)
    torch.testing.assert_close(
        expected_roots(SHARES, torch.tensor([looks]).double())[0, :3], drawn, atol=2e-3, rtol=0
    )


def test_certainty_grows_with_time_and_ends_at_what_is_familiar():
    grown = [of(seconds=seconds) for seconds in (0.1, 3.0, 30.0, 300.0, 1e7)]
    assert grown == sorted(grown)
    assert grown[-1] == pytest.approx(1, abs=1e-5)
    assert of(seconds=1e7, familiar=0.3) == pytest.approx(0.3, abs=1e-5)


def test_many_components_take_longer_to_be_sure_of_than_one():
    one = torch.tensor([[1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    even = torch.full((1, 4), 0.25, dtype=torch.float64)
    assert of(even, 10.0) < of(SHARES, 10.0) < of(one, 10.0) == pytest.approx(1)


def test_nothing_heard_is_nothing_sure():
    assert of(torch.zeros(1, 4, dtype=torch.float64), 0.0, 0.0) == 0


@pytest.mark.parametrize("independent_s", [0.2, 1.5, 9.0])
def test_the_time_of_an_independent_look_is_found_again_in_halves_drawn_with_it(independent_s):
    torch.manual_seed(1)
    tracks, seconds = 4000, 60.0
    shares = Dirichlet(torch.full((6,), 0.7, dtype=torch.float64)).sample((tracks,)) + 1e-9
    looks = seconds / independent_s
    halves = torch.stack([Dirichlet(looks * shares).sample() for _ in range(2)], 1)
    logs = torch.linspace(-100, 0, 10_001, dtype=torch.float64)
    found = fit_certainty(halves, torch.full((tracks,), seconds, dtype=torch.float64), logs)
    assert found.independent_s == pytest.approx(independent_s, rel=0.25)
    assert found.familiar_above == pytest.approx(-99, abs=0.05)
