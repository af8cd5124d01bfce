"""Where in one track a query is found: its parts that are similar enough, put together where they overlap."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.database import Database, Transaction
from app.domain import Embedding, Track, TrackKind, Vectors
from app.errors import NotEmbedded
from app.query import Doubles
from app.retrieval import AnyTerm, SearchRequest, UsedTag
from app.services.references import why_not_embedded
from app.services.search import SearchService, used_tags
from app.services.search_plan import Plan
from app.services.segments import parts_of
from app.services.stopwatch import Stopwatch
from app.services.tracks import find

_TOUCHING_S = 1e-3
"""Parts that are no further apart touch: their ends are stored in single precision."""


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """What to look for, and where.

    Attributes:
        library_id: Whose track.
        terms: As of a ``SearchRequest``.
        track: Id of the track to look through; the terms may refer to it too.
        encoder: As of a ``SearchRequest``.
        min_similarity: In [-1, 1]: parts below it do not count.
        k: At most so many sections.
    """

    library_id: str
    terms: tuple[AnyTerm, ...]
    track: str
    encoder: str | None = None
    min_similarity: float = 0.5
    k: int = 10


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a track; ``similarity`` is that of its best part."""

    start_s: float
    end_s: float
    similarity: float


@dataclass(frozen=True, slots=True)
class SectionAnswer:
    """What was found, best first, and how; as ``SearchAnswer`` where names agree."""

    track: Track
    sections: tuple[Section, ...]
    encoders: tuple[str, ...]
    weights: Mapping[str, float]
    tags: tuple[UsedTag, ...]
    empty_because: str | None


class SectionService:
    """Looks through single tracks."""

    def __init__(self, database: Database, search: SearchService) -> None:
        self._database = database
        self._search = search

    def find(self, request: SectionRequest) -> SectionAnswer:
        """Find the similar sections of one track.

        Raises:
            InvalidQuery: Everything that is wrong with the terms, together.
            NotFound: The track or a reference is not in the library.
            NotEmbedded: The track or a reference has no vectors by an encoder yet.
            Transient: An index is still being loaded.
        """
        query = SearchRequest(request.library_id, request.terms, request.encoder)
        with self._database.transaction(read_only=True) as tx:
            track = find(tx, request.library_id, request.track, TrackKind.TRACK)
            plan = self._search.plan(tx, query, Stopwatch())
            spans_s, scores = _scored(plan, _embeddings(tx, plan, track))
        sections = merged_sections(spans_s, scores, request.min_similarity)
        return SectionAnswer(
            track=track,
            sections=tuple(sections[: request.k]),
            encoders=tuple(encoder.name for encoder in plan.joint.encoders),
            weights=plan.query.weights(),
            tags=used_tags(plan),
            empty_because=None if sections else _why_empty(scores, request.min_similarity),
        )


def _embeddings(tx: Transaction, plan: Plan, track: Track) -> Mapping[str, Embedding]:
    found: dict[str, Embedding] = {}
    for encoder in plan.joint.encoders:
        try:
            found[encoder.name] = tx.catalogue.embedding(track.id, encoder.id)
        except NotEmbedded as error:
            raise NotEmbedded(why_not_embedded(tx, track, encoder)) from error
    return found


def _scored(plan: Plan, embeddings: Mapping[str, Embedding]) -> tuple[Vectors, Doubles]:
    """Return (N, 2) spans and (N,) scores of the parts that have a vector in a space that the query weighs."""
    parts = parts_of(plan.joint, embeddings)
    if parts is None:
        return np.empty((0, 2), np.float32), np.empty(0)
    present = ~plan.query.absent(parts.vectors)
    return parts.spans_s[present], plan.query.scores(parts.vectors[present])


def _why_empty(scores: Doubles, min_similarity: float) -> str:
    if not len(scores):
        return "No part of the track has a vector in the spaces that the query weighs."
    best = f"The best part of the track has the similarity {scores.max():.3f}"
    return f"{best}; min_similarity is {min_similarity:g}."


def merged_sections(spans_s: Vectors, scores: Doubles, min_similarity: float) -> list[Section]:
    """Put parts together that overlap or touch, of those that are similar enough; best first, ties by time.

    Args:
        spans_s: (N, 2) start and end of each part.
        scores: (N,) of each.
        min_similarity: Of a part that counts.
    """
    enough = np.flatnonzero(scores >= min_similarity)
    merged: list[Section] = []
    for place in enough[np.argsort(spans_s[enough, 0], kind="stable")]:
        (start_s, end_s), score = spans_s[place].tolist(), min(1.0, float(scores[place]))
        if merged and start_s <= merged[-1].end_s + _TOUCHING_S:
            last = merged.pop()
            start_s, end_s, score = last.start_s, max(last.end_s, end_s), max(last.similarity, score)
        merged.append(Section(start_s, end_s, score))
    return sorted(merged, key=lambda section: -section.similarity)
