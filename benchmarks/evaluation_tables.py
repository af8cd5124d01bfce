"""Tables of docs/evaluation.md out of the reports that `python -m models evaluate …` wrote.

    python -m benchmarks.evaluation_tables REPORTS/rendered retrieval --measure "P@1" --measure MAP

One row per system and space, one column per task and measure, with the 95 % interval.
"""

import argparse
import json
from pathlib import Path
from typing import Any

BASELINES = ("random", "worst")


def figure(found: dict[str, Any] | None) -> str:
    """Value and interval, three digits, without the zero before the point."""
    if found is None or found["value"] is None:
        return "–"
    value, low, high = (f"{found[part]:.3f}".replace("0.", ".", 1) for part in ("value", "low", "high"))
    return f"{value} [{low}, {high}]" if found["low"] != found["high"] else value


def table(report: dict[str, Any], tasks: list[str], measures: list[str], spaces: list[str]) -> str:
    """The report's figures as Markdown, rows in its own order."""
    columns = [(task, measure) for task in tasks for measure in measures]
    cells: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for row in report["rows"]:
        if row["space"] == "complete" or row["space"] in spaces:
            found = cells.setdefault((row["system"], row["space"]), {})
            found |= {(row["task"], measure): figures for measure, figures in row["figures"].items()}
    order = sorted(cells, key=lambda key: key[0] in BASELINES)
    lines = [f"| | {' | '.join(' '.join(column) for column in columns)} |", f"|---|{'---:|' * len(columns)}"]
    for system, space in order:
        if not any(column in cells[system, space] for column in columns):
            continue
        name = system if space == "complete" else f"{system}: {space}"
        values = " | ".join(figure(cells[system, space].get(column)) for column in columns)
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("reports", type=Path)
    arguments.add_argument("question")
    arguments.add_argument("--task", action="append", help="default: all")
    arguments.add_argument("--measure", action="append", required=True)
    arguments.add_argument(
        "--space", action="append", default=[], help="sub-spaces to show beside the complete one"
    )
    options = arguments.parse_args()
    report = json.loads((options.reports / f"{options.question}.json").read_text(encoding="utf-8"))
    tasks = options.task or list(dict.fromkeys(row["task"] for row in report["rows"]))
    print(table(report, tasks, options.measure, options.space))


if __name__ == "__main__":
    main()
