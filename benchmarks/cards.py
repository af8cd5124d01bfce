"""What the cards of encoders are made of: questions to several systems, and their reports as tables."""

import json
from pathlib import Path

from benchmarks.commands import repeated, run_models
from benchmarks.evaluation_tables import table
from models.datasets.track import DIMENSIONS


def ask(question: str, dataset: str, systems: list[str], out: Path, *options: str) -> None:
    """One question to all systems."""
    run_models("evaluate", question, dataset, *repeated("--system", systems), "--out", out, *options)


def show(title: str, out: Path, question: str, measures: list[str], tasks: list[str] | None = None) -> str:
    """A report's table under its title, of the tasks that are there."""
    report = json.loads((out / f"{question}.json").read_text(encoding="utf-8"))
    there = list(dict.fromkeys(row["task"] for row in report["rows"]))
    shown = [task for task in tasks or there if task in there]
    return f"### {title}\n\n{table(report, shown, measures, [*DIMENSIONS])}\n"
