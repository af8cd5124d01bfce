"""Sending audio: whole or in part, in bounded memory, with caching by content."""

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from app.api.ranges import ByteRange, RangeUnsatisfiable, parse_range
from app.domain import Track
from app.errors import NotFound
from app.ports import AudioStore

BLOCK_BYTES = 256 * 1024


def audio_response(request: Request, store: AudioStore, track: Track) -> Response:
    """Answer GET and HEAD for the audio of a track or clip. Raises ``NotFound`` where it was not kept."""
    key = track.audio.key
    if key is None:
        raise NotFound(f"The audio of {track.id} was not kept.")
    size = store.size(key)
    headers = _headers(track)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        part = parse_range(_range_header(request, headers["ETag"]), size)
    except RangeUnsatisfiable as error:
        raise HTTPException(
            416,
            f"The audio has {size} bytes, and none of them lies in '{request.headers['range']}'.",
            headers={"Content-Range": f"bytes */{size}"},
        ) from error
    sent = part or ByteRange(0, size, size)
    headers["Content-Length"] = str(sent.stop - sent.start)
    if part is not None:
        headers["Content-Range"] = part.content_range
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_blocks(store.open(key), sent), status_code=status, headers=headers)


def _range_header(request: Request, etag: str) -> str | None:
    """Return the Range header, unless it was meant for other bytes than these (If-Range)."""
    condition = request.headers.get("if-range")
    return request.headers.get("range") if condition in {None, etag} else None


def _headers(track: Track) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(track.audio.filename or track.id, safe='')}",
        "Content-Type": track.audio.content_type,
        "ETag": f'"{track.audio.sha256}"',
        "Vary": "Authorization, Cookie",
    }


def _blocks(reader: BinaryIO, part: ByteRange) -> Iterator[bytes]:
    with reader:
        reader.seek(part.start)
        left = part.stop - part.start
        while left > 0 and (block := reader.read(min(BLOCK_BYTES, left))):
            left -= len(block)
            yield block
