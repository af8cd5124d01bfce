"""The command ``train wavenet``: a WaveNet that ranks, or on from where an interrupted run stopped."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.markup import escape
from torch import Tensor

from models.allocation import keep_freed_memory
from models.artifact import check_place
from models.cli.console import console, refuse
from models.cli.training import (
    CPUS,
    DATA_FORM,
    Cache,
    Changes,
    Device,
    Jobs,
    Version,
    ending_clearly,
    gathered,
    opened,
    portable_command,
    train_network,
)
from models.errors import ModelError
from models.registry import resolve_device
from models.runs.network_trainer import NetworkTrainer
from models.runs.tracks import Tracks
from models.wavenet.encoder import NAME
from models.wavenet.training.config import WavenetConfig, read_config
from models.wavenet.training.export import export
from models.wavenet.training.prediction_lesson import PredictionLesson
from models.wavenet.training.ranking_lesson import RankingLesson
from models.wavenet.training.signal_cache import SignalCache

PREDICTION = "prediction"


def train_wavenet(  # noqa: PLR0917 - typer takes options by their names
    data: Annotated[
        list[str],
        typer.Option(metavar=DATA_FORM, help="Music with albums (sources) or tags; repeatable."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, curves and the artifact.")],
    config: Annotated[str, typer.Option(help="A preset (small, samples, paper) or a TOML file.")] = "small",
    change: Changes = None,
    cache: Cache = None,
    version: Version = "1",
    device: Device = "auto",
    jobs: Jobs = CPUS,
) -> None:
    """Train the encoder wavenet, first to predict where the configuration says so, then to rank.

    Every epoch leaves a checkpoint in OUT (OUT/prediction); the same command goes on from it. At the end
    OUT/wavenet is the artifact: judge it with ``evaluate … --system wavenet@OUT/wavenet``.
    """
    try:
        settings = read_config(config, change or [])
        check_place(out / NAME)
        datasets = [opened(text) for text in data]
        place = resolve_device(device)
    except (ModelError, OSError) as error:
        refuse(error)
    keep_freed_memory()
    signals = SignalCache(cache or out.with_name(f"{out.name}.cache"), settings.max_duration_s, settings.network)
    with ending_clearly():
        tracks = gathered(datasets, signals, settings.seed, jobs)
        facts: dict[str, object] = {
            "command": portable_command(NAME, config, change or []),
            "config": settings.model_dump(mode="json"),
            "data": {domain: asdict(found) for domain, found in tracks.domains.items()},
        }
        stacks = None
        if settings.prediction.epochs:
            stacks, facts[PREDICTION] = _predicting(settings, tracks, signals, out / PREDICTION, place)
        lesson = RankingLesson(settings, tracks, signals, place, stacks)
        trainer = NetworkTrainer(lesson, settings, settings.seed, out)
        train_network(trainer)
        manifest = export(trainer, lesson, out / NAME, version=version, facts=facts)
    made = f"{out / NAME}: epoch {manifest.training['epoch']}, {manifest.dimension} dimensions"
    console.print(escape(f"{made}, digest {manifest.digest[:12]}"), highlight=False, soft_wrap=True)


def _predicting(
    settings: WavenetConfig, tracks: Tracks, signals: SignalCache, folder: Path, device: torch.device
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Stacks that have learnt to predict, and how well they do."""
    console.print("learning to predict the next element")
    lesson = PredictionLesson(settings, tracks, signals, device)
    trainer = NetworkTrainer(lesson, settings.prediction, settings.seed, folder, f"{PREDICTION}.")
    train_network(trainer)
    epoch = trainer.restore_best()
    figures = {name: round(figure, 4) for name, figure in trainer.judge().items()}
    console.print("learning to rank")
    return lesson.predictor.stacks.state_dict(), {"epoch": epoch, **figures}
