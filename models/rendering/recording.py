"""How a performance is recorded: room, colour, drive, noise, level and codec, drawn apart from the music."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from models.encoding import Encoding

Noise = Literal["white", "pink", "hum"]
ENCODERS = {"mp3": ("mp3", "libmp3lame", "fltp"), "ogg": ("ogg", "libopus", "flt"), "m4a": ("ipod", "aac", "fltp")}
"""By extension: FFmpeg's container, encoder and sample format."""
KBPS = (48, 64, 96, 128)

DRY = 0.2
FULL_BAND = 0.5
CLEAN = 0.5


@dataclass(frozen=True, slots=True)
class Room:
    """A room.

    Attributes:
        rt60_s: Time in which its sound falls by 60 dB, at low frequencies.
        predelay_s: From the direct sound to the first of the room.
        wet_db: Energy of the room's sound over that of the direct sound.
        damping_hz: Where the room's spectrum begins to fall, by 6 dB an octave.
    """

    rt60_s: float
    predelay_s: float
    wet_db: float
    damping_hz: float


@dataclass(frozen=True, slots=True)
class Peak:
    """A bell of an equaliser: its middle, its gain there and its width (standard deviation)."""

    centre_hz: float
    gain_db: float
    width_octaves: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything between the instruments and the file.

    Attributes:
        room: ``None`` for a dry recording.
        tilt_db_per_octave: Slope of the equaliser around 1 kHz.
        peaks: Its bells.
        low_cut_hz: High-pass corner.
        high_cut_hz: Low-pass corner; ``None`` for the full band.
        drive_db: Gain into a soft limiter; 0 for none.
        noise: Its kind.
        noise_db: Level of the noise, RMS over the music's peak.
        level_db: RMS of the file over full scale; less where the peak would clip.
        channels: 1 or 2.
        extension: Of the file, one of ENCODERS.
        kbps: Bit rate of the file.
        seed: Of the room's reflections and the noise.
    """

    room: Room | None
    tilt_db_per_octave: float
    peaks: tuple[Peak, ...]
    low_cut_hz: float
    high_cut_hz: float | None
    drive_db: float
    noise: Noise
    noise_db: float
    level_db: float
    channels: int
    extension: str
    kbps: int
    seed: int

    @property
    def encoding(self) -> Encoding:
        """How the file is made."""
        return Encoding(*ENCODERS[self.extension], self.kbps)


def draw_recording(generator: np.random.Generator) -> Recording:
    """Draw every condition independently of every other."""
    return Recording(
        room=_draw_room(generator),
        tilt_db_per_octave=float(generator.uniform(-2, 2)),
        peaks=tuple(_draw_peak(generator) for _ in range(generator.integers(0, 4))),
        low_cut_hz=log_uniform(generator, 20, 120),
        high_cut_hz=None if generator.random() < FULL_BAND else log_uniform(generator, 3_500, 14_000),
        drive_db=0.0 if generator.random() < CLEAN else float(generator.uniform(0, 9)),
        noise=generator.choice(get_args(Noise)).item(),
        noise_db=float(generator.uniform(-75, -50)),
        level_db=float(generator.uniform(-30, -14)),
        channels=int(generator.integers(1, 3)),
        extension=generator.choice(list(ENCODERS)).item(),
        kbps=generator.choice(KBPS).item(),
        seed=int(generator.integers(2**32)),
    )


def log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    """A value whose logarithm is uniform."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _draw_room(generator: np.random.Generator) -> Room | None:
    room = Room(
        rt60_s=log_uniform(generator, 0.2, 2.5),
        predelay_s=float(generator.uniform(0, 0.04)),
        wet_db=float(generator.uniform(-24, -3)),
        damping_hz=log_uniform(generator, 1_500, 8_000),
    )
    return None if generator.random() < DRY else room


def _draw_peak(generator: np.random.Generator) -> Peak:
    return Peak(
        centre_hz=log_uniform(generator, 100, 8_000),
        gain_db=float(generator.uniform(-6, 6)),
        width_octaves=float(generator.uniform(0.3, 1.2)),
    )
