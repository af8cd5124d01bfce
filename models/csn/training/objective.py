"""What is minimised: the losses of paper 003's four families, weighed, over all dimensions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.csn.settings import NetworkSettings
from models.csn.training.batch import Batch
from models.csn.training.config import ObjectiveSettings
from models.csn.training.corpus import Corpus
from models.csn.training.likeness import likeness
from models.csn.training.losses import cosine_distances, mine_semi_hard, tag_loss, triplet_hinge
from models.csn.training.targets import Targets, style_targets, targets

TRACK = "track"
STYLES = "styles"
LEAST_SHARE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Of a batch.

    Attributes:
        total: What is minimised.
        parts: By dimension, ``track``, and ``styles`` by where origins are told apart: for those who watch.
    """

    total: Tensor
    parts: dict[str, float]


class Objective(nn.Module):
    """The losses with what they learn besides the network: a direction for every tag.

    A proxy (paper 003, section 3.3) and the weight of a class on normalised embeddings (section 3.4) are the same
    thing: one parameter serves both families. Sub-dense layers, which replace the masks in the disentangled
    classification, are the rows of the fully connected layer that a mask keeps: with masks there is nothing to add.

    Ours is an offset per tag, which begins at its log-odds: most tags do not apply to most tracks, and without
    an offset the embeddings of all tracks have to point away from all of them.
    """

    def __init__(self, settings: ObjectiveSettings, network: NetworkSettings, corpus: Corpus) -> None:
        super().__init__()
        self.settings = settings
        whole = slice(0, network.dimension)
        parts = {space: part if settings.disentangled else whole for space, part in network.slices().items()}
        self._spaces = tuple(parts)
        styles = {f"{STYLES} {space}": parts.get(space, whole) for space in settings.origin_spaces}
        self._styles = tuple(styles) if settings.origins else ()
        self._parts = parts | styles
        self.directions = nn.ParameterDict()
        self.offsets = nn.ParameterDict()
        if settings.tags:
            for space in self._spaces:
                self._learn_tags(space, targets(corpus, space))
        for name in self._styles:
            self._learn_tags(name, style_targets(corpus))

    def _learn_tags(self, space: str, found: Targets) -> None:
        log_odds = _log_odds(found)
        part = self._parts[space]
        self.directions[space] = nn.Parameter(torch.randn(len(log_odds), part.stop - part.start))
        self.offsets[space] = nn.Parameter(log_odds)

    def masked(self, embeddings: Tensor, space: str) -> Tensor:
        """(B, E) → (B, d) the part that a dimension is judged by."""
        return embeddings[:, self._parts[space]]

    def scores(self, embeddings: Tensor, space: str) -> Tensor:
        """(B, E) → (B, Z) logits of the tags of a dimension."""
        masked = self.masked(embeddings, space)
        if self.settings.normalised:
            masked = nn.functional.normalize(masked, dim=1)
        scores: Tensor = masked @ self.directions[space].T + self.offsets[space]
        return scores

    def forward(self, embeddings: Tensor, batch: Batch, generator: torch.Generator) -> Losses:
        """(B, m, E) embeddings of the segments → losses."""
        settings = self.settings
        tracks = embeddings.mean(1)
        by_space = torch.stack([self._of_space(space, tracks, batch.corpus, generator) for space in self._spaces])
        total = by_space.mean()
        parts = dict(zip(self._spaces, by_space.tolist(), strict=True))
        for styles in self._styles:
            loss = self._of_tags(styles, tracks, style_targets(batch.corpus))
            total = total + settings.origins * loss
            parts[styles] = loss.item()
        if settings.track:
            regularisation = self._of_tracks(embeddings, batch.corpus, generator)
            total = total + settings.track * regularisation
            parts[TRACK] = regularisation.item()
        return Losses(total, parts)

    def _of_space(self, space: str, tracks: Tensor, corpus: Corpus, generator: torch.Generator) -> Tensor:
        loss = tracks.new_zeros(())
        if self.settings.tags:
            loss = loss + self.settings.tags * self._of_tags(space, tracks, targets(corpus, space))
        if self.settings.triplet:
            loss = loss + self.settings.triplet * self._of_triplets(space, tracks, corpus, generator)
        return loss

    def _of_tags(self, space: str, tracks: Tensor, found: Targets) -> Tensor:
        return tag_loss(self.scores(tracks, space), found.wanted.to(tracks.device), found.known.to(tracks.device))

    def _of_triplets(self, space: str, tracks: Tensor, corpus: Corpus, generator: torch.Generator) -> Tensor:
        distances = cosine_distances(self.masked(tracks, space))
        found = likeness(corpus, space)
        alike, unlike = (torch.from_numpy(pairs).to(tracks.device) for pairs in (found.alike, found.unlike))
        margin = self.settings.margin
        anchors, positives, negatives = mine_semi_hard(distances.detach(), alike, unlike, margin, generator)
        return triplet_hinge(distances[anchors, positives], distances[anchors, negatives], margin)

    def _of_tracks(self, embeddings: Tensor, corpus: Corpus, generator: torch.Generator) -> Tensor:
        """Two segments of a track, and one of another origin (paper 003, section 3.2), by the whole embedding."""
        anchors, positives = embeddings[:, 0], embeddings[:, 1]
        others = corpus.origins[:, None] != corpus.origins
        chosen = np.argmax(torch.rand(others.shape, generator=generator).numpy() * others, axis=1)
        negatives = anchors[torch.from_numpy(chosen).to(anchors.device)]
        usable = torch.from_numpy(others.any(1)).to(anchors.device)
        similarity = nn.functional.cosine_similarity
        return triplet_hinge(
            1 - similarity(anchors, positives)[usable],
            1 - similarity(anchors, negatives)[usable],
            self.settings.margin,
        )


def _log_odds(found: Targets) -> Tensor:
    """(Z,) of having a tag, over the tracks of which that is known."""
    share = (found.wanted * found.known).sum(0) / found.known.sum(0).clamp_min(1)
    return torch.logit(share, eps=LEAST_SHARE)
