"""What the network learns: to rank similar tracks above others (paper 004, section 3.3).

Axis letters: B tracks of a batch, L elements of a crop, W numbers in an element, E dimensions of an embedding.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from models.channels_last import channels_last
from models.datasets.annotations import annotations
from models.errors import TrainingImpossible
from models.runs.band_statistics import band_statistics
from models.runs.device import autocast
from models.runs.epoch_record import LOSS
from models.runs.tensor_cache import TensorCache
from models.runs.tracks import CorpusTrack, Tracks
from models.wavenet.network import WavenetNetwork
from models.wavenet.training.augmentation import augmented
from models.wavenet.training.config import ObjectiveSettings, WavenetConfig
from models.wavenet.training.crops import crop_elements, middle_crop, random_crops
from models.wavenet.training.lists import Lists, ListSampler
from models.wavenet.training.ranking_losses import lambda_loss, pairwise_hinge, similarities
from models.wavenet.training.validation import pairs_right

JUDGED_S = 30.0
"""Of a validation track, from its middle: as long as the clips of an evaluation."""

PAIRS = "PC "


@dataclass(frozen=True, slots=True, eq=False)
class RankingBatch:
    """Crops (B, L, W), and what is asked about them."""

    crops: Tensor
    lists: Lists


class RankingLesson:
    """A ``Lesson`` on lists of tracks.

    Args:
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their signals are.
        device: To learn on.
        stacks: State of stacks that have learnt to predict; without them all begins anew.

    Raises:
        TrainingImpossible: No tracks are similar, or there are none to judge by.
    """

    panels: ClassVar[Mapping[str, str]] = {LOSS: "loss", PAIRS: "pairs in the right order, held out"}

    def __init__(
        self,
        config: WavenetConfig,
        tracks: Tracks,
        cache: TensorCache,
        device: torch.device,
        stacks: Mapping[str, Tensor] | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self._config = config
        self._cache = cache
        self._device = device
        self._train = [track.entry for track in tracks.train]
        self._validation = tracks.validation
        self._sampler = ListSampler(tracks.train, config.lists)
        self._length = crop_elements(config.crop_s, config.network)
        self._stacks = stacks
        self.identity = config.identity(*map(_stated, tracks.train), "", *map(_stated, tracks.validation))
        self.network = WavenetNetwork(config.network)
        channels_last(self.network).to(device)
        if not self._judged(np.zeros((len(self._validation),) * 2, np.float32)):
            raise TrainingImpossible(
                "No validation track has three similar and three dissimilar ones, so that nothing can be judged. "
                "Put more albums of several tracks on the side of validation."
            )

    @property
    def modules(self) -> nn.Module:
        return self.network

    @property
    def batches_per_epoch(self) -> int:
        return self._config.per_epoch

    @property
    def less_memory(self) -> str:
        groups, tracks = self._config.lists.groups, self._config.lists.tracks
        return (
            f"Memory is too small for crops of {self._config.crop_s:g} s of {groups * tracks} tracks in a batch. "
            f"Take less, such as --set lists.groups={max(2, groups // 2)}, in another folder."
        )

    def begin(self) -> None:
        """Begin with the stacks that were given, or standardise the signal for new ones."""
        if self._stacks is not None:
            self.network.stacks.load_state_dict(self._stacks)
        else:
            statistics = band_statistics(self._cache.read(entry) for entry in self._train)
            self.network.stacks.standardise_by(*statistics)

    def batch(self, epoch: int, number: int) -> RankingBatch:
        config = self._config
        generator = np.random.default_rng((config.seed, epoch, number))
        lists = self._sampler.draw(generator)
        entries = [self._train[track] for track in lists.tracks]
        filling = self.network.stacks.mean.cpu()
        crops = random_crops(self._cache, entries, self._length, filling, generator)
        return RankingBatch(augmented(crops, filling, config.network, config.augmentation, generator), lists)

    def loss(self, batch: RankingBatch) -> Tensor:
        embeddings = self.embed(batch.crops)
        lists = batch.lists
        near = similarities(embeddings[lists.queries], embeddings[lists.listed], self._config.network.similarity)
        return ranking_loss(near, lists.relevance.to(near), self._config.objective)

    def judge(self) -> Mapping[str, float]:
        """The share of pairs in the right order, by domain and respect."""
        embeddings = torch.cat(self._middles([track.entry for track in self._validation]))
        kind = self._config.network.similarity
        rows = [similarities(row, embeddings[None], kind) for row in torch.split(embeddings, 1)]
        return self._judged(torch.cat(rows).cpu().numpy())

    def error(self, figures: Mapping[str, float]) -> float:
        """One minus the mean share of pairs in the right order."""
        return 1 - float(np.mean(list(figures.values())))

    @torch.inference_mode()
    def longest_embedding(self) -> Tensor:
        """() its length, of those of the training tracks' middles.

        Raises:
            TrainingInterrupted: Signals are damaged or gone.
        """
        self.network.eval()
        lengths: Tensor = torch.cat(self._middles(self._train)).norm(dim=1)
        return lengths.amax().cpu()

    def embed(self, crops: Tensor) -> Tensor:
        """(B, L, W) → (B, E) as the network gives them; its end in single precision, which what differs needs."""
        with autocast(self._config.precision, self._device):
            steps = self.network.steps(crops.to(self._device))
        return cast("Tensor", self.network.end(steps.float()))

    def _middles(self, entries: Sequence[str]) -> list[Tensor]:
        """(1, E) of the middle of each track."""
        length = crop_elements(JUDGED_S, self._config.network)
        filling = self.network.stacks.mean.cpu()
        return [self.embed(middle_crop(self._cache, entry, length, filling)) for entry in entries]

    def _judged(self, near: np.ndarray) -> dict[str, float]:
        found = pairs_right(near, self._validation, self._config.lists.min_jaccard)
        return {f"{PAIRS}{domain} {by}": share for (domain, by), share in found.items()}


def _stated(track: CorpusTrack) -> str:
    """What a run knows of a track."""
    said = sorted(annotations(track.track))
    return json.dumps([track.entry, track.domain, track.track.origin, said], ensure_ascii=False)


def ranking_loss(near: Tensor, relevance: Tensor, settings: ObjectiveSettings) -> Tensor:
    """(Q, n) similarities and relevance, 1 or 0 → the scalar of the objective; 0 where nothing is asked."""
    if settings.loss != "hinge":
        return lambda_loss(near, relevance, settings.loss, sigma=settings.sigma, mu=settings.mu)
    pairs = (relevance[:, :, None] > relevance[:, None]).nonzero(as_tuple=True)
    queries, similar, dissimilar = pairs
    return pairwise_hinge(near[queries, similar], near[queries, dissimilar], settings.margin)
