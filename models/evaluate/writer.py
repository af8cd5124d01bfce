"""Reports to files: JSON for programs, Markdown for people, plots to look at, replicates for paired comparison."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isfinite
from pathlib import Path

import numpy as np

from models.evaluate.charts import interval_chart
from models.evaluate.report import COMPLETE, Report, Row
from models.metrics.bootstrap import Estimate

PLOT_DPI = 110


def write_report(report: Report, out: Path) -> tuple[Path, ...]:
    """Write ``QUESTION.json``, ``QUESTION.md``, ``QUESTION.npz`` and the plots; returns their paths.

    The ``.npz`` holds the bootstrap replicates as ``task/system/space/measure``.

    Args:
        report: The answer.
        out: A folder, made where it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    plots = {f"{report.question}-{_file_name(name)}.png": figure for name, figure in report.plots.items()}
    for task, rows in tasks(report):
        plots[f"{report.question}-{_file_name(task)}.png"] = interval_chart(f"{report.title}: {task}", rows)
    for name, figure in plots.items():
        figure.savefig(out / name, dpi=PLOT_DPI, bbox_inches="tight")
    data, text, replicates = (out / f"{report.question}{end}" for end in (".json", ".md", ".npz"))
    data.write_text(json.dumps(as_data(report), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text.write_text(as_markdown(report, tuple(plots)), encoding="utf-8")
    np.savez_compressed(replicates, allow_pickle=False, **_replicates(report))
    return data, text, replicates, *(out / name for name in plots)


def tasks(report: Report) -> Iterator[tuple[str, list[Row]]]:
    """Rows by task, in the report's order."""
    order = list(dict.fromkeys(row.task for row in report.rows))
    for task, rows in groupby(sorted(report.rows, key=lambda row: order.index(row.task)), lambda row: row.task):
        yield task, list(rows)


def as_data(report: Report) -> dict[str, object]:
    """The report as JSON: figures with their intervals, ``null`` where nothing could be measured."""
    return {
        "question": report.question,
        "title": report.title,
        "facts": dict(report.facts),
        "lower_is_better": sorted(report.lower),
        "notes": list(report.notes),
        "rows": [
            {
                "task": row.task,
                "system": row.system,
                "space": row.space,
                "figures": {measure: _figure(found) for measure, found in row.figures.items()},
            }
            for row in report.rows
        ],
    }


def as_markdown(report: Report, plots: Sequence[str] = ()) -> str:
    """Title, facts, one table per task, notes, pictures."""
    facts = [f"- {name}: {fact_text(value)}" for name, value in report.facts.items()]
    parts = [f"# {report.title}", "\n".join(facts)]
    for task, rows in tasks(report):
        parts += [f"## {task}", table(rows, report.lower)]
    parts += ["\n".join(f"- {note}" for note in report.notes)] if report.notes else []
    parts += [f"![{name.removesuffix('.png')}]({name})" for name in plots]
    return "\n\n".join(parts) + "\n"


def table(rows: Sequence[Row], lower: frozenset[str] = frozenset()) -> str:
    """Rows of one task as a Markdown table; the best complete space of each measure in bold."""
    measures = list(rows[0].figures)
    best = {measure: _best(rows, measure, measure in lower) for measure in measures}
    head = ["system", "space", *(f"{measure} ↓" if measure in lower else measure for measure in measures)]
    lines = [line(head), line(["---", "---", *("---:" for _ in measures)])]
    for row in rows:
        cells = [_cell(row.figures[measure], row is best[measure]) for measure in measures]
        lines.append(line([row.system, row.space, *cells]))
    return "\n".join(lines)


def _best(rows: Sequence[Row], measure: str, lower: bool) -> Row | None:
    measured = [row for row in rows if row.space == COMPLETE and isfinite(row.figures[measure].value)]
    best = min if lower else max
    return best(measured, key=lambda row: row.figures[measure].value, default=None)


def _cell(found: Estimate, bold: bool) -> str:
    if not isfinite(found.value):
        return "–"
    value = f"**{number(found.value)}**" if bold else number(found.value)
    return f"{value} [{number(found.low)}, {number(found.high)}]" if isfinite(found.low) else value


def number(value: float) -> str:
    """Three digits after the point for shares, fewer for larger figures."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"  # noqa: PLR2004 - where digits stop to matter


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def fact_text(value: object) -> str:
    """A fact as people read it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {fact_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(fact_text(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figure(found: Estimate) -> dict[str, float | int | None]:
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return {**{name: value if isfinite(value) else None for name, value in numbers.items()}, "count": found.count}


def _replicates(report: Report) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {
        f"{row.task}/{row.system}/{row.space}/{measure}": found.replicates.astype(np.float32)
        for row in report.rows
        for measure, found in row.figures.items()
    }


def _file_name(task: str) -> str:
    """A signed number keeps its sign: a shift up is not one down."""
    spelt = re.sub(r"(?<!\w)[−-](?=\d)", "minus ", task.lower().replace("+", "plus "))
    return "-".join("".join(letter if letter.isalnum() else " " for letter in spelt).split())
