"""What happened in every epoch, as CSV for programs and as a picture for people."""

import csv
from collections.abc import Mapping
from pathlib import Path

from models.errors import ToolMissing
from models.whole_file import whole_file

FILE = "log.csv"
CURVES = "curves.png"

Row = Mapping[str, str]


class RunLog:
    """The log of a run in its folder; epochs after the one that a run goes on from are dropped.

    Args:
        folder: Of the run.
        epochs_done: Before it goes on.
        panels: Of the picture: how the names of the columns begin that are drawn, and what they are in words.
    """

    def __init__(self, folder: Path, epochs_done: int, panels: Mapping[str, str]) -> None:
        self._folder = folder
        self._panels = panels
        self._rows = [row for row in _read(folder / FILE) if int(row["epoch"]) <= epochs_done]

    def append(self, row: Row) -> None:
        """Write an epoch down, with its number as ``epoch``, and draw the curves anew."""
        self._rows.append(row)
        with whole_file(self._folder / FILE) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in self._rows for name in row)))
            writer.writeheader()
            writer.writerows(self._rows)
        _draw(self._rows, self._panels, self._folder / CURVES)


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _draw(rows: list[Row], panels: Mapping[str, str], path: Path) -> None:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Learning curves need matplotlib: pip install 'soundkin[evaluation]'.") from error
    figure = Figure(figsize=(5.5 * len(panels), 4.5), layout="constrained")
    epochs = [int(row["epoch"]) for row in rows]
    (row,) = figure.subplots(1, len(panels), squeeze=False)
    for panel, (prefix, label) in zip(row, panels.items(), strict=True):
        for name in (name for name in rows[-1] if name.startswith(prefix)):
            values = [float(row.get(name) or "nan") for row in rows]
            panel.plot(epochs, values, label=name.removeprefix(prefix))
        panel.set_xlabel("epoch")
        panel.set_ylabel(label)
        panel.legend(fontsize="small")
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
