"""How well a network ranks the validation tracks: the pairwise comparison of paper 004, of all pairs.

Axis letters: N tracks, E dimensions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.metrics.triplet import ordered_right
from models.runs.tracks import CorpusTrack
from models.wavenet.training.likeness import Likeness, likenesses

Floats = NDArray[np.float32]
MIN_EACH = 3
"""Of similar and of dissimilar tracks, as in the protocol's lists."""


def pairs_right(
    similarities: Floats, tracks: Sequence[CorpusTrack], min_jaccard: float
) -> dict[tuple[str, str], float]:
    """(N, N) → by domain and respect, the share of pairs (one similar, one not) that are ordered right.

    Every query counts alike; ties count half. What the paper draws fifteen pairs for is here the share of all. A
    respect is left out in which no query has three similar and three dissimilar tracks.
    """
    found = {}
    for likeness in likenesses(tracks, min_jaccard):
        own = similarities[np.ix_(likeness.places, likeness.places)]
        shares = [share for row in likeness.known if (share := _share(own[row], likeness, int(row))) is not None]
        if shares:
            found[likeness.domain, likeness.by] = float(np.mean(shares))
    return found


def _share(similarities: Floats, likeness: Likeness, row: int) -> float | None:
    others = likeness.known[likeness.known != row]
    alike = likeness.alike(np.array([row]))[0, others]
    similar, dissimilar = similarities[others[alike]], similarities[others[~alike]]
    if min(len(similar), len(dissimilar)) < MIN_EACH:
        return None
    return float(ordered_right(similar[:, None], dissimilar[None]).mean())
