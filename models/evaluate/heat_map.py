"""A matrix of figures as a picture, each cell with its number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.evaluate.charts import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = "RdYlBu"
DARK = 0.35
"""A cell further than this from the middle of the colours, of a whole range of 1, needs white letters."""


def heat_map(
    title: str, values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], chance: float
) -> "Figure":
    """Cells from red over pale at chance to blue at 1; NaN stays empty.

    Args:
        title: Of the figure.
        values: (rows, columns), at most 1.
        rows: Their names.
        columns: Likewise.
        chance: The value in the middle of the colours, below 1.
    """
    figure = new_figure(2.6 + 0.75 * len(columns), 1.6 + 0.3 * len(rows))
    panel = figure.subplots()
    reach = 1 - chance
    image = panel.imshow(values, cmap=COLOURS, vmin=chance - reach, vmax=1, aspect="auto")
    panel.set_xticks(range(len(columns)), list(columns), rotation=30, ha="right")
    panel.set_yticks(range(len(rows)), list(rows))
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if abs(value - chance) / (2 * reach) > DARK else "black"
            panel.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="small", color=ink)
    figure.colorbar(image, ax=panel)
    figure.suptitle(title)
    return figure
