"""What is drawn for one rendering of a piece, without looking at the piece, so that nothing depends on it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

import numpy as np

from models.rendering.ensemble import ENSEMBLES, Programs
from models.rendering.recording import Recording, draw_recording, log_uniform

Articulation = Literal["staccato", "normal", "legato"]

MIN_TEMPO_BPM = 55.0
MAX_TEMPO_BPM = 190.0
MIN_VELOCITY = 45
MAX_VELOCITY = 110
MAX_LOOSENESS_S = 0.012
HEIGHT_SEMITONES = 7.0
TONICS = 12


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one excerpt of a piece is rendered.

    Attributes:
        tonic: Pitch class that the piece's tonic becomes, 0 for C.
        height: Semitones by which the piece is raised before the nearest way to the tonic is taken: its normal
            distribution is so wide that the key says nothing of the register. (If pieces went the nearest way from
            their own key, those in C would be high in F and low in F sharp.)
        tempo_bpm: Felt beats per minute, in whole hundredths.
        ensemble: One of ENSEMBLES.
        programs: One of its orchestrations.
        articulation: How long notes are held.
        velocity: Mean MIDI velocity of the notes.
        with_drums: Whether the drum parts of the piece, if it has any, are played.
        looseness_s: Standard deviation of the notes' starts around the beat.
        place: Where the excerpt begins, as a share of the bars at which it can, 0 to 1.
        font: Which SoundFont, as a share of those that may sound, 0 to 1.
        unseen_font: Whether an excerpt for testing sounds in the SoundFont that is held out.
        recording: Room to codec.
        seed: Of the deviations of single notes.
    """

    tonic: int
    height: float
    tempo_bpm: float
    ensemble: str
    programs: Programs
    articulation: Articulation
    velocity: int
    with_drums: bool
    looseness_s: float
    place: float
    font: float
    unseen_font: bool
    recording: Recording
    seed: int


def draw_treatment(seed: int, piece: str, take: int) -> Treatment:
    """The treatment of a piece's take in the corpus of a seed: the same in any process and order."""
    generator = np.random.default_rng(int.from_bytes(sha256(f"{seed}\n{piece}\n{take}".encode()).digest()))
    ensemble = generator.choice(list(ENSEMBLES)).item()
    return Treatment(
        tonic=int(generator.integers(TONICS)),
        height=float(generator.normal(0, HEIGHT_SEMITONES)),
        tempo_bpm=round(log_uniform(generator, MIN_TEMPO_BPM, MAX_TEMPO_BPM), 2),
        ensemble=ensemble,
        programs=ENSEMBLES[ensemble][generator.integers(len(ENSEMBLES[ensemble]))],
        articulation=generator.choice(get_args(Articulation)).item(),
        velocity=int(generator.integers(MIN_VELOCITY, MAX_VELOCITY + 1)),
        with_drums=bool(generator.random() < 0.5),  # noqa: PLR2004 - half of them
        looseness_s=float(generator.uniform(0, MAX_LOOSENESS_S)),
        place=float(generator.random()),
        font=float(generator.random()),
        unseen_font=bool(generator.random() < 0.5),  # noqa: PLR2004 - half of them
        recording=draw_recording(generator),
        seed=int(generator.integers(2**32)),
    )
