"""How the commands speak: progress and faults on standard error, results in files."""

from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True)


def refuse(error: Exception) -> NoReturn:
    """End before any work was done."""
    console.print(escape(str(error)), style="red")
    raise typer.Exit(2) from error


def report_refusal(where: Console, path: Path, reason: str) -> None:
    """Say that a file was left out, and why."""
    where.print(f"[red]left out[/] {escape(str(path))}: {escape(reason)}", highlight=False)


def progress_bar() -> Progress:
    """A bar with counts and the time that remains."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
