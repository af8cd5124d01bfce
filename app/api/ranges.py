"""Byte ranges of RFC 9110: which part of the audio a player asks for."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeUnsatisfiable(Exception):
    """The range lies outside the bytes."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From ``start`` to ``stop`` (exclusive) of ``size`` bytes."""

    start: int
    stop: int
    size: int

    @property
    def content_range(self) -> str:
        """The Content-Range header."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Return the range, or ``None`` to send the whole: no header, several ranges, or one not understood.

    Raises:
        RangeUnsatisfiable: It begins at or after the end.
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= stop:
        raise RangeUnsatisfiable
    return ByteRange(start, stop, size)
