"""The losses of all families over all dimensions, on embeddings that are free to move."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.csn.training.batch import Batch
from models.csn.training.corpus import NO_KEY
from models.csn.training.objective import STYLES, TRACK, Objective
from models.csn.training.targets import targets
from models.datasets.track import DIMENSIONS

TRACKS, SEGMENTS = 16, 2
FAMILIES = {
    "triplet": {"triplet": 1.0},
    "triplet and track": {"triplet": 1.0, "track": 0.5},
    "proxy": {"tags": 1.0},
    "classification": {"tags": 1.0, "normalised": False},
    "all": {"triplet": 1.0, "track": 0.5, "tags": 1.0, "origins": 0.2},
}
families = pytest.mark.parametrize("family", FAMILIES)
disentanglement = pytest.mark.parametrize("disentangled", [True, False])


@pytest.fixture(scope="module")
def corpus(make):
    tracks = make.corpus_tracks([make.track(n) for n in range(TRACKS)])
    return make.corpus(tracks, make.config(domains={"made up": {"origins": True}}))


@pytest.fixture
def build(make, corpus):
    """Makes an objective, and what computes its losses from embeddings."""

    def build(**settings):
        config = make.config(objective=settings)
        torch.manual_seed(1)
        objective = Objective(config.objective, config.network, corpus)

        def losses(embeddings, batch_corpus=corpus, seed=0):
            return objective(embeddings, Batch(None, batch_corpus), torch.Generator().manual_seed(seed))

        return objective, losses, config.network

    return build


def embeddings_of(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(TRACKS, SEGMENTS, network.dimension, generator=generator).requires_grad_()


def known_only(corpus, dimension):
    """The same tracks, of which nothing but one dimension is known."""
    return replace(
        corpus,
        known={name: found & (name == dimension) for name, found in corpus.known.items()},
        tempi_bpm=corpus.tempi_bpm if dimension == "tempo" else np.full(len(corpus), np.nan),
        tonics=corpus.tonics if dimension == "key" else np.full(len(corpus), NO_KEY),
        styles={kind: np.zeros_like(styles) for kind, styles in corpus.styles.items()},
    )


@families
@disentanglement
def test_every_family_has_a_loss_and_finite_gradients(build, family, disentangled):
    objective, losses, network = build(**FAMILIES[family], disentangled=disentangled)
    embeddings = embeddings_of(network)
    found = losses(embeddings)
    found.total.backward()
    assert found.total.isfinite()
    assert found.total > 0
    assert embeddings.grad.isfinite().all()
    assert embeddings.grad.any(2).all()
    for name, parameter in objective.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@families
@disentanglement
def test_a_step_against_the_gradient_lowers_the_loss(build, family, disentangled):
    _, losses, network = build(**FAMILIES[family], disentangled=disentangled, margin=2.0)
    embeddings = embeddings_of(network)
    before = losses(embeddings).total
    before.backward()
    assert losses(embeddings.detach() - 1e-2 * embeddings.grad).total < before


@families
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_with_disentanglement_a_dimension_moves_its_own_sub_space_alone(build, corpus, family, dimension):
    objective, losses, network = build(**{**FAMILIES[family], "track": 0.0}, disentangled=True)
    embeddings = embeddings_of(network)
    losses(embeddings, known_only(corpus, dimension)).total.backward()
    moved = embeddings.grad.abs().amax((0, 1)) > 0
    own = torch.zeros(network.dimension, dtype=torch.bool)
    own[network.slices()[dimension]] = True
    assert torch.equal(moved, own)
    for space, directions in objective.directions.items():
        assert directions.grad.any() == (space == dimension)


@families
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_without_disentanglement_a_dimension_moves_the_whole_embedding(build, corpus, family, dimension):
    _, losses, network = build(**FAMILIES[family], disentangled=False)
    embeddings = embeddings_of(network)
    losses(embeddings, known_only(corpus, dimension)).total.backward()
    assert (embeddings.grad.abs().amax((0, 1)) > 0).all()


def test_the_loss_of_tracks_moves_all_sub_spaces(build, corpus):
    _, losses, network = build(triplet=1.0, track=0.5)
    embeddings = embeddings_of(network)
    losses(embeddings, known_only(corpus, "nothing")).total.backward()
    assert (embeddings.grad.abs().amax((0, 1)) > 0).all()


@families
@disentanglement
def test_where_nothing_is_known_there_is_no_loss_and_no_gradient(build, corpus, family, disentangled):
    _, losses, network = build(**{**FAMILIES[family], "track": 0.0}, disentangled=disentangled)
    embeddings = embeddings_of(network)
    found = losses(embeddings, known_only(corpus, "nothing"))
    found.total.backward()
    assert found.total == 0
    assert not embeddings.grad.any()


@families
def test_labels_that_are_not_known_have_no_influence(build, corpus, family):
    _, losses, network = build(**FAMILIES[family])
    hidden = np.arange(TRACKS) % 3 == 0
    known = {name: found & ~hidden[:, None] for name, found in corpus.known.items()}
    flipped = {name: found ^ hidden[:, None] for name, found in corpus.tags.items()}
    gradients = []
    for tags in (corpus.tags, flipped):
        embeddings = embeddings_of(network)
        losses(embeddings, replace(corpus, known=known, tags=tags)).total.backward()
        gradients.append(embeddings.grad)
    assert torch.equal(*gradients)


def test_the_total_is_the_mean_over_dimensions_and_the_weighed_rest(build):
    _, losses, network = build(**FAMILIES["all"])
    found = losses(embeddings_of(network))
    assert list(found.parts) == [*DIMENSIONS, f"{STYLES} genre", TRACK]
    expected = np.mean([found.parts[space] for space in DIMENSIONS])
    expected += 0.2 * found.parts[f"{STYLES} genre"] + 0.5 * found.parts[TRACK]
    assert found.total.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("spaces", [("genre", "era"), ("key",), ("complete",)])
def test_origins_are_told_apart_where_that_is_asked_for_and_nowhere_else(build, corpus, spaces):
    objective, losses, network = build(tags=1.0, origins=0.5, origin_spaces=spaces)
    embeddings = embeddings_of(network)
    found = losses(embeddings, replace(known_only(corpus, "nothing"), styles=corpus.styles))
    found.total.backward()
    assert found.total.item() == pytest.approx(0.5 * sum(found.parts[f"{STYLES} {space}"] for space in spaces))
    parts = network.slices() | {"complete": slice(0, network.dimension)}
    expected = torch.zeros(network.dimension, dtype=torch.bool)
    for space in spaces:
        expected[parts[space]] = True
        assert objective.directions[f"{STYLES} {space}"].grad.any()
    assert torch.equal(embeddings.grad.abs().amax((0, 1)) > 0, expected)


def test_weights_weigh(build):
    parts = {
        weight: build(tags=weight)[1](embeddings_of(build(tags=weight)[2])).parts["genre"] for weight in (1.0, 3.0)
    }
    assert parts[3.0] == pytest.approx(3 * parts[1.0], rel=1e-5)


@pytest.mark.parametrize("family", ["triplet", "proxy", "classification"])
def test_a_track_is_the_mean_of_its_segments(build, family):
    _, losses, network = build(**FAMILIES[family])
    embeddings = embeddings_of(network).detach()
    means = embeddings.mean(1, keepdim=True).expand(embeddings.shape)
    torch.testing.assert_close(losses(means).total, losses(embeddings).total)


def test_the_loss_of_tracks_is_the_hinge_between_two_segments_and_another_track(build, corpus):
    _, losses, network = build(triplet=1.0, track=1.0, margin=0.3)
    embeddings = embeddings_of(network).detach()[:2]
    two = known_only(corpus, "nothing").take(np.array([0, 2]))

    def distance(one, other):
        return 1 - float(torch.nn.functional.cosine_similarity(one, other, dim=0))

    across = distance(embeddings[0, 0], embeddings[1, 0])
    expected = np.mean([max(0, distance(*embeddings[track]) - across + 0.3) for track in (0, 1)])
    assert losses(embeddings, two).parts[TRACK] == pytest.approx(expected, rel=1e-5)


def test_tracks_of_one_origin_are_not_told_apart(build, corpus):
    _, losses, network = build(triplet=1.0, track=1.0)
    one_origin = replace(known_only(corpus, "nothing"), origins=np.zeros(TRACKS, np.int64))
    assert losses(embeddings_of(network), one_origin).total == 0


def test_with_normalisation_the_length_of_an_embedding_is_no_matter_and_without_it_it_is(build):
    for normalised in (True, False):
        objective, _, network = build(tags=1.0, normalised=normalised)
        tracks = embeddings_of(network).detach().mean(1)
        scores = [objective.scores(factor * tracks, "genre") for factor in (1.0, 5.0)]
        assert torch.allclose(*scores, atol=1e-5) == normalised


@disentanglement
@pytest.mark.parametrize("towards", [True, False])
def test_towards_the_direction_of_its_tag_a_tracks_loss_falls(build, corpus, disentangled, towards):
    objective, losses, network = build(tags=1.0, disentangled=disentangled)
    genre = int(corpus.tags["genre"][0].argmax())
    one_tag = known_only(corpus, "genre")
    one_tag.known["genre"][:, np.arange(3) != genre] = False
    part = network.slices()["genre"] if disentangled else slice(0, network.dimension)
    moved = embeddings_of(network).detach()
    before = losses(moved, one_tag).total
    moved[0, :, part] += (0.5 if towards else -0.5) * objective.directions["genre"][genre].detach()
    assert (losses(moved, one_tag).total < before) == towards


def test_tags_begin_at_their_log_odds(build, corpus):
    objective, *_ = build(tags=1.0)
    for space in DIMENSIONS:
        found = targets(corpus, space)
        share = found.wanted[found.known.any(1)].mean(0).clamp(1e-3, 1 - 1e-3)
        torch.testing.assert_close(objective.offsets[space].detach(), (share / (1 - share)).log())


def test_a_family_without_tags_learns_no_directions(build):
    objective, *_ = build(triplet=1.0, track=0.5)
    assert not list(objective.parameters())


def test_the_seed_chooses_among_negatives_and_nothing_else(build):
    _, losses, network = build(triplet=1.0, margin=0.3)
    embeddings = embeddings_of(network)
    same, again, other = (losses(embeddings, seed=seed).total for seed in (1, 1, 2))
    assert same == again
    assert same != other
