"""A multipart body, streamed: one file straight into the audio store, small text fields beside it.

FastAPI's own form parsing would spool the file to a second place and read it again; here each chunk is hashed and
written once, on a thread, so memory stays flat and the event loop free.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from app.api.middleware import lift_body_limit
from app.api.threads import in_upload_thread
from app.errors import Fault, InvalidRequest, UploadTooLarge
from app.ports import AudioStore, AudioWriter
from app.services.ingest import Received

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 64 * 1024
MAX_FILENAME = 255
WRITE_BYTES = 1024 * 1024
"""Chunks of the network are gathered to this size before a thread is asked to write them."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that arrived whole: the file, in the store under a temporary name, and the text fields."""

    received: Received
    fields: Mapping[str, str]


@asynccontextmanager
async def receive_upload(
    request: Request, store: AudioStore, *, fields: frozenset[str], max_bytes: int
) -> AsyncIterator[Upload]:
    """Stream the request's body; when the block ends, what was not committed is gone from the store.

    Args:
        request: With a multipart/form-data body that nobody has read.
        store: Where the part ``file`` goes.
        fields: Names of the text parts that are allowed.
        max_bytes: Of the file.

    Raises:
        InvalidRequest: Not the parts that were expected.
        UploadTooLarge: The file has more bytes than allowed.
        StorageFull: No space is left.
    """
    boundary = boundary_of(request.headers.get("content-type", ""))
    refuse_by_length(request.headers.get("content-length"), max_bytes)
    lift_body_limit(request.scope)
    writer = await in_upload_thread(request, store.create)
    await in_upload_thread(request, writer.__enter__)
    try:
        yield await _receive(request, writer, Parts(boundary, fields), max_bytes)
    finally:
        with anyio.CancelScope(shield=True):  # the client may be gone: its bytes go too
            await in_upload_thread(request, writer.__exit__, None, None, None)


def describe_upload(fields: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of such a body: FastAPI does not see it.

    Args:
        fields: Schemas of the text parts, by name.
        example: Values of them.
    """
    file = {"type": "string", "format": "binary", "description": "The audio."}
    schema = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": file, **fields},
    }
    content = {"multipart/form-data": {"schema": schema, "example": {"file": "(bytes)", **example}}}
    return {"requestBody": {"required": True, "content": content}}


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a multipart/form-data header."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise HTTPException(
            415,
            f"The body is '{content_type or 'nothing'}', expected multipart/form-data with a part named 'file'.",
        )
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise InvalidRequest("The Content-Type names no boundary; HTTP clients add it when they build the body.")
    return boundary


def refuse_by_length(content_length: str | None, max_bytes: int) -> None:
    """Turn an upload away before reading it where its header says already that it is too large."""
    allowance = max_bytes + 16 * MAX_FIELD_BYTES
    if content_length is not None and content_length.isdigit() and int(content_length) > allowance:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(
        f"The file is larger than {max_bytes} bytes, which is the limit here (SOUNDKIN_MAX_UPLOAD_BYTES)."
    )


async def _receive(request: Request, writer: AudioWriter, parts: "Parts", max_bytes: int) -> Upload:
    digest = hashlib.sha256()
    size = 0

    def store_pending() -> None:
        data = parts.take()
        digest.update(data)
        writer.write(data)

    try:
        async for chunk in request.stream():
            parts.feed(chunk)
            size_now = size + len(parts.pending)
            if size_now > max_bytes:
                raise _too_large(max_bytes)
            if len(parts.pending) >= WRITE_BYTES:
                size = size_now
                await in_upload_thread(request, store_pending)
    except ClientDisconnect as error:
        raise InvalidRequest("The connection ended before the body was complete. Send it again.") from error
    size += len(parts.pending)
    await in_upload_thread(request, store_pending)
    parts.check_complete(size)
    return Upload(Received(writer, digest.hexdigest(), size, parts.filename), parts.texts())


@dataclass(slots=True)
class _Part:
    """The part that is being parsed."""

    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""


class Parts:
    """Callbacks of the parser: file bytes into ``pending``, text fields into memory, everything else refused."""

    def __init__(self, boundary: bytes, fields: frozenset[str]) -> None:
        self.pending = bytearray()
        self.filename = ""
        self._fields = fields
        self._values: dict[str, bytes] = {}
        self._seen_file = False
        self._ended = False
        self._part = _Part()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise InvalidRequest(f"The boundary in the Content-Type cannot be used: {error}.") from error

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidRequest(f"The multipart body is broken: {error}.") from error

    def take(self) -> bytes:
        """Return the file's bytes so far and forget them."""
        data = bytes(self.pending)
        self.pending.clear()
        return data

    def check_complete(self, size: int) -> None:
        """Raise ``InvalidRequest`` unless one file with content arrived and the body ended properly."""
        if not self._ended:
            raise InvalidRequest("The multipart body ends before its closing boundary. Send it again, whole.")
        if not self._seen_file:
            raise _part_fault("file", "is missing; it carries the audio")
        if size == 0:
            raise _part_fault("file", "is empty")

    def texts(self) -> dict[str, str]:
        """Return the text fields."""
        return {name: _decoded(name, value) for name, value in self._values.items()}

    def _begin(self) -> None:
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[bytes(self._part.header).lower()] = bytes(self._part.value)
        self._part.header.clear()
        self._part.value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._part.name = name
        if name == "file":
            self._begin_file(options.get(b"filename", b""))
        elif name not in self._fields:
            expected = ", ".join(["file", *sorted(self._fields)])
            raise _part_fault(name[:80] or "(no name)", f"is not known here; expected: {expected}")
        elif name in self._values:
            raise _part_fault(name, "comes twice")
        else:
            self._values[name] = b""

    def _begin_file(self, filename: bytes) -> None:
        if self._seen_file:
            raise _part_fault("file", "comes twice; send one file per request")
        self._seen_file = True
        self.filename = clean_filename(filename.decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.name == "file":
            self.pending += data[start:end]
            return
        value = self._values[self._part.name] + data[start:end]
        if len(value) > MAX_FIELD_BYTES:
            raise _part_fault(self._part.name, f"has more than {MAX_FIELD_BYTES} bytes")
        self._values[self._part.name] = value

    def _part_end(self) -> None:
        self._part = _Part()

    def _end(self) -> None:
        self._ended = True


def clean_filename(name: str) -> str:
    """Keep the last part of a client's path, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable())[:MAX_FILENAME]


def _part_fault(name: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"The part '{name}' {message}.", [Fault(f"body.{name}", message)])


def _decoded(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _part_fault(name, "is not UTF-8 text") from error


def json_field(upload: Upload, name: str) -> object:
    """Return a text field's JSON, an empty object where it was not sent."""
    text = upload.fields.get(name, "")
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _part_fault(name, f"is not valid JSON: {error}") from error
