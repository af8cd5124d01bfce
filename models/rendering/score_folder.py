"""A folder of MIDI files as a source of scores, with an index of what is known of them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from models.datasets.keys import PITCH_NAMES
from models.errors import DatasetInvalid
from models.rendering.composers import family_name
from models.rendering.era import half_century
from models.rendering.midi_score import PieceFacts, read_midi
from models.rendering.score import Score

INDEX = "index.csv"
KEYS = tuple(f"{name} {mode}" for mode in ("major", "minor") for name in PITCH_NAMES)
MIDI_SUFFIXES = frozenset({".mid", ".midi"})


@dataclass(frozen=True, slots=True)
class ScoreFolder:
    """All MIDI files below a folder.

    A file ``index.csv`` in it may say what is known: ``path`` (relative to it) and any of ``title``, ``composer``,
    ``genre`` (tags between semicolons), ``era`` (such as ``1750-1799``) or ``year`` (of composition), ``licence``,
    ``key`` (such as ``F# minor``, where it is known better than from the key signature), and ``origin``:
    what must not stand on two sides of a split; by default the composer's surname, else the piece's folder.
    """

    name: str
    folder: Path

    def pieces(self) -> Sequence[str]:
        files = (file for file in self.folder.rglob("*") if file.suffix.lower() in MIDI_SUFFIXES and file.is_file())
        return sorted(file.relative_to(self.folder).as_posix() for file in files)

    def load(self, piece: str) -> Score:
        score = read_midi(self.folder / piece, self._facts(piece))
        key = read_index(self.folder).get(piece, {}).get("key")
        if not key:
            return score
        name, _, mode = key.partition(" ")
        return replace(score, tonic=PITCH_NAMES.index(name), mode="minor" if mode == "minor" else "major")

    def _facts(self, piece: str) -> PieceFacts:
        row = read_index(self.folder).get(piece, {})
        composer = row.get("composer", "")
        return PieceFacts(
            piece=f"{self.name}/{piece}",
            origin=row.get("origin") or family_name(composer) or f"{self.name}/{Path(piece).parent.as_posix()}",
            collection=self.name,
            title=row.get("title", ""),
            composer=composer,
            licence=row.get("licence", ""),
            genre=frozenset(tag.strip().lower() for tag in row.get("genre", "").split(";") if tag.strip()),
            era=row.get("era") or (half_century(int(row["year"])) if row.get("year") else ""),
        )


@lru_cache(maxsize=4)
def read_index(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Rows of a folder's index by path; empty where there is none.

    Raises:
        DatasetInvalid: It has no column ``path``, or a year, era or key that is none, every one named.
    """
    index = folder / INDEX
    if not index.is_file():
        return {}
    with index.open(newline="", encoding="utf-8") as file:
        rows = [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(file)]
    faults = [fault for number, row in enumerate(rows, start=2) if (fault := _fault(number, row))]
    if faults:
        raise DatasetInvalid(f"{index} has faults", faults)
    return {row["path"]: row for row in rows}


def _fault(number: int, row: Mapping[str, str]) -> str:
    year, era = row.get("year", ""), row.get("era", "")
    if row.get("key") and row["key"] not in KEYS:
        return f"row {number}: key is {row['key']!r}, not one such as {KEYS[0]} or {KEYS[-1]}"
    if not row.get("path"):
        return f"row {number} has no path"
    if year and not (year.isdecimal() and len(year) == 4):  # noqa: PLR2004
        return f"row {number}: year is {year!r}, not four digits"
    if era and not (era[:4].isdecimal() and era == half_century(int(era[:4]))):
        return f"row {number}: era is {era!r}, not a half-century such as 1750-1799"
    return ""
