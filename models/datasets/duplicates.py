"""Near duplicates as a relation among tracks."""

from collections.abc import Iterable, Mapping

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def groups(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """The connected component of everything that stands in a pair."""
    linked = list(pairs)
    names = sorted({name for pair in linked for name in pair})
    number = {name: place for place, name in enumerate(names)}
    ends = [[number[pair[side]] for pair in linked] for side in (0, 1)]
    edges = coo_array(([1] * len(linked), ends), shape=(len(names), len(names)))
    members: dict[int, set[str]] = {}
    labels = connected_components(edges, directed=False)[1].tolist() if names else []
    for name, label in zip(names, labels, strict=True):
        members.setdefault(label, set()).add(name)
    return {name: frozenset(members[label]) for name, label in zip(names, labels, strict=True)}


def complete(duplicates: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Duplicates both ways, and of duplicates, by the id of everything that has one."""
    pairs = ((name, other) for name, others in duplicates.items() for other in others)
    return {name: members - {name} for name, members in groups(pairs).items()}
