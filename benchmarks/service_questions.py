"""Searches that a service is asked: by every kind of filter and weighing."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY, Track
from benchmarks.service_catalogue import new_encoder
from benchmarks.service_metadata import LICENCES

K = 10
SPACES = [space.name for space in new_encoder().spaces]

Draw = Callable[[np.random.Generator], Mapping[str, float] | None]

WEIGHTS: Mapping[str, Draw] = {
    "uniform": lambda _: None,
    "one space": lambda generator: {str(generator.choice(SPACES)): 1.0},
    "dirichlet": lambda generator: dict(
        zip(SPACES, generator.dirichlet(np.ones(len(SPACES))).tolist(), strict=True)
    ),
}

_NONE = "none"
_ARTIST = "one artist"
_PERCENT = {f"licence {share:.0%}": name for name, share in LICENCES.items() if share in {0.5, 0.1, 0.01}}
FILTERS = (_NONE, *_PERCENT, _ARTIST)
HALF = "licence 50%"


@dataclass(frozen=True, slots=True)
class Questions:
    """Bodies of searches that have a filter and a way of weighing in common."""

    filter: str
    weights: str
    bodies: Sequence[bytes]


def some_tracks(url: str, count: int = 200, seed: int = 0) -> list[Track]:
    """Tracks to ask by, anywhere in the catalogue."""
    with closing(SqlDatabase(url)) as database, database.transaction(read_only=True) as tx:
        newest = tx.catalogue.list_tracks(DEFAULT_LIBRARY, limit=1).items[0].number
        numbers = np.random.default_rng(seed).integers(1, newest + 1, size=2 * count)
        found = tx.catalogue.tracks_by_number(DEFAULT_LIBRARY, numbers.tolist())
    return [found[number] for number in dict.fromkeys(numbers.tolist()) if number in found][:count]


def questions(tracks: Sequence[Track], filter_: str, weights: str, seed: int = 0) -> Questions:
    """One search by each track, and by other artists for each way of weighing, since filters are remembered."""
    generator = np.random.default_rng(seed)
    shift = 1 + list(WEIGHTS).index(weights) * len(tracks) // len(WEIGHTS)
    bodies = []
    for place, track in enumerate(tracks):
        term = {"track": track.id, "weights": WEIGHTS[weights](generator)}
        condition = _condition(filter_, tracks[place - shift])
        bodies.append(json.dumps({"terms": [term], "k": K, "filter": condition}).encode())
    return Questions(filter_, weights, bodies)


def _condition(filter_: str, other: Track) -> Mapping[str, object] | None:
    if filter_ == _NONE:
        return None
    if filter_ == _ARTIST:
        return {"field": "artist", "equals": other.metadata.artist}
    return {"field": "licence", "equals": _PERCENT[filter_]}


def mixed(tracks: Sequence[Track]) -> Questions:
    """Searches without a filter by all ways of weighing in turn."""
    each = [questions(tracks, _NONE, weights).bodies for weights in WEIGHTS]
    return Questions(_NONE, "all in turn", [body for bodies in zip(*each, strict=True) for body in bodies])
