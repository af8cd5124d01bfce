"""The audio of a manifest, out of Debian's packages."""

import csv
import hashlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from models.datasets.packages import check_tools, download, read_files
from models.errors import DatasetInvalid, PackageUnavailable

CHECKSUM_LENGTH = 16


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One row of a manifest.

    Attributes:
        path: Package, slash, path in the package (see ``packages.read_files``); also where it goes below the folder
            of the audio.
        package: The package's name.
        sha256_16: First 16 hexadecimal digits of the SHA-256; empty: not checked.
    """

    path: str
    package: str
    sha256_16: str = ""

    @property
    def inner_path(self) -> str:
        """Path in the package."""
        return self.path.removeprefix(f"{self.package}/")


@dataclass(frozen=True, slots=True)
class FetchedPackage:
    """What became of the files of one package.

    Attributes:
        package: Its name.
        files: How many are there and good now, those of earlier runs included.
        faults: Every other file, with the reason.
    """

    package: str
    files: int
    faults: tuple[str, ...]


def read_listing(
    manifest: Path, tiers: Collection[str] = (), packages: Collection[str] = ()
) -> tuple[ListedFile, ...]:
    """Files that a manifest lists: CSV with columns path and package, only some tiers or packages if given.

    Raises:
        DatasetInvalid: A column is not there, a row cannot be used, or a tier or package is not in it.
    """
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"path", "package", *(("tier",) if tiers else ())} - set(reader.fieldnames or ())
        rows = list(reader)
    if missing:
        raise DatasetInvalid(f"{manifest} has no columns", sorted(missing))
    faults = [f"row {number}: {fault}" for number, row in enumerate(rows, start=2) if (fault := _fault(row))]
    if faults:
        raise DatasetInvalid(f"{manifest} has rows that cannot be fetched", faults)
    unknown = {*tiers} - {row.get("tier") for row in rows} | {*packages} - {row["package"] for row in rows}
    if unknown:
        raise DatasetInvalid(f"{manifest} lists nothing of", sorted(unknown))
    return tuple(
        ListedFile(row["path"], row["package"], (row.get("sha256_16") or "").lower())
        for row in rows
        if (not tiers or row["tier"] in tiers) and (not packages or row["package"] in packages)
    )


def _fault(row: Mapping[str, str | None]) -> str:
    path, package = row["path"] or "", row["package"] or ""
    checksum = row.get("sha256_16") or ""
    if not package or not path.startswith(f"{package}/") or ".." in PurePosixPath(path).parts:
        return f"path {path!r} is not below its package {package!r}"
    if checksum and (len(checksum) != CHECKSUM_LENGTH or not set(checksum.lower()) <= set("0123456789abcdef")):
        return f"sha256_16 is {checksum!r}, not {CHECKSUM_LENGTH} hexadecimal digits"
    return ""


def fetch(listing: Sequence[ListedFile], folder: Path) -> Iterator[FetchedPackage]:
    """Bring the files below a folder, package by package; what is there already stays.

    A file whose checksum is another is not kept: figures that are stated for the one do not hold for the other.

    Raises:
        ToolMissing: There is no apt.
    """
    check_tools()
    by_package: dict[str, list[ListedFile]] = defaultdict(list)
    for listed in listing:
        by_package[listed.package].append(listed)
    for package, files in sorted(by_package.items()):
        todo = [file for file in files if not _is_there(file, folder)]
        faults = _fetch_package(package, todo, folder) if todo else ()
        yield FetchedPackage(package, len(files) - len(faults), faults)


def _is_there(listed: ListedFile, folder: Path) -> bool:
    path = folder / listed.path
    if not path.is_file():
        return False
    return not listed.sha256_16 or _checksum(path) == listed.sha256_16


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:CHECKSUM_LENGTH]


def _fetch_package(package: str, files: Sequence[ListedFile], folder: Path) -> tuple[str, ...]:
    """Faults of what could not be brought."""
    left = {file.inner_path: file for file in files}
    faults = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as place:  # /tmp may be small
            archive = download(package, Path(place))
            for path, content in read_files(archive, tuple(left)):
                fault = _save(left.pop(path), content, folder)
                faults += [fault] if fault else []
    except PackageUnavailable as error:
        return (*faults, *(f"{file.path}: {error}" for file in left.values()))
    return (*faults, *(f"{file.path}: not in the package" for file in left.values()))


def _save(listed: ListedFile, content: IO[bytes], folder: Path) -> str:
    """Write one file as a whole or not at all; returns the fault, if any."""
    path = folder / listed.path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        shutil.copyfileobj(content, file)
    checksum = _checksum(part)
    if listed.sha256_16 and checksum != listed.sha256_16:
        part.unlink()
        return f"{listed.path}: checksum {checksum} where {listed.sha256_16} is listed (another release?)"
    part.replace(path)
    return ""
