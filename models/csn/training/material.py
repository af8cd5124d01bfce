"""What a run learns from and is judged on, with its labels as numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from models.csn.training.config import TrainingConfig
from models.csn.training.corpus import Corpus, make_corpus, vocabulary_of
from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.likeness import likeness
from models.datasets.track import Dataset
from models.errors import TrainingImpossible
from models.runs.feature_cache import Extracted
from models.runs.tracks import DomainFacts, gather_tracks


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

    Args:
        datasets: Each with the name of its domain; as ``gather_tracks`` takes them.
        cache: Where features are kept.
        config: Of the run.
        jobs: Processes.
        on_file: Told of every file.

    Raises:
        TrainingImpossible: Too few tracks, nothing known of a dimension, or nothing to judge by.
        DatasetInvalid: A dataset cannot be split.
    """
    tracks = gather_tracks(datasets, cache, config.seed, jobs, on_file)
    names = tuple(tracks.domains)
    vocabulary = vocabulary_of(tracks.train, config)
    judged = make_corpus(tracks.validation, names, vocabulary, config)
    if not _makes_triplets(judged, config.network.spaces):
        raise TrainingImpossible(
            f"The {len(judged)} tracks for validation make no triplet: no two of different origins are alike "
            "in a dimension where a third is not. Add tracks to judge by."
        )
    return Material(make_corpus(tracks.train, names, vocabulary, config), judged, cache, tracks.domains)


def _makes_triplets(corpus: Corpus, spaces: Sequence[str]) -> bool:
    """Whether there is a triplet within some domain, as ``validation.accuracies`` needs them."""
    domains = [corpus.take(rows) for rows in corpus.rows_by_domain()]
    return any(len(likeness(own, space).anchors) for own in domains for space in spaces)
