"""What hdpgmm is compared with does the same work."""

import numpy as np
import torch

from benchmarks.hdpgmm_speed import PlainMixture, begun, made_up, taking_turns
from models.hdpgmm.quadratic import pack, unpack

FEATURES = 7


def test_plain_numpy_has_the_likelihoods_and_statistics_of_the_mixture():
    songs = made_up(3, 60, FEATURES)
    frames = torch.cat(songs)
    components = begun(songs, 5).posterior.components
    plain = PlainMixture(components)

    logs = plain.log_likelihoods(frames.numpy())
    ours = pack(frames.double()) @ components.expected_log_likelihood
    np.testing.assert_allclose(logs, ours.numpy(), rtol=1e-4, atol=1e-3)

    shares = plain.posteriors(logs)
    np.testing.assert_allclose(shares, torch.softmax(ours, -1).numpy(), atol=1e-3)
    sums = unpack(torch.from_numpy(shares).double().T @ pack(frames.double()), FEATURES)
    for found, expected in zip(plain.statistics(frames.numpy(), shares), sums, strict=True):
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-3)


def test_made_up_songs_are_standardised_and_the_same_every_time():
    songs = made_up(20, 50, FEATURES)
    assert [song.shape for song in songs] == [(50, FEATURES)] * 20
    np.testing.assert_allclose(torch.cat(songs).std(0), 1, atol=0.01)
    assert all(torch.equal(one, other) for one, other in zip(songs, made_up(20, 50, FEATURES), strict=True))


def test_works_take_turns_and_the_first_is_not_measured():
    done = []
    found = taking_turns({"one": lambda: done.append(1), "two": lambda: done.append(2)}, 3)
    assert done == [1, 2] * 4
    assert set(found) == {"one", "two"}
    assert all(seconds >= 0 for seconds in found.values())
