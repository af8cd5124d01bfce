"""Tracks in parts: what their segments say in the measure of a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain import Embedding, Vectors
from app.joint_space import JointSpace
from app.query import Doubles, Query
from app.retrieval import ReferencePart
from app.services.references import Reference, vectors_at


@dataclass(frozen=True, slots=True)
class Parts:
    """The N segments of a track.

    Attributes:
        spans_s: (N, 2) start and end of each, N at least 1.
        vectors: (N, D) joint vectors, zero for an encoder that has none.
    """

    spans_s: Vectors
    vectors: Vectors

    def within(self, range_s: tuple[float, float]) -> "Parts":
        """Return those whose middle lies in a range, cut to it; where there are none, it is one part."""
        start_s, end_s = range_s
        middles_s = self.spans_s.mean(axis=1)
        inside = (start_s <= middles_s) & (middles_s <= end_s)
        if not inside.any():
            nearest = int(np.argmin(np.abs(middles_s - (start_s + end_s) / 2)))
            return Parts(np.array([range_s], np.float32), self.vectors[[nearest]])
        return Parts(self.spans_s[inside].clip(start_s, end_s), self.vectors[inside])


def parts_of(joint: JointSpace, embeddings: Mapping[str, Embedding]) -> Parts | None:
    """Return the parts of a track, of which embeddings are given by encoder; ``None`` where it has no segments.

    Encoders cut a track differently: its segments are those of the encoder that cuts it finest, and in the others
    each is what overlaps it.
    """
    known = {name: each for name, each in embeddings.items() if len(each.segment_vectors)}
    if not known:
        return None
    spans_s = max((each.segment_spans_s for each in known.values()), key=len)
    return Parts(spans_s, _joint_vectors(joint, known, spans_s))


def _joint_vectors(joint: JointSpace, embeddings: Mapping[str, Embedding], spans_s: Vectors) -> Vectors:
    if len(joint.encoders) == 1:
        return embeddings[joint.encoders[0].name].segment_vectors
    vectors = np.zeros((len(spans_s), joint.dimension), np.float32)
    places = joint.places
    for encoder in joint.encoders:
        embedding = embeddings.get(encoder.name)
        if embedding is not None and embedding.segment_spans_s is spans_s:
            vectors[:, places[encoder.name]] = embedding.segment_vectors
        elif embedding is not None:
            vectors[:, places[encoder.name]] = vectors_at(embedding, spans_s.astype(np.float64), encoder)
    return vectors


@dataclass(frozen=True, slots=True)
class ReferenceParts:
    """The parts of a reference, and (D,) how much its term counts in each dimension, never negative."""

    id: str
    parts: Parts
    weights: Doubles

    def closest(self, vector: Vectors) -> ReferencePart:
        """Return the part most similar to a (D,) vector, the first one where several are."""
        best = int(np.argmax(self.parts.vectors @ (self.weights * vector).astype(np.float32)))
        start_s, end_s = self.parts.spans_s[best].tolist()
        return ReferencePart(self.id, start_s, end_s)


def reference_parts(joint: JointSpace, query: Query, references: Sequence[Reference]) -> ReferenceParts | None:
    """Return the parts of the first reference that the query asks for and that has some; contrasts do not count."""
    widths = [space.dimension for space in query.spaces]
    for reference in references:
        weights = np.repeat(query.term_shares[reference.term].clip(min=0), widths)
        parts = parts_of(joint, reference.embeddings) if weights.any() else None
        if parts is not None:
            chosen = parts if reference.segment_s is None else parts.within(reference.segment_s)
            return ReferenceParts(reference.track.id, chosen, weights)
    return None
