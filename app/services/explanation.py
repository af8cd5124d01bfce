"""Saying why a track was found: what each space adds, and which part of it is closest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.database import Transaction
from app.domain import Embedding, EncoderInfo, Vectors
from app.joint_space import JointSpace
from app.query import Doubles
from app.retrieval import ComponentShare, Match, SegmentMatch, TagShare
from app.services.references import vectors_at
from app.services.search_plan import Plan
from app.services.tags import AskedTag

MOST_COMPONENTS = 5
"""So many are named of a match: more would say less."""


def explain(tx: Transaction, plan: Plan, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with contributions by space and by tag, and the segment closest to the query."""
    numbers = [match.track.number for match in matches]
    vectors = plan.index.vectors(np.array(numbers, dtype=np.int64))
    embeddings = {
        encoder.name: tx.catalogue.embeddings_by_number(encoder.id, numbers) for encoder in plan.joint.encoders
    }
    return [
        replace(
            match,
            by_space=plan.query.explain(vector),
            by_tag=tuple(_tag_share(plan, tag, vector) for tag in plan.tags),
            by_component=_shared_components(plan, vector),
            segment=_best_segment(plan, {name: found.get(number) for name, found in embeddings.items()}),
        )
        for match, number, vector in zip(matches, numbers, vectors, strict=True)
    ]


def _tag_share(plan: Plan, tag: AskedTag, vector: Vectors) -> TagShare:
    share = plan.query.explain_term(tag.term, vector)
    space = plan.joint.name(tag.encoder, tag.space)
    return TagShare(tag.tag, space, share.similarity, share.weight, share.contribution)


def _shared_components(plan: Plan, vector: Vectors) -> tuple[ComponentShare, ...]:
    """Return the components that contribute most, of all spaces that have some, the strongest first."""
    products = np.multiply(plan.query.vector, vector, dtype=np.float64)
    places = plan.joint.places()
    shares = [
        share
        for encoder in plan.joint.encoders
        for space in encoder.components
        for share in _strongest(plan.joint, encoder, space, products[places[encoder.name]][encoder.slices()[space]])
    ]
    return tuple(sorted(shares, key=lambda share: -abs(share.contribution))[:MOST_COMPONENTS])


def _strongest(joint: JointSpace, encoder: EncoderInfo, space: str, products: Doubles) -> Iterator[ComponentShare]:
    """Yield the components of one space that contribute most, of (K,) products."""
    for number in np.argsort(-np.abs(products), kind="stable")[:MOST_COMPONENTS].tolist():
        if products[number]:
            tags = tuple(tag for tag, _ in encoder.components[space][number].tags)
            yield ComponentShare(joint.name(encoder.name, space), number, tags, float(products[number]))


def _best_segment(plan: Plan, embeddings: Mapping[str, Embedding | None]) -> SegmentMatch | None:
    """Return the segment with the highest score, the first one where several have it; ``None`` without any.

    Encoders cut a track differently: its segments are those of the encoder that cuts it finest, and in the others
    each is what overlaps it.
    """
    known = {name: each for name, each in embeddings.items() if each is not None and len(each.segment_vectors)}
    if not known:
        return None
    spans_s = max((each.segment_spans_s for each in known.values()), key=len)
    scores = plan.query.scores(_joint_vectors(plan.joint, known, spans_s))
    best = int(np.argmax(scores))
    start_s, end_s = spans_s[best].tolist()
    return SegmentMatch(start_s, end_s, min(1.0, max(-1.0, float(scores[best]))))


def _joint_vectors(joint: JointSpace, embeddings: Mapping[str, Embedding], spans_s: Vectors) -> Vectors:
    """Return (N, D) joint vectors of N segments, zero for an encoder that has none."""
    vectors = np.zeros((len(spans_s), joint.dimension), np.float32)
    places = joint.places()
    for encoder in joint.encoders:
        embedding = embeddings.get(encoder.name)
        if embedding is not None and embedding.segment_spans_s is spans_s:
            vectors[:, places[encoder.name]] = embedding.segment_vectors
        elif embedding is not None:
            vectors[:, places[encoder.name]] = vectors_at(embedding, spans_s.astype(np.float64), encoder)
    return vectors
