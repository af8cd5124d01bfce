"""Where tags lie in the spaces, and how sure a likeness to one makes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.csn.training.objective import Objective
from models.csn.training.tags import Embedded, find_tags
from models.csn.training.targets import tag_names, targets
from models.datasets.track import DIMENSIONS

TRACKS = 160
SPACE = 24
PARTS = {space: slice(place * SPACE, (place + 1) * SPACE) for place, space in enumerate(DIMENSIONS)}


def oracle(corpus, noise=0.1, seed=0):
    """Every space holds what should be scored for its tags, and some noise."""
    generator = np.random.default_rng(seed)
    embeddings = generator.normal(scale=noise, size=(len(corpus), SPACE * len(DIMENSIONS)))
    for space, part in PARTS.items():
        wanted = targets(corpus, space).wanted.numpy()
        embeddings[:, part.start : part.start + wanted.shape[1]] += wanted
    return Embedded(corpus, embeddings.astype(np.float32))


@pytest.fixture(scope="module")
def sides(make):
    config = make.config()
    tracks = [make.corpus_tracks([make.track(first + n) for n in range(TRACKS)]) for first in (0, 5_000)]
    train = make.corpus(tracks[0], config)
    return train, make.corpus(tracks[1], config, train.vocabulary)


@pytest.fixture
def found(make, sides):
    """Finds the tags of the oracle, or of what is handed in."""

    def found(train=None, validation=None, **objective):
        config = make.config(objective=objective or {"triplet": 1.0}, network={"space_dimension": SPACE})
        made = Objective(config.objective, config.network, sides[0])
        if objective.get("tags"):
            with torch.no_grad():
                for directions in made.directions.values():
                    directions.copy_(3 * torch.eye(*directions.shape))
        return find_tags(made, PARTS, train or oracle(sides[0]), validation or oracle(sides[1], seed=1)), made

    return found


def confidence(tags, number, embeddings, part):
    vectors = embeddings[:, part] / np.linalg.norm(embeddings[:, part], axis=1, keepdims=True)
    return 1 / (1 + np.exp(-(tags.scale[number] * vectors @ tags.directions[number] + tags.offset[number])))


@pytest.mark.parametrize("family", [{"triplet": 1.0}, {"tags": 1.0}, {"tags": 1.0, "disentangled": False}])
def test_tags_point_to_the_tracks_that_carry_them_and_say_how_surely(sides, found, family):
    tags, _ = found(**family)
    embedded = oracle(sides[1], seed=2)
    assert tags.keys() == set(DIMENSIONS)
    for space in ("genre", "mood", "instrument", "era"):
        assert tags[space].names == sides[0].vocabulary[space]
        for number in range(len(tags[space].names)):
            found_in = confidence(tags[space], number, embedded.embeddings, PARTS[space])
            has = sides[1].tags[space][:, number]
            assert found_in[has].mean() > 0.9
            assert found_in[~has].mean() < 0.1


def test_tonics_and_tempi_that_tracks_have_are_tags_and_no_others(sides, found):
    tags, _ = found()
    assert set(tags["key"].names) == {"C", "E", "G#"}
    names = np.array(tag_names({}, "tempo"))
    wanted = targets(sides[1], "tempo").wanted.numpy().max(0)
    assert set(names[wanted > 0.88]) <= set(tags["tempo"].names) <= set(names[wanted > 0.3])


def test_with_proxies_the_directions_are_theirs_and_without_the_mean_of_the_tracks(sides, found):
    tags, made = found(tags=1.0)
    proxies = torch.nn.functional.normalize(made.directions["genre"].detach(), dim=1).numpy()
    np.testing.assert_allclose(tags["genre"].directions, proxies, atol=1e-6)
    prototypes, _ = found()
    train = oracle(sides[0])
    unit = train.embeddings[:, PARTS["genre"]]
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    for number, direction in enumerate(prototypes["genre"].directions):
        mean = unit[sides[0].tags["genre"][:, number]].mean(0)
        np.testing.assert_allclose(direction, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_tag_that_the_space_does_not_bear_out_is_left_out(sides, found):
    train, validation = oracle(sides[0]), oracle(sides[1], seed=1)
    validation.embeddings[:, PARTS["genre"]] *= -1
    tags, _ = found(train, validation)
    assert "genre" not in tags
    assert "mood" in tags


def test_a_tag_of_too_few_tracks_is_left_out(sides, found):
    rare = {name: has.copy() for name, has in sides[0].tags.items()}
    rare["genre"][np.flatnonzero(rare["genre"][:, 0])[2:], 0] = False
    none = {name: has.copy() for name, has in sides[1].tags.items()}
    none["genre"][:, 0] = False
    train, validation = replace(sides[0], tags=rare), replace(sides[1], tags=none)
    tags, _ = found(oracle(train), oracle(validation))
    assert tags["genre"].names == sides[0].vocabulary["genre"][1:]


def test_where_validation_tracks_are_too_few_no_tag_is_claimed(sides, found):
    tags, _ = found(validation=oracle(sides[1].take(np.arange(6))))
    assert tags == {}


def test_a_tag_that_is_told_little_better_than_by_chance_is_left_out(sides, found):
    tags, _ = found(validation=oracle(sides[1], noise=30, seed=1))
    assert sum(len(tag.names) for tag in tags.values()) < len(DIMENSIONS)


def test_confidences_are_fitted_to_tracks_that_were_not_learnt_from(sides, found):
    alone, _ = found()
    with_noise, _ = found(train=oracle(sides[0], noise=0.1), validation=oracle(sides[1], noise=0.6, seed=1))
    assert (with_noise["genre"].scale < alone["genre"].scale).all()


def test_a_space_without_length_gives_no_tag(sides, found):
    train, validation = oracle(sides[0]), oracle(sides[1])
    for side in (train, validation):
        side.embeddings[:, PARTS["mood"]] = 0
    tags, _ = found(train, validation)
    assert tags.keys() == set(DIMENSIONS) - {"mood"}
