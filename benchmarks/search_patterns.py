"""The ways in which people weigh: which vector a query becomes decides what an index finds hard."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from app.errors import InvalidQuery
from app.query import Query, compose, weight_matrix
from benchmarks.search_world import World

Generator = np.random.Generator
Terms = Sequence[Mapping[str, float] | None]

_STEEP = (1, 0.3, 0.1, 0.03, 0.01, 0.003)
_REFERENCES = 3


def uniform(_generator: Generator, _names: Sequence[str]) -> Terms:
    """All spaces alike."""
    return [None]


def dirichlet(generator: Generator, names: Sequence[str]) -> Terms:
    """Any shares at all, each as likely as another."""
    return [dict(zip(names, generator.dirichlet(np.ones(len(names))).tolist(), strict=True))]


def skewed(generator: Generator, names: Sequence[str]) -> Terms:
    """Each space counts a third of the one before, in any order."""
    order = generator.permutation(len(names)).tolist()
    return [{names[place]: weight for place, weight in zip(order, _STEEP, strict=False)}]


def one_space(generator: Generator, names: Sequence[str]) -> Terms:
    """One space and no other."""
    return [{str(generator.choice(names)): 1.0}]


def two_spaces(generator: Generator, names: Sequence[str]) -> Terms:
    """Two spaces alike."""
    return [dict.fromkeys(generator.choice(names, 2, replace=False).tolist(), 1.0)]


def several_references(generator: Generator, names: Sequence[str]) -> Terms:
    """Three tracks, each weighed in its own way."""
    return [terms for _ in range(_REFERENCES) for terms in dirichlet(generator, names)]


def contrast(generator: Generator, names: Sequence[str]) -> Terms:
    """Like one track in all, but unlike another in one space."""
    return [None, {str(generator.choice(names)): -1.0}]


PATTERNS: dict[str, Callable[[Generator, Sequence[str]], Terms]] = {
    "uniform": uniform,
    "dirichlet": dirichlet,
    "skewed": skewed,
    "one space": one_space,
    "two spaces": two_spaces,
    "several references": several_references,
    "contrast": contrast,
}


def questions(world: World, pattern: str, count: int, seed: int = 0) -> list[Query]:
    """So many queries of a pattern, by tracks that the catalogue has not.

    Where these lack vectors in all that is weighed, others are taken.
    """
    generator = np.random.default_rng([seed, 2, *pattern.encode()])
    spaces = world.encoder.spaces
    names = [space.name for space in spaces]
    asked: list[Query] = []
    while len(asked) < count:
        terms = PATTERNS[pattern](generator, names)
        chosen = generator.choice(len(world.references), len(terms), replace=False)
        with suppress(InvalidQuery):
            asked.append(compose(spaces, world.references[chosen], weight_matrix(terms, spaces)))
    return asked
