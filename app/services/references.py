"""What the terms of a search refer to: tracks, clips and parts of them, as vectors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.database import Transaction
from app.domain import Embedding, EncoderInfo, JobState, Track, TrackKind, Vectors
from app.errors import Fault, InvalidQuery, NotEmbedded, NotFound
from app.filters import FIELDS, AllOf, AnyOf, Filter, Not, OneOf, SameAsQuery, Value
from app.retrieval import AnyTerm, TagTerm, Term

ROUNDING_S = 0.05
"""So far a segment may reach past the end: durations are shown rounded."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A term's track or clip, and the (D,) vector that the term asks with; ``term`` is its place in the query."""

    term: int
    track: Track
    vector: Vectors


@dataclass(slots=True)
class ReferenceReader:
    """Reads the references of one search and gathers everything that is wrong with them."""

    tx: Transaction
    library_id: str
    encoder: EncoderInfo
    faults: list[Fault] = field(default_factory=list)
    _missing: list[Fault] = field(default_factory=list)
    _unembedded: list[Fault] = field(default_factory=list)

    def read(self, terms: Sequence[AnyTerm]) -> list[Reference]:
        """Return the references of the terms that have one; the faults of the others are kept. Tags have none.

        A track that several terms refer to is read once.
        """
        known: dict[str, tuple[Track, Embedding] | None] = {}
        references = []
        for index, term in enumerate(terms):
            if isinstance(term, TagTerm):
                continue
            if term.reference not in known:
                known[term.reference] = self._embedded(f"terms.{index}", term.reference)
            if (found := known[term.reference]) is not None:
                references.append(self._reference(index, term, *found))
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

    def _embedded(self, place: str, reference: str) -> tuple[Track, Embedding] | None:
        try:
            track = self.tx.catalogue.track(self.library_id, reference)
        except NotFound as error:
            self._missing.append(Fault(place, str(error)))
            return None
        try:
            return track, self.tx.catalogue.embedding(track.id, self.encoder.id)
        except NotEmbedded:
            self._unembedded.append(Fault(place, self._why_not_embedded(track)))
            return None

    def _why_not_embedded(self, track: Track) -> str:
        """Say what the track's newest job is up to, and what to do."""
        lack = f"The {track.kind} {track.id} has no vectors by the encoder {self.encoder.name!r}"
        jobs, _ = self.tx.queue.jobs(self.library_id, subject=track.id, limit=1)
        if not jobs or jobs[0].state is JobState.DONE:
            clip, later = "send the clip again", "they come once a worker with this encoder has got round to it"
            return f"{lack} yet: {clip if track.kind is TrackKind.CLIP else later}."
        job = jobs[0]
        if not job.state.is_final:
            return f"{lack} yet: its job {job.id} is {job.state}. Ask again when it is done."
        reason = f" ({job.error_message.removesuffix('.')})" if job.error_message else ""
        return f"{lack}: its job {job.id} is {job.state}{reason}. Retry the job, or upload usable audio."

    def _reference(self, index: int, term: Term, track: Track, embedding: Embedding) -> Reference:
        if term.segment_s is None:
            return Reference(index, track, embedding.vector)
        if message := _fault_of_segment(term.segment_s, track, embedding):
            self.faults.append(Fault(f"terms.{index}.segment", message))
            return Reference(index, track, embedding.vector)
        return Reference(index, track, segment_vector(embedding, term.segment_s, self.encoder))


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


def segment_vector(embedding: Embedding, segment_s: tuple[float, float], encoder: EncoderInfo) -> Vectors:
    """Return the (D,) vector of a range: the mean of the segments that overlap it, unit length in each space again.

    Each segment counts by how long it overlaps, so that one which the range only grazes does not count in full.
    Where no segment reaches (the last moments of a track), the nearest one stands in.
    """
    starts, ends = embedding.segment_spans_s.astype(np.float64).T
    overlap_s = np.minimum(ends, segment_s[1]) - np.maximum(starts, segment_s[0])
    weights = np.maximum(overlap_s, 0) if (overlap_s > 0).any() else (overlap_s == overlap_s.max())
    mean = (embedding.segment_vectors.astype(np.float64) * weights[:, np.newaxis]).sum(axis=0)
    for place in encoder.slices().values():
        length = np.linalg.norm(mean[place])
        mean[place] = mean[place] / length if length > 0 else 0
    vector: Vectors = mean.astype(np.float32)
    return vector


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
    holders = (track.metadata, track.analysis, track)
    known = (getattr(holder, name) for holder in holders if hasattr(holder, name))
    value = next(known, None)
    return () if value is None else (value,)
