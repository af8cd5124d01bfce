"""What happened in every epoch, as CSV for programs and as a picture for people."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import ToolMissing
from models.whole_file import whole_file

FILE = "log.csv"
CURVES = "curves.png"

LOSS = "loss "
ACCURACY = "accuracy "


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What became of an epoch.

    Attributes:
        epoch: Counted from 1.
        seconds: That it took, validation included.
        learning_rate: At its end.
        losses: Means over its batches, by dimension.
        accuracies: On the validation tracks, by ``domain dimension``.
        error: One minus the mean of these, which training goes by.
    """

    epoch: int
    seconds: float
    learning_rate: float
    losses: Mapping[str, float]
    accuracies: Mapping[str, float]
    error: float

    def row(self) -> dict[str, str]:
        """As a line of the log."""
        losses = {f"{LOSS}{name}": f"{value:.5f}" for name, value in self.losses.items()}
        accuracies = {f"{ACCURACY}{name}": f"{value:.4f}" for name, value in self.accuracies.items()}
        plain = {"epoch": str(self.epoch), "seconds": f"{self.seconds:.1f}", "rate": f"{self.learning_rate:.3g}"}
        return plain | {"error": f"{self.error:.4f}"} | losses | accuracies


class RunLog:
    """The log of a run in its folder; epochs after the one that a run goes on from are dropped."""

    def __init__(self, folder: Path, epochs_done: int) -> None:
        self._folder = folder
        self._rows = [row for row in _read(folder / FILE) if int(row["epoch"]) <= epochs_done]

    def append(self, record: EpochRecord) -> None:
        """Write an epoch down, and draw the curves anew."""
        self._rows.append(record.row())
        with whole_file(self._folder / FILE) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in self._rows for name in row)))
            writer.writeheader()
            writer.writerows(self._rows)
        _draw(self._rows, self._folder / CURVES)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _draw(rows: list[dict[str, str]], path: Path) -> None:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Learning curves need matplotlib: pip install 'soundkin[evaluation]'.") from error
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = figure.subplots(1, 2)
    epochs = [int(row["epoch"]) for row in rows]
    for panel, prefix in zip(panels, (LOSS, ACCURACY), strict=True):
        for name in (name for name in rows[-1] if name.startswith(prefix)):
            values = [float(row.get(name) or "nan") for row in rows]
            panel.plot(epochs, values, label=name.removeprefix(prefix))
        panel.set_xlabel("epoch")
        panel.legend(fontsize="small")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("loss on training tracks")
    panels[1].set_ylabel("triplet accuracy on validation tracks")
    figure.savefig(path, dpi=110)
