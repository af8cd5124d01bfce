"""Instrument families of rendered music as far as taggers have words for them.

No tagger knows brass, mallets or the organ. Where a family has no word of its own, the words of music that it is
mostly heard in stand for it (``rock`` for a band, ``orchestral`` for an orchestra): a proxy, whose worth the
evaluation on rendered music measures.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.taggers.vocabulary import JAMENDO, MSD, MTAT

Floats = NDArray[np.float32]

FAMILIES: Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]] = {
    MSD: {
        "guitar": ("guitar", "acoustic"),
        "choir": ("female vocalists", "male vocalists", "female vocalist"),
        "synth": ("electronic", "electronica", "electro"),
        "band": ("rock", "hard rock", "alternative rock"),
    },
    MTAT: {
        "piano": ("piano",),
        "harpsichord": ("harpsichord",),
        "guitar": ("guitar",),
        "harp": ("harp",),
        "strings": ("strings", "violin", "cello"),
        "woodwinds": ("flute",),
        "choir": ("choir", "choral", "voice", "vocal", "vocals", "singing"),
        "synth": ("synth", "electronic"),
        "band": ("rock", "drums"),
    },
    JAMENDO: {
        "piano": ("instrument---piano",),
        "electric piano": ("instrument---electricpiano", "instrument---keyboard"),
        "guitar": ("instrument---acousticguitar", "instrument---guitar"),
        "strings": ("instrument---strings", "instrument---violin"),
        "choir": ("instrument---voice",),
        "synth": ("instrument---synthesizer", "instrument---computer"),
        "band": ("instrument---electricguitar", "instrument---drums", "genre---rock"),
        "orchestra": ("genre---orchestral",),
    },
}
"""Tags of each vocabulary by family, as ``models.rendering.ensemble`` names families."""


def tagger_families(probabilities: Floats, tags: Sequence[str]) -> dict[str, Floats]:
    """Score of each family that a tagger has words for: its most probable word.

    Scores of a family can be ranked (area under the curve); between families they cannot be compared as they are,
    since words are unequally frequent.

    Args:
        probabilities: (N, 50).
        tags: (50,) a vocabulary of ``models.taggers.vocabulary``.

    Returns:
        (N,) scores by family, 0 to 1.
    """
    columns = {tag: column for column, tag in enumerate(tags)}
    return {
        family: probabilities[:, [columns[word] for word in words]].max(1)
        for family, words in FAMILIES[tuple(tags)].items()
    }
