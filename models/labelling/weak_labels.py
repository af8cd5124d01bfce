"""Weak labels in a dataset: only where nothing is known, and marked as what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.analysis import TrackAnalysis
from models.datasets.spelling import fold
from models.datasets.track import Dataset, LabelledTrack
from models.labelling.hearing import TEACHERS, Hearing
from models.labelling.rule import Verdicts, judge
from models.taggers.vocabulary import MSD
from models.whole_file import whole_file

TEACHER_LABELS = f"teacher:{'+'.join(TEACHERS)}"


def label(dataset: Dataset, heard: Mapping[str, Hearing]) -> tuple[Dataset, Verdicts]:
    """Fill in what is not known of the tracks that were heard.

    Genre, mood, instrument and era come from the teachers, tempo and key from the analysis. A dimension that a
    track has labels for is left alone. Tags are spelt as the dataset spells them.

    Attributes say where labels come from: ``labels`` names the teachers, ``weak`` the columns that were filled,
    ``tempo_confidence`` and ``key_confidence`` (0 to 1) how sure the analysis is.

    Args:
        dataset: N tracks.
        heard: By track id, what was heard in it; a track that is not in it stays as it is.

    Raises:
        TrainingImpossible: Too few were heard, see ``models.labelling.rule``.
    """
    ids = [track.id for track in dataset.tracks if track.id in heard]
    verdicts = judge(stacked([heard[name] for name in ids]))
    rows = {name: row for row, name in enumerate(ids)}
    spelling = _spelling(dataset)
    tracks = tuple(
        _labelled(track, _spelt(verdicts.tags(rows[track.id]), spelling), heard[track.id].analysis)
        if track.id in rows
        else track
        for track in dataset.tracks
    )
    return replace(dataset, tracks=tracks), verdicts


def write_scores(path: Path, heard: Mapping[str, Hearing], verdicts: Verdicts) -> None:
    """Write what lies behind the labels: probabilities (N, teachers, 50) and the verdicts, as ``.npz``."""
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            ids=np.array([*heard], np.str_),
            tags=np.array(MSD, np.str_),
            teachers=np.array(TEACHERS, np.str_),
            probabilities=stacked([*heard.values()]).transpose(1, 0, 2),
            thresholds=verdicts.thresholds,
            kappa=verdicts.kappa,
            given=verdicts.given,
        )


def stacked(heard: Sequence[Hearing]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(teachers, N, 50) probabilities."""
    empty = np.zeros((len(TEACHERS), 0, len(MSD)), np.float32)
    return np.stack([hearing.probabilities for hearing in heard], axis=1) if heard else empty


def _labelled(track: LabelledTrack, tags: Mapping[str, frozenset[str]], analysis: TrackAnalysis) -> LabelledTrack:
    new_tags = {dimension: found for dimension, found in tags.items() if not track.tags.get(dimension)}
    attributes = {**track.attributes}
    weak = [*new_tags]
    tempo_bpm, key = track.tempo_bpm, track.key
    if tempo_bpm is None and analysis.tempo_bpm is not None:
        tempo_bpm = analysis.tempo_bpm
        attributes["tempo_confidence"] = f"{analysis.tempo_confidence:g}"
        weak.append("tempo_bpm")
    if key is None and analysis.key is not None:
        key = analysis.key
        attributes["key_confidence"] = f"{analysis.key_confidence:g}"
        weak.append("key")
    if weak:
        attributes |= {"labels": TEACHER_LABELS, "weak": ";".join(weak)}
    return replace(track, tags={**track.tags, **new_tags}, tempo_bpm=tempo_bpm, key=key, attributes=attributes)


def _spelling(dataset: Dataset) -> dict[str, str]:
    """The dataset's own tags by what they are when case and hyphens do not count; of several the most frequent."""
    names = [tag for track in dataset.tracks for tags in track.tags.values() for tag in sorted(tags)]
    return {fold(name): name for name in sorted(set(names), key=names.count)}


def _spelt(tags: Mapping[str, frozenset[str]], spelling: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {
        dimension: frozenset(spelling.get(fold(tag), tag) for tag in found) for dimension, found in tags.items()
    }
