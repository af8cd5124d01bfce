"""How good a network is on tracks it does not learn from: triplet accuracy, the same for every family of losses."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.csn.track_features import Segments, join
from models.csn.training.batch import whole_track
from models.csn.training.config import TrainingConfig
from models.csn.training.corpus import Corpus
from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.likeness import Likeness, likeness

Floats = NDArray[np.float32]

SEGMENTS_AT_ONCE = 256


def track_embeddings(
    corpus: Corpus, cache: CsnFeatureCache, config: TrainingConfig, embed: Callable[[Segments], Tensor]
) -> Floats:
    """(N, E) embeddings of whole tracks: means over their segments, as papers 001 and 003 take them.

    Args:
        corpus: N tracks.
        cache: Their features.
        config: Of the run.
        embed: S segments → (S, E), on any device.
    """
    rows: list[Floats] = []
    for parts in _blocks(corpus, cache, config):
        embeddings = embed(join(parts)).float().cpu()
        sizes = [len(part.mel) for part in parts]
        rows += [part.mean(0).numpy() for part in torch.split(embeddings, sizes)]
    return np.stack(rows)


def _blocks(corpus: Corpus, cache: CsnFeatureCache, config: TrainingConfig) -> Iterator[list[Segments]]:
    """Whole tracks, about SEGMENTS_AT_ONCE segments at a time."""
    parts: list[Segments] = []
    for entry in corpus.entries:
        parts.append(whole_track(cache.read(entry), config.network, config.validation_segments))
        if sum(len(part.mel) for part in parts) >= SEGMENTS_AT_ONCE:
            yield parts
            parts = []
    if parts:
        yield parts


def accuracies(corpus: Corpus, embeddings: Floats, parts: dict[str, slice]) -> dict[str, float]:
    """Triplet accuracy by ``domain dimension``, of all triplets within a domain and by the dimension's own part.

    What has no triplets in a domain is left out.
    """
    found = {}
    for domain, rows in zip(corpus.domain_names, corpus.rows_by_domain(), strict=True):
        own = corpus.take(rows)
        for dimension, part in parts.items():
            accuracy = triplet_accuracy(embeddings[rows, part], likeness(own, dimension))
            if accuracy is not None:
                found[f"{domain} {dimension}"] = accuracy
    return found


def triplet_accuracy(vectors: Floats, found: Likeness) -> float | None:
    """Share of triplets with D(a, p) < D(a, n), mean over anchors, a tie one half; ``None`` without triplets.

    Args:
        vectors: (N, d), compared by the cosine.
        found: Their likeness.
    """
    directions = unit(vectors)
    similarity = directions @ directions.T
    shares = [
        _share(similarity[one, found.alike[one]], similarity[one, found.unlike[one]]) for one in found.anchors
    ]
    return float(np.mean(shares)) if shares else None


def unit(vectors: Floats) -> Floats:
    """(N, d) → (N, d) of unit length, or next to zero as they were."""
    found: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    return found


def _share(positives: Floats, negatives: Floats) -> float:
    """Share of pairs of a positive and a negative in which the former is the nearer one."""
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left") + np.searchsorted(ordered, positives, "right")
    return float(below.mean() / (2 * len(negatives)))
