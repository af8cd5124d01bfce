"""Audio files on disk: which there are, and whether they can be opened."""

from collections.abc import Iterator
from os.path import normpath
from pathlib import Path
from typing import Literal

AUDIO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("aac", "aif", "aifc", "aiff", "ape", "au", "caf", "flac", "m4a", "m4b", "mka", "mp3", "mp4"),
        *("oga", "ogg", "opus", "snd", "tta", "w64", "wav", "webm", "wma", "wv"),
    )
)

Missing = Literal["refuse", "skip"]
"""What becomes of tracks without a usable file: a fault, or left out and named in ``Dataset.left_out``."""


def audio_files(folder: Path) -> Iterator[Path]:
    """Files below a folder that are audio by their extension, sorted; hidden ones do not count."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in AUDIO_SUFFIXES and not hidden and path.is_file():
            yield path


def file_fault(path: Path) -> str | None:
    """Why a file cannot be used, ``None`` when something can be read from it."""
    try:
        with path.open("rb") as file:
            return None if file.read(1) else "the file is empty"
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"the file cannot be read ({(error.strerror or str(error)).lower()})"


def path_below(root: Path, text: str) -> Path:
    """A path that a manifest gives, below its root.

    Raises:
        ValueError: It is empty, absolute or leads out of the root.
    """
    if not text or "\0" in text:
        raise ValueError("path is empty; expected one below the audio folder")
    if Path(text).is_absolute():
        raise ValueError(f"path '{text}' is absolute; expected one below the audio folder")
    if normpath(text).split("/")[0] in {"..", "."}:
        raise ValueError(f"path '{text}' leads out of the audio folder")
    return root / text
