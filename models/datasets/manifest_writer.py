"""Writing manifests, so that they read back as the same tracks."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from models.datasets.columns import (
    COLUMNS,
    SEPARATOR,
    TEXT_COLUMNS,
    join_texts,
    known_column,
    misspelt_column,
    parse_texts,
)
from models.datasets.labels import tags_of
from models.datasets.track import TAG_DIMENSIONS, LabelledTrack
from models.errors import DatasetInvalid
from models.whole_file import whole_file


def write_manifest(path: Path, tracks: Iterable[LabelledTrack]) -> None:
    """Write tracks that ``read_manifest`` gives back, below the folder that their ids start from.

    Columns that no track fills are left out. The file is written whole or not at all.

    Raises:
        DatasetInvalid: Something would not be read back as it is.
    """
    tracks = list(tracks)
    faults = [f"{track.id}: {fault}" for track in tracks for fault in _unwritable(track)]
    if faults:
        raise DatasetInvalid(f"{path} cannot be written:", faults)
    rows = [_cells(track) for track in tracks]
    used = {"path", *(column for row in rows for column, cell in row.items() if cell)}
    header = [*filter(used.__contains__, COLUMNS), *sorted(used.difference(COLUMNS))]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with whole_file(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")


def _cells(track: LabelledTrack) -> dict[str, str]:
    return {
        "path": track.id,
        **{column: getattr(track, column) for column in TEXT_COLUMNS},
        "split": track.split,
        "duplicates": join_texts(track.duplicates),
        **{dimension: join_texts(track.tags.get(dimension, ())) for dimension in TAG_DIMENSIONS},
        "tags": join_texts(track.free_tags),
        "tempo_bpm": "" if track.tempo_bpm is None else repr(track.tempo_bpm).removesuffix(".0"),
        "key": track.key or "",
        **track.attributes,
    }


def _unwritable(track: LabelledTrack) -> Iterator[str]:
    for name in track.attributes:
        if name != name.strip() or not name or known_column(name) or misspelt_column(name):
            yield f"attribute '{name}' would be read as another column"
    for column, tag in tags_of(track):
        if parse_texts(tag) != {tag}:
            yield f"{column} '{tag}' would be read as another tag"
    for other in track.duplicates:
        if SEPARATOR in other:
            yield f"duplicate '{other}' holds a {SEPARATOR}"
    for column, cell in _cells(track).items():
        if cell != cell.strip():
            yield f"{column} '{cell}' begins or ends with a blank"
