"""Decoded frames of any format to one mono waveform, and its loudness."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from math import log10

import av
import av.error
import av.filter
import numpy as np
from av.audio.frame import AudioFrame
from av.filter.context import FilterContext
from numpy.typing import NDArray

from models.container import channel_count, check_channels, check_rate

MAX_SAMPLE = 1_000.0
"""Samples beyond (+60 dB over full scale) are damage, not music."""

SILENCE_LUFS = -70.0
"""Absolute gate of ITU-R BS.1770-4: what lies below has no loudness."""

_BLOCK_SAMPLES = 32_768
_FLOAT_FORMATS = {"flt", "fltp", "dbl", "dblp"}


class Mixdown:
    """Frames in, one mono waveform out, through a filter graph per format of the frames.

    The format changes within a file where streams were chained or a damaged header was believed for a while.

    Args:
        codec: FFmpeg's name. Of those that hold any floating-point number every frame is looked at before it is
            filtered: a resampler smears a NaN over its window, a recursive filter keeps it for ever.
        sample_rate_hz: Of the waveform.
        max_samples: Where it is cut.
    """

    def __init__(self, codec: str, sample_rate_hz: int, max_samples: int) -> None:
        self._holds_floats = codec.startswith("pcm_f") or codec == "wavpack"
        self._sample_rate_hz = sample_rate_hz
        self._max_bytes = max_samples * 4
        self._samples = bytearray()
        self._graph: _Graph | None = None
        self._loudness: list[tuple[int, float]] = []
        self._unusable_samples = 0
        self._formats = 0
        self._cut = False

    @property
    def full(self) -> bool:
        """Whether there is more than the limit."""
        return len(self._samples) > self._max_bytes

    @property
    def loudness_lufs(self) -> float | None:
        """Mean over the pieces of one format by their energy; as a rule there is one."""
        total = sum(length for length, _ in self._loudness)
        energy = sum(length * 10 ** (lufs / 10) for length, lufs in self._loudness)
        return round(10 * log10(energy / total), 2) if energy > 0 else None

    def add(self, frame: AudioFrame) -> None:
        if self._holds_floats:
            self._unusable_samples += _silence_frame(frame)
        if self._graph is None or not self._graph.takes(frame):
            self._close_graph()
            self._graph = _Graph(frame, self._sample_rate_hz)
            self._formats += 1
        self._append(self._graph.push(frame))

    def finish(self) -> NDArray[np.float32]:
        """The whole waveform, cut at the limit; read-only, so that what is computed from it can be shared."""
        self._close_graph()
        self._cut = self.full
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
        if self._cut:
            notes.append(f"only the first {max_duration_s:g} s were read")
        return notes

    def _append(self, block: NDArray[np.float32]) -> None:
        self._unusable_samples += _silence(block)
        self._samples += block.data

    def _close_graph(self) -> None:
        if self._graph is not None:
            self._append(self._graph.close())
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

    def push(self, frame: AudioFrame) -> NDArray[np.float32]:
        """Put a frame in and take out the mono samples that are ready."""
        frame.pts = None  # a damaged time stamp must not open a gap
        self.samples += frame.samples
        self._waiting += frame.samples
        self._input.push(frame)
        return self._take() if self._waiting >= _BLOCK_SAMPLES else np.zeros(0, np.float32)

    def close(self) -> NDArray[np.float32]:
        """The samples that were held back."""
        self._input.push(None)
        return self._take()

    def _take(self) -> NDArray[np.float32]:
        self._waiting = 0
        for metered in deque(_pull(self._meter), maxlen=2):
            self.loudness_lufs = float(metered.metadata.get("lavfi.r128.I", self.loudness_lufs))
        blocks = [
            np.frombuffer(memoryview(block.planes[0]), np.float32)[: block.samples] for block in _pull(self._blocks)
        ]
        return np.concatenate([np.zeros(0, np.float32), *blocks])


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


def _silence_frame(frame: AudioFrame) -> int:
    """As ``_silence``, for every plane of a frame."""
    if frame.format.name not in _FLOAT_FORMATS:
        return 0
    frame.make_writable()
    per_plane = frame.samples * (1 if frame.format.is_planar else channel_count(frame))
    if frame.format.bytes == np.dtype(np.float32).itemsize:
        return sum(_silence(np.frombuffer(memoryview(plane), np.float32)[:per_plane]) for plane in frame.planes)
    return sum(_silence(np.frombuffer(memoryview(plane), np.float64)[:per_plane]) for plane in frame.planes)


def _silence(samples: NDArray[np.float32] | NDArray[np.float64]) -> int:
    """Zero in place what is NaN, infinite or absurd, and say how many samples that were."""
    usable = np.abs(samples) <= MAX_SAMPLE  # so written, a NaN is not
    samples[~usable] = 0
    return len(samples) - int(usable.sum())
