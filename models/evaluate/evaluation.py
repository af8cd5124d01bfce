"""One evaluation: who is compared, on what, and how the questions are to be asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from models.datasets.collection import split_by_origin
from models.datasets.track import DIMENSIONS, Dataset, LabelledTrack
from models.datasets.triplet import JudgedTriplet
from models.errors import EvaluationImpossible
from models.evaluate.listening import Heard, listen
from models.evaluate.relevance import relevance
from models.evaluate.report import Report
from models.evaluate.system import System
from models.evaluate.view import CANONICAL, View
from models.metrics.bootstrap import Resampling

RESPECTS = ("album", "artist", *DIMENSIONS)
"""What a question asks about where nobody says."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How questions are asked.

    Attributes:
        by: Respects of similarity; empty for those of RESPECTS that the dataset has labels of.
        split: Which tracks are asked about; empty for all.
        resampling: Of the intervals.
        group_by_origin: Resample whole origins (albums) and not tracks.
        across_origins: Leave tracks of the query's own origin out of what it may find.
        most_queries: Of the questions that cost much per query.
        judged: What listeners said of triplets of the dataset's tracks.
    """

    by: tuple[str, ...] = ()
    split: str = ""
    resampling: Resampling = field(default_factory=Resampling)
    group_by_origin: bool = False
    across_origins: bool = False
    most_queries: int = 200
    judged: tuple[JudgedTriplet, ...] = ()


class Evaluation:
    """A dataset and the systems that listen to it, once.

    Tracks without a split get one, by origin, before any system learns.

    Args:
        dataset: What is listened to.
        systems: Of different names.
        cache: Where measurements are kept.
        manner: How questions are asked.
        view: How tracks are heard.
        jobs: Threads.
        on_progress: Called whenever a track was heard, with the number of tracks in all.
    """

    def __init__(
        self,
        dataset: Dataset,
        systems: Sequence[System],
        cache: Path,
        manner: Manner,
        *,
        view: View = CANONICAL,
        jobs: int = 1,
        on_progress: Callable[[str, int], None] = lambda _what, _tracks: None,
    ) -> None:
        self.dataset = split_by_origin(dataset, manner.resampling.seed)
        self.systems = tuple(systems)
        self.cache = cache
        self.manner = manner
        self.view = view
        self.jobs = jobs
        self._on_progress = on_progress

    @cached_property
    def heard(self) -> Heard:
        """All tracks, with the vectors of every system."""
        return self._listened(self.dataset)

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why tracks were left out, by id, as far as anything was heard yet."""
        made = [self.__dict__[name] for name in ("heard", "asked") if name in self.__dict__]
        return made[0].refusals if made else {}

    @cached_property
    def asked(self) -> Heard:
        """The tracks that questions are about; where no system learns, no others are listened to for it."""
        if not self.manner.split:
            return self.heard
        if (
            "heard" in self.__dict__
            or any(system.learns for system in self.systems)
            or not self.asked_tracks.tracks
        ):
            return self.heard.of_split(self.manner.split)
        return self._listened(self.asked_tracks)

    @property
    def asked_tracks(self) -> Dataset:
        """The tracks that questions are about, whether or not the systems can hear them."""
        wanted = self.manner.split
        tracks = tuple(track for track in self.dataset.tracks if not wanted or track.split == wanted)
        return replace(self.dataset, tracks=tracks)

    def progress(self, what: str, tracks: int) -> Callable[[LabelledTrack], None]:
        """What to call after each of so many tracks."""
        return lambda _: self._on_progress(what, tracks)

    def respects(self) -> tuple[str, ...]:
        """The respects of similarity that are asked about.

        Raises:
            EvaluationImpossible: None was named, and no two tracks are alike in any.
        """
        if self.manner.by:
            return self.manner.by
        found = tuple(by for by in RESPECTS if self._answerable(by))
        if not found:
            raise EvaluationImpossible(
                f"No two tracks of {self.dataset.name} are alike in any of {', '.join(RESPECTS)}: there is nothing "
                "to find. Add labels to the manifest, or name an attribute with --by."
            )
        return found

    def sample(self) -> Heard:
        """At most ``manner.most_queries`` of the tracks that are asked about."""
        count = len(self.asked.dataset)
        if count <= self.manner.most_queries:
            return self.asked
        generator = np.random.default_rng(self.manner.resampling.seed)
        return self.asked.of_rows(np.sort(generator.choice(count, self.manner.most_queries, replace=False)))

    def _listened(self, dataset: Dataset) -> Heard:
        return listen(
            dataset,
            self.systems,
            self.view,
            self.cache,
            jobs=self.jobs,
            on_progress=self.progress("listening", len(dataset)),
        )

    def _answerable(self, by: str) -> bool:
        try:
            relevance(self.asked.dataset, by, across_origins=self.manner.across_origins)
        except EvaluationImpossible:
            return False
        return True

    def signed(self, report: Report) -> Report:
        """A report that also says who was compared, and how everything was heard."""
        circumstances = {
            "dataset": self.dataset.name,
            "systems": [system.name for system in self.systems],
            "view": self.view.name,
            "split": self.manner.split or "all",
            "left out": len(self.refusals) + len(self.dataset.left_out),
        }
        return replace(report, facts={**circumstances, **report.facts})
