"""MagnaTagATune: 25 863 clips of 29 s with tags that players of a game agreed on (Law et al., 2009)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from models.datasets.assembly import assemble
from models.datasets.files import Missing, path_below
from models.datasets.table import Row, Table, read_table, sentences
from models.datasets.track import Dataset, LabelledTrack
from models.errors import DatasetInvalid

ANNOTATIONS = "annotations_final.csv"
CLIPS = "clip_info_final.csv"
TOP_TAGS = 50

GENRES = frozenset(
    (
        *("ambient", "classic", "classical", "country", "dance", "electronic", "indian", "metal", "new age"),
        *("opera", "pop", "rock", "techno"),
    )
)
INSTRUMENTS = frozenset(
    (
        *("cello", "choir", "drums", "flute", "guitar", "harp", "harpsichord", "piano", "sitar", "strings"),
        *("synth", "violin"),
    )
)
"""Of the 50 most frequent tags; the others (voices, loud, slow …) stay free."""

_SPLITS = {**dict.fromkeys("0123456789ab", "train"), "c": "validation", **dict.fromkeys("def", "test")}


def read_magnatagatune(folder: Path, *, missing: Missing = "refuse", top: int = TOP_TAGS) -> Dataset:
    """Read MagnaTagATune with the split by folder that papers use: 0 to b train, c validation, d to f test.

    Args:
        folder: Holds ``annotations_final.csv``, ``clip_info_final.csv`` and the audio, ``f/….mp3``, below itself or
            below ``mp3``.
        missing: What becomes of clips without a usable file; three of the published ones are empty.
        top: So many of the most frequent tags are kept.

    Raises:
        DatasetInvalid: With every fault.
    """
    annotations = _read(folder / ANNOTATIONS, ("clip_id", "mp3_path"))
    clips = _read(folder / CLIPS, ("clip_id", "artist", "album", "title"))
    faults = [f"{ANNOTATIONS} {fault}" for fault in sentences((*annotations.faults, *_bad_cells(annotations)))]
    faults += [f"{CLIPS} {fault}" for fault in sentences(clips.faults)]
    facts = {row.cells["clip_id"]: row.cells for row in clips.rows}
    kept = _most_frequent(annotations, top)
    audio = folder / "mp3" if (folder / "mp3").is_dir() else folder
    tracks = []
    for row in annotations.rows:
        try:
            tracks.append(_track(row, facts, kept, audio))
        except ValueError as error:
            faults.append(f"{ANNOTATIONS} line {row.line}: {error}")
    return assemble("magnatagatune", tracks, faults, missing=missing)


def _read(path: Path, columns: Iterable[str]) -> Table:
    table = read_table(path, "\t")
    absent = [column for column in columns if column not in table.header]
    if absent:
        faults = [f"there is no column {column} among those separated by tabs" for column in absent]
        raise DatasetInvalid(f"{path} cannot be used:", faults)
    return table


def _tags(table: Table) -> Sequence[str]:
    return [column for column in table.header if column not in {"clip_id", "mp3_path"}]


def _bad_cells(table: Table) -> list[tuple[int, str]]:
    return [
        (row.line, f"tag '{tag}' is '{row.cells[tag]}'; expected 0 or 1")
        for row in table.rows
        for tag in _tags(table)
        if row.cells[tag] not in {"0", "1"}
    ]


def _most_frequent(table: Table, top: int) -> frozenset[str]:
    counts = Counter(tag for row in table.rows for tag in _tags(table) if row.cells[tag] == "1")
    return frozenset(sorted(counts, key=lambda tag: (-counts[tag], tag))[:top])


def _track(row: Row, facts: Mapping[str, Mapping[str, str]], kept: frozenset[str], audio: Path) -> LabelledTrack:
    place = row.cells["mp3_path"]
    clip = facts.get(row.cells["clip_id"])
    if clip is None:
        raise ValueError(f"clip {row.cells['clip_id']} is not in {CLIPS}")
    path = path_below(audio, place)
    if place[0] not in _SPLITS:
        raise ValueError(f"path '{place}' does not begin with one of the folders 0 to f")
    tags = frozenset(tag for tag in kept if row.cells[tag] == "1")
    dimensions = {"genre": tags & GENRES, "instrument": tags & INSTRUMENTS}
    return LabelledTrack(
        id=place,
        path=path,
        title=clip["title"],
        artist=clip["artist"],
        album=clip["album"],
        split=_SPLITS[place[0]],
        tags={dimension: found for dimension, found in dimensions.items() if found},
        free_tags=tags - GENRES - INSTRUMENTS,
        attributes={"clip_id": row.cells["clip_id"]},
    )
