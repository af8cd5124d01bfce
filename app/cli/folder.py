"""Finding the files that somebody means when they name a folder."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LOOKS_LIKE_AUDIO = re.compile(
    r".*\.(3gp|aac|ac3|aif[cf]?|alac|amr|ape|au|caf|dff|dsf|eac3|flac|m4[ab]|mka|mp[1234c]|og[ag]|opus|ra|snd"
    r"|spx|tta|voc|w64|wave?|weba|webm|wma|wv)",
    re.IGNORECASE | re.DOTALL,
)
"""Names under which audio comes: to leave out covers and notes. What is audio, the service decides."""


@dataclass(frozen=True, slots=True)
class Found:
    """Files to send, and how many were left out because their name does not look like audio."""

    files: tuple[Path, ...]
    skipped: int


def find_files(paths: Iterable[Path], *, every: bool) -> Found:
    """Look through folders. A file that is named itself is always taken; hidden ones below a folder never are.

    Args:
        paths: Files and folders, all of which exist.
        every: Take files of every name.
    """
    files: dict[Path, None] = {}
    skipped = 0
    for path in paths:
        for file in [path] if path.is_file() else _below(path):
            if every or path.is_file() or LOOKS_LIKE_AUDIO.fullmatch(file.name):
                files[file] = None
            else:
                skipped += 1
    return Found(tuple(files), skipped)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(place, name)
            if not name.startswith(".") and file.is_file():
                yield file
