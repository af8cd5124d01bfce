"""Confidence intervals of means over queries, the same resamples for all systems."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from models.datasets.track import Dataset
from models.evaluate.embedded import Doubles, Indices
from models.evaluate.relevance import origins
from models.metrics.bootstrap import Estimate, Resampling, estimate_mean

OVER_QUERIES = (
    "Intervals (95 %) come from resampling queries. Queries of one origin (album, composer) are not independent: "
    "these intervals speak for further tracks of the same origins and are too narrow for music from elsewhere."
)
OVER_ORIGINS = (
    "Intervals (95 %) come from resampling whole origins (albums, composers), since their tracks are not "
    "independent: they speak for music of further origins."
)
SHARED = (
    "Each track is a candidate of other queries too, which resampling does not undo: on random vectors such "
    "intervals hold the value of chance in some 80 to 90 of 100 cases, not in 95."
)

Table = Mapping[str, Doubles]
"""(Q,) values of each query by measure: one row of a report."""


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """How sure a mean is.

    Attributes:
        resampling: Count and seed of the resamples.
        origins: (N,) number of each track's origin: whole origins are resampled; ``None``: single queries.
    """

    resampling: Resampling
    origins: Indices | None = None

    def draws(self, queries: Indices) -> list[Indices]:
        """Resamples of (Q,) queries, given by the numbers of their tracks: places among the queries."""
        return self.resampling.draws(len(queries), None if self.origins is None else self.origins[queries])

    def means(self, queries: Indices, tables: Iterable[Table]) -> Iterator[dict[str, Estimate]]:
        """The mean of each measure, with the same resamples for all tables.

        Args:
            queries: (Q,) numbers of the tracks that asked.
            tables: Values of these queries.
        """
        draws = self.draws(queries)
        for table in tables:
            yield {measure: estimate_mean(values, draws) for measure, values in table.items()}

    @property
    def notes(self) -> tuple[str, str]:
        """What the intervals mean."""
        return (OVER_QUERIES if self.origins is None else OVER_ORIGINS), SHARED

    @property
    def facts(self) -> dict[str, object]:
        """How they were drawn."""
        over = "queries" if self.origins is None else "origins"
        return {"resampled": over, "resamples": self.resampling.replicates, "seed": self.resampling.seed}


def intervals(dataset: Dataset, resampling: Resampling, *, group_by_origin: bool) -> Intervals:
    """Resample queries, or whole origins of a dataset."""
    return Intervals(resampling, origins(dataset) if group_by_origin else None)
