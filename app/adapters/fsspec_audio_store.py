"""Audio behind any URL that fsspec knows: S3, Google Cloud Storage, Azure, SFTP and others."""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import fsspec

from app.adapters.audio_upload import AudioUpload, check_key, prepare_folder
from app.errors import ConfigurationError, NotFound, SoundkinError, StorageFull, StorageUnavailable

BUFFER_BYTES = 1 << 18


class FsspecAudioStore:
    """Implements ``ports.AudioStore``.

    An upload is spooled to a local temporary file (in ``TMPDIR``), where it can be probed, then put in one go:
    object stores show an object only when it is whole.
    """

    def __init__(self, url: str) -> None:
        try:
            # What others put or delete must be seen at once: listings are not remembered, nor is the file system,
            # which fsspec would otherwise share with an earlier store, with the credentials of that time.
            options = {"use_listings_cache": False, "skip_instance_cache": True}
            self._files, self._root = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"SOUNDKIN_AUDIO_URL cannot be used: {error}") from error
        self._spool = Path(tempfile.gettempdir()) / f"soundkin-uploads-{os.getuid()}"
        prepare_folder(self._spool)

    def create(self) -> AudioUpload:
        return AudioUpload(self._spool, self._keep)

    def open(self, key: str) -> BinaryIO:
        self.size(key)  # some open a folder as if it were an empty file
        with remote_errors(key):
            remote = self._files.open(self._path(key), "rb")
        return cast("BinaryIO", io.BufferedReader(RemoteReader(remote, key), BUFFER_BYTES))

    def size(self, key: str) -> int:
        path = self._path(key)
        with remote_errors(key):
            found = self._files.info(path)
        if found["type"] != "file":
            raise _absent(key)
        return int(found["size"])

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            with remote_errors(key):
                self._files.rm_file(path)
        except NotFound:
            return

    def ping(self) -> None:
        key = f"ping-{uuid4().hex}"
        with self.create() as upload:
            upload.write(b"ping")
            upload.commit(key)
        self.delete(key)

    def _path(self, key: str) -> str:
        return f"{self._root}/{check_key(key)}"

    def _keep(self, written: Path, key: str) -> None:
        path = self._path(key)
        try:
            with remote_errors(key):
                if not self._files.async_impl:  # object stores have no folders, and answer over the network
                    self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(written), path)
        except NotFound as error:
            raise StorageUnavailable(f"The place of the audio store is missing: create {self._root!r}.") from error


class RemoteReader(io.RawIOBase):
    """Reads a remote file, with the errors of this service."""

    def __init__(self, remote: Any, key: str) -> None:  # noqa: ANN401 (each file system has its own class)
        self._remote = remote
        self._key = key

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (a writable buffer has no name before Python 3.12)
        with remote_errors(self._key):
            data = self._remote.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._remote.seek(offset, whence))

    def tell(self) -> int:
        return int(self._remote.tell())

    def close(self) -> None:
        self._remote.close()
        super().close()


@contextmanager
def remote_errors(key: str) -> Iterator[None]:
    """Turn whatever a file system of fsspec raises into errors of the service."""
    try:
        yield
    except SoundkinError:
        raise
    except (FileNotFoundError, IsADirectoryError) as error:
        raise _absent(key) from error
    except Exception as error:  # the libraries behind fsspec have no error in common
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"No space is left for audio: make room, then try again. ({error})") from error
        raise StorageUnavailable(f"The audio store does not answer: check SOUNDKIN_AUDIO_URL. ({error})") from error


def _absent(key: str) -> NotFound:
    return NotFound(f"The audio store has nothing under {key!r}.")
