"""The mood of a rendering by a stated proxy: a quadrant of valence and arousal.

Nobody was asked. The cues and their order follow Eerola, Friberg and Bresin (2013), "Emotional expression in music:
contribution, linearity, and additivity of primary musical cues" (Frontiers in Psychology 4:487): mode carries
valence, then register and tempo; tempo, dynamics and articulation carry arousal. The weights are ours. The proxy is
made of tempo and mode (mode never contradicts the sign of valence), so it cannot show that a model knows mood
apart from tempo and key.
"""

from dataclasses import dataclass
from math import log2

from models.rendering.score import Mode
from models.rendering.treatment import (
    MAX_TEMPO_BPM,
    MAX_VELOCITY,
    MIN_TEMPO_BPM,
    MIN_VELOCITY,
    Articulation,
    Treatment,
)

UNDECIDED = 0.1
"""Closer to an axis than this, no quadrant is named."""
MIDDLE_PITCH = 62.0
PITCH_SPREAD = 12.0
DETACHED: dict[Articulation, float] = {"staccato": 1.0, "normal": 0.0, "legato": -1.0}
QUADRANTS = {(True, True): "happy", (False, True): "tense", (False, False): "sad", (True, False): "calm"}


@dataclass(frozen=True, slots=True)
class Mood:
    """Both in [−1, 1]; valence is ``None`` where the mode is not known."""

    valence: float | None
    arousal: float

    @property
    def quadrant(self) -> str | None:
        """One of QUADRANTS; ``None`` near an axis or without a valence."""
        if self.valence is None or min(abs(self.valence), abs(self.arousal)) < UNDECIDED:
            return None
        return QUADRANTS[self.valence > 0, self.arousal > 0]


def mood_of(mode: Mode | None, mean_pitch: float, treatment: Treatment) -> Mood:
    """The mood of a performance.

    With every cue in [−1, 1] (tempo and velocity over the range that is drawn, tempo by its logarithm; pitch in
    octaves around D4), arousal is 0.5 tempo + 0.3 velocity + 0.2 detached, and valence is
    0.5 major + 0.25 pitch + 0.25 tempo.
    """
    tempo = 2 * log2(treatment.tempo_bpm / MIN_TEMPO_BPM) / log2(MAX_TEMPO_BPM / MIN_TEMPO_BPM) - 1
    velocity = 2 * (treatment.velocity - MIN_VELOCITY) / (MAX_VELOCITY - MIN_VELOCITY) - 1
    pitch = max(-1.0, min(1.0, (mean_pitch - MIDDLE_PITCH) / PITCH_SPREAD))
    arousal = 0.5 * tempo + 0.3 * velocity + 0.2 * DETACHED[treatment.articulation]
    if mode is None:
        return Mood(None, arousal)
    major = 1.0 if mode == "major" else -1.0
    return Mood(0.5 * major + 0.25 * pitch + 0.25 * tempo, arousal)
