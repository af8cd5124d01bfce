"""From datasets to what a run learns from: features in the cache, labels as numbers, sides of the split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from models.csn.training.config import TrainingConfig
from models.csn.training.corpus import Corpus, CorpusTrack, make_corpus, vocabulary_of
from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.likeness import likeness
from models.datasets.collection import split_by_origin
from models.datasets.track import Dataset
from models.errors import TrainingImpossible
from models.runs.feature_cache import Extracted

MIN_TRACKS = 20


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
class Material:
    """What a run learns from and is judged on."""

    train: Corpus
    validation: Corpus
    cache: CsnFeatureCache
    domains: Mapping[str, DomainFacts]

    def identity(self, config: TrainingConfig) -> str:
        """Of what is learnt from what; how fast, and for how long, may change on the way."""
        digest = sha256(config.model_dump_json(exclude={"optimiser", "epochs"}).encode())
        for corpus in (self.train, self.validation):
            digest.update(corpus.statement())
        return digest.hexdigest()


def gather(
    datasets: Sequence[tuple[str, Dataset]],
    cache: CsnFeatureCache,
    config: TrainingConfig,
    jobs: int,
    on_file: Callable[[Extracted], None],
) -> Material:
    """Compute the features of all tracks for training and validation, and read their labels.

    Test tracks are left alone. A dataset without a split gets one by origin; an origin that is held out in one
    dataset of a domain, for validation or for tests, is held out in all of them.

    Args:
        datasets: Each with the name of its domain.
        cache: Where features are kept.
        config: Of the run.
        jobs: Processes.
        on_file: Told of every file.

    Raises:
        TrainingImpossible: Too few tracks, nothing known of a dimension, or nothing to judge by.
        DatasetInvalid: A dataset cannot be split.
    """
    split = [(domain, split_by_origin(dataset, config.seed)) for domain, dataset in datasets]
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
    names = tuple(sorted({domain for domain, _ in datasets}))
    vocabulary = vocabulary_of(train, config)
    judged = make_corpus(validation, names, vocabulary, config)
    if not _makes_triplets(judged, config.network.spaces):
        raise TrainingImpossible(
            f"The {len(validation)} tracks for validation make no triplet: no two of different origins are alike "
            "in a dimension where a third is not. Add tracks to judge by."
        )
    facts = {}
    for name in names:
        own = [track for track in usable if track.domain == name]
        facts[name] = DomainFacts(
            train=sum(track.domain == name for track in train),
            validation=sum(track.domain == name for track in validation),
            refused=sum(domain == name for domain, _ in wanted) - len(own),
            test=sum(domain == name and (domain, track.origin) in tested for domain, track in every),
            data_sha256=sha256("".join(sorted(track.entry for track in own)).encode()).hexdigest(),
        )
    return Material(make_corpus(train, names, vocabulary, config), judged, cache, facts)


def _sides(tracks: Sequence[CorpusTrack]) -> tuple[list[CorpusTrack], list[CorpusTrack]]:
    """Tracks for training and for validation; an entry that comes twice counts once."""
    once = list({(track.domain, track.entry): track for track in tracks}.values())
    held_out = {(track.domain, track.track.origin) for track in tracks if track.track.split == "validation"}
    sides: dict[bool, list[CorpusTrack]] = {False: [], True: []}
    for track in once:
        sides[(track.domain, track.track.origin) in held_out].append(track)
    return sides[False], sides[True]


def _makes_triplets(corpus: Corpus, spaces: Sequence[str]) -> bool:
    """Whether there is a triplet within some domain, as ``validation.accuracies`` needs them."""
    domains = [corpus.take(rows) for rows in corpus.rows_by_domain()]
    return any(len(likeness(own, space).anchors) for own in domains for space in spaces)
