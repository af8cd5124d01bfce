"""Where scores come from: sources whose pieces can be listed cheaply and loaded one by one, in any process."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from models.rendering.score import Score


class ScoreSource(Protocol):
    """A collection of pieces. It can be pickled, and what it does is the same in every process."""

    @property
    def name(self) -> str:
        """Of the collection, unique among those used together."""

    def pieces(self) -> Sequence[str]:
        """Ids of all pieces in a fixed order, without reading them."""

    def load(self, piece: str) -> Score:
        """Read or generate one piece.

        Raises:
            ScoreUnreadable: It cannot be turned into notes.
            ToolMissing: A program or library is not there.
        """


def drawn_pieces(sources: Sequence[ScoreSource], seed: int) -> Iterator[tuple[ScoreSource, str]]:
    """All pieces of all sources, the sources by turns, each in an order of its own that the seed decides."""
    generator = np.random.default_rng(seed)
    queues = []
    for source in sources:
        pieces = source.pieces()
        queues.append([(source, pieces[index]) for index in generator.permutation(len(pieces))])
    for turn in range(max(map(len, queues), default=0)):
        yield from (queue[turn] for queue in queues if turn < len(queue))
