"""Which tracks make a batch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from models.csn.training.likeness import likeness
from models.csn.training.sampler import Sampler
from models.datasets.track import DIMENSIONS

BATCH = 24


@pytest.fixture
def draws(make):
    """Draws so many batches of a corpus; rows of all of them, (batches, B)."""

    def draws(corpus, batches=40, seed=0, **sections):
        config = make.config(batch={"tracks": BATCH, "segments": 2}, **sections)
        sampler = Sampler(corpus, config)
        generator = np.random.default_rng(seed)
        return np.stack([sampler.draw(generator) for _ in range(batches)])

    return draws


def two_domains(make, one, other):
    tracks = make.corpus_tracks([make.track(n) for n in range(one)], "one")
    tracks += make.corpus_tracks([make.track(1_000 + n) for n in range(other)], "other")
    return make.corpus(tracks, make.config(min_tracks_per_tag=1, network={"spaces": ["tempo", "key"]}))


def in_pairs(batch, count=BATCH):
    """The pairs that a domain's part of a batch begins with."""
    return batch[: count // 4 * 2].reshape(-1, 2)


@runs(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.1, 10), st.sampled_from([4, 6, 24, 50]))
def test_domains_keep_their_shares_whatever_their_sizes(make, one, other, share, batch):
    corpus = two_domains(make, one, other)
    config = make.config(
        batch={"tracks": batch, "segments": 2},
        domains={"one": {"share": share}},
        network={"spaces": ["tempo", "key"]},
    )
    rows = Sampler(corpus, config).draw(np.random.default_rng(0))
    assert len(rows) == batch
    assert np.bincount(corpus.domains[rows], minlength=2)[0] == pytest.approx(share / (share + 1) * batch, abs=0.51)


def test_a_domain_without_training_tracks_leaves_its_share_to_the_others(make, draws):
    corpus = replace(two_domains(make, 12, 12), domain_names=("none", "one", "other"))
    corpus = replace(corpus, domains=corpus.domains + 1)
    rows = draws(corpus, domains={"none": {"share": 50}}, network={"spaces": ["tempo", "key"]})
    assert (np.bincount(corpus.domains[rows[0]]) == [0, BATCH // 2, BATCH // 2]).all()


def test_half_of_a_batch_comes_in_pairs_that_are_alike_in_a_dimension(make, draws):
    corpus = make.corpus(make.corpus_tracks([make.track(n) for n in range(80)]), make.config())
    alike = np.any([likeness(corpus, dimension).alike for dimension in DIMENSIONS], axis=0)
    pairs = np.concatenate([in_pairs(batch) for batch in draws(corpus)])
    assert len(pairs) == 40 * BATCH // 4
    assert all(alike[one, other] for one, other in pairs)


@pytest.mark.parametrize("space", DIMENSIONS)
def test_pairs_are_alike_in_the_dimension_that_is_learnt_and_come_from_two_origins(make, draws, space):
    config = make.config(network={"spaces": [space]})
    corpus = make.corpus(make.corpus_tracks([make.track(n) for n in range(80)]), config)
    alike = likeness(corpus, space).alike
    pairs = np.concatenate([in_pairs(batch) for batch in draws(corpus, network={"spaces": [space]})])
    assert (corpus.origins[pairs[:, 0]] != corpus.origins[pairs[:, 1]]).all()
    assert all(alike[one, other] for one, other in pairs)


def test_rare_tags_are_drawn_as_often_as_common_ones(make, draws):
    tags = ["rare"] * 4 + ["common"] * 196
    tracks = [make.track(n, tags={"genre": frozenset([tag])}) for n, tag in enumerate(tags)]
    spaces = {"network": {"spaces": ["genre"]}}
    corpus = make.corpus(make.corpus_tracks(tracks), make.config(**spaces))
    rows = draws(corpus, 100, **spaces)
    pairs = np.concatenate([in_pairs(batch) for batch in rows])
    assert (pairs < 4).mean() == pytest.approx(0.5, abs=0.08)
    others = rows[:, BATCH // 2 :]
    assert (others < 4).mean() == pytest.approx(0.02, abs=0.015)


def test_pairs_of_a_dimension_are_sought_only_among_tracks_that_have_it(make, draws):
    tracks = [make.track(n, tempo_bpm=None if n % 3 else 100.0 + 30 * (n % 2)) for n in range(60)]
    spaces = {"network": {"spaces": ["tempo"]}}
    corpus = make.corpus(make.corpus_tracks(tracks), make.config(**spaces))
    pairs = np.concatenate([in_pairs(batch) for batch in draws(corpus, **spaces)])
    assert not (pairs % 3).any()


def test_a_domain_of_which_no_dimension_is_known_is_drawn_at_random(make, draws):
    tracks = make.corpus_tracks([make.track(n) for n in range(30)], "known")
    unknown = {"tags": {}, "tempo_bpm": None, "key": None}
    tracks += make.corpus_tracks([make.track(n, **unknown) for n in range(30)], "unknown")
    corpus = make.corpus(tracks, make.config())
    rows = draws(corpus)
    assert (np.bincount(corpus.domains[rows[0]]) == BATCH // 2).all()
    assert len(np.unique(rows[:, BATCH // 2 :])) == 30
    assert all(len(set(batch[BATCH // 2 :])) == BATCH // 2 for batch in rows)


def test_all_of_one_origin_makes_pairs_all_the_same(make, draws):
    tracks = [make.track(n, source="the only one") for n in range(30)]
    rows = draws(make.corpus(make.corpus_tracks(tracks), make.config()), batches=3)
    assert rows.shape == (3, BATCH)


def test_fewer_tracks_than_a_batch_takes_are_drawn_again(make, draws):
    tracks = [make.track(n) for n in range(5)]
    spaces = {"network": {"spaces": ["tempo", "key"]}}
    rows = draws(make.corpus(make.corpus_tracks(tracks), make.config(**spaces)), **spaces)
    assert set(rows.ravel()) == set(range(5))


def test_the_generator_alone_decides(make, draws):
    corpus = make.corpus(make.corpus_tracks([make.track(n) for n in range(40)]), make.config())
    assert (draws(corpus, 3, seed=1) == draws(corpus, 3, seed=1)).all()
    assert (draws(corpus, 3, seed=1) != draws(corpus, 3, seed=2)).any()
