"""Saying why a track was found: what each space adds, and which part of it is closest."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from app.database import Transaction
from app.domain import EncoderInfo, Vectors
from app.joint_space import JointSpace
from app.query import Doubles
from app.retrieval import ComponentShare, Match, SegmentMatch, TagShare
from app.services.search_plan import Plan
from app.services.segments import Parts, ReferenceParts, parts_of, reference_parts
from app.services.tags import AskedTag

MOST_COMPONENTS = 5
"""So many are named of a match: more would say less."""

_TOGETHER = 50
"""Matches whose segments are held at a time: all of a long answer would be gigabytes."""


def explain(tx: Transaction, plan: Plan, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with contributions by space and by tag, and the segment closest to the query."""
    reference = reference_parts(plan.joint, plan.query, plan.references)
    portions = (matches[start : start + _TOGETHER] for start in range(0, len(matches), _TOGETHER))
    return [match for portion in portions for match in _explain(tx, plan, portion, reference)]


def _explain(
    tx: Transaction, plan: Plan, matches: Sequence[Match], reference: ReferenceParts | None
) -> Iterator[Match]:
    numbers = [match.track.number for match in matches]
    vectors = plan.index.vectors(np.array(numbers, dtype=np.int64))
    segments = _best_segments(plan, _read_parts(tx, plan, numbers), reference)
    for match, vector, by_space, segment in zip(
        matches, vectors, plan.query.explain(vectors), segments, strict=True
    ):
        yield replace(
            match,
            by_space=by_space,
            by_tag=tuple(_tag_share(plan, tag, vector) for tag in plan.tags),
            by_component=_shared_components(plan, vector),
            segment=segment,
        )


def _read_parts(tx: Transaction, plan: Plan, numbers: Sequence[int]) -> list[Parts | None]:
    """Return the parts of each track, ``None`` of one that has no segments."""
    embeddings = {
        encoder.name: tx.catalogue.embeddings_by_number(encoder.id, numbers) for encoder in plan.joint.encoders
    }
    return [
        parts_of(plan.joint, {name: found[number] for name, found in embeddings.items() if number in found})
        for number in numbers
    ]


def _tag_share(plan: Plan, tag: AskedTag, vector: Vectors) -> TagShare:
    share = plan.query.explain_term(tag.term, vector)
    space = plan.joint.name(tag.encoder, tag.space)
    return TagShare(tag.tag, space, share.similarity, share.weight, share.contribution)


def _shared_components(plan: Plan, vector: Vectors) -> tuple[ComponentShare, ...]:
    """Return the components that contribute most, of all spaces that have some, the strongest first."""
    products = np.multiply(plan.query.vector, vector, dtype=np.float64)
    places = plan.joint.places
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


def _best_segments(
    plan: Plan, tracks: Sequence[Parts | None], reference: ReferenceParts | None
) -> list[SegmentMatch | None]:
    """Return of each track the segment with the highest score, the first one where several have it.

    ``None`` for a track without segments.
    """
    parted = [parts for parts in tracks if parts is not None]
    if not parted:
        return [None] * len(tracks)
    ends = np.cumsum([len(parts.vectors) for parts in parted])
    scores = np.split(plan.query.scores(np.concatenate([parts.vectors for parts in parted])), ends[:-1])
    found = iter(_best_segment(*pair, reference) for pair in zip(parted, scores, strict=True))
    return [None if parts is None else next(found) for parts in tracks]


def _best_segment(parts: Parts, scores: Doubles, reference: ReferenceParts | None) -> SegmentMatch:
    best = int(np.argmax(scores))
    start_s, end_s = parts.spans_s[best].tolist()
    similarity = min(1.0, max(-1.0, float(scores[best])))
    closest = None if reference is None else reference.closest(parts.vectors[best])
    return SegmentMatch(start_s, end_s, similarity, closest)
