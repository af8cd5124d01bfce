"""Saying why a track was found: what each space adds, and which part of it is closest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.domain import Embedding
from app.errors import NotEmbedded
from app.ports import Transaction
from app.query import Query
from app.retrieval import Match, SegmentMatch
from app.services.search_plan import Plan


def explain(tx: Transaction, plan: Plan, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with contributions by space and the segment closest to the query."""
    numbers = np.array([match.track.number for match in matches], dtype=np.int64)
    vectors = plan.kept.index.vectors(numbers)
    return [
        replace(match, by_space=plan.query.explain(vector), segment=_segment_of(tx, plan, match))
        for match, vector in zip(matches, vectors, strict=True)
    ]


def _segment_of(tx: Transaction, plan: Plan, match: Match) -> SegmentMatch | None:
    try:
        embedding = tx.catalogue.embedding(match.track.id, plan.encoder.id)
    except NotEmbedded:  # deleted in this very moment
        return None
    return best_segment(plan.query, embedding)


def best_segment(query: Query, embedding: Embedding) -> SegmentMatch | None:
    """Return the segment with the highest score, the first one where several have it."""
    if not len(embedding.segment_vectors):
        return None
    scores = query.scores(embedding.segment_vectors)
    best = int(np.argmax(scores))
    start_s, end_s = embedding.segment_spans_s[best].tolist()
    return SegmentMatch(start_s, end_s, min(1.0, max(-1.0, float(scores[best]))))
