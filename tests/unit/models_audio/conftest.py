"""Audio files for the tests of decoding and probing, made in memory."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

RATE = 44_100


def tone(seconds: float = 2.0, rate: int = RATE, channels: int = 1, frequency: float = 440.0) -> np.ndarray:
    """(channels, T) float32; every channel sounds a sine of its own level."""
    time = np.arange(round(seconds * rate)) / rate
    sine = 0.5 * np.sin(2 * np.pi * frequency * time)
    return np.stack([sine / (1 + channel) for channel in range(channels)]).astype(np.float32)


def encode(  # noqa: PLR0917 - a maker of test files
    samples: np.ndarray,
    container: str,
    codec: str,
    rate: int = RATE,
    layout: str | None = None,
    metadata: dict[str, str] | None = None,
) -> io.BytesIO:
    """(channels, T) samples through an encoder of FFmpeg."""
    layout = layout or {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1", 8: "7.1"}[len(samples)]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        file.metadata.update(metadata or {})
        stream = file.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000 if codec != "wmav2" else 64_000
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="flt", layout=layout)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    out.seek(0)
    return out


def pcm(samples: np.ndarray, subtype: str, container: str = "WAV", rate: int = RATE) -> io.BytesIO:
    """(channels, T) samples as an uncompressed file of libsndfile."""
    out = io.BytesIO()
    soundfile.write(out, samples.T, rate, format=container, subtype=subtype)
    out.seek(0)
    return out


def id3(**frames: bytes) -> bytes:
    """An ID3v2.3 tag of raw frames, to stand before an mp3."""
    body = b"".join(name.encode() + struct.pack(">IH", len(data), 0) + data for name, data in frames.items())
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body


def wav_header(  # noqa: PLR0917 - a maker of test files
    data: bytes, rate: int = RATE, channels: int = 1, bits: int = 16, data_size: int | None = None, kind: int = 1
) -> io.BytesIO:
    """A wav whose header says whatever it is told."""
    size = len(data) if data_size is None else data_size
    align = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels & 0xFFFF, rate, (rate * align) & 0xFFFFFFFF, align & 0xFFFF, bits)
    riff = struct.pack("<4sI4s4sI", b"RIFF", (36 + size) & 0xFFFFFFFF, b"WAVE", b"fmt ", len(head))
    return io.BytesIO(riff + head + struct.pack("<4sI", b"data", size) + data)


@pytest.fixture
def make_tone() -> Callable[..., np.ndarray]:
    return tone


@pytest.fixture
def make_encoded() -> Callable[..., io.BytesIO]:
    return encode


@pytest.fixture
def make_pcm() -> Callable[..., io.BytesIO]:
    return pcm


@pytest.fixture
def make_id3() -> Callable[..., bytes]:
    return id3


@pytest.fixture
def make_wav_header() -> Callable[..., io.BytesIO]:
    return wav_header
