"""Audio files to mono waveforms: packet by packet, in bounded memory, whatever the bytes."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.container import StreamFacts, audio_stream, open_container, stream_facts
from models.errors import AudioUnreadable
from models.frame_source import FrameSource
from models.mixdown import Mixdown
from models.truncation import truncation_notes

SAMPLE_RATE_HZ = 22_050
MAX_DURATION_S = 1_200.0
PEAKS = 800
"""Parts of a picture of a waveform: as many as a wide screen shows."""

GUESSED_DURATION = {"audio/mpeg", "audio/aac"}
"""FFmpeg tells their length by the bit rate of their beginning where no header helps."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedAudio:
    """A file's sound and what was found on the way.

    Attributes:
        waveform: (T,) float32 mono at the rate that was asked for: the mean of all channels, finite throughout,
            read-only.
        duration_s: Length of ``waveform`` in seconds.
        sample_rate_hz: Of the file.
        channels: Of the file.
        codec: FFmpeg's name of the codec.
        loudness_lufs: Integrated loudness (ITU-R BS.1770-4) of the file's own channels; ``None`` for silence.
        warnings: What was wrong with the file and tolerated.
    """

    waveform: NDArray[np.float32]
    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    loudness_lufs: float | None
    warnings: tuple[str, ...]


def middle(waveform: NDArray[np.float32], duration_s: float) -> NDArray[np.float32]:
    """(T,) at SAMPLE_RATE_HZ → the middle of it, at most so long."""
    length = round(duration_s * SAMPLE_RATE_HZ)
    start = max(0, len(waveform) - length) // 2
    return waveform[start : start + length]


def waveform_to_peaks(waveform: NDArray[np.float32], parts: int = PEAKS) -> NDArray[np.uint8]:
    """(T,) → (min(T, parts),) the largest magnitude in each of equal parts; 255 is full scale, and what is beyond.

    For a picture of the sound. Nothing as long as the waveform is made on the way.
    """
    count = min(len(waveform), parts)
    if not count:
        return np.zeros(0, np.uint8)
    starts = np.arange(count) * len(waveform) // count
    highest, lowest = np.maximum.reduceat(waveform, starts), np.minimum.reduceat(waveform, starts)
    peaks: NDArray[np.uint8] = np.rint(255 * np.maximum(highest, -lowest).clip(max=1)).astype(np.uint8)
    return peaks


def decode(
    file: BinaryIO, *, sample_rate_hz: int = SAMPLE_RATE_HZ, max_duration_s: float = MAX_DURATION_S
) -> DecodedAudio:
    """Decode, mix down and resample a file, at most ``max_duration_s`` of it.

    Damaged packets are passed over and counted. Headers are not trusted: the length is what was decoded.

    Args:
        file: Open for reading bytes, seekable. Its name is never looked at.
        sample_rate_hz: Of the waveform.
        max_duration_s: Decoding ends here, with a note.

    Raises:
        AudioUnreadable: Not audio, an impossible header, no sample at all, or more than half of it damaged.
    """
    notes = truncation_notes(file)
    with open_container(file) as container:
        stream = audio_stream(container)
        facts = stream_facts(container, stream)
        source = FrameSource(container, stream)
        mixdown = Mixdown(facts.codec, sample_rate_hz, round(max_duration_s * sample_rate_hz))
        for frame in source.frames():
            mixdown.add(frame)
            if mixdown.full:
                break
        waveform = mixdown.finish()
    source.check()
    if not len(waveform):
        raise AudioUnreadable("The file holds no sound: not one sample could be decoded.")
    duration_s = len(waveform) / sample_rate_hz
    return DecodedAudio(
        waveform=waveform,
        duration_s=duration_s,
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        codec=facts.codec,
        loudness_lufs=mixdown.loudness_lufs,
        warnings=(
            *source.warnings,
            *notes,
            *_missing(facts, duration_s, max_duration_s),
            *mixdown.warnings(max_duration_s),
        ),
    )


def _missing(facts: StreamFacts, duration_s: float, max_duration_s: float) -> list[str]:
    """A note where much less was decoded than a header promised that knows the length and does not guess it."""
    if facts.duration_s is None or facts.content_type in GUESSED_DURATION:
        return []
    promised = min(facts.duration_s, max_duration_s)
    if duration_s >= promised - max(0.5, 0.02 * promised):
        return []
    return [f"the header promises {facts.duration_s:.1f} s, of which {duration_s:.1f} s could be decoded"]
