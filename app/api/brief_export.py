"""Briefs as files: a table for people, JSON for programs, a playlist for players.

What stands in titles comes from anybody: no cell of the table is a formula to a spreadsheet, and no title of the
playlist begins a new line.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote

from fastapi import Response

from app.api.text import one_line
from app.briefs import Brief, Decision, Verdict
from app.domain import Track, utc_now
from app.replacement import Check
from app.services.assembly import Assembly

Cell: TypeAlias = str | float | int | None

_FORMULA = re.compile(
    r"""^(?=\s*[=+\-@＝＋－＠]|\ *[\t\r\n])|(?<=[;\t\r\n])(?=(?:"|[^\S\t\r\n])*[=+\-@＝＋－＠])"""
)
"""Places where spreadsheets take what follows for a formula: the start of a cell (OWASP, "CSV Injection"), and of
what becomes a cell where they split tables at semicolons, tabs or lines whatever the quotes."""

_MOST_OF_NAME = 80


class ExportFormat(StrEnum):
    """Kinds of files."""

    CSV = "csv"
    JSON = "json"
    M3U = "m3u"

    @property
    def media_type(self) -> str:
        """As a response names it."""
        return {"csv": "text/csv", "json": "application/json", "m3u": "audio/mpegurl"}[self]

    @property
    def ending(self) -> str:
        """Of the file's name; a playlist in UTF-8 has one of its own."""
        return "m3u8" if self is ExportFormat.M3U else str(self)


class ExportWhat(StrEnum):
    """Which tracks."""

    MATCHES = "matches"
    SHORTLIST = "shortlist"


@dataclass(frozen=True, slots=True)
class ExportedTrack:
    """One row. A shortlisted track has no similarity of its own."""

    track: Track
    decision: Decision | None
    similarity: float | None = None
    percentile: float | None = None
    checks: Sequence[Check] = ()


def exported_rows(assembly: Assembly, brief: Brief, what: ExportWhat) -> list[ExportedTrack]:
    """Return the tracks to export; looking does not make them seen."""
    if what is ExportWhat.SHORTLIST:
        return [
            ExportedTrack(track, decision)
            for track, decision in assembly.briefs.decisions(brief.library_id, brief.id)
            if decision.verdict is Verdict.SHORTLISTED
        ]
    run = assembly.brief_runs.run(brief.library_id, brief.id, rejected=False, remember=False)
    return [
        ExportedTrack(
            found.match.track,
            run.decisions.get(found.match.track.number),
            found.match.similarity,
            found.match.percentile,
            found.checks,
        )
        for found in run.answer.matches
    ]


def attachment(
    brief: Brief, rows: Sequence[ExportedTrack], form: ExportFormat, what: ExportWhat, base_url: str
) -> Response:
    """Write the file. ``base_url`` ends with a slash."""
    name = f"{brief.name} - {what}.{form.ending}"
    match form:
        case ExportFormat.CSV:
            content = table(rows, base_url)
        case ExportFormat.JSON:
            content = document(brief, rows, what, base_url)
        case ExportFormat.M3U:
            content = playlist(rows, base_url)
    headers = {"Content-Disposition": disposition(name)}
    return Response(content.encode(), media_type=f"{form.media_type}; charset=utf-8", headers=headers)


def disposition(name: str) -> str:
    """Return the header of an attachment of any name: plain, and in UTF-8 (RFC 6266, RFC 5987)."""
    stem, _, ending = name.rpartition(".")
    clean = re.sub(r'[/\\:*?"<>|]', "_", one_line(stem)).strip(" .")[:_MOST_OF_NAME] or "brief"
    plain = re.sub(r"[^A-Za-z0-9 _.-]", "_", clean)
    return f"attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{quote(f'{clean}.{ending}', safe='')}"


def table(rows: Sequence[ExportedTrack], base_url: str) -> str:
    """Write CSV (RFC 4180) with a byte order mark, by which spreadsheets know UTF-8."""
    names = [f"constraint_{check.name}" for check in rows[0].checks] if rows else []
    lines = [_cells(place, row, base_url) for place, row in enumerate(rows, 1)]
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL)
    writer.writerow([*_COLUMNS, *names])
    writer.writerows([safe_cell(cell) for cell in line] for line in lines)
    return "\ufeff" + text.getvalue()


_COLUMNS = (
    "rank",
    "id",
    "title",
    "artist",
    "album",
    "licence",
    "external_id",
    "duration_s",
    "tempo_bpm",
    "key",
    "similarity",
    "percentile",
    "verdict",
    "reason",
    "audio",
)


def _cells(rank: int, row: ExportedTrack, base_url: str) -> list[Cell]:
    told = _told(row, base_url)
    return [rank, *(told[name] for name in _COLUMNS[1:]), *(check.found for check in row.checks)]


def _told(row: ExportedTrack, base_url: str) -> dict[str, Any]:
    """Return what is said of a track in a table and in JSON, by name."""
    metadata, analysis = row.track.metadata, row.track.analysis
    return {
        "id": row.track.id,
        "title": metadata.title,
        "artist": metadata.artist,
        "album": metadata.album,
        "licence": metadata.licence,
        "external_id": metadata.external_id,
        "duration_s": analysis.duration_s if analysis else None,
        "tempo_bpm": analysis.tempo_bpm if analysis else None,
        "key": analysis.key if analysis else None,
        "similarity": row.similarity,
        "percentile": row.percentile,
        "verdict": row.decision.verdict.value if row.decision else None,
        "reason": row.decision.reason if row.decision else None,
        "audio": audio_url(row.track, base_url) if row.track.audio.key else None,
    }


def safe_cell(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula, nor any part of it: an apostrophe goes before each.

    Numbers stay numbers, negative ones too.
    """
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell


def document(brief: Brief, rows: Sequence[ExportedTrack], what: ExportWhat, base_url: str) -> str:
    """Write JSON."""
    items = [
        {
            **_told(row, base_url),
            "tags": list(row.track.metadata.tags),
            "constraints": [
                {"name": each.name, "met": each.met, "wanted": each.wanted, "found": each.found}
                for each in row.checks
            ],
        }
        for row in rows
    ]
    head = {"id": brief.id, "name": brief.name, "note": brief.note, "request": dict(brief.request)}
    written = {"brief": head, "what": what, "exported_at": utc_now().isoformat(), "items": items}
    return json.dumps(written, ensure_ascii=False, allow_nan=False)


def playlist(rows: Sequence[ExportedTrack], base_url: str) -> str:
    """Write M3U8 of the tracks whose audio is there; a length that is not known is -1."""
    lines = ["#EXTM3U"]
    for row in rows:
        if row.track.audio.key is not None:
            analysis, metadata = row.track.analysis, row.track.metadata
            length = round(analysis.duration_s) if analysis else -1
            names = [metadata.artist, metadata.title or row.track.audio.filename]
            title = " - ".join(filter(None, (one_line(name or "") for name in names)))
            lines += [f"#EXTINF:{length},{title}", audio_url(row.track, base_url)]
    return "\n".join([*lines, ""])


def audio_url(track: Track, base_url: str) -> str:
    """Return the absolute address of a track's audio."""
    return f"{base_url}v1/tracks/{track.id}/audio"
