"""One call as a value: what is sent, and what its answer is read as. Both clients send the same ones."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter

from app.client.errors import EveryCallRefused, ServiceRefused
from app.client.patience import detail
from app.services.access import is_loopback

T = TypeVar("T")

Body = BaseModel | Mapping[str, Any]
"""What is asked with: a body of ``app.api``, or the same as plain dictionaries."""

OnSent = Callable[[int], None]
"""Hears how many bytes of a file have left, from 0 on at every attempt; may raise to stop the upload."""

Json = dict[str, Any]

TIMEOUT_S = 30.0
ANSWER_S = 180.0

_HOPELESS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INSUFFICIENT_STORAGE}


class _SentFile(io.FileIO):
    """A file that tells how many of its bytes have been read."""

    def __init__(self, path: Path, on_sent: OnSent) -> None:
        super().__init__(path)
        self._on_sent = on_sent
        self._sent_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self._sent_bytes += len(data)
        self._on_sent(self._sent_bytes)
        return data


def unheard(_sent_bytes: int) -> None:
    """Tell nobody how far an upload is."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A call.

    Attributes:
        method: Of HTTP.
        path: From ``/v1`` on.
        answer: What the answer is read as; ``bytes`` takes it as it comes, ``None`` takes nothing.
        params: Of the address; those that are ``None`` are left out.
        body: Sent as JSON.
        file: Sent as the part ``file``, from its beginning again at every attempt.
        fields: Text parts beside it.
        on_sent: Hears of its progress.
        repeatable: Whether it may be sent again when its answer was lost.
        answer_s: How long its answer is waited for; ``None`` where it is given only when something long is done.
    """

    method: str
    path: str
    answer: type[T]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    file: Path | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    on_sent: OnSent = unheard
    repeatable: bool = True
    answer_s: float | None = ANSWER_S

    @contextmanager
    def request(self) -> Iterator[dict[str, Any]]:
        """Open what has to be, and give what ``httpx`` sends."""
        given: dict[str, Any] = {
            "method": self.method,
            "url": self.path,
            "params": {name: value for name, value in self.params.items() if value is not None},
            "timeout": httpx.Timeout(TIMEOUT_S, read=self.answer_s),
        }
        if self.body is not None:
            given["json"] = plain(self.body)
        if self.file is None:
            yield given
            return
        # Names that are not UTF-8 exist on disks, but not in HTTP.
        name = self.file.name.encode("utf-8", "replace").decode()
        with _SentFile(self.file, self.on_sent) as source:
            yield given | {"data": dict(self.fields), "files": {"file": (name, source)}}

    def read(self, response: httpx.Response) -> T:
        """Return the answer. Raises ``ServiceRefused``."""
        if not response.is_success:
            raise _refusal(response)
        if self.answer in {bytes, type(None)}:
            return cast("T", response.content if self.answer is bytes else None)
        return cast("T", _adapter(cast("Any", self.answer)).validate_json(response.content))


def connection(url: str, key: str | None) -> dict[str, Any]:
    """Return how either kind of ``httpx`` client is made."""
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": TIMEOUT_S,
        # A proxy for the rest of the world must not get between us and this machine.
        "trust_env": not is_loopback(urlsplit(url).hostname or ""),
    }


def plain(body: Body) -> Json:
    """Return a body as it is sent."""
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dict(body)


@cache
def _adapter(answer: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _refusal(response: httpx.Response) -> ServiceRefused:
    refused = EveryCallRefused if response.status_code in _HOPELESS else ServiceRefused
    hint = " Name a key with --key or SOUNDKIN_KEY." if response.status_code == HTTPStatus.UNAUTHORIZED else ""
    return refused(detail(response) + hint, response.status_code)
