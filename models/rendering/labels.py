"""What is known of a rendered excerpt, as a row of a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.datasets.keys import KEYS
from models.datasets.track import LabelledTrack
from models.rendering.ensemble import register_of
from models.rendering.mood import Mood, mood_of
from models.rendering.performance import Performance
from models.rendering.recording import Recording
from models.rendering.score import Score
from models.rendering.treatment import TONICS, Treatment


@dataclass(frozen=True, slots=True)
class Rendering:
    """Everything that an excerpt was made of.

    Attributes:
        score: The piece.
        treatment: What was drawn.
        performance: The notes.
        font: Name of the SoundFont that sounds.
        split: Of the piece's origin.
    """

    score: Score
    treatment: Treatment
    performance: Performance
    font: str
    split: str

    @property
    def key(self) -> str | None:
        """The piece's key where it was moved to; ``None`` where the score has none."""
        if self.score.tonic is None or self.score.mode is None:
            return None
        return KEYS[self.treatment.tonic + TONICS * (self.score.mode == "minor")]

    @property
    def mood(self) -> Mood:
        """By the proxy of ``models.rendering.mood``."""
        return mood_of(self.score.mode, self.performance.mean_pitch, self.treatment)

    @property
    def tags(self) -> dict[str, frozenset[str]]:
        """By dimension, those without a tag left out."""
        found = {
            "genre": self.score.genre,
            "mood": {self.mood.quadrant},
            "instrument": {self.treatment.ensemble},
            "era": {self.score.era},
        }
        known = {dimension: frozenset(tag for tag in tags if tag) for dimension, tags in found.items()}
        return {dimension: tags for dimension, tags in known.items() if tags}


def labelled(rendering: Rendering, out: Path, file: Path) -> LabelledTrack:
    """The row of an excerpt that lies at ``out / file``."""
    score = rendering.score
    return LabelledTrack(
        id=file.as_posix(),
        path=out / file,
        title=_line(score.title),
        artist=_line(score.composer),
        licence=_line(score.licence),
        source=_line(score.origin),
        split=rendering.split,
        tags=rendering.tags,
        tempo_bpm=rendering.treatment.tempo_bpm,
        key=rendering.key,
        attributes=_attributes(rendering),
    )


def _attributes(rendering: Rendering) -> Mapping[str, str]:
    score, treatment, performance, mood = (
        rendering.score,
        rendering.treatment,
        rendering.performance,
        rendering.mood,
    )
    return {
        "piece": _line(score.piece),
        "collection": score.collection,
        "soundfont": rendering.font,
        "articulation": treatment.articulation,
        "velocity": str(treatment.velocity),
        "register": register_of(performance.mean_pitch),
        "mean_pitch": f"{performance.mean_pitch:.1f}",
        "drums": _yes(performance.has_drums),
        "onsets_per_s": f"{performance.onsets_per_s:.2f}",
        "arousal": f"{mood.arousal:.3f}",
        "valence": "" if mood.valence is None else f"{mood.valence:.3f}",
        **_recording_attributes(treatment.recording),
    }


def _recording_attributes(recording: Recording) -> Mapping[str, str]:
    room = recording.room
    return {
        "rt60_s": f"{room.rt60_s:.2f}" if room else "",
        "wet_db": f"{room.wet_db:.1f}" if room else "",
        "tilt_db_per_octave": f"{recording.tilt_db_per_octave:.2f}",
        "low_cut_hz": f"{recording.low_cut_hz:.0f}",
        "high_cut_hz": f"{recording.high_cut_hz:.0f}" if recording.high_cut_hz else "",
        "drive_db": f"{recording.drive_db:.1f}",
        "noise": recording.noise,
        "noise_db": f"{recording.noise_db:.1f}",
        "level_db": f"{recording.level_db:.1f}",
        "channels": str(recording.channels),
        "codec": recording.encoding.codec,
        "kbps": str(recording.kbps),
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _line(text: str) -> str:
    """Text on one line."""
    return " ".join(text.split())
