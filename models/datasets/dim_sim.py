"""Dim-Sim: triplets of excerpts that listeners judged, raw and clean (Lee et al., 2020; Zenodo 3889149)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from models.datasets.table import read_table, sentences
from models.datasets.triplet import Excerpt, JudgedTriplet
from models.errors import DatasetInvalid

ROLES = ("anchor", "song1", "song2")
COLUMNS = (
    "triplet_id",
    *(f"{role}_{column}" for role in ROLES for column in ("id", "start_seconds")),
    "clip_lengths_seconds",
    "song1_vote",
    "song2_vote",
)
"""Those that are used; the file has start and length in samples and the sampling rate besides."""

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Ballot:
    """Excerpts in the order of ROLES, and the votes for the two songs."""

    id: str
    excerpts: tuple[Excerpt, Excerpt, Excerpt]
    votes: tuple[int, int]

    def with_votes_of(self, other: "_Ballot") -> "_Ballot":
        return replace(self, votes=(self.votes[0] + other.votes[0], self.votes[1] + other.votes[1]))

    def decision(self) -> JudgedTriplet:
        anchor, one, other = self.excerpts
        positive, negative = (one, other) if self.votes[0] > self.votes[1] else (other, one)
        count = sum(self.votes)
        return JudgedTriplet(self.id, anchor, positive, negative, count, max(self.votes) / count)


def read_dim_sim(path: Path, *, min_agreement: float = 0.0) -> tuple[JudgedTriplet, ...]:
    """Read triplets in the order of the file.

    The raw list counts votes, the clean one gives the decision as 0 and 1, which reads as one vote. Rows of one
    ``triplet_id`` are summed. A triplet without a majority says nothing and is left out.

    Args:
        path: The CSV or the JSON file; JSON by rows or, as pandas writes it, by columns.
        min_agreement: Triplets whose majority is smaller are left out, 0 to 1.

    Raises:
        DatasetInvalid: With every fault.
    """
    faults: list[str] = []
    rows = _json_rows(path, faults) if path.suffix.lower() == ".json" else _csv_rows(path, faults)
    found: dict[str, _Ballot] = {}
    for where, cells in rows:
        try:
            ballot = _Ballot(cells["triplet_id"], _excerpts(cells), _votes(cells))
        except ValueError as error:
            faults.append(f"{where}: {error}")
            continue
        earlier = found.get(ballot.id)
        if earlier and earlier.excerpts != ballot.excerpts:
            faults.append(f"{where}: triplet {ballot.id} has other excerpts in an earlier row")
        found[ballot.id] = ballot if earlier is None else ballot.with_votes_of(earlier)
    if not found and not faults:
        faults.append("there is no triplet in it")
    if faults:
        raise DatasetInvalid(f"{path} cannot be used:", faults)
    judged = (ballot.decision() for ballot in found.values() if ballot.votes[0] != ballot.votes[1])
    return tuple(triplet for triplet in judged if triplet.agreement >= min_agreement)


def _csv_rows(path: Path, faults: list[str]) -> list[tuple[str, Cells]]:
    table = read_table(path)
    faults += sentences(table.faults)
    _check_columns(table.header, faults)
    return [] if faults else [(f"line {row.line}", row.cells) for row in table.rows]


def _json_rows(path: Path, faults: list[str]) -> list[tuple[str, Cells]]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetInvalid(f"{path} cannot be read:", [str(error)]) from error
    if isinstance(content, dict) and all(isinstance(column, dict) for column in content.values()):
        _check_columns(content, faults)
        keys = content["triplet_id"] if not faults else ()
        content = [{column: cells.get(key) for column, cells in content.items()} for key in keys]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        faults.append("expected a list of rows or an object of columns")
        return []
    for number, row in enumerate(content, 1):
        _check_columns([name for name, cell in row.items() if cell is not None], faults, f"row {number}: ")
    return [] if faults else [(f"row {n}", {k: str(v) for k, v in row.items()}) for n, row in enumerate(content, 1)]


def _check_columns(names: Iterable[str], faults: list[str], where: str = "") -> None:
    there = set(names)
    faults += [f"{where}there is no column {column}" for column in COLUMNS if column not in there]


def _excerpts(cells: Cells) -> tuple[Excerpt, Excerpt, Excerpt]:
    length_s = _number(cells, "clip_lengths_seconds")
    if length_s <= 0:
        raise ValueError(f"clip_lengths_seconds is {length_s:g}; expected more than 0")
    starts_s = {role: _number(cells, f"{role}_start_seconds") for role in ROLES}
    anchor, one, other = (Excerpt(cells[f"{role}_id"], starts_s[role], length_s) for role in ROLES)
    return anchor, one, other


def _votes(cells: Cells) -> tuple[int, int]:
    one, other = (_number(cells, f"{role}_vote") for role in ROLES[1:])
    if min(one, other) < 0 or one % 1 or other % 1:
        raise ValueError(f"votes are {one:g} and {other:g}; expected whole numbers from 0")
    return int(one), int(other)


def _number(cells: Cells, column: str) -> float:
    try:
        value = float(cells[column])
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ValueError(f"{column} is '{cells[column]}'; expected a number")
    return value
