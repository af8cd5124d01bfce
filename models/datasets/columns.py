"""The columns of a manifest: their names, other names they go by, and what their cells may hold."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from models.datasets.spelling import fold, nearest, suggestion
from models.datasets.track import MAX_TEMPO_BPM, MIN_TEMPO_BPM, SPLITS, TAG_DIMENSIONS

TEXT_COLUMNS = ("title", "artist", "album", "licence", "source")
COLUMNS = ("path", *TEXT_COLUMNS, "split", "duplicates", *TAG_DIMENSIONS, "tags", "tempo_bpm", "key")
SEPARATOR = ";"

_ALIASES: Mapping[str, str] = {
    "file": "path",
    "filename": "path",
    "track_title": "title",
    "performer": "artist",
    "soundtrack": "album",
    "license": "licence",
    "dup_of": "duplicates",
    "duplicate_of": "duplicates",
    "genres": "genre",
    "moods": "mood",
    "instruments": "instrument",
    "decade": "era",
    "tag": "tags",
    "bpm": "tempo_bpm",
    "tempo": "tempo_bpm",
    "initial_key": "key",
}
_BY_FOLDED = {fold(name): column for name, column in {**{name: name for name in COLUMNS}, **_ALIASES}.items()}
_SPLIT_ALIASES = {
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "testing": "test",
}


def known_column(name: str) -> str | None:
    """The column that a header means by its name or an alias, whatever its case and hyphens."""
    return _BY_FOLDED.get(fold(name))


def header_faults(header: Sequence[str]) -> list[str]:
    """What is wrong with the names of columns: path missing, two of one name, known ones misspelt, none at all."""
    meant = [known_column(name) or name for name in header]
    faults = [] if "path" in meant else [f"there is no column path; the columns are: {', '.join(header)}"]
    for place, (name, column) in enumerate(zip(header, meant, strict=True)):
        if not name:
            faults.append(f"column {place + 1} has no name")
        elif column in meant[:place]:
            first = header[meant.index(column)]
            faults.append(
                f"column '{name}' is there twice" if name == first else f"'{first}' and '{name}' both mean {column}"
            )
        elif known_column(name) is None and (near := misspelt_column(name)):
            faults.append(f"unknown column '{name}' (did you mean '{near}'?)")
    return faults


def misspelt_column(name: str) -> str | None:
    """The known column or alias that a name is a slip away from; ``None`` for a column of another meaning."""
    return None if known_column(name) else nearest(name, (*COLUMNS, *_ALIASES))


def parse_texts(cell: str) -> frozenset[str]:
    """Texts of a list, runs of blanks made one."""
    return frozenset(text for part in cell.split(SEPARATOR) if (text := " ".join(part.split())))


def parse_ids(cell: str) -> frozenset[str]:
    """Paths of a list, as they stand."""
    return frozenset(text for part in cell.split(SEPARATOR) if (text := part.strip()))


def parse_split(cell: str) -> str:
    """One of SPLITS, or empty.

    Raises:
        ValueError: It is another word.
    """
    word = _SPLIT_ALIASES.get(cell.casefold(), cell.casefold())
    if word and word not in SPLITS:
        near = suggestion(word, SPLITS)
        raise ValueError(f"unknown split '{cell}'; expected {', '.join(SPLITS)} or nothing{near}")
    return word


def parse_tempo(cell: str) -> float | None:
    """Beats per minute, ``None`` for an empty cell.

    Raises:
        ValueError: It is no number between MIN_TEMPO_BPM and MAX_TEMPO_BPM.
    """
    if not cell:
        return None
    try:
        tempo_bpm = float(cell)
    except ValueError:
        tempo_bpm = float("nan")
    if not isfinite(tempo_bpm) or not MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM:
        raise ValueError(f"tempo '{cell}' is not a number from {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} BPM")
    return tempo_bpm


def join_texts(texts: Iterable[str]) -> str:
    """A cell that ``parse_texts`` and ``parse_ids`` read back."""
    return SEPARATOR.join(sorted(texts))
