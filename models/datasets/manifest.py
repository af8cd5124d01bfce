"""Reading manifests: CSV files that list tracks and what is known of each. See ``docs/datasets.md``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from os.path import normpath
from pathlib import Path
from typing import TypeVar

from models.datasets.assembly import count_of
from models.datasets.columns import (
    TEXT_COLUMNS,
    header_faults,
    known_column,
    parse_ids,
    parse_split,
    parse_tempo,
    parse_texts,
)
from models.datasets.duplicates import complete
from models.datasets.files import Missing, file_fault, path_below
from models.datasets.keys import parse_key
from models.datasets.labels import label_typos, tags_of
from models.datasets.spelling import nearest
from models.datasets.table import Fault, Row, read_table, sentences
from models.datasets.track import TAG_DIMENSIONS, Dataset, LabelledTrack
from models.errors import DatasetInvalid

Parsed = TypeVar("Parsed")


@dataclass(slots=True)
class _Reading:
    """A manifest while it is read: tracks by line, and what is wrong or not there."""

    root: Path
    missing: Missing
    faults: list[Fault]
    left_out: list[Fault] = field(default_factory=list)
    tracks: dict[int, LabelledTrack] = field(default_factory=dict)

    def parse(self, line: int, parser: Callable[[str], Parsed], cell: str) -> Parsed | None:
        try:
            return parser(cell)
        except ValueError as error:
            self.faults.append((line, str(error)))
            return None

    def not_there(self, line: int, text: str) -> None:
        (self.faults if self.missing == "refuse" else self.left_out).append((line, text))


def read_manifest(
    path: Path, audio: Path | None = None, *, accept_labels: bool = False, missing: Missing = "refuse"
) -> Dataset:
    """Read a manifest.

    Duplicates are completed: they hold both ways, and a duplicate's duplicate is one.

    Args:
        path: CSV in UTF-8 with at least the column ``path``.
        audio: The folder that paths start from; default: the manifest's.
        accept_labels: Tags that look misspelt are no faults.
        missing: What becomes of rows without a usable file, and of duplicates that are in no row.

    Raises:
        DatasetInvalid: With every fault and its line.
    """
    table = read_table(path)
    reading = _Reading(audio or path.parent, missing, [*table.faults])
    reading.faults += [(1, fault) for fault in header_faults(table.header)]
    if not table.rows:
        reading.faults.append((1, "there is no row below the header"))
    for row in table.rows:
        reading.tracks[row.line] = _track(row, reading)
    if not accept_labels:
        _check_labels(reading)
    if "path" in map(known_column, table.header):
        _check_duplicates(reading)
        _check_files(reading)
    if reading.faults:
        faults = sentences(reading.faults)
        raise DatasetInvalid(f"{path} has {count_of(faults)}:", faults)
    name = path.parent.name if path.stem == "manifest" else path.stem
    return Dataset(name or path.stem, tuple(reading.tracks.values()), tuple(sentences(reading.left_out)))


def _track(row: Row, reading: _Reading) -> LabelledTrack:
    cells: Mapping[str, str] = {column: cell for name, cell in row.cells.items() if (column := known_column(name))}
    tags = {dimension: parse_texts(cells.get(dimension, "")) for dimension in TAG_DIMENSIONS}
    place = partial(path_below, reading.root)
    return LabelledTrack(
        id=cells.get("path", ""),
        path=(reading.parse(row.line, place, cells["path"]) if "path" in cells else None) or Path(),
        split=reading.parse(row.line, parse_split, cells.get("split", "")) or "",
        duplicates=parse_ids(cells.get("duplicates", "")),
        tags={dimension: found for dimension, found in tags.items() if found},
        free_tags=parse_texts(cells.get("tags", "")),
        tempo_bpm=reading.parse(row.line, parse_tempo, cells.get("tempo_bpm", "")),
        key=reading.parse(row.line, parse_key, cells["key"]) if cells.get("key") else None,
        attributes={name: cell for name, cell in row.cells.items() if cell and not known_column(name)},
        **{column: cells.get(column, "") for column in TEXT_COLUMNS},
    )


def _check_labels(reading: _Reading) -> None:
    typos = label_typos(reading.tracks.values())
    found: dict[tuple[str, str], list[int]] = {}
    for line, track in reading.tracks.items():
        for typo in typos.keys() & set(tags_of(track)):
            found.setdefault(typo, []).append(line)
    for (column, tag), lines in found.items():
        more = f", {len(lines)} rows" if len(lines) > 1 else ""
        reading.faults.append((lines[0], f"{column} '{tag}' (did you mean '{typos[column, tag]}'?{more})"))


def _check_duplicates(reading: _Reading) -> None:
    ids = {track.id for track in reading.tracks.values()}
    for line, track in reading.tracks.items():
        for other in sorted(track.duplicates - ids):
            near = nearest(other, (id_ for id_ in ids if _share_folder_or_name(id_, other)))
            if near:
                reading.faults.append((line, f"duplicate '{other}' is in no row (did you mean '{near}'?)"))
            else:
                reading.not_there(line, f"duplicate '{other}' is in no row")
        if track.id in track.duplicates:
            reading.faults.append((line, "the track is named as its own duplicate"))


def _share_folder_or_name(one: str, other: str) -> bool:
    """Of long paths with one slip, either is whole; most others need not be compared."""
    (folder, _, name), (other_folder, _, other_name) = one.rpartition("/"), other.rpartition("/")
    return folder == other_folder or name == other_name


def _check_files(reading: _Reading) -> None:
    """Find repeated and unusable paths, and keep what can be used."""
    if not reading.root.is_dir():
        reading.faults.append((1, f"the audio folder {reading.root} is not there"))
        return
    first: dict[str, int] = {}
    for line, track in list(reading.tracks.items()):
        earlier = first.setdefault(normpath(track.path), line)
        if track.path == Path():
            continue
        if earlier != line:
            reading.faults.append((line, f"path '{track.id}' is in line {earlier} already"))
        elif fault := file_fault(track.path):
            reading.not_there(line, f"{track.id}: {fault}")
            del reading.tracks[line]
    _link_duplicates(reading)


def _link_duplicates(reading: _Reading) -> None:
    linked = complete({track.id: track.duplicates for track in reading.tracks.values()})
    kept = {track.id for track in reading.tracks.values()}
    for line, track in reading.tracks.items():
        reading.tracks[line] = replace(track, duplicates=linked.get(track.id, frozenset()) & kept)
