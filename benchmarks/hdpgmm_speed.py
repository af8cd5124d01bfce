"""What hdpgmm costs in training and inference, beside scikit-learn and plain NumPy on the same frames.

    python -m benchmarks.hdpgmm_speed [--quick] [--json FILE]

Made-up songs: each uses some of many Gaussians. Seconds are CPU seconds of one thread; alternatives take turns, and
the median of --repeats turns counts, after one that is not measured. Training: an update of ours learns from a
minibatch of songs (their posteriors, the statistics, the step); an iteration of scikit-learn's
`BayesianGaussianMixture` and of NumPy is one pass over the same frames with as many components and no songs. Memory
is the highest of a fresh process that learns for an epoch from a corpus on disk.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.mixture import BayesianGaussianMixture
from threadpoolctl import threadpool_limits
from torch import Tensor

from benchmarks.upload_memory import Peak
from models.allocation import keep_freed_memory
from models.datasets.track import LabelledTrack
from models.encoder import embed
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.online import OnlineMixture
from models.hdpgmm.training.config import TrainingConfig, read_config
from models.hdpgmm.training.start import nearest_components
from models.hdpgmm.training.trainer import MixtureTrainer
from models.registry import load_encoder
from models.runs.frame_cache import FrameCache
from models.runs.tracks import CorpusTrack, Tracks
from models.song_frames import FEATURES, SAMPLE_RATE_HZ

Floats = NDArray[np.float32]
Seconds = dict[str, float]

KINDS, USED = 64, 8
"""Gaussians of a corpus, and of a song."""

CONFIG = "small"
SONG_S = 180


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        songs: Of a minibatch.
        frames: Of each song.
        components: K to grow by.
        features: D to grow by.
        corpora: Songs of corpora on disk to grow by.
        repeats: Turns.
    """

    songs: int = 32
    frames: int = 800
    components: tuple[int, ...] = (32, 64, 128, 256)
    features: tuple[int, ...] = (13, 26, 52)
    corpora: tuple[int, ...] = (64, 256, 1024)
    repeats: int = 5


QUICK = Plan(songs=8, frames=400, components=(32, 128), features=(13, 52), corpora=(32, 128), repeats=3)


class PlainMixture:
    """The same likelihoods and statistics in NumPy, one component after the other.

    Args:
        components: Posterior of K Gaussians.
    """

    def __init__(self, components: NormalWishart) -> None:
        self.means: Floats = components.mean.numpy().astype(np.float32)
        precisions = components.degrees[:, None, None] * torch.linalg.inv(components.scatter)
        self.precisions: Floats = precisions.numpy().astype(np.float32)
        features = components.features
        constants = (
            components.expected_log_precision - features * np.log(2 * np.pi) - features / components.strength
        )
        self.constants: Floats = constants.numpy().astype(np.float32)

    def log_likelihoods(self, frames: Floats) -> Floats:
        """(N, D) → (N, K) E ln p(x | k)."""
        found = np.empty((len(frames), len(self.means)), np.float32)
        for k, (mean, precision) in enumerate(zip(self.means, self.precisions, strict=True)):
            apart = frames - mean
            found[:, k] = 0.5 * (self.constants[k] - ((apart @ precision) * apart).sum(1))
        return found

    @staticmethod
    def posteriors(log_likelihoods: Floats) -> Floats:
        """(N, K) → (N, K) softmax."""
        shares: Floats = np.exp(log_likelihoods - logsumexp(log_likelihoods, axis=1, keepdims=True))
        return shares

    @staticmethod
    def statistics(frames: Floats, posteriors: Floats) -> tuple[Floats, Floats, Floats]:
        """(K,) counts, (K, D) sums and (K, D, D) sums of outer products."""
        outer = np.stack([(shares[:, None] * frames).T @ frames for shares in posteriors.T])
        return posteriors.sum(0), posteriors.T @ frames, outer


def made_up(songs: int, frames: int, features: int, seed: int = 0) -> list[Tensor]:
    """(F, D) frames of each song; as a whole they have mean 0 and variance 1."""
    generator = np.random.default_rng(seed)
    centres = 0.5 * generator.normal(size=(KINDS, features))
    heard = []
    for _ in range(songs):
        used = generator.choice(KINDS, USED, replace=False)
        heard.append(centres[generator.choice(used, frames)] + generator.normal(size=(frames, features)))
    deviation = np.concatenate(heard).std(0)
    return [torch.from_numpy((song / deviation).astype(np.float32)) for song in heard]


def begun(songs: list[Tensor], components: int) -> OnlineMixture:
    """A mixture that has learnt from the songs three times."""
    config = _config(components)
    mixture = OnlineMixture(config.mixture, config.online, songs[0].shape[1])
    frames = torch.cat(songs)
    mixture.begin(frames, nearest_components(frames, config, np.random.default_rng(0)))
    for _ in range(3):
        mixture.update(songs, len(songs), torch.Generator())
    return mixture


def taking_turns(works: Mapping[str, Callable[[], object]], repeats: int) -> Seconds:
    """The median CPU seconds of each work."""
    turns: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            started = time.process_time()
            work()
            if turn:
                turns[name].append(time.process_time() - started)
    return {name: statistics.median(seconds) for name, seconds in turns.items()}


def learning(plan: Plan) -> dict[str, float]:
    """Frames per second in training."""
    components = read_config(CONFIG).mixture.components
    songs = made_up(plan.songs, plan.frames, FEATURES)
    mixture, frames = begun(songs, components), torch.cat(songs)
    plain, peer = PlainMixture(mixture.posterior.components), _peer(frames, components)
    heard = frames.numpy()

    def iteration() -> None:
        _, logs = peer._e_step(heard)  # noqa: SLF001 - an iteration, without the start and the end of a fit
        peer._m_step(heard, logs)  # noqa: SLF001

    works = {
        "ours, update": lambda: mixture.update(songs, len(songs), torch.Generator()),
        "NumPy, iteration": lambda: plain.statistics(heard, plain.posteriors(plain.log_likelihoods(heard))),
        "scikit-learn, iteration": iteration,
    }
    return {name: len(frames) / seconds for name, seconds in taking_turns(works, plan.repeats).items()}


def inference(plan: Plan) -> dict[str, float]:
    """Songs of 3 minutes per second: shares of the components from frames, and the whole of the encoder."""
    encoder = load_encoder("hdpgmm", "cpu")
    waveform = np.random.default_rng(0).normal(size=SONG_S * SAMPLE_RATE_HZ).astype(np.float32)
    prepared = encoder.prepare(waveform)
    frames = prepared.inputs.view(-1, FEATURES + 1)[:, :FEATURES].numpy()
    components = read_config(CONFIG).mixture.components
    mixture = begun(made_up(plan.songs, plan.frames, FEATURES), components)
    plain, peer = PlainMixture(mixture.posterior.components), _peer(torch.from_numpy(frames), components)
    works = {
        "ours, from frames": lambda: encoder.pool(prepared, encoder.encode(prepared.inputs)),
        "NumPy, from frames": lambda: plain.posteriors(plain.log_likelihoods(frames)).mean(0),
        "scikit-learn, from frames": lambda: peer.predict_proba(frames).mean(0),
        "ours, from the waveform": lambda: embed(encoder, waveform),
    }
    return {name: 1 / seconds for name, seconds in taking_turns(works, plan.repeats).items()}


def growth(plan: Plan) -> dict[str, Seconds]:
    """Seconds of an update, by components and by features."""
    usual = read_config(CONFIG).mixture.components
    by_components = {
        str(count): _update(made_up(plan.songs, plan.frames, FEATURES), count) for count in plan.components
    }
    by_features = {str(count): _update(made_up(plan.songs, plan.frames, count), usual) for count in plan.features}
    return {
        "components": taking_turns(by_components, plan.repeats),
        "features": taking_turns(by_features, plan.repeats),
    }


def corpora(plan: Plan) -> dict[str, dict[str, float]]:
    """Seconds of an update and the highest memory, by songs on disk."""
    found = {}
    for songs in plan.corpora:
        with TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as pool:
            cache = FrameCache(Path(folder), 300.0)
            for number, song in enumerate(made_up(songs, 2 * plan.frames, FEATURES)):
                cache.write(_entry(number), song.half())
            seconds, peak_mib = pool.submit(_epoch, Path(folder), songs, plan).result()
            found[str(songs)] = {"seconds": seconds, "peak_mib": peak_mib}
    return found


def _epoch(folder: Path, songs: int, plan: Plan) -> tuple[float, float]:
    """Median CPU seconds of an update, and the highest memory in MiB of this process, which learns for an epoch."""
    torch.set_num_threads(1)
    keep_freed_memory()
    made = [
        CorpusTrack("made up", LabelledTrack(id=_entry(number), path=Path(_entry(number))), _entry(number))
        for number in range(songs)
    ]
    config = read_config(CONFIG, [f"songs={plan.songs}", f"frames={plan.frames}"])
    tracks = Tracks(made, made[:1], {})
    with Peak(os.getpid()) as peak:
        trainer = MixtureTrainer(config, tracks, FrameCache(folder, 300.0), folder / "run", torch.device("cpu"))
        times = [time.process_time()]
        trainer.train_epoch(lambda _number, _update: times.append(time.process_time()))
    return float(np.median(np.diff(times))), peak.mib


def _entry(number: int) -> str:
    return f"song {number}"


def _config(components: int) -> TrainingConfig:
    return read_config(CONFIG, [f"mixture.components={components}"])


def _peer(frames: Tensor, components: int) -> BayesianGaussianMixture:
    """scikit-learn's mixture before its first iteration."""
    peer = BayesianGaussianMixture(n_components=components, random_state=0)
    heard = frames.numpy()
    peer._check_parameters(heard)  # noqa: SLF001 - what fit does first, which also looks for clusters
    hard = np.random.default_rng(0).integers(components, size=len(heard))
    peer._initialize(heard, np.eye(components, dtype=heard.dtype)[hard])  # noqa: SLF001
    return peer


def _update(songs: list[Tensor], components: int) -> Callable[[], object]:
    mixture = begun(songs, components)
    return lambda: mixture.update(songs, len(songs), torch.Generator())


def show_rates(title: str, rates: Mapping[str, float]) -> None:
    """A table of rates, each beside the first."""
    print(f"\n{title:36}{'per second':>14}{'first / this':>14}")
    first = next(iter(rates.values()))
    for name, rate in rates.items():
        print(f"{name:36}{rate:>14,.4g}{first / rate:>14.1f}")


def main() -> None:
    """Print the tables; write JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="less of everything: under a minute")
    arguments.add_argument("--repeats", type=int)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    plan = QUICK if options.quick else Plan()
    if options.repeats:
        plan = Plan(**{**{name: getattr(plan, name) for name in plan.__slots__}, "repeats": options.repeats})
    torch.set_num_threads(1)
    keep_freed_memory()
    with threadpool_limits(1):
        trained, inferred, grown, on_disk = learning(plan), inference(plan), growth(plan), corpora(plan)
    show_rates("training, frames", trained)
    show_rates("inference, songs of 3 minutes", inferred)
    for what, seconds in grown.items():
        print(f"\n{what:36}{'s / update':>14}")
        for count, found in seconds.items():
            print(f"{count:36}{found:>14.3f}")
    print(f"\n{'songs on disk':36}{'s / update':>14}{'peak MiB':>14}")
    for count, found in on_disk.items():
        print(f"{count:36}{found['seconds']:>14.3f}{found['peak_mib']:>14.0f}")
    if options.json:
        figures = {"frames_per_s": trained, "songs_per_s": inferred, "seconds": grown, "corpora": on_disk}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
