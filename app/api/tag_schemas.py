"""Tags in answers: those that an encoder knows, and those that it hears in a track."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import ConfigDict, Field

from app.api.schemas import EXAMPLE_ID, ResponseBody
from app.domain import EncoderInfo, Track
from app.services.hearing import kept_spaces
from app.services.tags import HeardTag
from app.track_tags import TagSource, TrackTag, all_tags


class VocabularyResponse(ResponseBody):
    """The tags that an encoder knows, by space; no spaces where it knows none."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"encoder": "csn", "spaces": {"genre": ["ambient", "jazz"], "instrument": ["piano"]}}
        }
    )
    encoder: str
    spaces: dict[str, list[str]]

    @classmethod
    def of(cls, info: EncoderInfo) -> Self:
        """Show the vocabulary."""
        return cls(encoder=info.name, spaces={space: list(tags.names) for space, tags in info.tags.items()})


class HeardTagResponse(ResponseBody):
    """A tag, and how sure the encoder is of it."""

    tag: str
    confidence: float = Field(ge=0, le=1)


class TrackTagResponse(ResponseBody):
    """A tag that a track carries: its own, or heard and not denied; then with how sure the surest encoder is."""

    tag: str
    source: TagSource
    confidence: float | None = Field(ge=0, le=1)

    @classmethod
    def of(cls, tag: TrackTag) -> Self:
        """Show it."""
        return cls(tag=tag.tag, source=tag.source, confidence=tag.confidence)


class TrackTagsResponse(ResponseBody):
    """What an encoder hears in a track, by space, most confident first; no spaces where it knows no tags.

    ``all`` are the tags that filters look at: the track's own, and those that any encoder hears and nobody denied.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "track": EXAMPLE_ID,
                "encoder": "csn",
                "version": "1",
                "digest": "9f86d081…",
                "spaces": {
                    "genre": [{"tag": "jazz", "confidence": 0.91}, {"tag": "ambient", "confidence": 0.55}],
                    "instrument": [{"tag": "piano", "confidence": 0.97}],
                    "tempo": [{"tag": "fast", "confidence": 0.62}],
                },
                "kept_spaces": ["genre", "instrument"],
                "all": [
                    {"tag": "night", "source": "own", "confidence": None},
                    {"tag": "piano", "source": "heard", "confidence": 0.97},
                ],
            }
        }
    )
    track: str
    encoder: str
    version: str
    digest: str
    spaces: dict[str, list[HeardTagResponse]]
    kept_spaces: list[str] = Field(description="Those of which the tags may stand in `all`; others are only told.")
    all: list[TrackTagResponse]

    @classmethod
    def of(cls, track: Track, info: EncoderInfo, heard: Mapping[str, Sequence[HeardTag]]) -> Self:
        """Show what was heard."""
        return cls(
            track=track.id,
            encoder=info.name,
            version=info.version,
            digest=info.digest,
            spaces={
                space: [HeardTagResponse(tag=each.tag, confidence=each.confidence) for each in tags]
                for space, tags in heard.items()
            },
            kept_spaces=kept_spaces(heard),
            all=[TrackTagResponse.of(each) for each in all_tags(track.metadata, track.heard)],
        )


class TagCountResponse(ResponseBody):
    """A tag, in lower case, and how many tracks carry it."""

    tag: str
    tracks: int


class TagCountsResponse(ResponseBody):
    """The tags of a library, the commonest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"items": [{"tag": "piano", "tracks": 12}, {"tag": "calm", "tracks": 7}]}}
    )
    items: list[TagCountResponse]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        """Show them."""
        return cls(items=[TagCountResponse(tag=tag, tracks=count) for tag, count in counts.items()])
