"""Where audio is kept: in a local folder by default, or behind any URL that fsspec knows."""

from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from app.adapters.audio_upload import AudioUpload, check_key, prepare_folder, storage_errors
from app.adapters.folder_sync import sync_folder
from app.errors import NotFound
from app.ports import AudioStore

INCOMING = ".incoming"
"""Folder of uploads under way, in the store's own so that a rename completes them; no key begins with a dot."""


def open_store(url: str) -> AudioStore:
    """Open the store of a ``file://`` URL, a plain path or another fsspec URL such as ``s3://bucket/prefix``.

    Raises:
        ConfigurationError: The URL needs a library that is not installed, or is none that fsspec knows.
        StorageUnavailable: The local folder cannot be made.
    """
    if "://" not in url:
        return LocalAudioStore(Path(url))
    if url.startswith("file://"):
        return LocalAudioStore(Path(url2pathname(urlsplit(url).path)))
    from app.adapters.fsspec_audio_store import FsspecAudioStore  # noqa: PLC0415 (most never need its libraries)

    return FsspecAudioStore(url)


class LocalAudioStore:
    """Implements ``ports.AudioStore`` in a folder; a key is a path below it. Safe among threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._incoming = self._folder / INCOMING
        prepare_folder(self._incoming)

    def create(self) -> AudioUpload:
        return AudioUpload(self._incoming, self._keep)

    def open(self, key: str) -> BinaryIO:
        path = self._existing(key)
        with storage_errors():
            return path.open("rb")

    def size(self, key: str) -> int:
        path = self._existing(key)
        with storage_errors():
            return path.stat().st_size

    def delete(self, key: str) -> None:
        with storage_errors():
            self._path(key).unlink(missing_ok=True)

    def ping(self) -> None:
        with self.create() as upload:
            upload.write(b"ping")
            upload.local_path()

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound(f"The audio store has nothing under {key!r}.")
        return path

    def _keep(self, written: Path, key: str) -> None:
        """Rename, and make the name as durable as the bytes: a folder is written to disk by itself."""
        path = self._path(key)
        with storage_errors():
            self._make_folder(path.parent)
            written.replace(path)
            sync_folder(path.parent)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
