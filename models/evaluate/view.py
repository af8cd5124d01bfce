"""How a track is heard in an evaluation: the same piece, bandwidth and level for all, whatever the file.

Codec, sample rate, bandwidth and level of a file tell where it comes from without a note of music: on game
soundtracks they alone find the right one four times in ten. So a track is made canonical before any system hears
it. What is left of the shortcut is measured (``models.evaluate.leakage``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.audio import decode
from models.datasets.track import LabelledTrack
from models.errors import AudioUnreadable
from models.evaluate.alteration import Alteration
from models.evaluate.embedded import Floats
from models.evaluate.system import CLIP_RATE_HZ, Clip
from models.track_frames import LEVEL_RMS, SILENCE_RMS, gated_rms

CLIP_S = 30.0
BAND_LIMIT_HZ = 6_500.0
TRANSITION_HZ = 200.0
STOP_BAND_DB = 80.0
VERSION = 1
"""Raised whenever the same view would sound different: a part of the cache's key."""


@dataclass(frozen=True, slots=True)
class View:
    """What is done to a decoded track, in this order.

    Attributes:
        name: As reports print it.
        duration_s: Length of the piece from the middle of the track; shorter tracks are taken whole.
        shift_s: How much later than in the middle the piece starts; what lies beyond the end is missing.
        alteration: Of the piece; ``None`` leaves it as it is.
        band_limit_hz: Of a low-pass without phase shift; ``None`` leaves the bandwidth.
        level_rms: Root mean square of the parts that are not quiet; ``None`` leaves the level, and the mean too.
    """

    name: str
    duration_s: float = CLIP_S
    shift_s: float = 0.0
    alteration: Alteration | None = None
    band_limit_hz: float | None = BAND_LIMIT_HZ
    level_rms: float | None = LEVEL_RMS

    @property
    def identity(self) -> str:
        """Changes whenever a clip would sound different: a part of the cache's key."""
        altered = self.alteration.identity if self.alteration else ""
        numbers = (self.duration_s, self.shift_s, self.band_limit_hz, self.level_rms)
        return f"v{VERSION} {numbers} {altered}"


CANONICAL = View("canonical")
ORIGINAL = View("original", band_limit_hz=None, level_rms=None)
VIEWS: Mapping[str, View] = {view.name: view for view in (CANONICAL, ORIGINAL)}


def hear(track: LabelledTrack, view: View) -> Clip:
    """Decode a track and make of it what systems get to hear.

    Raises:
        AudioUnreadable: The file is missing, is not audio, or the piece is silent. The message names the path.
    """
    return clip_of(track, decode_track(track), view)


def decode_track(track: LabelledTrack) -> Floats:
    """(T,) mono at CLIP_RATE_HZ: the whole track, or the first 20 minutes of it.

    Raises:
        AudioUnreadable: The file is missing or is not audio. The message names the path.
    """
    try:
        with track.path.open("rb") as file:
            return decode(file, sample_rate_hz=CLIP_RATE_HZ).waveform
    except OSError as error:
        raise AudioUnreadable(f"{track.path}: {error.strerror or error}") from error
    except AudioUnreadable as error:
        raise AudioUnreadable(f"{track.path}: {error}") from error


def clip_of(track: LabelledTrack, waveform: Floats, view: View) -> Clip:
    """What systems get to hear of a decoded track.

    Raises:
        AudioUnreadable: The piece is silent, or the track ends before it starts. The message names the path.
    """
    try:
        heard = canonicalise(alter(piece(waveform, view), track.id, view), view)
    except AudioUnreadable as error:
        raise AudioUnreadable(f"{track.path}: {error}") from error
    heard.flags.writeable = False  # systems that measure the same frames share them
    return Clip(track, heard)


def piece(waveform: Floats, view: View) -> Floats:
    """(T,) → the middle of it, or what follows the middle, at most ``view.duration_s`` long.

    Raises:
        AudioUnreadable: The track ends before the piece would start.
    """
    length = round(view.duration_s * CLIP_RATE_HZ)
    start = max(0, len(waveform) - length) // 2 + round(view.shift_s * CLIP_RATE_HZ)
    if start >= len(waveform):
        raise AudioUnreadable(
            f"The track has {len(waveform) / CLIP_RATE_HZ:.1f} s; the view {view.name!r} starts at "
            f"{start / CLIP_RATE_HZ:.1f} s."
        )
    return waveform[start : start + length].copy()


def alter(waveform: Floats, seed: str, view: View) -> Floats:
    """(T,) → (T',) altered as the view wants it; whatever is drawn is drawn from ``seed``."""
    return waveform if view.alteration is None else view.alteration.applied(waveform, seed)


def canonicalise(waveform: Floats, view: View) -> Floats:
    """(T,) → (T,) band-limited and at the view's level.

    The level is a gated root mean square and not loudness (BS.1770), which weighs frequencies: two files of one
    recording, one of them band-limited, would differ in level.

    Raises:
        AudioUnreadable: It is silent (below −80 dBFS), so that there is no level to be normalised.
    """
    if view.band_limit_hz is not None:
        waveform = low_passed(waveform, view.band_limit_hz)
    if view.level_rms is None:
        return waveform
    waveform = waveform - np.float32(waveform.mean(dtype=np.float64))
    level = gated_rms(waveform)
    if level < SILENCE_RMS:
        raise AudioUnreadable("The piece that would be heard is silent.")
    levelled: Floats = waveform * np.float32(view.level_rms / level)
    return levelled


def low_passed(waveform: Floats, band_limit_hz: float) -> Floats:
    """(T,) → (T,) without what lies above, by a filter with linear phase whose delay is taken out.

    It falls from 0 to −STOP_BAND_DB within TRANSITION_HZ around the limit: what a codec left above is gone, and
    where the limit lies is the same for all.
    """
    limited: Floats = signal.oaconvolve(waveform.astype(np.float64), _low_pass(band_limit_hz), mode="same").astype(
        np.float32
    )
    return limited


@lru_cache
def _low_pass(band_limit_hz: float) -> NDArray[np.float64]:
    length, beta = signal.kaiserord(STOP_BAND_DB, 2 * TRANSITION_HZ / CLIP_RATE_HZ)
    taps: NDArray[np.float64] = signal.firwin(length | 1, band_limit_hz, window=("kaiser", beta), fs=CLIP_RATE_HZ)
    return taps
