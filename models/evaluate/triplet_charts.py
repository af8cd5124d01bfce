"""The pictures of triplet questions: what each sub-space knows, and which ones it takes together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.evaluate.charts import COMPLETE_COLOUR, new_figure
from models.metrics.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def kiviat(title: str, spaces: Sequence[str], scores: Mapping[str, Sequence[float]]) -> "Figure":
    """One axis per sub-space, one outline per task (paper 001, figure 2).

    Args:
        title: Of the figure.
        spaces: At least three.
        scores: Triplet accuracy of each space, 0 to 1, by task.
    """
    figure = new_figure(7.2, 5.2)
    panel = figure.add_subplot(projection="polar")
    angles = np.linspace(0, 2 * np.pi, len(spaces), endpoint=False)
    for task, values in scores.items():
        panel.plot([*angles, angles[0]], [*values, values[0]], marker="o", markersize=3, label=task)
    panel.set_xticks(angles, spaces)
    panel.set_ylim(0, 1)
    figure.legend(loc="outside right upper", fontsize="small")
    panel.set_title(title, pad=22, fontsize="medium")
    return figure


def ticked_chart(title: str, spaces: Sequence[str], scores: Mapping[tuple[str, ...], Estimate]) -> "Figure":
    """A row per combination: a dot for each sub-space that takes part, and the score (paper 001, table 2).

    Args:
        title: Of the figure.
        spaces: The columns.
        scores: By the active spaces, from top to bottom.
    """
    figure = new_figure(2.5 + 0.5 * len(spaces) + 3.0, 1.4 + 0.26 * len(scores))
    ticks, values = figure.subplots(1, 2, sharey=True, width_ratios=[0.5 * len(spaces), 3.0])
    for place, (active, estimate) in enumerate(scores.items()):
        columns = [spaces.index(space) for space in active]
        ticks.plot(columns, [place] * len(columns), "o", color=COMPLETE_COLOUR)
        values.plot([estimate.low, estimate.high], [place, place], color=COMPLETE_COLOUR)
        values.plot([estimate.value], [place], "o", color=COMPLETE_COLOUR)
    ticks.set_xticks(range(len(spaces)), spaces, rotation=90)
    ticks.set_xlim(-0.5, len(spaces) - 0.5)
    ticks.set_yticks([])
    ticks.invert_yaxis()
    values.set_xlabel("triplet accuracy")
    figure.suptitle(title)
    return figure
