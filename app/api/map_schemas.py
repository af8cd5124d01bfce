"""Bodies of requests and answers about maps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from app.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, JobResponse, RequestBody, ResponseBody
from app.api.text import Line, Word
from app.catalogue_map import MapState
from app.services.maps import MapStanding, Picture

MAX_SPACES = 100

Weights = Annotated[dict[Word, float], Field(min_length=1, max_length=MAX_SPACES)]

_DIGITS = 4
"""Of positions: a ten-thousandth of half the map is less than a pixel."""


class MapBody(RequestBody):
    """What a map shall be of: an encoder and the weights of its spaces, none negative; left out, all alike."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"encoder": "csn", "weights": {"genre": 1, "mood": 0.5}}}
    )
    encoder: Line | None = None
    weights: Weights | None = None


_HEAD_EXAMPLE: Mapping[str, Any] = {
    "id": EXAMPLE_ID,
    "encoder": "csn",
    "weights": {"genre": 1.0, "mood": 0.5},
    "state": "ready",
    "job": None,
    "note": None,
    "requested_at": EXAMPLE_TIME,
    "drawn_at": EXAMPLE_TIME,
    "stale": True,
    "behind": 12,
    "tracks": 10000,
    "left_out": 0,
}


class MapHead(ResponseBody):
    """A map, and how it stands. ``weights``: the largest is 1, spaces left out count nothing."""

    model_config = ConfigDict(json_schema_extra={"example": dict(_HEAD_EXAMPLE)})
    id: str
    encoder: str
    weights: dict[str, float]
    state: MapState
    job: JobResponse | None = Field(description="The last that was to draw it.")
    note: str | None = Field(description="What keeps it from being drawn, such as that no worker is alive.")
    requested_at: datetime
    drawn_at: datetime | None
    stale: bool = Field(description="Whether drawing it anew would make another map.")
    behind: int = Field(description="How many tracks have come or gone since it was drawn.")
    tracks: int = Field(description="How many it shows.")
    left_out: int = Field(description="How many more there were than a map shows.")

    @classmethod
    def of(cls, standing: MapStanding) -> Self:
        """Show it."""
        return cls(**head_values(standing))


def head_values(standing: MapStanding) -> dict[str, Any]:
    """What every answer says of a map."""
    return {
        "id": standing.map.id,
        "encoder": standing.map.request.encoder,
        "weights": dict(standing.map.request.weights),
        "state": standing.state,
        "job": JobResponse.of(standing.job) if standing.job else None,
        "note": standing.note,
        "requested_at": standing.map.requested_at,
        "drawn_at": standing.map.drawn_at,
        "stale": standing.extent.stale,
        "behind": standing.extent.behind,
        "tracks": standing.extent.tracks,
        "left_out": standing.extent.left_out,
    }


class MapList(ResponseBody):
    """The maps of a library, the one asked for last first."""

    items: list[MapHead]


class AskedMapResponse(ResponseBody):
    """A map that was asked for, and the job that draws it."""

    map: MapHead
    job: JobResponse


_POINTS_EXAMPLE: Mapping[str, Any] = {
    "ids": [EXAMPLE_ID],
    "titles": ["Night Train"],
    "artists": ["The Soundkins"],
    "x": [0.1],
    "y": [-0.4],
    "cluster": [0],
    "tempo_bpm": [120.0],
    "key": ["A minor"],
    "tags": [["piano", "calm"]],
    "has_audio": [True],
}


class PointsResponse(ResponseBody):
    """The tracks of a map, column by column: the same place in each list is the same track."""

    model_config = ConfigDict(json_schema_extra={"example": dict(_POINTS_EXAMPLE)})
    ids: list[str]
    titles: list[str | None]
    artists: list[str | None]
    x: list[float] = Field(description="-1 to 1.")
    y: list[float] = Field(description="-1 to 1.")
    cluster: list[int]
    tempo_bpm: list[float | None]
    key: list[str | None]
    tags: list[list[str]] = Field(description="Their own, and those heard in them.")
    has_audio: list[bool]


class ClusterResponse(ResponseBody):
    """Tracks that belong together. ``x`` and ``y`` are the middle of its points when the map was drawn."""

    number: int
    name: str
    tracks: int = Field(description="How many of the points shown are of it: none where all are gone.")
    x: float
    y: float


class ClusterScoreResponse(ResponseBody):
    """How apart so many clusters lie, found by one method: the higher the better, but for Davies–Bouldin."""

    method: str
    k: int
    silhouette: float | None
    calinski_harabasz: float | None
    davies_bouldin: float | None


class ClusteringResponse(ResponseBody):
    """How the clusters were found, and what else was tried: the silhouette decides."""

    method: str
    k: int
    scores: list[ClusterScoreResponse]


class MapResponse(MapHead):
    """A map. Until it has been drawn there are no points; drawn anew, those of the last time stay till then."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **_HEAD_EXAMPLE,
                "points": dict(_POINTS_EXAMPLE),
                "clusters": [{"number": 0, "name": "piano · calm", "tracks": 812, "x": 0.1, "y": -0.4}],
                "clustering": {
                    "method": "kmeans",
                    "k": 8,
                    "scores": [
                        {
                            "method": "kmeans",
                            "k": 2,
                            "silhouette": 0.2,
                            "calinski_harabasz": 110.0,
                            "davies_bouldin": 1.4,
                        }
                    ],
                },
            }
        }
    )
    points: PointsResponse | None
    clusters: list[ClusterResponse] | None
    clustering: ClusteringResponse | None


def picture_values(picture: Picture) -> dict[str, Any]:
    """What ``MapResponse`` says beyond its head, as plain values: checking ten thousand points takes too long."""
    tracks, clustering = picture.tracks, picture.drawing.clustering
    places = picture.positions.astype("float64").round(_DIGITS)
    return {
        "points": {
            "ids": [track.id for track in tracks],
            "titles": [track.title for track in tracks],
            "artists": [track.artist for track in tracks],
            "x": places[:, 0].tolist(),
            "y": places[:, 1].tolist(),
            "cluster": picture.clusters.tolist(),
            "tempo_bpm": [track.tempo_bpm for track in tracks],
            "key": [track.key for track in tracks],
            "tags": [list(track.tags) for track in tracks],
            "has_audio": [track.has_audio for track in tracks],
        },
        "clusters": [
            {
                "number": each.number,
                "name": each.name,
                "tracks": int((picture.clusters == each.number).sum()),
                "x": each.x,
                "y": each.y,
            }
            for each in clustering.clusters
        ],
        "clustering": {
            "method": clustering.method,
            "k": len(clustering.clusters),
            "scores": [
                {
                    "method": score.method,
                    "k": score.k,
                    "silhouette": score.silhouette,
                    "calinski_harabasz": score.calinski_harabasz,
                    "davies_bouldin": score.davies_bouldin,
                }
                for score in clustering.scores
            ],
        },
    }
