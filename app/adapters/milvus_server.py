"""The connection to a Milvus server, or to Milvus Lite in a file. Nothing waits for ever, and errors are ours."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.exceptions import ConnectionConfigException

from app.errors import ConfigurationError, IndexUnavailable

CONNECT_S: Final = 5.0
ANSWER_S: Final = 20.0
RECONNECT_S: Final = 2.0
"""While the server is away it is tried no more often than this; whoever asks meanwhile is told so at once."""

_FILE: Final = ".db"
"""How the path of Milvus Lite's file ends, as pymilvus has it."""

_UNKNOWN: Final = {100, 101, 1600}
"""What Milvus answers for a collection that is not there or not loaded, and for an alias that is not there."""

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs what it raises, at length


class CollectionGone(Exception):
    """The server has no collection or alias of this name, or has not loaded it."""


class MilvusServer:
    """Connects at the first call, and again after an outage. For any number of threads."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._token = token or ""
        self._client: Any = None
        self._version = ""
        self._away_until = 0.0
        self._connecting = threading.Lock()

    def call(self, method: str, *values: Any, timeout: float = ANSWER_S, **named: Any) -> Any:  # noqa: ANN401  # pymilvus has no types
        """Call a method of ``MilvusClient``.

        Raises:
            CollectionGone: It names a collection that is not there, or not loaded.
            IndexUnavailable: The server did not answer, or not in time, or refused.
            ConfigurationError: The address is none.
        """
        with self.naming_errors():
            return getattr(self._connected(), method)(*values, timeout=timeout, **named)

    @contextmanager
    def naming_errors(self) -> Iterator[None]:
        """Give errors of pymilvus our names, as ``call`` does."""
        try:
            yield
        except ConnectionConfigException as error:
            raise ConfigurationError(f"SOUNDKIN_MILVUS_URL cannot be used: {error.message}.") from error
        except MilvusException as error:
            if error.code in _UNKNOWN:
                raise CollectionGone(error.message) from error
            raise self._unavailable(error.message) from error
        except grpc.RpcError as error:
            raise self._unavailable(error.details() if isinstance(error, grpc.Call) else str(error)) from error

    def close(self) -> None:
        """Let go of the connection, and end Milvus Lite."""
        if self._client is not None:
            self._client.close()
        if self._url.endswith(_FILE):
            from milvus_lite.server_manager import server_manager_instance  # noqa: PLC0415  # a server needs none

            server_manager_instance.release_server(self._url)

    def version(self) -> str:
        """Return what the server says it is. Raises ``IndexUnavailable``."""
        self._version = str(self.call("get_server_version", timeout=CONNECT_S))
        return self._version

    def is_since(self, major: int, minor: int) -> bool:
        """Whether it is a server of this version or a later one, which Milvus Lite is not."""
        found = re.match(r"v?(\d+)\.(\d+)", self._version or self.version())
        return found is not None and (int(found[1]), int(found[2])) >= (major, minor)

    def is_lite(self) -> bool:
        """Whether this is Milvus Lite."""
        return "lite-" in (self._version or self.version())

    def _connected(self) -> Any:  # noqa: ANN401  # pymilvus has no types
        with self._connecting:
            if time.monotonic() < self._away_until:
                raise self._told("it was away a moment ago")
            if self._client is None:
                self._client = MilvusClient(self._url, token=self._token, timeout=CONNECT_S)
            return self._client

    def _unavailable(self, why: str) -> IndexUnavailable:
        """Leave the server alone for a moment when it does not answer; a refusal is an answer."""
        if re.search(r"connect|timeout|DEADLINE|UNAVAILABLE", why, re.IGNORECASE):
            self._away_until = time.monotonic() + RECONNECT_S
        return self._told(why)

    def _told(self, why: str) -> IndexUnavailable:
        return IndexUnavailable(
            f"Milvus at {self._url} cannot be used ({why}). Check that it runs, SOUNDKIN_MILVUS_URL and "
            "SOUNDKIN_MILVUS_TOKEN; Soundkin goes on by itself once it answers."
        )
