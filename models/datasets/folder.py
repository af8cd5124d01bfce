"""Folders of music: what the files' own tags say is what is known."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

from models.datasets.assembly import assemble
from models.datasets.columns import parse_tempo
from models.datasets.files import AUDIO_SUFFIXES, Missing, audio_files
from models.datasets.keys import parse_key
from models.datasets.labels import unify_spelling
from models.datasets.track import Dataset, LabelledTrack
from models.errors import DatasetInvalid

Fields = Mapping[str, list[str]]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "artist": ("artist", "albumartist"),
    "album": ("album",),
    "licence": ("license", "copyright"),
    "year": ("year",),
    "genre": ("genre",),
    "mood": ("mood",),
    "tempo": ("bpm", "bpm (beats per minute)"),
    "key": ("initial_key", "key"),
}
_YEAR = re.compile(r"\b(1[0-9]{3}|2[0-9]{3})\b")
_NO_GENRE = {"", "none", "(none)", "unknown", "other"}


def read_folder(folder: Path, *, missing: Missing = "refuse") -> Dataset:
    """Read every audio file below a folder, by extension.

    Genre and mood come from tags of that name (spellings that differ by case, blanks or hyphens are made one), era
    is the decade of the year, tempo and key are taken where tags hold a proper one. Without a tag for it, the album
    is the folder that the file lies in, as a path below ``folder``; it is empty there.

    Args:
        folder: Not necessarily flat.
        missing: What becomes of files that cannot be opened.

    Raises:
        DatasetInvalid: There is no such folder, no audio in it, or files cannot be opened, all of them named.
    """
    if not folder.is_dir():
        raise DatasetInvalid(f"{folder} cannot be used:", ["there is no such folder"])
    paths = list(audio_files(folder))
    if not paths:
        wanted = " ".join(sorted(AUDIO_SUFFIXES))
        raise DatasetInvalid(f"{folder} cannot be used:", [f"there is no audio below it; looked for {wanted}"])
    tracks = unify_spelling(_track(path, folder) for path in paths)
    return assemble(folder.resolve().name, tracks, missing=missing)


def _track(path: Path, folder: Path) -> LabelledTrack:
    fields = _fields(path)
    texts = {name: "; ".join(fields[name]) for name in ("title", "artist", "album", "licence")}
    parent = path.parent.relative_to(folder).as_posix().removeprefix(".")
    era = {f"{match[0][:3]}0s" for year in fields["year"][:1] if (match := _YEAR.search(year))}
    tags = {"genre": _tags(fields["genre"]), "mood": _tags(fields["mood"]), "era": frozenset(era)}
    return LabelledTrack(
        id=path.relative_to(folder).as_posix(),
        path=path,
        title=texts["title"],
        artist=texts["artist"],
        album=texts["album"] or parent,
        licence=texts["licence"],
        tags={dimension: found for dimension, found in tags.items() if found},
        tempo_bpm=_tempo(fields["tempo"]),
        key=_key(fields["key"]),
    )


def _fields(path: Path) -> Fields:
    """Texts by the names of _NAMES, each a list without empty texts; all empty where the file has no tags."""
    try:
        raw = TinyTag.get(path, duration=False).as_dict()
    except (TinyTagException, OSError):
        raw = {}
    return {wanted: _first(raw, names) for wanted, names in _NAMES.items()}


def _first(raw: Mapping[str, object], names: Iterable[str]) -> list[str]:
    for name in names:
        value = raw.get(name)
        texts = [" ".join(str(text).split()) for text in (value if isinstance(value, list) else [value or ""])]
        if any(texts):
            return [text for text in texts if text]
    return []


def _tags(texts: Iterable[str]) -> frozenset[str]:
    parts = (" ".join(part.split()) for text in texts for part in re.split(r"[;,/\x00]", text))
    return frozenset(part for part in parts if part.casefold() not in _NO_GENRE)


def _tempo(texts: list[str]) -> float | None:
    """Taggers write 0 where they do not know."""
    try:
        return parse_tempo(texts[0]) if texts else None
    except ValueError:
        return None


def _key(texts: list[str]) -> str | None:
    try:
        return parse_key(texts[0]) if texts else None
    except ValueError:
        return None
