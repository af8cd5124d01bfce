"""Audio files to mono waveforms: packet by packet, in bounded memory, whatever the bytes."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter.context import FilterContext
from numpy.typing import NDArray

from models.container import audio_stream, channel_count, check_channels, check_rate, open_container, stream_facts
from models.errors import AudioUnreadable

SAMPLE_RATE_HZ = 22_050
MAX_DURATION_S = 1_200.0
MAX_SAMPLE = 1_000.0
"""Samples beyond (+60 dB over full scale) are damage, not music."""

SILENCE_LUFS = -70.0
"""Absolute gate of ITU-R BS.1770-4: what lies below has no loudness."""

_BLOCK_SAMPLES = 32_768


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
    with open_container(file) as container:
        stream = audio_stream(container)
        facts = stream_facts(container, stream)
        source = _Source(container, stream)
        mixdown = _Mixdown(sample_rate_hz, round(max_duration_s * sample_rate_hz))
        for frame in source.frames():
            mixdown.add(frame)
            if mixdown.full:
                break
        waveform = mixdown.finish()
    source.check()
    if not len(waveform):
        raise AudioUnreadable("The file holds no sound: not one sample could be decoded.")
    return DecodedAudio(
        waveform=waveform,
        duration_s=len(waveform) / sample_rate_hz,
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        codec=facts.codec,
        loudness_lufs=mixdown.loudness_lufs,
        warnings=(*source.warnings, *mixdown.warnings(max_duration_s)),
    )


class _Source:
    """The frames of a stream, with count kept of what could not be decoded."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._container = container
        self._stream = stream
        self._good = 0
        self._bad = 0
        self._broken_off = ""

    def frames(self) -> Iterator[AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self._broken_off = error.strerror or str(error)
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._bad += 1
                continue
            self._good += packet.size > 0
            for frame in frames:
                if isinstance(frame, AudioFrame) and frame.samples:
                    yield frame

    def check(self) -> None:
        """Raise ``AudioUnreadable`` if more than half of the packets were damaged."""
        if self._bad > self._good:
            raise AudioUnreadable(
                f"{self._bad} of {self._bad + self._good} packets of the file are damaged; at most half may be."
            )

    @property
    def warnings(self) -> list[str]:
        notes = []
        if self._bad:
            notes.append(f"{self._bad} of {self._bad + self._good} packets were damaged and left out")
        if self._broken_off:
            notes.append(f"the file breaks off: {self._broken_off}")
        return notes


class _Mixdown:
    """Frames in, one mono waveform out, through a filter graph per format of the frames.

    The format changes within a file where streams were chained or a damaged header was believed for a while.
    """

    def __init__(self, sample_rate_hz: int, max_samples: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._max_bytes = max_samples * 4
        self._samples = bytearray()
        self._graph: _Graph | None = None
        self._loudness: list[tuple[int, float]] = []
        self._unusable_samples = 0
        self._formats = 0

    @property
    def full(self) -> bool:
        return len(self._samples) > self._max_bytes

    @property
    def loudness_lufs(self) -> float | None:
        """Mean over the pieces of one format by their energy; as a rule there is one."""
        total = sum(length for length, _ in self._loudness)
        energy = sum(length * 10 ** (lufs / 10) for length, lufs in self._loudness)
        return round(10 * log10(energy / total), 2) if energy > 0 else None

    def add(self, frame: AudioFrame) -> None:
        self._unusable_samples += _silence_unusable(frame)
        if self._graph is None or not self._graph.takes(frame):
            self._close_graph()
            self._graph = _Graph(frame, self._sample_rate_hz)
            self._formats += 1
        self._samples += self._graph.push(frame)

    def finish(self) -> NDArray[np.float32]:
        """The whole waveform, cut at the limit; read-only, so that what is computed from it can be shared."""
        self._close_graph()
        del self._samples[self._max_bytes :]
        waveform = np.frombuffer(self._samples, np.float32)
        waveform.flags.writeable = False
        return waveform

    def warnings(self, max_duration_s: float) -> list[str]:
        notes = []
        if self._unusable_samples:
            notes.append(f"{self._unusable_samples} samples were not numbers or beyond +60 dBFS and were silenced")
        if self._formats > 1:
            notes.append(f"the format of the sound changes {self._formats - 1} times within the file")
        if len(self._samples) >= self._max_bytes:
            notes.append(f"only the first {max_duration_s:g} s were read")
        return notes

    def _close_graph(self) -> None:
        if self._graph is not None:
            self._samples += self._graph.close()
            if self._graph.loudness_lufs > SILENCE_LUFS:
                self._loudness.append((self._graph.samples, self._graph.loudness_lufs))
            self._graph = None


class _Graph:
    """One filter graph: mean of the channels → resampled blocks, and beside it the loudness meter.

    The graph gathers small frames, which makes it cheaper than resampling frame by frame.
    """

    def __init__(self, frame: AudioFrame, sample_rate_hz: int) -> None:
        check_rate(frame.sample_rate)
        check_channels(channel_count(frame))
        self._format = _format(frame)
        self.samples = 0
        self._waiting = 0
        self.loudness_lufs = SILENCE_LUFS
        graph = self._graph = av.filter.Graph()  # its filters hold no reference to it: lost, they would dangle
        self._input = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.sample_rate),
        )
        split = graph.add("asplit", "2")
        self._blocks = graph.add("abuffersink", name="blocks")
        self._meter = graph.add("abuffersink", name="meter")
        chain = [
            graph.add("aformat", "sample_fmts=fltp"),
            graph.add("pan", _mean_of_channels(channel_count(frame))),
            graph.add("aresample", str(sample_rate_hz)),
            graph.add("aformat", "sample_fmts=flt"),
            graph.add("asetnsamples", f"n={_BLOCK_SAMPLES}:p=0"),
            self._blocks,
        ]
        self._input.link_to(split)
        split.link_to(chain[0], 0, 0)
        graph.link_nodes(*chain)
        loudness = graph.add("ebur128", "metadata=1:framelog=quiet")
        split.link_to(loudness, 1, 0)
        loudness.link_to(self._meter)
        graph.configure()

    def takes(self, frame: AudioFrame) -> bool:
        return _format(frame) == self._format

    def push(self, frame: AudioFrame) -> bytes:
        """Put a frame in and take out what is ready: float32 mono samples."""
        frame.pts = None  # a damaged time stamp must not open a gap
        self.samples += frame.samples
        self._waiting += frame.samples
        self._input.push(frame)
        return self._take() if self._waiting >= _BLOCK_SAMPLES else b""

    def close(self) -> bytes:
        """The samples that were held back."""
        self._input.push(None)
        return self._take()

    def _take(self) -> bytes:
        self._waiting = 0
        for metered in deque(_pull(self._meter), maxlen=2):
            self.loudness_lufs = float(metered.metadata.get("lavfi.r128.I", self.loudness_lufs))
        return b"".join(bytes(block.planes[0])[: block.samples * 4] for block in _pull(self._blocks))


def _pull(sink: FilterContext) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame


def _format(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _mean_of_channels(channels: int) -> str:
    return "mono|c0=" + "+".join(f"{1 / channels:.9f}*c{channel}" for channel in range(channels))


def _silence_unusable(frame: AudioFrame) -> int:
    """Zero in place what is NaN, infinite or absurd, and say how many samples that were.

    It must happen before any filter: a resampler smears one NaN over its window, a recursive filter keeps it for ever.
    """
    kind = {"flt": np.float32, "fltp": np.float32, "dbl": np.float64, "dblp": np.float64}.get(frame.format.name)
    if kind is None:
        return 0
    count = 0
    for plane in frame.planes:
        samples = np.frombuffer(plane, kind)
        unusable = ~(np.abs(samples) <= MAX_SAMPLE)
        if unusable.any():
            frame.make_writable()
            count += int(unusable.sum())
    if count:
        for plane in frame.planes:
            samples = np.frombuffer(plane, kind)
            samples[~(np.abs(samples) <= MAX_SAMPLE)] = 0
    return count
