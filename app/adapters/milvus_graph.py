"""How broadly graphs in Milvus must be searched, for the best of all to be found as often as is wanted."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.adapters.milvus_collection import Graph, MilvusCollection
from app.adapters.weight_patterns import PATTERNS, REFERENCES, alone, queries
from app.database import Numbers
from app.domain import EncoderInfo, Vectors

BROADEST = 4096
"""Beyond this, looking at every row is the better way."""

_BREADTHS = (128, 256, 512, 1024, 2048, BROADEST)
_ASKED = (10, 100)
"""Lengths of answers for which the recall must do."""

_QUERIES = 32
"""Of each pattern of weights."""

_SEED = 20_261


def measure_graph(
    flat: MilvusCollection, graph: MilvusCollection, encoder: EncoderInfo, numbers: Numbers, recall: float
) -> Graph | None:
    """Return the narrowest search whose worst pattern of weights has the recall; ``None`` where none has.

    Args:
        flat: Finds the best of all.
        graph: Holds the same rows.
        encoder: Whose vectors these are.
        numbers: Of the rows.
        recall: Share of the best that is to be found.
    """
    generator = np.random.default_rng(_SEED)
    sources = flat.rows(generator.choice(numbers, _QUERIES * REFERENCES, replace=False))[1]
    whole_groups = sources[: len(sources) // REFERENCES * REFERENCES]
    asked = _patterns(encoder, generator.permutation(whole_groups), generator)
    truths = [_found(flat, pattern) for pattern in asked]
    for breadth in _BREADTHS:
        graph.graph = Graph(breadth)
        shares = (_share(_found(graph, each), truth) for each, truth in zip(asked, truths, strict=True))
        if (worst := min(shares)) >= recall:
            return Graph(breadth, worst, recall, len(numbers))
    return None


def _patterns(
    encoder: EncoderInfo, sources: Vectors, generator: np.random.Generator
) -> Sequence[Sequence[Vectors]]:
    """Queries by pattern of weights: several spaces at once, then each by itself."""
    spaces = list(encoder.slices().values())
    several = [queries(pattern, sources, spaces, generator) for pattern in PATTERNS]
    asked = [*several, *(alone(space, sources) for space in spaces)]
    return [some for pattern in asked if (some := [query for query in pattern if query.any()])]


def _found(collection: MilvusCollection, asked: Sequence[Vectors]) -> Sequence[Numbers]:
    """Return the best of each query. Those of a pattern weigh as many spaces, so one field can answer all."""
    fields = {collection.field_for(query) for query in asked}
    field = fields.pop() if len(fields) == 1 else "whole"
    return [candidates.numbers for candidates in collection.search(field, asked, max(_ASKED), {})]


def _share(found: Sequence[Numbers], truths: Sequence[Numbers]) -> float:
    """Return how much of the first few of each truth was found, of the length that fared worst."""
    shares: Mapping[int, list[float]] = {
        few: [np.isin(truth[:few], some).mean() for some, truth in zip(found, truths, strict=True)]
        for few in _ASKED
    }
    return float(min(np.mean(each) for each in shares.values()))
