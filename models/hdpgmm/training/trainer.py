"""The training loop: minibatches of songs, epochs, checkpoints."""

import math
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.errors import TrainingInterrupted
from models.hdpgmm.certainty import CertaintySettings, fit_certainty
from models.hdpgmm.online import OnlineMixture, Update
from models.hdpgmm.quadratic import pack
from models.hdpgmm.tensors import mixture_tensors, posterior_of, whitening_of
from models.hdpgmm.training.checkpoint import MixtureCheckpoint
from models.hdpgmm.training.config import TrainingConfig
from models.hdpgmm.training.epoch_record import PANELS, EpochRecord
from models.hdpgmm.training.start import nearest_components
from models.hdpgmm.whitening import Whitening, fit_whitening
from models.runs.checkpoint import LAST, load, save
from models.runs.frame_cache import FrameCache
from models.runs.run_log import RunLog
from models.runs.tracks import Tracks
from models.song_frames import FEATURES, HOP_SAMPLES, SAMPLE_RATE_HZ

IN_USE = 1e-3
JUDGED_FRAMES = 16
"""Of so many consecutive frames one says how likely frames are."""

OnUpdate = Callable[[int, Update], None]


class MixtureTrainer:
    """A run in its folder; it goes on from the checkpoint there, if there is one, and else begins.

    Everything drawn depends on the seed, the epoch and the minibatch alone, so that a run that was interrupted
    learns the same as one that was not.

    Args:
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their frames are.
        folder: Of the run.
        device: To learn on.

    Raises:
        TrainingInterrupted: The folder's checkpoint is damaged or of another run, or frames are gone.
    """

    def __init__(
        self, config: TrainingConfig, tracks: Tracks, cache: FrameCache, folder: Path, device: torch.device
    ) -> None:
        self.config = config
        self._cache = cache
        self._folder = folder
        self._device = device
        self._train = [track.entry for track in tracks.train]
        self._validation = [track.entry for track in tracks.validation]
        self.mixture = OnlineMixture(config.mixture, config.online, FEATURES, device)
        identity = _identity(config, self._train, self._validation)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LAST).exists():
            self._state = load(MixtureCheckpoint, folder / LAST, identity)
            self.whitening = self._resumed()
        else:
            self._state = MixtureCheckpoint(identity)
            self.whitening = self._begun()
        self._log = RunLog(folder, self._state.epoch, PANELS)

    @property
    def epochs_done(self) -> int:
        """Also those before an interruption."""
        return self._state.epoch

    @property
    def updates_per_epoch(self) -> int:
        """The last one may have fewer songs."""
        return math.ceil(len(self._train) / self.config.songs)

    @property
    def finished(self) -> bool:
        """Whether there is no epoch left."""
        return self._state.epoch >= self.config.epochs

    def train_epoch(self, on_update: OnUpdate) -> EpochRecord:
        """Hear every song once, judge, and write down where the run stands.

        Raises:
            TrainingInterrupted: The bound is no number, or frames were damaged; the run can go on from the epoch
                before.
        """
        started = time.monotonic()
        epoch = self._state.epoch + 1
        order = np.random.default_rng((self.config.seed, epoch)).permutation(len(self._train))
        updates = []
        for number, first in enumerate(range(0, len(order), self.config.songs)):
            update = self._update(order[first : first + self.config.songs], epoch, number)
            updates.append(update)
            on_update(number + 1, update)
        record = self._judged(epoch, updates, started)
        self._keep(record)
        return record

    def held_out(self) -> float:
        """The validation songs' part of the bound, per frame, in nats."""
        return self.mixture.bound_per_frame(self._songs(self._validation))

    def shares(self, entries: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(J, K) of the components in tracks, as the encoder has them: their frames' mean posterior."""
        likelihoods = self._likelihoods()
        songs = (self._song(entry, None) for entry in entries)
        rows = [torch.softmax(pack(song) @ likelihoods, -1).mean(0, dtype=torch.float64) for song in songs]
        return torch.stack(rows).cpu().numpy()

    def certainty(self) -> CertaintySettings:
        """What the encoder's certainty is worked out with, from the validation songs."""
        likelihoods = self._likelihoods()
        log_weights = self.mixture.posterior.sticks.log_weights.float()
        halves, seconds, densities = [], [], []
        every = (self._cache.read(entry).to(self._device) for entry in self._validation)
        for frames in (frames for frames in every if len(frames) > 1):
            logs = pack(self.whitening.apply(frames)) @ likelihoods
            parts = torch.softmax(logs, -1).tensor_split(2)
            halves.append(torch.stack([part.mean(0, dtype=torch.float64) for part in parts]).cpu())
            seconds.append(len(parts[0]) * HOP_SAMPLES / SAMPLE_RATE_HZ)
            densities.append(torch.logsumexp(logs[::JUDGED_FRAMES] + log_weights, -1).double().cpu())
        return fit_certainty(torch.stack(halves), torch.tensor(seconds, dtype=torch.float64), torch.cat(densities))

    def _likelihoods(self) -> Tensor:
        """(P, K) coefficients of E ln p(x | k), as the encoder has them."""
        return self.mixture.posterior.components.expected_log_likelihood.float()

    def _songs(self, entries: Sequence[str], generator: np.random.Generator | None = None) -> list[Tensor]:
        """(F, D) whitened frames of tracks, evenly spread; from a random one on, or from the first."""
        return [self._song(entry, generator) for entry in entries]

    def _song(self, entry: str, generator: np.random.Generator | None) -> Tensor:
        frames = self._cache.read(entry)
        return self.whitening.apply(frames[self._rows(len(frames), generator)].to(self._device))

    def _rows(self, count: int, generator: np.random.Generator | None) -> slice:
        """Of so many frames, those that are heard."""
        step = math.ceil(count / self.config.frames)
        return slice(int(generator.integers(step)) if generator else 0, None, step)

    def _update(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], epoch: int, number: int) -> Update:
        generator = np.random.default_rng((self.config.seed, epoch, number))
        songs = self._songs([self._train[row] for row in rows], generator)
        noise = torch.Generator().manual_seed(int(generator.integers(1 << 62)))
        try:
            update = self.mixture.update(songs, len(self._train), noise)
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise _diverged(epoch, number, "a covariance has no root") from error
        if not math.isfinite(update.bound):
            raise _diverged(epoch, number, "the bound is no number")
        return update

    def _judged(self, epoch: int, updates: Sequence[Update], started: float) -> EpochRecord:
        shares = self._shares()
        return EpochRecord(
            epoch=epoch,
            rate=updates[-1].rate,
            bound=float(np.mean([update.bound for update in updates])),
            held_out=self.held_out(),
            in_use=int((shares >= IN_USE).sum()),
            effective=math.exp(-torch.xlogy(shares, shares).sum().item()),
            seconds=time.monotonic() - started,
        )

    def _shares(self) -> Tensor:
        """(K,) of the frames that each component holds."""
        held = self.mixture.posterior.components.strength - self.mixture.prior.components.strength
        return (held / held.sum()).clamp_min(0)

    def _begun(self) -> Whitening:
        whitening = fit_whitening(self._cache.read(entry).to(self._device) for entry in self._train)
        self.whitening = whitening
        generator = np.random.default_rng((self.config.seed, 0))
        each = math.ceil(self.config.start_frames / len(self._train))
        rows = [self._rows(len(self._cache.read(entry)), generator) for entry in self._train]
        heard = (self._cache.read(entry)[own] for entry, own in zip(self._train, rows, strict=True))
        drawn = [frames[generator.permutation(len(frames))[:each]] for frames in heard]
        frames = whitening.apply(torch.cat(drawn).to(self._device)).cpu()
        nearest = nearest_components(frames, self.config, generator)
        self.mixture.begin(frames.to(self._device), nearest.to(self._device))
        return whitening

    def _resumed(self) -> Whitening:
        tensors = {name: tensor.to(self._device) for name, tensor in self._state.tensors.items()}
        self.mixture.posterior = posterior_of(tensors)
        self.mixture.updates = self._state.updates
        return whitening_of(tensors)

    def _keep(self, record: EpochRecord) -> None:
        state = self._state
        state.epoch, state.updates = record.epoch, self.mixture.updates
        state.tensors = mixture_tensors(self.mixture.posterior, self.whitening)
        self._log.append(record.row())
        save(state, self._folder / LAST)


def _diverged(epoch: int, number: int, what: str) -> TrainingInterrupted:
    return TrainingInterrupted(
        f"Epoch {epoch}: {what} in update {number + 1}. The state before this epoch is kept. Begin anew in another "
        "folder with smaller steps, such as --set online.delay=1000."
    )


def _identity(config: TrainingConfig, train: Sequence[str], validation: Sequence[str]) -> str:
    """Of what is learnt from what; for how long may change on the way."""
    stated = config.model_dump_json(exclude={"epochs"})
    return sha256("\n".join([stated, *train, "", *validation]).encode()).hexdigest()
