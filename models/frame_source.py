"""Packets of an audio stream to frames; what cannot be decoded is passed over and counted."""

from collections.abc import Iterator
from itertools import islice

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from models.errors import AudioUnreadable

MIN_SAMPLES_PER_PACKET = 16
"""The smallest blocks of any codec that is read (flac)."""

TRIED_PACKETS = 2_000


class FrameSource:
    """The frames of a stream, with count kept of what could not be decoded.

    Args:
        container: The open file.
        stream: The one to decode.
        max_packets: To read at most; ``None`` reads to the end.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, max_packets: int | None = None) -> None:
        self._packets = islice(container.demux(stream), max_packets)
        self._good = 0
        self._bad = 0
        self._samples = 0
        self._broken_off = ""

    def frames(self) -> Iterator[AudioFrame]:
        """Whatever can be decoded, in order; a file that breaks off ends early.

        Raises:
            AudioUnreadable: The packets are so small that a song would take an hour.
        """
        while (packet := self._next_packet()) is not None:
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._bad += 1
                continue
            self._good += packet.size > 0
            for frame in frames:
                if isinstance(frame, AudioFrame) and frame.samples:
                    self._samples += frame.samples
                    yield frame
            self._check_size_of_packets()

    def _next_packet(self) -> "Packet[AudioStream] | None":
        try:
            return next(self._packets, None)
        except av.error.FFmpegError as error:
            self._broken_off = error.strerror or str(error)
            return None

    def _check_size_of_packets(self) -> None:
        if self._good >= TRIED_PACKETS and self._samples < MIN_SAMPLES_PER_PACKET * self._good:
            raise AudioUnreadable(
                f"The file holds {self._samples / self._good:.1f} samples per packet; "
                f"{MIN_SAMPLES_PER_PACKET} and more are read. Its header is damaged or made to waste time."
            )

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
