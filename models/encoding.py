"""Encode a waveform as an audio file in memory, lossless or not, by the encoders in PyAV's FFmpeg.

Licences: LAME (mp3) and FFmpeg's own encoders (aac, flac) are LGPL, libopus is BSD. FFmpeg's own Vorbis encoder is
marked experimental, so Ogg means Opus here.
"""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

OPUS_RATE_HZ = 48_000
REPEATABLE = {"fflags": "+bitexact"}
"""The same samples give the same bytes: no random serial number in Ogg, no version of FFmpeg."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is made.

    Attributes:
        container: FFmpeg's name of the muxer, such as ``mp3``, ``ogg``, ``ipod`` (m4a), ``flac``.
        codec: FFmpeg's name of the encoder, such as ``libmp3lame``, ``libopus``, ``aac``, ``flac``.
        sample_format: One that the encoder takes.
        kbps: Bit rate, which lossless codecs pass over.
    """

    container: str
    codec: str
    sample_format: str
    kbps: int


def encode(samples: NDArray[np.float32], rate_hz: int, how: Encoding) -> io.BytesIO:
    """(channels, T) samples in [-1, 1], mono or stereo, as an audio file.

    ``rate_hz`` is theirs and the file's; but Opus knows few rates and stores 48 kHz.
    """
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    out = io.BytesIO()
    with av.open(out, "w", format=how.container, options=REPEATABLE) as file:
        file_rate_hz = OPUS_RATE_HZ if how.codec == "libopus" else rate_hz
        stream = cast("AudioStream", file.add_stream(how.codec, rate=file_rate_hz, layout=layout))
        stream.format = how.sample_format
        stream.bit_rate = how.kbps * 1000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        frame.time_base = Fraction(1, rate_hz)
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    out.seek(0)
    return out
