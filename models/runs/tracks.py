"""From datasets to the tracks that a run learns from and is judged by: features, and sides of the split."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from models.datasets.collection import split_by_origin
from models.datasets.track import Dataset, LabelledTrack
from models.errors import TrainingImpossible
from models.runs.feature_cache import Extracted

MIN_TRACKS = 20


class Extractor(Protocol):
    """A feature cache of any kind."""

    def extract(self, files: Iterable[Path], jobs: int) -> Iterable[Extracted]:
        """Compute what is missing, in the order of the files."""


@dataclass(frozen=True, slots=True)
class CorpusTrack:
    """A track of a corpus.

    Attributes:
        domain: Name of the group of corpora that share a vocabulary.
        track: With its labels.
        entry: Name of its features in the cache.
    """

    domain: str
    track: LabelledTrack
    entry: str


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What a run took from a domain, for its manifest.

    Attributes:
        train: Tracks that it learns from.
        validation: Tracks that it is judged on.
        refused: Files that could not be used.
        test: Tracks that it left alone, with those of their origins.
        data_sha256: Over the bytes of all files it took, by way of their digests.
    """

    train: int
    validation: int
    refused: int
    test: int
    data_sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Both sides of a run, and what was taken from where."""

    train: Sequence[CorpusTrack]
    validation: Sequence[CorpusTrack]
    domains: Mapping[str, DomainFacts]


def gather_tracks(
    datasets: Sequence[tuple[str, Dataset]],
    cache: Extractor,
    seed: int,
    jobs: int,
    on_file: Callable[[Extracted], None],
) -> Tracks:
    """Compute the features of all tracks for training and validation.

    Test tracks are left alone. A dataset without a split gets one by origin; an origin that is held out in one
    dataset of a domain, for validation or for tests, is held out in all of them.

    Args:
        datasets: Each with the name of its domain.
        cache: Where features are kept.
        seed: Of splits that are made.
        jobs: Processes.
        on_file: Told of every file.

    Raises:
        TrainingImpossible: Too few tracks.
        DatasetInvalid: A dataset cannot be split.
    """
    split = [(domain, split_by_origin(dataset, seed)) for domain, dataset in datasets]
    every = [(domain, track) for domain, dataset in split for track in dataset.tracks]
    tested = {(domain, track.origin) for domain, track in every if track.split == "test"}
    wanted = [(domain, track) for domain, track in every if (domain, track.origin) not in tested]
    extracted = []
    for found in cache.extract((track.path for _, track in wanted), jobs):
        extracted.append(found)
        on_file(found)
    usable = [
        CorpusTrack(domain, track, found.entry)
        for (domain, track), found in zip(wanted, extracted, strict=True)
        if not found.refusal
    ]
    train, validation = _sides(usable)
    if len(train) < MIN_TRACKS or not validation:
        raise TrainingImpossible(
            f"{len(train)} tracks for training and {len(validation)} for validation can be used; {MIN_TRACKS} and "
            "1 are needed. The column split of a manifest says which is which."
        )
    facts = {}
    for name in sorted({domain for domain, _ in datasets}):
        own = [track for track in usable if track.domain == name]
        facts[name] = DomainFacts(
            train=sum(track.domain == name for track in train),
            validation=sum(track.domain == name for track in validation),
            refused=sum(domain == name for domain, _ in wanted) - len(own),
            test=sum(domain == name and (domain, track.origin) in tested for domain, track in every),
            data_sha256=sha256("".join(sorted(track.entry for track in own)).encode()).hexdigest(),
        )
    return Tracks(train, validation, facts)


def _sides(tracks: Sequence[CorpusTrack]) -> tuple[list[CorpusTrack], list[CorpusTrack]]:
    """Tracks for training and for validation; an entry that comes twice counts once."""
    once = list({(track.domain, track.entry): track for track in tracks}.values())
    held_out = {(track.domain, track.track.origin) for track in tracks if track.track.split == "validation"}
    sides: dict[bool, list[CorpusTrack]] = {False: [], True: []}
    for track in once:
        sides[(track.domain, track.track.origin) in held_out].append(track)
    return sides[False], sides[True]
