"""What listeners said: of two excerpts, which one is more like a third."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a track.

    Attributes:
        track: Its id.
        start_s: Where it begins.
        length_s: Above 0.
    """

    track: str
    start_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class JudgedTriplet:
    """Three excerpts of which a majority chose ``positive``.

    Attributes:
        id: Of the triplet.
        anchor: What the two were compared with.
        positive: Chosen.
        negative: Not chosen.
        votes: How many listeners; 1 where only the decision was published.
        agreement: Share of votes for ``positive``, above 0.5 to 1.
    """

    id: str
    anchor: Excerpt
    positive: Excerpt
    negative: Excerpt
    votes: int
    agreement: float
