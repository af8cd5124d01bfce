"""A search and its answer: frozen values between the edges and the search service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from app.domain import Track
from app.filters import Filter

MAX_K: Final = 1000
MAX_TERMS: Final = 64

MAX_DEPTH: Final = 20_000
"""Among so many of the nearest tracks, at most, matches are sought that ceiling and artist limit let pass: a
search that went on until there are k could read the whole catalogue."""


@dataclass(frozen=True, slots=True)
class Term:
    """A reference that a query asks with.

    Attributes:
        reference: Id of a track or clip of the same library.
        weights: By space, ``space`` of the query's encoder or ``encoder.space`` of any; the weight of an
            ``encoder`` is shared out among its spaces. ``None`` is 1 for every space of the query's encoder, a
            space left out is 0. Negative asks for contrast.
        segment_s: Start and end in seconds; ``None`` is the whole.
    """

    reference: str
    weights: Mapping[str, float] | None = None
    segment_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class TagTerm:
    """A tag that a query asks with: with its direction in its own space, and with nothing in all others.

    Attributes:
        tag: As the encoder names it, ignoring case.
        weight: Negative asks for the opposite.
        space: Where it is meant, for a tag that stands in several, and for one of another encoder, named as in
            ``Term.weights``; ``None`` is the only one of the query's encoder that knows it.
    """

    tag: str
    weight: float = 1.0
    space: str | None = None


AnyTerm: TypeAlias = Term | TagTerm


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to look for; checked by ``services.search`` against the encoder and the library.

    Attributes:
        library_id: Whose tracks.
        terms: 1 to ``MAX_TERMS``.
        encoder: By name, whose spaces are meant where a term does not say; ``None`` is the default encoder.
        k: How many matches, 1 to ``MAX_K``.
        where: Which tracks may be found.
        max_similarity: Ceiling, in [-1, 1]: closer ones are left out, among the ``MAX_DEPTH`` nearest.
        diversity: 0 to 1; maximal marginal relevance with λ = 1 - diversity.
        max_per_artist: At most so many by one artist (tracks without artist are not counted), among the
            ``MAX_DEPTH`` nearest.
        calibrate: Whether spaces are put on one scale first ("calibration" in docs/glossary.md).
        explain: Whether matches carry contributions and the best segment.
    """

    library_id: str
    terms: tuple[AnyTerm, ...]
    encoder: str | None = None
    k: int = 20
    where: Filter | None = None
    max_similarity: float | None = None
    diversity: float = 0.0
    max_per_artist: int | None = None
    calibrate: bool = True
    explain: bool = True


@dataclass(frozen=True, slots=True)
class SpaceShare:
    """What one space says of a match.

    Attributes:
        similarity: In [-1, 1], this space alone, with the query's weights inside it.
        weight: Share of the space in the whole, after calibration; shares of all spaces sum to 1 in magnitude.
        contribution: What it adds to the match's similarity; contributions sum to it.
    """

    similarity: float
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class TagShare:
    """What one tag of the query says of a match. Its contribution is a part of that of its space.

    Attributes:
        tag: As the encoder names it.
        space: Where it stands.
        similarity: In [-1, 1], cosine between the match and the tag's direction.
        weight: Share of the tag in the whole, negative where the query asks for the opposite.
        contribution: What it adds to the match's similarity.
    """

    tag: str
    space: str
    similarity: float
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class ComponentShare:
    """What one component says of a match that shares it with the query. Its contribution is part of its space's.

    Attributes:
        space: Of the component.
        component: Its place in the space, from 0.
        tags: Those that say most of it.
        contribution: What it adds to the match's similarity.
    """

    space: str
    component: int
    tags: tuple[str, ...]
    contribution: float


@dataclass(frozen=True, slots=True)
class ReferencePart:
    """A part of a reference. ``id`` is that of the track or clip."""

    id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SegmentMatch:
    """The part of a match that is closest to the query.

    ``reference`` is the part that is closest to it of the first reference that the query asks for, in the measure
    of that term; ``None`` where the query asks with tags and contrasts alone.
    """

    start_s: float
    end_s: float
    similarity: float
    reference: ReferencePart | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One found track. ``percentile``: share of the catalogue, in percent, that is less similar to the query.

    ``by_component`` holds the few that contribute most, in spaces whose dimensions mean something.
    """

    track: Track
    similarity: float
    percentile: float
    by_space: Mapping[str, SpaceShare] = field(default_factory=dict)
    by_tag: tuple[TagShare, ...] = ()
    by_component: tuple[ComponentShare, ...] = ()
    segment: SegmentMatch | None = None


@dataclass(frozen=True, slots=True)
class UsedTag:
    """A tag of the query as it was understood; ``weight`` as in ``TagShare``."""

    tag: str
    space: str
    weight: float


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What was found, best first, and how.

    Attributes:
        matches: At most k.
        encoders: Names of the encoders that the query weighs.
        weights: By space, as used after normalisation (``SpaceShare.weight``). With several encoders spaces are
            called ``encoder.space``, here and in the matches.
        tags: Those that the query asks with, in its order.
        indexed: How many tracks the index holds.
        allowed: How many of them the filter left.
        exact: Whether no candidate can have been missed.
        recall: Share of the true best that answers like this one hold, as measured; 1 where it is exact. An answer
            that ended at ``MAX_DEPTH`` holds at least this share of what was asked for.
        took_ms: By stage.
        empty_because: Why there are no matches; ``None`` when there are some.
    """

    matches: tuple[Match, ...]
    encoders: tuple[str, ...]
    weights: Mapping[str, float]
    tags: tuple[UsedTag, ...]
    indexed: int
    allowed: int
    exact: bool
    recall: float
    took_ms: Mapping[str, float]
    empty_because: str | None = None
