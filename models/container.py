"""Opening audio files that nobody vouches for: which containers and codecs are read, and which stream of them.

FFmpeg reads far more than music: playlists and scripts that name other files, network protocols, subtitles. A text
file named ``.mp3`` can make it open somebody else's audio. So it gets an allow-list of containers and codecs, an
open file object without a name, and no way to open anything besides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

import av
import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from models.errors import AudioUnreadable

MIN_RATE_HZ = 4_000
MAX_RATE_HZ = 768_000
MAX_CHANNELS = 64
MAX_STREAMS = 32

CONTENT_TYPES: Mapping[str, str] = {
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "ape": "audio/x-ape",
    "asf": "audio/x-ms-wma",
    "au": "audio/basic",
    "caf": "audio/x-caf",
    "flac": "audio/flac",
    "matroska": "audio/matroska",
    "mov": "audio/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "tta": "audio/x-tta",
    "w64": "audio/x-w64",
    "wav": "audio/wav",
    "wv": "audio/x-wavpack",
}
"""Media type by FFmpeg's demuxer. What IANA has not registered bears the name that browsers know."""

_PCM = tuple(
    f"pcm_{kind}{bits}{order}{layout}"
    for kind, sizes in {"s": (16, 24, 32, 64), "u": (16, 24, 32), "f": (32, 64)}.items()
    for bits in sizes
    for order in ("le", "be")
    for layout in ("", "_planar")
)
CODECS = frozenset(
    [
        *_PCM,
        *("pcm_s8", "pcm_s8_planar", "pcm_u8", "pcm_alaw", "pcm_mulaw", "pcm_f16le", "pcm_f24le"),
        *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_yamaha"),
        *("mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float"),
        *("aac", "ac3", "eac3", "alac", "ape", "flac", "opus", "tta", "vorbis", "wavpack"),
        *("wmav1", "wmav2", "wmapro", "wmalossless"),
    ]
)
"""FFmpeg's names of the decoders that may run."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What the header of an audio stream says, checked for sense but not for truth.

    Attributes:
        content_type: Media type of the file.
        codec: FFmpeg's name of the codec.
        sample_rate_hz: In [MIN_RATE_HZ, MAX_RATE_HZ].
        channels: In [1, MAX_CHANNELS].
        duration_s: As the container has it; ``None`` where it does not say.
    """

    content_type: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None


class _Bytes:
    """A file object without a name, since FFmpeg takes the ending of a name for a hint at the format."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def open_container(file: BinaryIO) -> InputContainer:
    """Open a file from its first byte, by its content alone.

    Raises:
        AudioUnreadable: It is none of the containers that are read.
    """
    file.seek(0)
    try:
        return av.open(
            _Bytes(file),
            mode="r",
            container_options={
                "format_whitelist": ",".join(CONTENT_TYPES),
                "codec_whitelist": ",".join(sorted(CODECS)),
                "protocol_whitelist": "none",
                "max_streams": str(MAX_STREAMS),
            },
            metadata_errors="replace",
            io_open=_refuse_other_file,
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioUnreadable(
            f"This is not an audio file that can be read ({_reason(error)}). Known are mp3, flac, ogg, opus, m4a, "
            "aac, wav, aiff, wma, wavpack, ape, caf, mka and webm."
        ) from error


def audio_stream(container: InputContainer) -> AudioStream:
    """The stream to listen to: the first with a codec that is read. Cover art and video are passed over.

    Raises:
        AudioUnreadable: No such stream, or one with an impossible header.
    """
    if not container.streams.audio:
        raise AudioUnreadable("The file holds no audio stream.")
    for stream in container.streams.audio:
        if stream.codec_context is not None and stream.codec_context.name in CODECS:
            check_rate(stream.codec_context.sample_rate)
            check_channels(channel_count(stream.codec_context))
            return stream
    names = ", ".join(sorted({_codec_name(stream) for stream in container.streams.audio}))
    raise AudioUnreadable(f"The audio is coded as {names}, which is not read. Convert it to flac, mp3 or opus.")


def stream_facts(container: InputContainer, stream: AudioStream) -> StreamFacts:
    """What the headers say of a stream that ``audio_stream`` chose."""
    codec = stream.codec_context.codec.canonical_name
    return StreamFacts(
        content_type=_content_type(container.format.name, codec),
        codec=codec,
        sample_rate_hz=stream.codec_context.sample_rate,
        channels=channel_count(stream.codec_context),
        duration_s=_duration_s(container, stream),
    )


def channel_count(source: AudioCodecContext | AudioFrame) -> int:
    """Channels of a codec or frame."""
    return source.layout.nb_channels


def check_rate(sample_rate_hz: int) -> None:
    """Refuse rates that would make the resampler ask for gigabytes (a header that says 1 Hz).

    Raises:
        AudioUnreadable: Outside [MIN_RATE_HZ, MAX_RATE_HZ].
    """
    if not MIN_RATE_HZ <= sample_rate_hz <= MAX_RATE_HZ:
        raise AudioUnreadable(
            f"The file claims a sample rate of {sample_rate_hz} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz are read."
        )


def check_channels(channels: int) -> None:
    """Refuse what no recording has.

    Raises:
        AudioUnreadable: None at all, or more than MAX_CHANNELS.
    """
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioUnreadable(f"The file claims {channels} channels; 1 to {MAX_CHANNELS} are read.")


def _refuse_other_file(url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    raise AudioUnreadable(f"The file asks for another file or address ({url[:100]!r}), which is never opened.")


def _content_type(demuxer: str, codec: str) -> str:
    name = demuxer.split(",", 1)[0]
    if name == "matroska" and codec in {"opus", "vorbis"}:
        return "audio/webm"
    return CONTENT_TYPES.get(name, "application/octet-stream")


def _duration_s(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None


def _codec_name(stream: AudioStream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else "an unknown codec"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
