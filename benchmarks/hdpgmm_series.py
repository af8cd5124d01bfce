"""The series of paper 000 on our corpus: how good hdpgmm gets by noise splash and by corpus size, and by chance.

    python -m benchmarks.hdpgmm_series OUT --recordings benchmarks/labels/untested.csv --audio MUSIC

Every run is trained by `python -m models train hdpgmm` with the preset `small`, fewer epochs (--epochs) and a seed
of its own, and judged by recordings of the split validation: do they find those of their album and artist? OUT/
series.md and series.png show means over seeds. What is there is not done again; with more epochs, runs go on from
where they are.

Sizes are songs drawn at random, each smaller set within the next: few whole albums would be less varied music, and
so another question. Every run makes as many updates as the complete corpus does in --epochs, so that size alone
differs and not how long was learnt. Every fourth recording for validation gives the bound of what was held out.
"""

import argparse
import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.commands import repeated, run_models
from benchmarks.mixture_system import MixtureSystem
from models.artifact import read_artifact
from models.datasets.manifest import read_manifest
from models.datasets.manifest_writer import write_manifest
from models.datasets.track import Dataset, LabelledTrack
from models.evaluate.charts import new_figure
from models.evaluate.listening import listen
from models.evaluate.report import COMPLETE
from models.evaluate.retrieval import evaluate_retrieval
from models.evaluate.view import CANONICAL
from models.hdpgmm.tensors import whitening_of
from models.hdpgmm.training.config import read_config
from models.hdpgmm.whitening import Whitening
from models.metrics.bootstrap import Estimate, Resampling, summarise

CONFIG = "small"
SPLASHES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
LEAST_SEEDS = 3
HELD_OUT_EVERY = 4
RESPECTS = ("album", "artist")
MEASURE = "MAP"


@dataclass(frozen=True, slots=True)
class Run:
    """One training.

    Attributes:
        songs: To learn from.
        splash: η0.
        seed: Of the songs that are drawn, and of everything that is drawn in training.
    """

    songs: int
    splash: float
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.songs}-songs-splash-{self.splash:g}-seed-{self.seed}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run.

    Attributes:
        found: MAP by respect of similarity.
        held_out: Evidence lower bound of songs that were not learnt from, per frame before whitening, in nats.
        in_use: Components that hold a thousandth of the frames or more.
    """

    found: dict[str, Estimate]
    held_out: float
    in_use: int


def sizes(songs: int) -> list[int]:
    """Of the corpora that are learnt from, log-spaced up to all."""
    return [math.ceil(share * songs) for share in SHARES]


def runs(songs: int, splash: float, seeds: int) -> list[Run]:
    """All of both series: each splash on the whole corpus, and each size with the preset's splash.

    What is shipped, which all others are set against, has LEAST_SEEDS or more.
    """
    varied = {(songs, each): seeds for each in SPLASHES} | {(size, splash): seeds for size in sizes(songs)}
    varied[songs, splash] = max(seeds, LEAST_SEEDS)
    return [Run(*settings, seed) for settings, count in varied.items() for seed in range(count)]


def drawn(tracks: Sequence[LabelledTrack], run: Run) -> list[LabelledTrack]:
    """The run's songs, in their order; a smaller run of the same seed has some of them."""
    order = np.random.default_rng(run.seed).permutation(len(tracks))
    return [tracks[row] for row in np.sort(order[: run.songs])]


def epochs(run: Run, songs: int, whole: int, batch: int) -> int:
    """As many as make the updates that the whole corpus of ``songs`` makes in ``whole`` epochs, or just more."""
    return math.ceil(whole * math.ceil(songs / batch) / math.ceil(run.songs / batch))


def split(dataset: Dataset, name: str) -> list[LabelledTrack]:
    """Its tracks of one split."""
    return [track for track in dataset.tracks if track.split == name]


def alone(tracks: Sequence[LabelledTrack]) -> list[LabelledTrack]:
    """The same tracks; of their duplicates only those that are among them."""
    ids = {track.id for track in tracks}
    return [replace(track, duplicates=track.duplicates & ids) for track in tracks]


def train(run: Run, dataset: Dataset, options: argparse.Namespace) -> None:
    """Train a run to its end, unless it is there."""
    out = options.out / run.name
    learnt = split(dataset, "train")
    count = epochs(run, len(learnt), options.epochs, read_config(CONFIG).songs)
    artifact = out / "hdpgmm" / "manifest.json"
    if artifact.exists() and json.loads(artifact.read_text(encoding="utf-8"))["training"]["epoch"] >= count:
        return
    manifest = options.out / f"{run.name}.csv"
    write_manifest(manifest, alone([*drawn(learnt, run), *split(dataset, "validation")[::HELD_OUT_EVERY]]))
    settings = [*options.set, f"online.splash={run.splash}", f"seed={run.seed}", f"epochs={count}"]
    data = f"recorded={manifest}@{options.audio}"
    cache = options.cache or options.out / "frames"
    named = (*repeated("--set", settings), "--config", CONFIG, "--cache", cache, "--jobs", options.jobs)
    run_models("train", "hdpgmm", "--data", data, "--out", out, *named)


def judge(asked: Sequence[Run], dataset: Dataset, options: argparse.Namespace) -> dict[Run, Outcome]:
    """Ask all runs about the recordings for validation."""
    tracks = Dataset(dataset.name, tuple(split(dataset, "validation")))
    systems = [MixtureSystem(run.name, options.out / run.name / "hdpgmm") for run in asked]
    heard = listen(tracks, systems, CANONICAL, options.out / "clips", jobs=options.jobs)
    report = evaluate_retrieval(heard.dataset, heard.embedded, RESPECTS, Resampling())
    rows = {(row.system, row.task): row.figures[MEASURE] for row in report.rows if row.space == COMPLETE}
    return {
        run: Outcome({by: rows[run.name, by] for by in RESPECTS}, *_last(options.out / run.name)) for run in asked
    }


def _last(folder: Path) -> tuple[float, int]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        row = list(csv.DictReader(file))[-1]
    whitening = whitening_of(read_artifact(folder / "hdpgmm").tensors)
    return float(row["bound held out"]) + log_volume(whitening), int(row["components in use"])


def log_volume(whitening: Whitening) -> float:
    """By how much whitening raises the logarithm of a density: runs on other songs whiten in other ways."""
    return float(whitening.matrix.diagonal().log().sum())


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over seeds, with its interval from the same resamples of queries."""
    replicates = np.mean([each.replicates for each in estimates], axis=0)
    return summarise(float(np.mean([each.value for each in estimates])), replicates, estimates[0].count)


def spread(values: Sequence[float]) -> float:
    """The standard deviation over seeds."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def of_settings(outcomes: dict[Run, Outcome]) -> dict[tuple[int, float], list[Outcome]]:
    """Outcomes of all seeds by songs and splash."""
    by_settings = groupby(outcomes.items(), lambda item: (item[0].songs, item[0].splash))
    return {settings: [outcome for _, outcome in items] for settings, items in by_settings}


def table(outcomes: dict[Run, Outcome], shipped: tuple[int, float]) -> str:
    """Means over seeds, with intervals over queries, the spread over seeds, and the lead over what is shipped."""
    by_settings = of_settings(outcomes)
    columns = [f"{by} {what}" for by in RESPECTS for what in ("MAP", "± seeds", "− shipped")]
    lines = [
        f"| songs | splash | seeds | {' | '.join(columns)} | held out | in use |",
        f"|---:|---:|---:|{'---:|' * len(columns)}---:|---:|",
    ]
    for (songs, splash), found in by_settings.items():
        cells = [str(songs), f"{splash:g}", str(len(found))]
        for by in RESPECTS:
            own = mean([outcome.found[by] for outcome in found])
            base = mean([outcome.found[by] for outcome in by_settings[shipped]])
            lead = summarise(own.value - base.value, own.replicates - base.replicates, own.count)
            cells += [_interval(own), f"{spread([outcome.found[by].value for outcome in found]):.3f}"]
            cells += ["" if (songs, splash) == shipped else _interval(lead)]
        bounds = [outcome.held_out for outcome in found]
        cells += [
            f"{np.mean(bounds):.2f} ± {spread(bounds):.2f}",
            f"{np.mean([each.in_use for each in found]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _interval(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def draw(outcomes: dict[Run, Outcome], shipped: tuple[int, float], path: Path) -> None:
    """Both series: a dot for every seed, a line through the means."""
    by_settings = of_settings(outcomes)
    figure = new_figure(9, 3.6)
    panels = figure.subplots(1, 2, sharey=True)
    series = (
        (
            "noise splash η0",
            [(splash, found) for (songs, splash), found in by_settings.items() if songs == shipped[0]],
        ),
        ("songs", [(songs, found) for (songs, splash), found in by_settings.items() if splash == shipped[1]]),
    )
    for panel, (label, points) in zip(panels, series, strict=True):
        places = range(len(points))
        for by in RESPECTS:
            means = [mean([outcome.found[by] for outcome in found]).value for _, found in points]
            (line,) = panel.plot(places, means, label=f"{by} MAP")
            for place, (_, found) in zip(places, points, strict=True):
                values = [outcome.found[by].value for outcome in found]
                panel.plot([place] * len(values), values, "o", color=line.get_color(), markersize=4)
        panel.set_xticks(places, [f"{value:g}" for value, _ in points])
        panel.set_xlabel(label)
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    figure.savefig(path, dpi=110)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--recordings", type=Path, required=True, help="manifest with a split")
    arguments.add_argument("--audio", type=Path, required=True)
    arguments.add_argument("--cache", type=Path, help="folder of frames; default: in OUT")
    arguments.add_argument("--set", action="append", default=[], help="what all runs change, as `train` takes it")
    arguments.add_argument("--epochs", type=int, default=20, help="of a run on the whole corpus")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--jobs", type=int, default=2, help="processes that compute frames, threads that listen")
    options = arguments.parse_args()
    dataset = read_manifest(options.recordings, options.audio, accept_labels=True)
    shipped = (len(split(dataset, "train")), read_config(CONFIG).online.splash)
    asked = runs(*shipped, options.seeds)
    options.out.mkdir(parents=True, exist_ok=True)
    for run in sorted(asked, key=lambda run: run.seed):
        train(run, dataset, options)
    outcomes = judge(asked, dataset, options)
    found = table(outcomes, shipped)
    (options.out / "series.md").write_text(found, encoding="utf-8")
    draw(outcomes, shipped, options.out / "series.png")
    print(found)


if __name__ == "__main__":
    main()
