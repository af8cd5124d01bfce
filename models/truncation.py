"""Whether a file ends before it should: where the container says how long it is and FFmpeg does not listen.

FFmpeg takes the length of wav, mp3 and ogg from the bytes that are there, so a broken-off upload looks complete.
Flac and m4a say so by themselves: their headers promise a duration.
"""

import os
import struct
from typing import BinaryIO

TOLERANCE = 0.02
"""Share of the promised bytes that may be missing without a note: tools that edit tags are not exact."""

_PLACEHOLDER = 0xFFFF_0000
"""Sizes from here on are what programs write that do not know the length yet."""

_OGG_PAGE_BYTES = 65_307
_OGG_LAST_PAGE = 4
_XING_HAS_FRAMES = 1
_XING_HAS_BYTES = 2


def truncation_notes(file: BinaryIO) -> list[str]:
    """Return a note where wav, mp3 or ogg bytes break off early. The file is left at its beginning."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    try:
        if head.startswith(b"RIFF") and head.endswith(b"WAVE"):
            return _missing(struct.unpack("<I", head[4:8])[0] + 8, size)
        if head.startswith(b"OggS"):
            return _without_last_page(file, size)
        start = _after_id3(head)
        return _missing(start + _xing_bytes(file, start), size)
    finally:
        file.seek(0)


def _missing(promised: int, size: int) -> list[str]:
    if promised >= _PLACEHOLDER or size >= promised * (1 - TOLERANCE):
        return []
    return [f"the file ends early: its header promises {promised} bytes, {size} are there"]


def _without_last_page(file: BinaryIO, size: int) -> list[str]:
    """Every Ogg stream ends with a page that is marked as its last (RFC 3533, section 6)."""
    file.seek(max(0, size - _OGG_PAGE_BYTES))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page >= 0 and len(tail) > page + 5 and tail[page + 5] & _OGG_LAST_PAGE:
        return []
    return ["the file ends early: the page that ends an Ogg stream is missing"]


def _after_id3(head: bytes) -> int:
    """Where an mp3's first frame begins: behind an ID3v2 tag, whose size has seven bits a byte."""
    if not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _xing_bytes(file: BinaryIO, start: int) -> int:
    """Bytes from the first frame on, as the Xing or Info header says that most encoders write; 0 without one."""
    file.seek(start)
    frame = file.read(192)
    mark = max(frame.find(b"Xing"), frame.find(b"Info"))
    if mark < 0 or len(frame) < mark + 16:
        return 0
    flags, first, second = struct.unpack(">III", frame[mark + 4 : mark + 16])
    if not flags & _XING_HAS_BYTES:
        return 0
    return int(second if flags & _XING_HAS_FRAMES else first)
