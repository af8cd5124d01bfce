"""Files of rows: every row with its line, and what is wrong with their form."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import DatasetInvalid

Fault = tuple[int, str]
"""A line, from 1, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header.

    Attributes:
        line: Where it begins, from 1.
        cells: By column, without blanks at their ends.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows.

    Attributes:
        header: Names of the columns.
        rows: Those that have as many fields as the header.
        faults: The others, and where the file could not be read any further.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def read_table(path: Path, delimiter: str = ",") -> Table:
    """Read a file in UTF-8 whose first line names the columns; empty lines do not count.

    Raises:
        DatasetInvalid: It cannot be read, or has no header.
    """
    faults: list[Fault] = []
    lines = read_lines(path, delimiter, faults)
    _, header = next(lines, (1, []))
    if not header:
        raise DatasetInvalid(f"{path} cannot be used:", ["it is empty; expected a line with the names of columns"])
    rows = []
    for line, fields in lines:
        if len(fields) == len(header):
            rows.append(Row(line, dict(zip(header, fields, strict=True))))
        else:
            faults.append((line, f"{len(fields)} fields; the header names {len(header)}"))
    return Table(tuple(header), tuple(rows), tuple(faults))


def read_lines(path: Path, delimiter: str, faults: list[Fault]) -> Iterator[tuple[int, Sequence[str]]]:
    """Line number and fields of every row that is not empty; where quoting breaks off, a fault is added."""
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if any(stripped):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append((line, f"{error}; nothing after it was read"))


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read:", [error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        fault = f"byte {error.start} is not UTF-8 (expected UTF-8, with or without a byte order mark)"
        raise DatasetInvalid(f"{path} cannot be read:", [fault]) from error


def sentences(faults: Iterable[Fault]) -> list[str]:
    """Faults in the order of their lines."""
    return [f"line {line}: {text}" for line, text in sorted(faults, key=lambda fault: fault[0])]
