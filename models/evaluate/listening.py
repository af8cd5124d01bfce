"""Systems listen to a dataset: every track is decoded once for all of them, and what they measured is kept."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, product
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible, ModelError
from models.evaluate.embedded import Embedded, Indices
from models.evaluate.measurements import Measurements, digest_of
from models.evaluate.system import Measured, System
from models.evaluate.view import View, clip_of, decode_track

TRAINING_SPLIT = "train"

Progress = Callable[[LabelledTrack], None]
_Task = tuple[View, str]
"""A view, and the identity of a system."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The vectors of several systems for the tracks that all of them could use.

    Attributes:
        dataset: Those tracks.
        embedded: By system, rows in the dataset's order.
        refusals: Why other tracks were left out, by id.
        view: How they were heard.
    """

    dataset: Dataset
    embedded: tuple[Embedded, ...]
    refusals: Mapping[str, str]
    view: View

    def of_split(self, split: str) -> "Heard":
        """The same, of one split only; the vectors stay as they were learnt.

        Raises:
            EvaluationImpossible: No track is in it.
        """
        rows = np.flatnonzero([track.split == split for track in self.dataset.tracks])
        if not len(rows):
            known = ", ".join(sorted({track.split or "(none)" for track in self.dataset.tracks}))
            raise EvaluationImpossible(f"No track that was heard is in the split {split!r}; there are: {known}.")
        return self.of_rows(rows)

    def of_rows(self, rows: Indices) -> "Heard":
        """The same, of some tracks only, by their numbers."""
        tracks = tuple(self.dataset.tracks[row] for row in rows)
        embedded = tuple(replace(system, vectors=system.vectors[rows]) for system in self.embedded)
        return replace(self, dataset=replace(self.dataset, tracks=tracks), embedded=embedded)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredDataset:
    """What systems measured in one view, before any vector was learnt.

    Attributes:
        dataset: The tracks that all systems could use.
        measured: By system, in the dataset's order.
        refusals: Why other tracks were left out, by id.
    """

    dataset: Dataset
    measured: tuple[tuple[Measured, ...], ...]
    refusals: Mapping[str, str]

    @property
    def training(self) -> NDArray[np.bool_]:
        """(N,) tracks that may be learnt from: those of the split ``train``."""
        return np.array([track.split == TRAINING_SPLIT for track in self.dataset.tracks])


def listen(
    dataset: Dataset,
    systems: Sequence[System],
    view: View,
    cache: Path,
    *,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> Heard:
    """Vectors of every system for every track that all can use.

    Systems learn from the tracks of the split ``train`` alone; from all where none is in it.

    Args:
        dataset: What is listened to.
        systems: Of different names.
        view: How it is heard.
        cache: Folder of what was measured; what is there is not measured again.
        jobs: Threads.
        on_progress: Called after each track, from the calling thread.

    Raises:
        EvaluationImpossible: Not one track can be used by all systems.
    """
    found = measure_dataset(dataset, systems, view, cache, jobs=jobs, on_progress=on_progress)
    rows = zip(systems, found.measured, strict=True)
    embedded = tuple(system.embed(measured, found.training) for system, measured in rows)
    return Heard(found.dataset, embedded, found.refusals, view)


def measure_dataset(
    dataset: Dataset,
    systems: Sequence[System],
    view: View,
    cache: Path,
    *,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> MeasuredDataset:
    """What every system measures of every track that all can use; arguments and errors as of ``listen``."""
    return measure_views(dataset, systems, [view], cache, jobs=jobs, on_progress=on_progress)[0]


def measure_views(
    dataset: Dataset,
    systems: Sequence[System],
    views: Sequence[View],
    cache: Path,
    *,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> tuple[MeasuredDataset, ...]:
    """What every system measures in each of several views, all of the tracks that all can use in all views.

    Arguments and errors as of ``listen``; a track is decoded once for all views.
    """
    listener = _Listener({system.identity: system for system in systems}, views, Measurements(cache))
    usable: list[LabelledTrack] = []
    rows: list[dict[_Task, Measured]] = []
    refusals: dict[str, str] = {}
    with _threads(jobs) as pool:
        for track, found in zip(dataset.tracks, pool.map(listener.measure, dataset.tracks), strict=True):
            if isinstance(found, str):
                refusals[track.id] = found
            else:
                usable.append(track)
                rows.append(found)
            if on_progress is not None:
                on_progress(track)
    if not usable:
        raise EvaluationImpossible(_nothing_heard(dataset, refusals))
    heard = replace(dataset, tracks=tuple(usable))
    return tuple(
        MeasuredDataset(
            heard, tuple(tuple(row[view, system.identity] for row in rows) for system in systems), refusals
        )
        for view in views
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    """Measures one track after another, in any thread."""

    systems: Mapping[str, System]
    views: Sequence[View]
    kept: Measurements

    def measure(self, track: LabelledTrack) -> dict[_Task, Measured] | str:
        """What is kept of a track, after what is missing was measured; or why it cannot be used."""
        try:
            digest = digest_of(track.path)
        except OSError as error:
            return f"{track.path}: {error.strerror or error}"
        try:
            self._measure_missing(track, digest)
        except ModelError as error:
            return str(error)
        return {task: self.kept.stored(digest, track, *task) for task in self._tasks()}

    def _tasks(self) -> list[_Task]:
        return list(product(self.views, self.systems))

    def _measure_missing(self, track: LabelledTrack, digest: str) -> None:
        missing = [task for task in self._tasks() if not self.kept.stored(digest, track, *task).whole]
        if not missing:
            return
        waveform = decode_track(track)
        for view, tasks in groupby(missing, key=itemgetter(0)):
            clip = clip_of(track, waveform, view)
            for _, identity in tasks:
                self.kept.keep(digest, track, view, identity, self.systems[identity].measure(clip))


def _threads(jobs: int) -> ThreadPoolExecutor:
    """Threads of which each computes by itself: torch would start as many again in every one."""
    return ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,))


def _nothing_heard(dataset: Dataset, refusals: Mapping[str, str]) -> str:
    first = next(iter(refusals.items()), None)
    reason = f" The first, {first[0]!r}, was refused: {first[1]}" if first else ""
    return f"Not one of the {len(dataset)} tracks of {dataset.name!r} can be used by all systems.{reason}"
