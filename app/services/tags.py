"""Tags that an encoder hears: found for a query, and heard in a track."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np

from app.domain import EncoderInfo, Vectors
from app.errors import Fault
from app.filters import fold_text
from app.joint_space import JointSpace
from app.retrieval import AnyTerm, TagTerm
from app.services.space_names import SpaceNames

_SUGGESTIONS: Final = 3
_LONGEST: Final = 100
"""Of an unknown tag, so much is compared with the known ones."""


@dataclass(frozen=True, slots=True)
class AskedTag:
    """A tag term that an encoder understands.

    Attributes:
        term: Its place among the query's terms.
        tag: As the encoder names it.
        encoder: Which knows it.
        space: Where it stands there.
        weight: As the query weighs it.
        direction: (d,) in that space.
    """

    term: int
    tag: str
    encoder: str
    space: str
    weight: float
    direction: Vectors

    def vector(self, joint: JointSpace) -> Vectors:
        """Return (D,) its direction in its space, zero in all others."""
        parts = [
            self.direction
            if (encoder.name, space.name) == (self.encoder, self.space)
            else np.zeros(space.dimension)
            for encoder in joint.encoders
            for space in encoder.spaces
        ]
        return np.concatenate(parts, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class HeardTag:
    """A tag and how sure the encoder is, 0 to 1, that a track carries it."""

    tag: str
    confidence: float


def asked_tags(names: SpaceNames, terms: Sequence[AnyTerm], faults: list[Fault]) -> list[AskedTag]:
    """Return the tag terms that an encoder understands; what is wrong with the others is added to the faults.

    A tag is one of the query's own encoder unless its term names a space of another, or another encoder.
    """
    asked = []
    for place, term in enumerate(terms):
        if isinstance(term, TagTerm):
            encoder = _encoder_of(names, term)
            spaces = _spaces_of(encoder, term.tag, _meant(names, encoder, term))
            if fault := _fault_of(encoder, place, term, spaces):
                faults.append(fault)
            else:
                asked.append(_asked(encoder, place, term, *next(iter(spaces.items()))))
    return asked


def heard_tags(encoder: EncoderInfo, vector: Vectors, min_confidence: float) -> Mapping[str, Sequence[HeardTag]]:
    """Return by space what is heard in a track of the vector (D,), most confident first.

    Nothing is heard in a space where the track is absent.
    """
    places = encoder.slices()
    return {space: _heard(encoder, space, vector[places[space]], min_confidence) for space in encoder.tags}


def _heard(encoder: EncoderInfo, space: str, vector: Vectors, min_confidence: float) -> list[HeardTag]:
    if not vector.any():
        return []
    tags = encoder.tags[space]
    found = [HeardTag(*pair) for pair in zip(tags.names, tags.confidences(vector).tolist(), strict=True)]
    kept = [each for each in found if each.confidence >= min_confidence]
    return sorted(kept, key=lambda each: -each.confidence)


def _encoder_of(names: SpaceNames, term: TagTerm) -> EncoderInfo:
    """Return the encoder that the term's space is of, or the query's own one where it names none that is there."""
    meant = {encoder for encoder, _ in names.find(term.space or "")}
    return next((each for each in names.encoders if each.name in meant), names.own)


def _meant(names: SpaceNames, encoder: EncoderInfo, term: TagTerm) -> Collection[str]:
    """Return the spaces that the term allows: all of them where it does not say."""
    return encoder.tags if term.space is None else [space for _, space in names.find(term.space)]


def _spaces_of(encoder: EncoderInfo, tag: str, meant: Collection[str]) -> dict[str, int]:
    """Return the spaces, of those meant, that know a tag, each with the tag's place there."""
    places = {space: _place_of(encoder.tags[space].names, tag) for space in encoder.tags if space in meant}
    return {space: place for space, place in places.items() if place is not None}


def _place_of(names: Sequence[str], wanted: str) -> int | None:
    """Return where a name stands: spelt just so, or else the first that differs in case only."""
    if wanted in names:
        return names.index(wanted)
    folded = fold_text(wanted)
    return next((place for place, name in enumerate(names) if fold_text(name) == folded), None)


def _asked(encoder: EncoderInfo, term: int, asked: TagTerm, space: str, place: int) -> AskedTag:
    tags = encoder.tags[space]
    return AskedTag(term, tags.names[place], encoder.name, space, asked.weight, tags.directions[place])


def _fault_of(encoder: EncoderInfo, place: int, term: TagTerm, spaces: Mapping[str, int]) -> Fault | None:
    at = f"terms.{place}"
    if not encoder.tags:
        return Fault(
            f"{at}.tag",
            f"The encoder {encoder.name!r} knows no tags; ask with a track or a clip, or name an encoder that does "
            "(GET /v1/encoders lists them).",
        )
    if not math.isfinite(term.weight):
        return Fault(f"{at}.weight", f"The weight is {term.weight}; it must be a finite number.")
    if not spaces:
        return _unknown(encoder, at, term)
    if len(spaces) > 1:
        return Fault(
            f"{at}.space",
            f"The tag {term.tag!r} stands in several spaces: {', '.join(spaces)}. Say which one is meant.",
        )
    return None


def _unknown(encoder: EncoderInfo, at: str, term: TagTerm) -> Fault:
    elsewhere = ", ".join(_spaces_of(encoder, term.tag, encoder.tags))
    if elsewhere:
        return Fault(f"{at}.space", f"The tag {term.tag!r} does not stand in {term.space!r}, but in {elsewhere}.")
    similar = [f"{name!r} ({space})" for space, name in _similar(encoder, term)]
    hint = f"Did you mean {' or '.join(similar)}?" if similar else "GET /v1/tags lists those that it knows."
    return Fault(f"{at}.tag", f"The encoder {encoder.name!r} knows no tag {term.tag!r:.{_LONGEST}}. {hint}")


def _similar(encoder: EncoderInfo, term: TagTerm) -> list[tuple[str, str]]:
    """Return space and name of the tags that were perhaps meant: spelt alike, or with more words around it."""
    known = {(space, name): fold_text(name) for space, tags in encoder.tags.items() for name in tags.names}
    wanted = fold_text(term.tag)[:_LONGEST]
    close = get_close_matches(wanted, set(known.values()), n=_SUGGESTIONS)
    longer = sorted({name for name in known.values() if wanted in name}, key=lambda name: (len(name), name))
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys((*close, *longer)))}
    similar = sorted((each for each in known if known[each] in ranks), key=lambda each: ranks[known[each]])
    return similar[:_SUGGESTIONS]
