"""What the terms of a search refer to: tracks, clips and parts of them, as vectors."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.database import Transaction
from app.domain import Embedding, EncoderInfo, JobState, Track, TrackKind, Vectors
from app.errors import Fault, InvalidQuery, NotEmbedded, NotFound
from app.filters import FIELDS, AllOf, AnyOf, Filter, Not, OneOf, SameAsQuery, Value
from app.joint_space import JointSpace
from app.query import Doubles
from app.retrieval import AnyTerm, TagTerm, Term
from app.track_tags import all_tags

ROUNDING_S = 0.05
"""So far a segment may reach past the end: durations are shown rounded."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A term's track or clip.

    Attributes:
        term: Its place in the query.
        track: The track or clip.
        embeddings: Of the encoders that the term weighs and that have some of the track, by name.
        segment_s: The part that is meant; ``None`` is the whole.
        vector: (D,) joint vector that it asks with.
    """

    term: int
    track: Track
    embeddings: Mapping[str, Embedding]
    segment_s: tuple[float, float] | None
    vector: Vectors


@dataclass(slots=True)
class ReferenceReader:
    """Reads the references of one search and gathers everything that is wrong with them."""

    tx: Transaction
    library_id: str
    joint: JointSpace
    faults: list[Fault] = field(default_factory=list)
    _missing: list[Fault] = field(default_factory=list)
    _unembedded: list[Fault] = field(default_factory=list)
    _tracks: dict[str, Track | None] = field(default_factory=dict)
    _embeddings: dict[tuple[str, str], Embedding | None] = field(default_factory=dict)

    def read(self, terms: Sequence[AnyTerm], asked: Sequence[Collection[str]]) -> list[Reference]:
        """Return the references of the terms that have one; the faults of the others are kept. Tags have none.

        A track that several terms refer to is read once.

        Args:
            terms: Of the query.
            asked: Of each term the names of the encoders that it weighs: only their vectors are needed.
        """
        references = []
        for index, term in enumerate(terms):
            if isinstance(term, TagTerm):
                continue
            track = self._track(f"terms.{index}", term.reference)
            if track is not None:
                embeddings = self._read_embeddings(f"terms.{index}", track, asked[index])
                vector = self._vector(f"terms.{index}", term, track, embeddings)
                references.append(Reference(index, track, embeddings, term.segment_s, vector))
        return references

    def raise_faults(self) -> None:
        """Raise what was found.

        Raises:
            InvalidQuery: With all faults, those of references that are not there among them.
            NotFound: A track or clip is not there, and nothing else is wrong.
            NotEmbedded: A track or clip has no vectors by this encoder yet, and nothing else is wrong.
        """
        if self.faults:
            faults = [*self.faults, *self._missing, *self._unembedded]
            raise InvalidQuery(_sentences(faults), faults)
        if self._missing:
            raise NotFound(_sentences(self._missing))
        if self._unembedded:
            raise NotEmbedded(_sentences(self._unembedded))

    def _track(self, place: str, reference: str) -> Track | None:
        if reference not in self._tracks:
            try:
                self._tracks[reference] = self.tx.catalogue.track(self.library_id, reference)
            except NotFound as error:
                self._tracks[reference] = None
                self._missing.append(Fault(place, str(error)))
        return self._tracks[reference]

    def _read_embeddings(self, place: str, track: Track, asked: Collection[str]) -> Mapping[str, Embedding]:
        wanted = [encoder for encoder in self.joint.encoders if encoder.name in asked]
        found = {encoder.name: self._embedding(place, track, encoder) for encoder in wanted}
        return {name: embedding for name, embedding in found.items() if embedding is not None}

    def _vector(self, place: str, term: Term, track: Track, embeddings: Mapping[str, Embedding]) -> Vectors:
        """Return (D,), zero for an encoder that the term does not weigh or that has no vectors of the track."""
        vector = np.zeros(self.joint.dimension, np.float32)
        places = self.joint.places
        for encoder in self.joint.encoders:
            if encoder.name in embeddings:
                part = self._part(place, term, track, embeddings[encoder.name], encoder)
                vector[places[encoder.name]] = part
        return vector

    def _embedding(self, place: str, track: Track, encoder: EncoderInfo) -> Embedding | None:
        key = track.id, encoder.id
        if key not in self._embeddings:
            try:
                self._embeddings[key] = self.tx.catalogue.embedding(*key)
            except NotEmbedded:
                self._embeddings[key] = None
                self._unembedded.append(Fault(place, why_not_embedded(self.tx, track, encoder)))
        return self._embeddings[key]

    def _part(self, place: str, term: Term, track: Track, embedding: Embedding, encoder: EncoderInfo) -> Vectors:
        """Return (d,) what the term asks of one encoder."""
        if term.segment_s is None:
            return embedding.vector
        if message := _fault_of_segment(term.segment_s, track, embedding):
            fault = Fault(f"{place}.segment", message)
            self.faults += [] if fault in self.faults else [fault]
            return embedding.vector
        vector: Vectors = vectors_at(embedding, np.array([term.segment_s]), encoder)[0]
        return vector


def why_not_embedded(tx: Transaction, track: Track, encoder: EncoderInfo) -> str:
    """Say what the newest job of a track without vectors is up to, and what to do."""
    lack = f"The {track.kind} {track.id} has no vectors by the encoder {encoder.name!r}"
    jobs, _ = tx.queue.jobs(track.library_id, subject=track.id, limit=1)
    if not jobs or jobs[0].state is JobState.DONE:
        clip, later = "send the clip again", "they come once a worker with this encoder has got round to it"
        return f"{lack} yet: {clip if track.kind is TrackKind.CLIP else later}."
    job = jobs[0]
    if not job.state.is_final:
        return f"{lack} yet: its job {job.id} is {job.state}. Ask again when it is done."
    reason = f" ({job.error_message.removesuffix('.')})" if job.error_message else ""
    return f"{lack}: its job {job.id} is {job.state}{reason}. Retry the job, or upload usable audio."


def _sentences(faults: Sequence[Fault]) -> str:
    """Say all faults, one sentence each."""
    return " ".join(
        fault.message if fault.message.endswith("?") else f"{fault.message.removesuffix('.')}." for fault in faults
    )


def _fault_of_segment(segment_s: tuple[float, float], track: Track, embedding: Embedding) -> str | None:
    start_s, end_s = segment_s
    if not len(embedding.segment_vectors):
        return f"The {track.kind} {track.id} has no vectors by segment; refer to the whole of it."
    if not (math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s < end_s):
        return (
            f"The segment {start_s:g} to {end_s:g} s is no range; it must start at 0 or later and end after that."
        )
    duration_s = track.analysis.duration_s if track.analysis else float(embedding.segment_spans_s.max())
    if end_s > duration_s + ROUNDING_S:
        return (
            f"The segment {start_s:g} to {end_s:g} s lies outside the {track.kind}, which lasts {duration_s:.2f} s."
        )
    return None


def vectors_at(embedding: Embedding, spans_s: Doubles, encoder: EncoderInfo) -> Vectors:
    """Return (N, D) vectors of N ranges: means of the segments that overlap them, unit length in each space again.

    Each segment counts by how long it overlaps, so that one which the range only grazes does not count in full.
    Where no segment reaches (the last moments of a track), the nearest one stands in.

    Args:
        embedding: With S segments, at least one.
        spans_s: (N, 2) start and end in seconds.
        encoder: Of the embedding.
    """
    starts, ends = embedding.segment_spans_s.astype(np.float64).T
    overlap_s = np.minimum(ends, spans_s[:, 1:]) - np.maximum(starts, spans_s[:, :1])
    nearest = overlap_s == overlap_s.max(axis=1, keepdims=True)
    weights = np.where((overlap_s > 0).any(axis=1, keepdims=True), np.maximum(overlap_s, 0), nearest)
    means = np.einsum("ns,sd->nd", weights, embedding.segment_vectors, dtype=np.float64)
    for place in encoder.slices().values():
        lengths = np.linalg.norm(means[:, place], axis=1, keepdims=True)
        means[:, place] /= np.where(lengths > 0, lengths, 1)
    vectors: Vectors = means.astype(np.float32)
    return vectors


def own_numbers(tx: Transaction, tracks: Sequence[Track]) -> set[int]:
    """Numbers of what must not be found: the references themselves, and the tracks of the same bytes."""
    numbers = {track.number for track in tracks}
    for clip in tracks:
        if clip.kind is TrackKind.CLIP:
            twin = tx.catalogue.track_by_sha256(clip.library_id, clip.audio.sha256)
            numbers |= {twin.number} if twin else set()
    return numbers


def resolve_same_as_query(where: Filter, tracks: Sequence[Track]) -> Filter:
    """Replace every ``SameAsQuery`` by the values that the references have.

    A field that no reference knows equals nothing, so that its ``not`` holds for every track; so it is with every
    field where the query asks with tags alone.
    """
    match where:
        case SameAsQuery(name):
            return OneOf(name, [value for track in tracks for value in _values(track, name)])
        case Not(inner):
            return Not(resolve_same_as_query(inner, tracks))
        case AllOf(inners):
            return AllOf([resolve_same_as_query(inner, tracks) for inner in inners])
        case AnyOf(inners):
            return AnyOf([resolve_same_as_query(inner, tracks) for inner in inners])
        case _:
            return where


def _values(track: Track, name: str) -> Sequence[Value]:
    """Return what a track has in a field; an unknown field is left to the catalogue to complain about."""
    if name not in FIELDS:
        return ()
    if name == "tags":
        return track.metadata.tags
    if name == "all_tags":
        return [each.tag for each in all_tags(track.metadata, track.heard)]
    holders = (track.metadata, track.analysis, track)
    known = (getattr(holder, name) for holder in holders if hasattr(holder, name))
    value = next(known, None)
    return () if value is None else (value,)
