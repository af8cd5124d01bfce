"""What people and workers would say of tracks that do not exist.

Everything about a track follows from its number in the made-up catalogue, so that a run that was stopped goes on
where it was.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from app.domain import DEFAULT_LIBRARY, Analysis, Metadata, StoredAudio, Track, TrackKind, TrackState, new_id

LICENCES = {"CC0-1.0": 0.5, "CC-BY-4.0": 0.3, "CC-BY-SA-4.0": 0.1, "CC-BY-NC-4.0": 0.09, "FAL-1.3": 0.01}
"""Share of the tracks, by licence."""

TRACKS_PER_ARTIST = 12

_QUALITIES = """
    amber blue cold distant electric fallen golden hollow inner jagged lunar mellow northern open paper quiet
""".split()  # noqa: SIM905 - one name per line says no more
_THINGS = """
    anchor bridge canyon delta ember field garden harbour island journey kite lantern mirror night ocean prism
""".split()  # noqa: SIM905 - one name per line says no more
_TAGS = """
    acoustic bass calm dance guitar instrumental piano strings synth vocal
""".split()  # noqa: SIM905 - one name per line says no more
_TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_KEYS = [f"{tonic} {mode}" for tonic in _TONICS for mode in ("major", "minor")]

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_APART = timedelta(seconds=37)


def made_up_tracks(first: int, kinds: Sequence[int], generator: np.random.Generator) -> list[Track]:
    """Tracks of one block of the catalogue, embedded, with artists of its own.

    Args:
        first: Number of the first in the made-up catalogue.
        kinds: Which genre each is of.
        generator: Of the block.
    """
    count = len(kinds)
    artists = first // TRACKS_PER_ARTIST + generator.integers(-(-count // TRACKS_PER_ARTIST), size=count)
    licences = generator.choice(list(LICENCES), p=list(LICENCES.values()), size=count)
    draws = generator.random((count, 8))
    return [
        _track(first + place, kind, artist, licence, draw)
        for place, (kind, artist, licence, draw) in enumerate(
            zip(kinds, artists.tolist(), licences.tolist(), draws.tolist(), strict=True)
        )
    ]


def external_id(number: int) -> str:
    """Name of a made-up track, by its number; how many there are already is read from the last one."""
    return f"made-up/{number:09}"


def _track(number: int, kind: int, artist: int, licence: str, draw: Sequence[float]) -> Track:
    title = f"{_pick(_QUALITIES, draw[0])} {_pick(_THINGS, draw[1])}".title()
    moment = _FIRST + number * _APART
    metadata = Metadata(
        title,
        f"{_QUALITIES[artist % 16]} {_THINGS[artist // 16 % 16]} {artist // 256}".title(),
        f"{_pick(_THINGS, draw[2])} {artist % 7 + 1}".title(),
        external_id(number),
        licence,
        (f"genre {kind}", _pick(_TAGS, draw[3])),
        {},
    )
    digest = hashlib.sha256(title.encode() + number.to_bytes(8)).hexdigest()
    seconds = 60 + 300 * draw[4]
    audio = StoredAudio(None, digest, int(seconds * 24_000), "audio/mpeg", f"{title}.mp3")
    return Track(
        new_id(),
        DEFAULT_LIBRARY,
        TrackKind.TRACK,
        metadata,
        audio,
        state=TrackState.READY,
        analysis=_analysis(seconds, draw[5], draw[6], draw[7]),
        created_at=moment,
        updated_at=moment,
        keep_audio=False,
    )


def _analysis(seconds: float, pace: float, tonality: float, sureness: float) -> Analysis:
    return Analysis(
        duration_s=round(seconds, 2),
        loudness_lufs=round(-8 - 14 * sureness, 1),
        tempo_bpm=round(60 + 120 * pace, 1),
        tempo_confidence=round(sureness, 2),
        key=_pick(_KEYS, tonality),
        key_confidence=round(1 - sureness, 2),
        sample_rate_hz=44_100,
        channels=2,
        codec="mp3",
    )


def _pick(names: Sequence[str], draw: float) -> str:
    """The name that a draw of [0, 1) falls on."""
    return names[int(draw * len(names))]
