"""Saying why a track was found: what each space adds, and which part of it is closest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.database import Transaction
from app.domain import Embedding, Vectors
from app.query import Query
from app.retrieval import Match, SegmentMatch, TagShare
from app.services.search_plan import Plan
from app.services.tags import AskedTag


def explain(tx: Transaction, plan: Plan, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with contributions by space and by tag, and the segment closest to the query."""
    numbers = [match.track.number for match in matches]
    vectors = plan.kept.index.vectors(np.array(numbers, dtype=np.int64))
    embeddings = tx.catalogue.embeddings_by_number(plan.encoder.id, numbers)
    return [
        replace(
            match,
            by_space=plan.query.explain(vector),
            by_tag=tuple(_tag_share(plan.query, tag, vector) for tag in plan.tags),
            segment=_best_segment(plan.query, embeddings.get(number)),
        )
        for match, number, vector in zip(matches, numbers, vectors, strict=True)
    ]


def _tag_share(query: Query, tag: AskedTag, vector: Vectors) -> TagShare:
    share = query.explain_term(tag.term, vector)
    return TagShare(tag.tag, tag.space, share.similarity, share.weight, share.contribution)


def _best_segment(query: Query, embedding: Embedding | None) -> SegmentMatch | None:
    """Return the segment with the highest score, the first one where several have it; ``None`` without any."""
    if embedding is None or not len(embedding.segment_vectors):
        return None
    scores = query.scores(embedding.segment_vectors)
    best = int(np.argmax(scores))
    start_s, end_s = embedding.segment_spans_s[best].tolist()
    return SegmentMatch(start_s, end_s, min(1.0, max(-1.0, float(scores[best]))))
