"""The mixture: it climbs its bound, finds what is there, and stands whatever songs are like."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture

from models.hdpgmm.corpus_step import learnt, stepped, sums_of
from models.hdpgmm.online import OnlineSettings, batches
from models.hdpgmm.song_batch import song_batch

BATCH = {"forgetting": 0.0, "splash": 0.0}
"""Every update is a full step: batch inference."""

both = pytest.mark.parametrize("share_alpha", [False, True])


def swept(mixture, songs, sweeps, inner=5):
    """Bounds after every sweep of coordinate ascent over songs and corpus."""
    mixture.online = OnlineSettings(**BATCH, iterations=inner, tolerance=0)
    batch, found, bounds = song_batch(songs), None, []
    shared = mixture.settings.share_alpha
    for _ in range(sweeps):
        found = mixture.infer(batch, found)
        own = mixture.posterior.evidence(mixture.prior, share_alpha=shared)
        bounds.append((found.bound.sum() + own).item())
        sums = sums_of(found, batch.packed, batch.there)
        target = learnt(mixture.posterior, mixture.prior, sums, 1.0, share_alpha=shared)
        mixture.posterior = stepped(mixture.posterior, target, 1.0)
    return found, np.array(bounds)


def random_start(mixture, songs, seed=0):
    frames = torch.cat(songs)
    generator = torch.Generator().manual_seed(seed)
    mixture.begin(frames, torch.randint(mixture.settings.components, (len(frames),), generator=generator))
    return mixture


@both
@pytest.mark.parametrize("start", ["seeds", "random"])
def test_in_batch_mode_the_bound_never_falls(make, corpus, share_alpha, start):
    songs = [*corpus.songs[:20], corpus.songs[20][:1], corpus.songs[21][:9]]
    mixture = make.begun(songs, share_alpha=share_alpha)
    if start == "random":
        random_start(mixture, songs)
    _, bounds = swept(mixture, songs, 40)
    assert (np.diff(bounds) > -1e-9 * np.abs(bounds[:-1])).all()
    assert bounds[-1] > bounds[0] + 100


@both
def test_the_components_of_the_corpus_are_found(make, corpus, share_alpha):
    mixture = make.begun(corpus.songs, share_alpha=share_alpha)
    found, _ = swept(mixture, corpus.songs, 60)
    guessed = found.responsibilities().argmax(-1).flatten()
    assert adjusted_rand_score(torch.cat(corpus.labels), guessed) > 0.95
    heard = mixture.posterior.components.degrees - mixture.prior.components.degrees
    assert heard.sort(descending=True)[0][:5].sum() > 0.95 * heard.sum()


def test_songs_tell_what_they_use(make, corpus):
    mixture = make.begun(corpus.songs)
    found, _ = swept(mixture, corpus.songs, 60)
    responsibilities = found.responsibilities()
    torch.testing.assert_close(responsibilities.sum(-1), torch.ones_like(responsibilities[..., 0]))
    for song, labels in enumerate(corpus.labels):
        shares = torch.bincount(labels, minlength=5).sort(descending=True)[0] / len(labels)
        guessed = responsibilities[song].mean(0).sort(descending=True)[0][:5]
        torch.testing.assert_close(guessed, shares.double(), atol=0.08, rtol=0)


def test_online_learning_comes_as_far_as_batch_learning(make, corpus):
    learnt_from, held_out = corpus.songs[:20], corpus.songs[20:]
    batch = make.begun(learnt_from)
    swept(batch, learnt_from, 60)
    batch.online = OnlineSettings()
    online = make.begun(learnt_from, {"delay": 4, "splash": 0.0})
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        for start in range(0, 20, 5):
            online.update(learnt_from[start : start + 5], 20, generator)
    assert online.bound_per_frame(held_out) == pytest.approx(batch.bound_per_frame(held_out), rel=0.01)


def test_updates_raise_the_bound(make, corpus):
    mixture = make.begun(corpus.songs, {"delay": 4})
    generator = torch.Generator().manual_seed(0)
    found = [mixture.update(corpus.songs, len(corpus.songs), generator) for _ in range(20)]
    assert found[-1].bound > found[0].bound + 0.1
    assert [update.rate for update in found] == sorted((update.rate for update in found), reverse=True)
    assert found[0].frames == 30 * 80


def test_with_one_song_it_is_the_mixture_of_scikit_learn(make, corpus):
    """With one level less, and components far apart, the posteriors of the components are the same."""
    frames = torch.cat(corpus.songs[:8])
    mixture = make.begun([frames], components=5, sticks=5)
    swept(mixture, [frames], 200)
    peer = BayesianGaussianMixture(
        n_components=5,
        max_iter=500,
        tol=1e-9,
        random_state=0,
        mean_prior=np.zeros(4),
        mean_precision_prior=2.0,
        degrees_of_freedom_prior=6.0,
        covariance_prior=6 * np.eye(4),
        reg_covar=0,
    ).fit(frames.numpy())
    ours, theirs = mixture.posterior.components, peer.means_
    order = np.argmin(np.linalg.norm(ours.mean.numpy()[None] - theirs[:, None], axis=2), axis=1)
    assert sorted(order) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(ours.mean.numpy()[order], theirs, atol=0.02)
    covariances = (ours.scatter / ours.degrees[:, None, None]).numpy()[order]
    np.testing.assert_allclose(covariances, peer.covariances_, atol=0.02)
    np.testing.assert_allclose(ours.degrees.numpy()[order], peer.degrees_of_freedom_, rtol=0.02)


@both
def test_what_stands_beside_a_song_is_no_matter_to_it(make, corpus, share_alpha):
    mixture = make.begun(corpus.songs, share_alpha=share_alpha)
    short = corpus.songs[3][:17]
    mixture.online = OnlineSettings(iterations=30, tolerance=0)
    alone, beside = (mixture.infer(song_batch(songs)) for songs in ([short], [short, corpus.songs[4]]))
    torch.testing.assert_close(beside.bound[0], alone.bound[0])
    torch.testing.assert_close(beside.responsibilities()[0, :17], alone.responsibilities()[0])
    assert not beside.responsibilities()[0, 17:].any()


def test_sums_of_batches_are_sums_of_all(make, corpus):
    mixture = make.begun(corpus.songs)
    mixture.online = OnlineSettings(iterations=30, tolerance=0)
    whole = song_batch(corpus.songs)
    together = sums_of(mixture.infer(whole), whole.packed, whole.there)
    parts = [sums_of(mixture.infer(b), b.packed, b.there) for b in batches(corpus.songs, 250)]
    added = parts[0]
    for part in parts[1:]:
        added += part
    assert len(parts) == 10
    torch.testing.assert_close(added.frames, together.frames)
    torch.testing.assert_close(added.uses, together.uses)
    assert added.broken == together.broken == 30 * 5


def test_single_precision_learns_the_same(make, corpus):
    mixture = make.begun(corpus.songs)
    swept(mixture, corpus.songs, 30)
    mixture.online = OnlineSettings(iterations=30, tolerance=0)
    exact = mixture.infer(song_batch(corpus.songs))
    rough = mixture.infer(song_batch([song.float() for song in corpus.songs]))
    torch.testing.assert_close(rough.responsibilities().double(), exact.responsibilities(), atol=1e-3, rtol=0)


def test_posteriors_hold_no_denormal_numbers_which_would_be_slow(make):
    songs = [song.float() for song in make.corpus(songs=6, spread=4).songs]
    mixture = make.begun(songs)
    mixture.online = OnlineSettings(iterations=30, tolerance=0)
    batch = song_batch([40 * song for song in songs])
    found = mixture.infer(batch)
    for shares in (found.components, found.frames):
        assert shares.dtype == torch.float32
        assert shares.min() >= torch.finfo(torch.float32).tiny
        torch.testing.assert_close(shares.sum(-1), torch.ones_like(shares[..., 0]))


@pytest.mark.parametrize("step", ["natural", "reference"])
def test_a_full_step_is_the_target_and_none_is_no_step(make, corpus, step):
    mixture = make.begun(corpus.songs)
    batch = song_batch(corpus.songs)
    sums = sums_of(mixture.infer(batch), batch.packed, batch.there)
    target = learnt(mixture.posterior, mixture.prior, sums, 1.0, share_alpha=False)
    for rate, expected in ((0.0, mixture.posterior), (1.0, target)):
        found = stepped(mixture.posterior, target, rate, step)
        torch.testing.assert_close(found.components.mean, expected.components.mean)
        torch.testing.assert_close(found.components.scatter, expected.components.scatter)
        torch.testing.assert_close(found.sticks.b, expected.sticks.b)
        assert found.gamma.mean == pytest.approx(expected.gamma.mean.item())


@pytest.mark.parametrize("step", ["natural", "reference"])
def test_half_a_step_leaves_scatters_that_are_positive_definite(make, corpus, step):
    mixture = random_start(make.mixture({"step": step, "delay": 0, "forgetting": 0.9}), corpus.songs)
    generator = torch.Generator().manual_seed(0)
    for number in range(12):
        mixture.update(corpus.songs[number : number + 2], 30, generator)
        assert (torch.linalg.eigvalsh(mixture.posterior.components.scatter) > 0).all()


@pytest.mark.parametrize("noise", ["random", "constant"])
def test_noise_moves_frames_to_other_components_and_keeps_their_number(make, corpus, noise):
    quiet, loud = (make.begun(corpus.songs, {**BATCH, "noise": noise, "splash": share}) for share in (0.0, 0.5))
    for mixture in (quiet, loud):
        mixture.update(corpus.songs, 30, torch.Generator().manual_seed(0))
    found = [m.posterior.components.degrees - m.prior.components.degrees for m in (quiet, loud)]
    assert found[1].sum().item() == pytest.approx(found[0].sum().item())
    assert found[1].min() > 0.3 * 30 * 80 / 12
    assert found[0].min() < found[1].min()


def test_noise_fades(make, corpus):
    mixture = make.begun(corpus.songs, {**BATCH, "splash": 0.5})
    mixture.updates = 1_000_000
    quiet = make.begun(corpus.songs, BATCH)
    for each in (mixture, quiet):
        each.update(corpus.songs, 30, torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        mixture.posterior.components.degrees, quiet.posterior.components.degrees, rtol=0.01, atol=1
    )


STRANGE = {
    "silence": [torch.zeros(40, 4, dtype=torch.float64)],
    "frames that are all alike": [torch.full((40, 4), 3.0, dtype=torch.float64)],
    "one frame": [torch.ones(1, 4, dtype=torch.float64)],
    "an empty song beside another": [torch.zeros(0, 4).double(), torch.ones(5, 4).double()],
    "the same song many times": [torch.arange(80.0).double().reshape(20, 4) / 40] * 9,
    "far away": [torch.full((30, 4), 1e4, dtype=torch.float64)],
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("step", ["natural", "reference"])
def test_strange_songs_leave_a_mixture_that_can_go_on(make, corpus, name, step):
    songs = STRANGE[name]
    mixture = make.begun(corpus.songs, {"step": step, "delay": 1})
    for _ in range(5):
        found = mixture.update(songs, len(songs), torch.Generator().manual_seed(0))
        assert np.isfinite(found.bound)
    found = mixture.infer(song_batch(corpus.songs))
    assert found.bound.isfinite().all()
    assert found.responsibilities().isfinite().all()


def test_more_components_and_sticks_than_frames_are_no_matter(make):
    songs = [torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))]
    mixture = make.begun(songs, components=30, sticks=40)
    found = mixture.update(songs, 1, torch.Generator().manual_seed(0))
    assert np.isfinite(found.bound)
    inferred = mixture.infer(song_batch(songs))
    torch.testing.assert_close(inferred.responsibilities().sum(-1), torch.ones(1, 3, dtype=torch.float64))


def test_before_anything_was_heard_all_components_are_the_prior(make, corpus):
    mixture = make.mixture()
    found = mixture.infer(song_batch(corpus.songs[:2]))
    of_components = mixture.posterior.components.evidence(mixture.prior.components)
    torch.testing.assert_close(of_components, torch.zeros(12, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(found.responsibilities().sum(-1), torch.ones(2, 80, dtype=torch.float64))


def test_batches_keep_the_order_and_the_room(make, corpus):
    songs = [song[: 5 + 7 * number] for number, song in enumerate(corpus.songs[:10])]
    found = list(batches(songs, 100))
    assert [length for batch in found for length in batch.there.sum(1).tolist()] == [len(song) for song in songs]
    assert all(batch.there.numel() <= 100 for batch in found)
    assert len(list(batches([torch.zeros(300, 4)], 100))) == 1
