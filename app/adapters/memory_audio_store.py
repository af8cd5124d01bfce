"""The audio store in memory, for tests."""

import io
import tempfile
from pathlib import Path
from typing import BinaryIO

from app.adapters.audio_upload import AudioUpload, check_key
from app.errors import NotFound


class MemoryAudioStore:
    """Implements ``ports.AudioStore``; only uploads under way are files, because they get probed."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def create(self) -> AudioUpload:
        return AudioUpload(Path(tempfile.gettempdir()), self._keep)

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self._existing(key))

    def size(self, key: str) -> int:
        return len(self._existing(key))

    def delete(self, key: str) -> None:
        self._objects.pop(check_key(key), None)

    def ping(self) -> None:
        """Memory can always be written."""

    def _existing(self, key: str) -> bytes:
        if check_key(key) not in self._objects:
            raise NotFound(f"The audio store has nothing under {key!r}.")
        return self._objects[key]

    def _keep(self, written: Path, key: str) -> None:
        self._objects[key] = written.read_bytes()
