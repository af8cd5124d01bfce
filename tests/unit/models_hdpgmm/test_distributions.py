"""Expectations and divergences of the distributions, against closed forms, samples and torch's own."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Beta, Gamma, kl_divergence

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.quadratic import pack
from models.hdpgmm.sticks import Sticks, counted

FEATURES = 3
DRAWS = 40_000


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def normal_wishart(seed, degrees=7.5, strength=2.5):
    drawn = np.random.default_rng(seed)
    root = drawn.normal(size=(1, FEATURES, FEATURES))
    return NormalWishart(
        mean=torch.from_numpy(drawn.normal(size=(1, FEATURES))),
        strength=tensor(strength),
        scatter=torch.from_numpy(root @ root.transpose(0, 2, 1) + np.eye(FEATURES)),
        degrees=tensor(degrees),
    )


def samples(found):
    """(DRAWS, D) means and (DRAWS, D, D) precisions."""
    generator = np.random.default_rng(0)
    scale = np.linalg.inv(found.scatter[0].numpy())
    precisions = stats.wishart(found.degrees.item(), scale).rvs(DRAWS, random_state=generator)
    roots = np.linalg.cholesky(np.linalg.inv(found.strength.item() * precisions))
    means = found.mean[0].numpy() + np.einsum("nab,nb->na", roots, generator.normal(size=(DRAWS, FEATURES)))
    return means, precisions


def test_the_expected_log_likelihood_is_the_mean_over_the_posterior():
    found = normal_wishart(1)
    means, precisions = samples(found)
    frame = np.array([0.3, -1.0, 0.7])
    apart = frame - means
    logs = 0.5 * (
        np.linalg.slogdet(precisions)[1]
        - FEATURES * np.log(2 * np.pi)
        - np.einsum("na,nab,nb->n", apart, precisions, apart)
    )
    expected = (pack(torch.from_numpy(frame)) @ found.expected_log_likelihood).item()
    assert expected == pytest.approx(logs.mean(), abs=5 * logs.std() / DRAWS**0.5)


def test_the_expected_log_determinant_is_the_mean_over_the_posterior():
    found = normal_wishart(2)
    logs = np.linalg.slogdet(samples(found)[1])[1]
    assert found.expected_log_precision.item() == pytest.approx(logs.mean(), abs=5 * logs.std() / DRAWS**0.5)


def test_the_evidence_of_a_posterior_is_minus_its_divergence_from_the_prior():
    found, prior = normal_wishart(3), normal_wishart(4, degrees=5.0, strength=0.7)
    means, precisions = samples(found)
    logs = log_density(prior, means, precisions) - log_density(found, means, precisions)
    assert found.evidence(prior).item() == pytest.approx(logs.mean(), abs=5 * logs.std() / DRAWS**0.5)


def log_density(found, means, precisions):
    scale = np.linalg.inv(found.scatter[0].numpy())
    of_precisions = stats.wishart(found.degrees.item(), scale).logpdf(precisions.transpose(1, 2, 0))
    apart = means - found.mean[0].numpy()
    strength = found.strength.item()
    of_means = 0.5 * (
        FEATURES * np.log(strength / (2 * np.pi))
        + np.linalg.slogdet(precisions)[1]
        - strength * np.einsum("na,nab,nb->n", apart, precisions, apart)
    )
    return of_precisions + of_means


def test_the_prior_is_no_further_from_itself():
    prior = normal_wishart(5)
    assert prior.evidence(prior).item() == pytest.approx(0, abs=1e-12)


def test_natural_parameters_are_the_same_distribution():
    found = normal_wishart(6)
    again = found.natural().distribution()
    for name in ("mean", "strength", "scatter", "degrees"):
        torch.testing.assert_close(getattr(again, name), getattr(found, name))


def test_observations_one_by_one_are_observations_together():
    prior = normal_wishart(7).natural()
    packed = pack(torch.randn(20, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    together = prior.observed(packed.sum(0, keepdim=True)).distribution()
    one_by_one = prior
    for frame in packed:
        one_by_one = one_by_one.observed(frame[None])
    torch.testing.assert_close(one_by_one.distribution().scatter, together.scatter)
    torch.testing.assert_close(together.degrees, tensor(27.5))


def test_the_predictive_distribution_is_the_mean_of_the_likelihood_over_the_posterior():
    found = normal_wishart(8)
    means, precisions = samples(found)
    frame = np.array([0.5, 0.2, -0.4])
    apart = frame - means
    likelihoods = np.exp(
        0.5
        * (
            np.linalg.slogdet(precisions)[1]
            - FEATURES * np.log(2 * np.pi)
            - np.einsum("na,nab,nb->n", apart, precisions, apart)
        )
    )
    place, scale, degrees = (part[0].numpy() for part in found.predictive())
    expected = stats.multivariate_t(place, scale, df=float(degrees)).pdf(frame)
    assert expected == pytest.approx(likelihoods.mean(), abs=5 * likelihoods.std() / DRAWS**0.5)


@pytest.mark.parametrize("sticks", [1, 2, 5])
def test_mean_weights_add_up_to_one(sticks):
    generator = torch.Generator().manual_seed(sticks)
    found = Sticks(*(0.1 + 9 * torch.rand(3, sticks, generator=generator, dtype=torch.float64) for _ in range(2)))
    assert found.mean_weights.shape == (3, sticks + 1)
    torch.testing.assert_close(found.mean_weights.sum(1), torch.ones(3, dtype=torch.float64))
    assert (found.log_weights < found.mean_weights.log()).all()


def test_the_evidence_of_sticks_is_minus_their_divergence_from_the_prior():
    found, concentration = Sticks(tensor(2.0, 0.5, 7.0), tensor(1.0, 3.0, 0.2)), torch.tensor(1.7).double()
    expected = -kl_divergence(Beta(found.a, found.b), Beta(tensor(1.0), concentration)).sum()
    torch.testing.assert_close(found.evidence(concentration, concentration.log()), expected)


def test_counts_push_weights_towards_what_is_used():
    counts = tensor(0.0, 10.0, 0.0, 5.0)
    found = counted(counts, torch.tensor(2.0).double())
    assert found.a.tolist() == [1, 11, 1]
    assert found.b.tolist() == [17, 7, 7]
    assert found.mean_weights.argmax() == 1


def test_the_evidence_of_a_concentration_is_minus_its_divergence_from_the_prior():
    found, prior = Concentration(tensor(3.0), tensor(0.5)), Concentration(tensor(1.0), tensor(2.0))
    expected = -kl_divergence(Gamma(found.shape, found.rate), Gamma(prior.shape, prior.rate))
    torch.testing.assert_close(found.evidence(prior), expected)


def test_large_first_shares_speak_for_a_small_concentration():
    prior = Concentration(torch.tensor(1.0).double(), torch.tensor(1.0).double())
    large, small = (prior.after(counted(counts, prior.mean)) for counts in (tensor(50, 0, 0), tensor(20, 20, 20)))
    assert large.mean < small.mean
