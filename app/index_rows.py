"""What every index does alike with its rows: check them, and rank exact scores."""

from collections.abc import Iterable

import numpy as np

from app.database import Numbers
from app.domain import Vectors
from app.ports import Hits
from app.query import inner_products


def checked_rows(numbers: Numbers, vectors: Vectors, dimension: int) -> tuple[Numbers, Vectors]:
    """Return rows to store, ascending by number and ``as_stored``; of a number given twice, the last row.

    Raises:
        ValueError: Wrong shapes, or a value that is not finite in half precision.
    """
    numbers, vectors = np.asarray(numbers, dtype=np.int64), np.asarray(vectors, dtype=np.float32)
    if numbers.ndim != 1 or vectors.shape != (len(numbers), dimension):
        raise ValueError(
            f"Numbers of shape {numbers.shape} came with vectors of shape {vectors.shape}; "
            f"expected (N,) and (N, {dimension})."
        )
    stored = as_stored(vectors)
    if not np.isfinite(stored).all():
        raise ValueError("A vector holds NaN or infinity, or more than half precision does (65 504).")
    last = len(numbers) - 1 - np.unique(numbers[::-1], return_index=True)[1]
    return numbers[last], np.ascontiguousarray(stored[last])


def as_stored(vectors: Vectors) -> Vectors:
    """Return float32 values rounded to half precision, the form in which every index keeps them."""
    with np.errstate(over="ignore"):
        return np.asarray(vectors, dtype=np.float32).astype(np.float16).astype(np.float32)


def checked_query(query: Vectors, k: int, dimension: int) -> Vectors:
    """Return the query as contiguous float32.

    Raises:
        ValueError: Wrong shape, a value that is not finite, or k below 1.
    """
    query = np.ascontiguousarray(query, dtype=np.float32)
    if query.shape != (dimension,):
        raise ValueError(f"The query has shape {query.shape}; expected ({dimension},).")
    if not np.isfinite(query).all():
        raise ValueError("The query holds NaN or infinity.")
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1.")
    return query


def distinct(numbers: Numbers) -> Numbers:
    """Return the numbers ascending, each once. Those of a filter come so already, and sorting them is slow."""
    numbers = np.asarray(numbers, dtype=np.int64)
    return numbers if (numbers[1:] > numbers[:-1]).all() else np.unique(numbers)


def find(ascending: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Return the places of the wanted numbers in ascending ones, and which of the wanted are there.

    Both are indices: ``ascending[places] == wanted[which]``.
    """
    wanted = np.asarray(wanted, dtype=np.int64)
    if not len(ascending):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    places = np.searchsorted(ascending, wanted)
    which = np.flatnonzero(ascending[np.minimum(places, len(ascending) - 1)] == wanted)
    return places[which], which


def best(numbers: Numbers, vectors: Iterable[Vectors], query: Vectors, k: int) -> tuple[Numbers, Vectors]:
    """Return numbers and scores of the k best rows, ties by number.

    A score is the float64 inner product rounded to float32, so that every index gives the same one.

    Args:
        numbers: (N,) in any order.
        vectors: Blocks of rows, (N, D) together.
        query: (D,).
        k: How many, at most.
    """
    products = [inner_products(block, query) for block in vectors]
    scores = np.concatenate([np.empty(0), *products]).astype(np.float32)
    order = np.lexsort((numbers, -scores))[:k]
    return numbers[order], scores[order]


def rounding(query: Vectors, longest: float) -> float:
    """Return how far apart an engine, by float32 alone, may put two rows whose exact scores are the same.

    Twice the error bound of an inner product of D terms, D u |q||y| with u = 2⁻²⁴, doubled for what the bound
    leaves out (terms of second order).

    Args:
        query: (D,).
        longest: No row is longer.
    """
    length = float(np.linalg.norm(query.astype(np.float64))) * longest
    return 4 * len(query) * 2.0**-24 * length + float(np.finfo(np.float32).tiny)


def no_hits() -> Hits:
    """The answer of an index in which nothing may be found."""
    return Hits(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32), exact=True, allowed=0)
