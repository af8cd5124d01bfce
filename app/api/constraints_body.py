"""Constraints of a replacement as JSON."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.api.schemas import RequestBody
from app.api.text import Line, Word
from app.constraints import (
    Bounds,
    Constraint,
    Duration,
    Key,
    KeyMatch,
    Licences,
    OtherAlbum,
    OtherArtist,
    TagsExcluded,
    TagsRequired,
    Tempo,
)
from app.filters import fold_text

MAX_VALUES = 50
"""Of licences and of tags."""

Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Licence = Annotated[Line, StringConstraints(min_length=1)]
Tags = Annotated[list[Word], Field(min_length=1, max_length=MAX_VALUES)]


class DurationBody(RequestBody):
    """How long: so many seconds around the reference's length, or bounds of its own."""

    model_config = ConfigDict(json_schema_extra={"example": {"within": 15}})
    within: Amount | None = Field(default=None, description="Seconds. Both ends reach to the next tenth.")
    gte: Amount | None = None
    lte: Amount | None = None

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        check_bounds(self, "within")
        return self


class TempoBody(RequestBody):
    """How fast: so much or so many percent around the reference's tempo, or bounds of its own."""

    model_config = ConfigDict(json_schema_extra={"example": {"within_percent": 6, "octaves": True}})
    within: Amount | None = Field(default=None, description="Beats per minute. Both ends reach to the next tenth.")
    within_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = Field(
        default=None, description="Likewise."
    )
    gte: Amount | None = None
    lte: Amount | None = None
    octaves: bool = Field(default=True, description="Whether half and double that tempo will do.")

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        check_bounds(self, "within", "within_percent")
        return self


def check_bounds(body: DurationBody | TempoBody, *around: str) -> None:
    """Raise ``ValueError`` unless it has one kind of bounds, and something lies between them."""
    relative = [name for name in around if getattr(body, name) is not None]
    own = [name for name in ("gte", "lte") if getattr(body, name) is not None]
    if len(relative) + bool(own) != 1:
        choices = ", ".join(repr(name) for name in around)
        raise ValueError(
            f"takes exactly one of {choices} and bounds ('gte', 'lte'); "
            f"this has {[*relative, *own] or 'none of them'}"
        )
    if body.gte is not None and body.lte is not None and body.gte > body.lte:
        raise ValueError(
            f"nothing lies between gte = {body.gte:g} and lte = {body.lte:g}: gte must not be above lte"
        )


class ConstraintsBody(RequestBody):
    """What every match must meet; what is left out does not matter."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"licences": ["CC0"], "tempo_bpm": {"within_percent": 6}, "key": "compatible"}
        }
    )
    licences: Annotated[list[Licence], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    duration_s: DurationBody | None = None
    tempo_bpm: TempoBody | None = None
    key: KeyMatch | None = Field(
        default=None,
        description="That of the reference, or one that is compatible with it on the circle of fifths: the same, "
        "the relative one, and those a fifth up and down.",
    )
    other_artist: bool = Field(default=False, description="An artist who is not known is another one.")
    other_album: bool = Field(default=False, description="An album that is not known is another one.")
    tags_required: Tags | None = Field(default=None, description="Own tags, and heard ones that nobody denied.")
    tags_excluded: Tags | None = None

    @model_validator(mode="after")
    def _do_not_exclude_each_other(self) -> Self:
        excluded = {fold_text(tag) for tag in self.tags_excluded or ()}
        if both := [tag for tag in self.tags_required or () if fold_text(tag) in excluded]:
            raise ValueError(f"required and excluded at once, which nothing meets: {', '.join(both)}")
        return self

    def to_constraints(self) -> Iterator[Constraint]:
        """Yield the constraints that were given."""
        if self.licences:
            yield Licences(tuple(self.licences))
        if self.duration_s:
            sent = self.duration_s
            yield Duration(Bounds(sent.within, None, sent.gte, sent.lte))
        if self.tempo_bpm:
            limits = self.tempo_bpm
            yield Tempo(Bounds(limits.within, limits.within_percent, limits.gte, limits.lte), limits.octaves)
        if self.key:
            yield Key(self.key)
        if self.other_artist:
            yield OtherArtist()
        if self.other_album:
            yield OtherAlbum()
        if self.tags_required:
            yield TagsRequired(tuple(self.tags_required))
        if self.tags_excluded:
            yield TagsExcluded(tuple(self.tags_excluded))
