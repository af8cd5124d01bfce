"""What is learnt from: the tracks of all corpora with their labels as numbers.

Letters: N tracks, Z tags of a dimension.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.csn.training.config import DomainSettings, TrainingConfig
from models.datasets.keys import PITCH_NAMES
from models.datasets.track import TAG_DIMENSIONS
from models.errors import TrainingImpossible
from models.runs.tracks import CorpusTrack

NO_KEY = -1
STYLE_KINDS = ("origin", "artist")
CONFIDENCES = {"tempo": "tempo_confidence", "key": "key_confidence"}

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """N tracks of one side of the split.

    Attributes:
        entries: (N,) names of their features.
        domain_names: Of all domains, sorted.
        domains: (N,) number of the domain of each.
        origins: (N,) number of the origin of each: what its likeness must not be learnt by.
        styles: By STYLE_KINDS, (N, Y) which of the Y origins or artists that are learnt as styles each track has;
            none where the domain's are no styles.
        vocabulary: Tags by dimension.
        tags: By dimension of TAG_DIMENSIONS, (N, Z) whether a track has a tag.
        known: Likewise, (N, Z) whether that is known: a track without any tag of the dimension says nothing, and
            neither does a domain about tags that are none of its own.
        tempi_bpm: (N,) NaN where it is not known.
        tonics: (N,) pitch class of the key, NO_KEY where it is not known.
    """

    entries: tuple[str, ...]
    domain_names: tuple[str, ...]
    domains: Indices
    origins: Indices
    styles: Mapping[str, Bools]
    vocabulary: Mapping[str, tuple[str, ...]]
    tags: Mapping[str, Bools]
    known: Mapping[str, Bools]
    tempi_bpm: NDArray[np.float64]
    tonics: Indices

    def __len__(self) -> int:
        return len(self.entries)

    def labelled(self, dimension: str) -> Bools:
        """(N,) of which tracks something is known in a dimension."""
        if dimension == "tempo":
            return np.isfinite(self.tempi_bpm)
        if dimension == "key":
            return np.asarray(self.tonics != NO_KEY)
        return np.asarray(self.known[dimension].any(axis=1))

    def rows_by_domain(self) -> list[Indices]:
        """Rows of the tracks of each domain, in the order of their names."""
        return [np.flatnonzero(self.domains == number) for number in range(len(self.domain_names))]

    def statement(self) -> bytes:
        """All that is known of the tracks: different for another file, label, origin or vocabulary."""
        names = {"entries": self.entries, "domains": self.domain_names, "vocabulary": dict(self.vocabulary)}
        arrays = (
            self.domains,
            self.origins,
            self.tempi_bpm,
            self.tonics,
            *self.tags.values(),
            *self.known.values(),
            *self.styles.values(),
        )
        return json.dumps(names).encode() + b"".join(array.tobytes() for array in arrays)

    def take(self, rows: Indices) -> "Corpus":
        """Some of the tracks."""
        return Corpus(
            entries=tuple(self.entries[row] for row in rows),
            domain_names=self.domain_names,
            domains=self.domains[rows],
            origins=self.origins[rows],
            styles={kind: styles[rows] for kind, styles in self.styles.items()},
            vocabulary=self.vocabulary,
            tags={dimension: tags[rows] for dimension, tags in self.tags.items()},
            known={dimension: known[rows] for dimension, known in self.known.items()},
            tempi_bpm=self.tempi_bpm[rows],
            tonics=self.tonics[rows],
        )


def make_corpus(
    tracks: Sequence[CorpusTrack],
    domain_names: tuple[str, ...],
    vocabulary: Mapping[str, tuple[str, ...]],
    config: TrainingConfig,
) -> Corpus:
    """Labels of N tracks as numbers, those left out that the configuration ignores."""
    labels = [_Labels(track, config.domains.get(track.domain, DomainSettings())) for track in tracks]
    domains = np.array([domain_names.index(track.domain) for track in tracks], dtype=np.int64)
    tags = {
        dimension: np.array([[tag in label.tags(dimension) for tag in own] for label in labels], dtype=np.bool_)
        for dimension, own in vocabulary.items()
    }
    return Corpus(
        entries=tuple(track.entry for track in tracks),
        domain_names=domain_names,
        domains=domains,
        origins=_numbers(f"{track.domain} {track.track.origin}" for track in tracks),
        styles={kind: _styles(kind, labels, config.min_tracks_per_origin) for kind in STYLE_KINDS},
        vocabulary=vocabulary,
        tags=tags,
        known={dimension: _known(found, domains) for dimension, found in tags.items()},
        tempi_bpm=np.array([label.tempo_bpm for label in labels], dtype=np.float64),
        tonics=np.array([label.tonic for label in labels], dtype=np.int64),
    )


def vocabulary_of(tracks: Iterable[CorpusTrack], config: TrainingConfig) -> dict[str, tuple[str, ...]]:
    """Tags by dimension that enough tracks have.

    Raises:
        TrainingImpossible: There is nothing to learn in a dimension of the network, or a confidence is no number.
    """
    labels = [_Labels(track, config.domains.get(track.domain, DomainSettings())) for track in tracks]
    found = {}
    for dimension in TAG_DIMENSIONS:
        counts = Counter(tag for label in labels for tag in label.tags(dimension))
        found[dimension] = tuple(sorted(tag for tag, count in counts.items() if count >= config.min_tracks_per_tag))
    known = {dimension for dimension, tags in found.items() if len(tags) > 1}
    known |= {"tempo"} if any(label.tempo_bpm > 0 for label in labels) else set()
    known |= {"key"} if any(label.tonic != NO_KEY for label in labels) else set()
    missing = [space for space in config.network.spaces if space not in known]
    if missing:
        raise TrainingImpossible(
            f"The data says nothing of {', '.join(missing)}: {len(labels)} tracks for training, and fewer than two "
            f"tags that {config.min_tracks_per_tag} of them have. Add data, or take it out of network.spaces."
        )
    return {dimension: tags for dimension, tags in found.items() if dimension in config.network.spaces}


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels of a track that may be used."""

    track: CorpusTrack
    settings: DomainSettings

    def tags(self, dimension: str) -> frozenset[str]:
        if dimension in self.settings.ignore:
            return frozenset()
        return self.track.track.tags.get(dimension, frozenset())

    @property
    def tempo_bpm(self) -> float:
        tempo_bpm = self.track.track.tempo_bpm
        return tempo_bpm if tempo_bpm is not None and self._is_sure("tempo") else np.nan

    @property
    def tonic(self) -> int:
        key = self.track.track.key
        return PITCH_NAMES.index(key.partition(" ")[0]) if key and self._is_sure("key") else NO_KEY

    def style(self, kind: str) -> str:
        """Empty where there is none."""
        name: str = getattr(self.track.track, kind)
        return f"{self.track.domain} {name}" if name and self.settings.origins else ""

    def _is_sure(self, dimension: str) -> bool:
        if dimension in self.settings.ignore:
            return False
        track, column = self.track.track, CONFIDENCES[dimension]
        confidence = track.attributes.get(column, "") or "1"
        try:
            return float(confidence) >= self.settings.min_confidence
        except ValueError as error:
            raise TrainingImpossible(f"{track.id}: {column} {confidence!r} is not a number.") from error


def _known(tags: Bools, domains: Indices) -> Bools:
    known = np.zeros_like(tags)
    for domain in np.unique(domains):
        own = domains == domain
        known[own] = tags[own].any(0) & tags[own].any(1)[:, None]
    return known


def _styles(kind: str, labels: Sequence[_Labels], min_tracks: int) -> Bools:
    """(N, Y) one column for each style of a kind that has enough tracks."""
    names = [label.style(kind) for label in labels]
    counts = Counter(filter(None, names))
    learnt = sorted(name for name, count in counts.items() if count >= min_tracks)
    return np.array([[name == own for own in learnt] for name in names], np.bool_).reshape(len(names), len(learnt))


def _numbers(names: Iterable[str]) -> Indices:
    found: dict[str, int] = {}
    return np.array([found.setdefault(name, len(found)) for name in names], dtype=np.int64)
