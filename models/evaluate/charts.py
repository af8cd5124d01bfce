"""The picture that every table has: one dot with its interval per system and measure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.errors import ToolMissing
from models.evaluate.report import COMPLETE, RANDOM, WORST, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = 4
BASELINE_COLOUR = "#8a8a8a"
COMPLETE_COLOUR = "#1f5fa8"
SPACE_COLOUR = "#7fb0e0"


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, that no window shows.

    Raises:
        ToolMissing: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Plots need matplotlib: pip install 'soundkin[evaluation]'.") from error
    return Figure(figsize=(width, height), layout="constrained")


def interval_chart(title: str, rows: Sequence[Row]) -> "Figure":
    """Rows of one task from top to bottom, one panel for each of the first PANELS measures."""
    measures = list(rows[0].figures)[:PANELS]
    figure = new_figure(3.0 + 2.4 * len(measures), 1.4 + 0.26 * len(rows))
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        _panel(panel, rows, measure)
    panels[0].set_yticks(range(len(rows)), [_label(row) for row in rows])
    panels[0].invert_yaxis()
    figure.suptitle(title)
    return figure


def _panel(panel: "Axes", rows: Sequence[Row], measure: str) -> None:
    for place, row in enumerate(rows):
        found = row.figures[measure]
        if np.isfinite(found.low):
            panel.plot([found.low, found.high], [place, place], color=_colour(row), linewidth=2)
        panel.plot([found.value], [place], "o", color=_colour(row), markersize=5)
    panel.set_title(measure, fontsize="medium")
    panel.grid(axis="x", color="#e0e0e0")
    panel.set_axisbelow(True)
    for edge in ("top", "right", "left"):
        panel.spines[edge].set_visible(False)


def _label(row: Row) -> str:
    return row.system if row.space == COMPLETE else f"{row.system} · {row.space}"


def _colour(row: Row) -> str:
    if row.system in {RANDOM, WORST}:
        return BASELINE_COLOUR
    return COMPLETE_COLOUR if row.space == COMPLETE else SPACE_COLOUR
