"""The picture of a track's or clip's sound."""

from typing import Self

import numpy as np
from pydantic import ConfigDict, Field

from app.api.schemas import ResponseBody
from app.database import Database
from app.domain import Track, TrackKind
from app.services.tracks import find


class WaveformResponse(ResponseBody):
    """How loud it gets in each of equal parts, in order."""

    model_config = ConfigDict(json_schema_extra={"example": {"peaks": [0, 0.31, 0.87, 0.42], "duration_s": 12.5}})
    peaks: list[float] = Field(description="The greatest magnitude in each part; 1 is full scale.")
    duration_s: float

    @classmethod
    def of(cls, track: Track, peaks: bytes) -> Self:
        """Show it."""
        shares = np.frombuffer(peaks, np.uint8) / 255
        return cls(peaks=shares.round(3).tolist(), duration_s=track.analysis.duration_s if track.analysis else 0.0)


def read_waveform(database: Database, library_id: str, track_id: str, kind: TrackKind) -> WaveformResponse:
    """Return what a worker measured. Raises ``NotFound``, also where none was measured."""
    with database.transaction(read_only=True) as tx:
        track = find(tx, library_id, track_id, kind)
        return WaveformResponse.of(track, tx.catalogue.waveform(track.id))
