"""Tracks as a table that fits the terminal."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from app.api.schemas import TrackResponse
from app.api.text import one_line

LONGEST_TEXT = 60
SHORTEST_TEXT = 16
_TEXTS = ("title", "artist", "licence", "breaks")
"""Columns that are cut where room is short."""

_LEFT = {"key", "verdict", "new"}

_GAP = 2
"""Blanks between two columns."""

Row = Mapping[str, str]
"""Cells by column, in their order; every row has the same columns."""


def track_table(rows: Sequence[Row], width: int, dispensable: Sequence[str]) -> Table:
    """Lay out rows, of which there is at least one; columns that nothing fills take no room.

    Args:
        rows: What to show.
        width: Of the terminal, in cells.
        dispensable: Columns in the order in which a narrow terminal does without them.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = _fitting(rows, width, dispensable)
    texts = [column for column in columns if column in _TEXTS]
    room = width + _GAP - sum(_needed(rows, column) + _GAP for column in columns if column not in texts)
    for column in columns:
        if column in texts:
            longest = min(LONGEST_TEXT, room // len(texts) - _GAP)
            table.add_column(column, overflow="ellipsis", no_wrap=True, max_width=max(1, longest))
        else:
            table.add_column(column, justify="left" if column in _LEFT else "right", no_wrap=True)
    for row in rows:
        # Text, because a title may look like rich's markup.
        table.add_row(*(Text(one_line(row[column])) for column in columns))
    return table


def named(track: TrackResponse) -> Row:
    """Return the columns that say which track it is."""
    return {"title": track.metadata.title or track.filename, "artist": track.metadata.artist or ""}


def measured(track: TrackResponse) -> Row:
    """Return the columns of its length, tempo and key."""
    analysis = track.analysis
    return {
        "length": clock(analysis.duration_s if analysis else None),
        "tempo": _whole(analysis.tempo_bpm if analysis else None),
        "key": (analysis.key if analysis else None) or "",
    }


def clock(seconds: float | None) -> str:
    """Write seconds as minutes and seconds."""
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _fitting(rows: Sequence[Row], width: int, dispensable: Sequence[str]) -> list[str]:
    """Leave out what a narrow terminal has no room for, rather than cut every number short."""
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    for each in dispensable:
        if sum(_needed(rows, column) + _GAP for column in columns) - _GAP <= width:
            break
        columns = [column for column in columns if column != each]
    return columns


def _needed(rows: Sequence[Row], column: str) -> int:
    longest = max(cell_len(text) for text in (column, *(row[column] for row in rows)))
    return min(longest, SHORTEST_TEXT) if column in _TEXTS else longest


def _whole(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}"
