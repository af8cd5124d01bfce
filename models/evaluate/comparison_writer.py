"""A comparison to files: a table of figures and verdicts, JSON, and who beats whom how often as a picture."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.evaluate.charts import new_figure
from models.evaluate.comparison import SIGNIFICANCE, Difference
from models.evaluate.writer import PLOT_DPI, fact_text, line, number
from models.metrics.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VERDICT = (
    "A verdict names the better system where the paired p-value, corrected for {count} comparisons (Holm), is "
    "below {level}; “–” says that the difference may be chance."
)


def write_comparison(
    found: Sequence[Difference], systems: Sequence[str], facts: Mapping[str, object], out: Path
) -> tuple[Path, ...]:
    """Write ``compare.json``, ``compare.md`` and ``compare.png``; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    data, text, plot = (out / f"compare{end}" for end in (".json", ".md", ".png"))
    rows = [_as_data(difference) for difference in found]
    data.write_text(json.dumps({"facts": dict(facts), "differences": rows}, indent=1) + "\n", encoding="utf-8")
    text.write_text(as_markdown(found, systems, facts), encoding="utf-8")
    wins_chart(found, systems).savefig(plot, dpi=PLOT_DPI, bbox_inches="tight")
    return data, text, plot


def as_markdown(found: Sequence[Difference], systems: Sequence[str], facts: Mapping[str, object]) -> str:
    """All figures in one table, the verdict of every pair in a second one."""
    head = [
        f"# {' against '.join(systems)}",
        "\n".join(f"- {name}: {fact_text(value)}" for name, value in facts.items()),
        VERDICT.format(count=len(found), level=SIGNIFICANCE),
        "## Figures",
        _figures_table(found, systems),
        "## Verdicts",
        _verdicts_table(found),
        "![Wins](compare.png)",
    ]
    return "\n\n".join(head) + "\n"


def wins_chart(found: Sequence[Difference], systems: Sequence[str]) -> "Figure":
    """On how many measures the system of a row is significantly better than that of a column."""
    wins = np.zeros((len(systems), len(systems)))
    for difference in found:
        if difference.better is not None:
            loser = difference.other if difference.better == difference.one else difference.one
            wins[systems.index(difference.better), systems.index(loser)] += 1
    figure = new_figure(2.5 + 0.7 * len(systems), 1.8 + 0.5 * len(systems))
    panel = figure.subplots()
    panel.imshow(wins, cmap="Blues", vmin=0, vmax=max(1, 2 * wins.max()))
    panel.set_xticks(range(len(systems)), list(systems), rotation=30, ha="right")
    panel.set_yticks(range(len(systems)), list(systems))
    for (row, column), count in np.ndenumerate(wins):
        if row != column:
            panel.text(column, row, f"{count:.0f}", ha="center", va="center")
    panel.set_title("Measures on which the row is better than the column", fontsize="medium")
    return figure


def _figures_table(found: Sequence[Difference], systems: Sequence[str]) -> str:
    """One row per measure, one column per system."""
    rows: dict[tuple[str, str, str], dict[str, Estimate]] = {}
    for one in found:
        values = rows.setdefault((one.question, one.task, one.measure), {})
        values |= dict(zip((one.one, one.other), one.values, strict=True))
    lines = [line(["question", "task", "measure", *systems]), line(["---"] * 3 + ["---:"] * len(systems))]
    for measured, values in rows.items():
        lines.append(line([*measured, *(_value(values[name]) if name in values else "–" for name in systems)]))
    return "\n".join(lines)


def _verdicts_table(found: Sequence[Difference]) -> str:
    lines = [line(["question", "task", "measure", "pair", "difference", "p", "better"]), line(["---"] * 7)]
    for one in found:
        pair = f"{one.one} − {one.other}"
        cells = [one.question, one.task, one.measure, pair, _value(one.difference), f"{one.p_value:.3f}"]
        lines.append(line([*cells, one.better or "–"]))
    return "\n".join(lines)


def _value(found: Estimate) -> str:
    if not isfinite(found.value):
        return "–"
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def _as_data(one: Difference) -> dict[str, object]:
    return {
        "question": one.question,
        "task": one.task,
        "measure": one.measure,
        "systems": [one.one, one.other],
        "values": [found.value for found in one.values],
        "difference": one.difference.value,
        "interval": [one.difference.low, one.difference.high],
        "p_value": one.p_value,
        "better": one.better,
    }
