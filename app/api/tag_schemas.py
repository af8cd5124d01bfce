"""Tags in answers: those that an encoder knows, and those that it hears in a track."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import ConfigDict, Field

from app.api.schemas import EXAMPLE_ID, ResponseBody
from app.domain import EncoderInfo, Track
from app.services.tags import HeardTag


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


class TrackTagsResponse(ResponseBody):
    """What an encoder hears in a track, by space, most confident first; no spaces where it knows no tags."""

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
                },
            }
        }
    )
    track: str
    encoder: str
    version: str
    digest: str
    spaces: dict[str, list[HeardTagResponse]]

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
        )
