"""Which tracks may be found: shares at random, and some kinds of music, as real filters are."""

from collections.abc import Mapping

import numpy as np

from app.database import Numbers
from benchmarks.search_world import World

NO_FILTER = "none"
SHARES = {"50%": 0.5, "10%": 0.1, "1%": 0.01, "0.1%": 0.001}
KINDS = "kinds"
"""The filter that leaves some kinds of music only."""

FILTERS = (NO_FILTER, *SHARES, KINDS)

_SHARE_OF_KINDS = 0.1

Filters = Mapping[str, Numbers]
"""By name the numbers that may be found, ascending. The filter that leaves everything is not among them."""


def new_filters(world: World, seed: int = 0) -> dict[str, Numbers]:
    """Filters over a catalogue, each leaving at least one track."""
    generator = np.random.default_rng([seed, 3])
    filters = {}
    for name, share in SHARES.items():
        chosen = generator.choice(len(world), max(1, round(share * len(world))), replace=False)
        filters[name] = np.sort(chosen).astype(np.int64)
    there = np.unique(world.tracks.kinds)
    kinds = generator.choice(there, max(1, round(_SHARE_OF_KINDS * len(there))), replace=False)
    return filters | {KINDS: np.flatnonzero(np.isin(world.tracks.kinds, kinds))}
