"""Debian packages as archives of files: downloaded and read, never installed."""

import io
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from models.errors import PackageUnavailable, ToolMissing

_ARCHIVE = re.compile(r"(?P<archive>.+?\.(?:zip|pk3|love))\.d/(?P<member>.+)")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_SPOOLED_BYTES = 64 * 2**20


def check_tools() -> None:
    """Refuse at once where packages cannot be had.

    Raises:
        ToolMissing: ``apt-get`` or ``dpkg-deb`` is not there.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ToolMissing(
                f"{tool} is not there: Debian's packages can only be read on Debian, Ubuntu or the like, "
                f"or in a container of one (`docker run -v $PWD:/work -w /work debian …`)"
            )


def download(package: str, folder: Path) -> Path:
    """Download a package, without installing it, and return where it lies.

    Raises:
        PackageUnavailable: apt does not know it, or could not get it.
    """
    if not _NAME.fullmatch(package):
        raise PackageUnavailable(f"{package!r} is not the name of a package")
    command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - checked
    found = sorted(folder.glob(f"{package}_*.deb"))
    if done.returncode or not found:
        reason = " ".join(done.stderr.split()) or "apt-get download gave no file"
        raise PackageUnavailable(f"{package}: {reason} (run `apt-get update` first; it may be of another release)")
    return found[0]


def unpack(package: Path, folder: Path) -> None:
    """Write all files of a package below a folder.

    Raises:
        PackageUnavailable: It is damaged.
    """
    command = ["dpkg-deb", "--extract", str(package), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise PackageUnavailable(f"{package.name}: {done.stderr.strip()}")


def read_files(package: Path, paths: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Read files of a package in the order in which they lie there; what is not there is left out.

    Args:
        package: The ``.deb``.
        paths: As in the package, without a leading slash. ``X.zip.d/Y`` stands for the member Y of the archive
            X.zip; so do ``.pk3`` and ``.love``, which are zip archives too.

    Yields:
        Path and open file, which must be read before the next.

    Raises:
        PackageUnavailable: The package or an archive in it is damaged.
    """
    nested: dict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        if match := _ARCHIVE.fullmatch(path):
            nested[match["archive"]][match["member"]] = path
    plain = set(paths)
    try:
        for name, file in _members(package):
            if name in plain:
                yield name, file
            if name in nested:
                yield from _zip_members(file, nested[name])
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise PackageUnavailable(f"{package.name} cannot be read: {error}") from error


def _members(package: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with _tar_stream(package) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name.removeprefix("./"), file


@contextmanager
def _tar_stream(package: Path) -> Iterator[IO[bytes]]:
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    with process:
        try:
            yield process.stdout or io.BytesIO()
        finally:
            process.kill()  # it may stand at a full pipe when not all was read


def _zip_members(file: IO[bytes], wanted: dict[str, str]) -> Iterator[tuple[str, IO[bytes]]]:
    with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as seekable:
        shutil.copyfileobj(file, seekable)
        with zipfile.ZipFile(seekable) as archive:
            for member in sorted(wanted.keys() & set(archive.namelist())):
                with archive.open(member) as opened:
                    yield wanted[member], opened
