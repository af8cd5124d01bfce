"""What the answer to a question looks like, whatever the question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.metrics.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPLETE = "complete"
RANDOM = "random"
WORST = "worst"


@dataclass(frozen=True, slots=True)
class Row:
    """One system's figures on one task.

    Attributes:
        task: What is asked, for example ``album``; rows of one task make one table.
        system: Its name, or RANDOM or WORST.
        space: COMPLETE or the name of a sub-space.
        figures: By measure; the same measures in all rows of a task. Higher is better unless ``Report.lower`` names
            the measure.
    """

    task: str
    system: str
    space: str
    figures: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one question.

    Attributes:
        question: Its name, as the command line has it; names the files.
        title: One line for people.
        facts: What was measured on: dataset, view, tracks, settings, seed.
        rows: In the order in which tables print them.
        notes: What a reader must know to believe the figures, in full sentences of Markdown.
        lower: Measures of which less is better.
        plots: Figures beside the standard ones, by the name of their file.
        slanted: Tasks made of one system's mistakes, on which it cannot be set against others.
    """

    question: str
    title: str
    facts: Mapping[str, object]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    lower: frozenset[str] = frozenset()
    plots: Mapping[str, "Figure"] = field(default_factory=dict)
    slanted: frozenset[str] = frozenset()
