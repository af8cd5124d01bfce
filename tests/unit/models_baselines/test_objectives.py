"""The losses of KIM and CLMR: against slow references, and in the direction that they are for."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss

from models.baselines.training.objectives import Contrast, SameSong, nt_xent
from models.baselines.training.pair_lesson import found_share


def drawn(seed, songs, dimension=5):
    return torch.randn(2, songs, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow_nt_xent(one, other, temperature):
    crops = [row / np.linalg.norm(row) for row in (*one.numpy(), *other.numpy())]
    songs = [*range(len(one)), *range(len(other))]
    losses = []
    for i, anchor in enumerate(crops):
        scores = {j: math.exp(anchor @ crop / temperature) for j, crop in enumerate(crops) if j != i}
        (partner,) = [j for j in scores if songs[j] == songs[i]]
        losses.append(-math.log(scores[partner] / sum(scores.values())))
    return sum(losses) / len(losses)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 7), st.sampled_from([0.1, 0.5, 1.0]))
def test_nt_xent_is_that_of_a_slow_loop(seed, songs, temperature):
    one, other = drawn(seed, songs)
    assert nt_xent(one, other, temperature).item() == pytest.approx(slow_nt_xent(one, other, temperature))


def test_nt_xent_is_that_of_a_library():
    one, other = drawn(3, 6)
    expected = NTXentLoss(0.5)(torch.cat([one, other]), torch.arange(6).repeat(2))
    torch.testing.assert_close(nt_xent(one, other, 0.5), expected)


def test_nt_xent_is_low_where_songs_are_told_apart_and_high_where_they_are_mixed_up():
    songs = torch.eye(4)
    apart, alike, mixed = (
        nt_xent(songs, songs, 0.5),
        nt_xent(0 * songs + 1, 0 * songs + 1, 0.5),
        nt_xent(songs, songs.roll(1, 0), 0.5),
    )
    assert apart < alike < mixed
    assert alike.item() == pytest.approx(math.log(7))


def descended(objective, pairs, steps=40, rate=0.05):
    """Losses before and after, and embeddings, when embeddings alone follow the gradient."""
    pairs = pairs.clone().requires_grad_()
    before = objective(*pairs).item()
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(objective(*pairs), pairs)
        pairs = (pairs - rate * len(pairs[0]) * gradient).detach().requires_grad_()
    return before, objective(*pairs).item(), pairs.detach()


def test_following_the_contrast_brings_crops_of_a_song_together_and_songs_apart():
    pairs = drawn(0, 8, 16).float()
    before, after, moved = descended(lambda one, other: nt_xent(one, other, 0.5), pairs, 200, 1.0)
    assert after < before
    assert found_share(*pairs) < 0.5
    assert found_share(*moved) == 1


def test_the_same_song_task_can_be_learnt_and_its_direction_is_right():
    torch.manual_seed(0)
    objective = SameSong(8, 0.0)
    optimiser = torch.optim.Adam(objective.parameters(), 0.01)
    generator = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(300):
        songs = torch.randn(32, 8, generator=generator).sign()
        loss = objective(songs, songs + 0.1 * torch.randn(32, 8, generator=generator))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(2), abs=0.4)
    assert np.mean(losses[-20:]) < 0.35
    objective.eval()
    songs = torch.randn(32, 8, generator=generator).sign()
    with torch.no_grad():
        same, different = objective.scores(songs, songs), objective.scores(songs, songs.roll(3, 0))
    assert (same.argmax(1) == 1).float().mean() > 0.9
    assert (different.argmax(1) == 0).float().mean() > 0.8


def test_the_same_song_loss_is_the_cross_entropy_of_as_many_pairs_of_either_kind():
    torch.manual_seed(0)
    objective = SameSong(5, 0.0).eval()
    one, other = drawn(2, 4).float()
    losses = []
    for song in range(4):
        for partner, kind in ((song, 1), ((song - 1) % 4, 0)):
            scores = objective.scores(one[song : song + 1], other[partner : partner + 1])
            losses.append(-torch.log_softmax(scores, 1)[0, kind])
    torch.testing.assert_close(objective(one, other), torch.stack(losses).mean())


def test_the_contrast_is_taken_behind_the_projector():
    torch.manual_seed(0)
    objective = Contrast(5, 0.5)
    one, other = drawn(4, 4).float()
    expected = nt_xent(objective.projector(one), objective.projector(other), 0.5)
    torch.testing.assert_close(objective(one, other), expected)


def test_the_share_of_crops_that_find_each_other():
    songs = torch.eye(4)
    assert found_share(songs, songs) == 1
    assert found_share(songs, songs.roll(1, 0)) == 0
    assert found_share(torch.eye(4)[:2], torch.tensor([[1.0, 0, 0, 0], [0.9, 0.1, 0, 0]])) == 0.75
