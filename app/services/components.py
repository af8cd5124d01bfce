"""What the components of an encoder are in a library: their shares, and the tracks that show them best.

Axis letters: N tracks, K components of a space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.component_meaning import ComponentMeaning
from app.database import Database, Numbers, Transaction
from app.domain import EncoderInfo, Track, Vectors
from app.errors import NotFound, Transient
from app.ports import Searchable
from app.query import Doubles
from app.services.encoders import find_encoder
from app.services.indexing import IndexKeeper
from app.services.kept_index import KeptIndex

_BLOCK = 16_384
"""Tracks looked at together."""


@dataclass(frozen=True, slots=True)
class ComponentStanding:
    """A component and its place in a library.

    Attributes:
        space: Where it stands.
        number: Its place there, from 0.
        meaning: By the music that it was learnt from.
        share: Of the library's tracks together, 0 to 1.
        best: The tracks with the greatest shares of it, and these, 0 to 1; the greatest first.
    """

    space: str
    number: int
    meaning: ComponentMeaning
    share: float
    best: Sequence[tuple[Track, float]]


@dataclass(frozen=True, slots=True)
class ComponentTable:
    """The components of an encoder, those with the greatest shares first, among the tracks of a library."""

    encoder: EncoderInfo
    tracks: int
    components: Sequence[ComponentStanding]


def component_table(
    database: Database, keeper: IndexKeeper, library_id: str, name: str, best: int
) -> ComponentTable:
    """Look at every track of a library by the encoder of this name.

    Args:
        database: Of the library.
        keeper: Of its indexes.
        library_id: Whose tracks.
        name: Of the encoder.
        best: How many tracks to name for each component, at most.

    Raises:
        NotFound: There is no such encoder, or its dimensions mean nothing that could be said.
        Transient: Its index is still being loaded.
    """
    with database.transaction(read_only=True) as tx:
        encoder = find_encoder(tx, name)
        if not encoder.components:
            raise NotFound(_has_none(tx, encoder))
        kept = keeper.get(library_id, encoder.id)
        if kept is None:
            raise Transient(f"The index of the encoder {name!r} is being loaded; try again in a moment.")
        found = [standing for space in encoder.components for standing in _standings(tx, kept, space, best)]
    return ComponentTable(encoder, len(kept.index), sorted(found, key=lambda standing: -standing.share))


def _has_none(tx: Transaction, encoder: EncoderInfo) -> str:
    others = ", ".join(each.name for each in tx.catalogue.encoders() if each.components) or "none at present"
    return f"The encoder {encoder.name!r} has no components that could be read. Encoders that have: {others}."


def _standings(tx: Transaction, kept: KeptIndex, space: str, best: int) -> Iterator[ComponentStanding]:
    shares, numbers, greatest = _survey(kept.index, kept.encoder.slices()[space], best)
    tracks = tx.catalogue.tracks_by_number(kept.library_id, np.unique(numbers[greatest > 0]).tolist())
    for place, meaning in enumerate(kept.encoder.components[space]):
        pairs = zip(numbers[:, place].tolist(), greatest[:, place].tolist(), strict=True)
        shown = [(tracks[number], share) for number, share in pairs if share > 0 and number in tracks]
        yield ComponentStanding(space, place, meaning, float(shares[place]), shown)


def _survey(index: Searchable, dimensions: slice, best: int) -> tuple[Doubles, Numbers, Vectors]:
    """Return (K,) mean shares of the tracks that are present, and (best, K) numbers and shares, greatest first."""
    everyone = index.numbers()
    width = dimensions.stop - dimensions.start
    total, present = np.zeros(width), 0
    numbers, greatest = np.zeros((0, width), np.int64), np.zeros((0, width), np.float32)
    for start in range(0, len(everyone), _BLOCK):
        block = everyone[start : start + _BLOCK]
        shares = np.square(index.vectors(block)[:, dimensions])
        total += shares.sum(axis=0, dtype=np.float64)
        present += int(shares.any(axis=1).sum())
        ahead = np.argpartition(-shares, min(best, len(block)) - 1, axis=0)[:best]
        numbers = np.concatenate([numbers, block[ahead]])
        greatest = np.concatenate([greatest, np.take_along_axis(shares, ahead, axis=0)])
        order = np.argsort(-greatest, axis=0, kind="stable")[:best]
        numbers, greatest = (np.take_along_axis(each, order, axis=0) for each in (numbers, greatest))
    return total / max(1, present), numbers, greatest
