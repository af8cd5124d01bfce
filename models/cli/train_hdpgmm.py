"""The command ``train hdpgmm``: a mixture from music, or on from where an interrupted run stopped."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

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
    train_to_the_end,
)
from models.encoder import EncoderManifest
from models.errors import ModelError
from models.hdpgmm.encoder import NAME
from models.hdpgmm.online import Update
from models.hdpgmm.training.config import read_config
from models.hdpgmm.training.epoch_record import EpochRecord
from models.hdpgmm.training.export import export
from models.hdpgmm.training.trainer import MixtureTrainer
from models.registry import resolve_device
from models.runs.frame_cache import FrameCache

SHOWN_COMPONENTS = 10
SHOWN_TAGS = 4


def train_hdpgmm(  # noqa: PLR0917 - typer takes options by their names
    data: Annotated[list[str], typer.Option(metavar=DATA_FORM, help="Music; repeatable. It needs no labels.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoint, log, curves and the artifact.")],
    config: Annotated[str, typer.Option(help="A preset (small, paper) or a TOML file.")] = "small",
    change: Changes = None,
    cache: Cache = None,
    version: Version = "1",
    device: Device = "auto",
    jobs: Jobs = CPUS,
) -> None:
    """Train the encoder hdpgmm.

    Every epoch leaves a checkpoint in OUT; the same command goes on from it. At the end OUT/hdpgmm is the artifact:
    judge it with ``evaluate … --system hdpgmm@OUT/hdpgmm``.
    """
    try:
        settings = read_config(config, change or [])
        check_place(out / NAME)
        datasets = [opened(text) for text in data]
        place = resolve_device(device)
    except (ModelError, OSError) as error:
        refuse(error)
    keep_freed_memory()
    frames = FrameCache(cache or out.with_name(f"{out.name}.cache"), settings.max_duration_s)
    with ending_clearly():
        tracks = gathered(datasets, frames, settings.seed, jobs)
        trainer = MixtureTrainer(settings, tracks, frames, out, place)
        train_to_the_end(trainer, trainer.updates_per_epoch, _description, _line)
        command = portable_command(NAME, config, change or [])
        manifest = export(trainer, tracks, out / NAME, version=version, command=command)
    for line in _largest(manifest):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(
        f"{escape(str(out / NAME))}: epoch {manifest.training['epoch']}, {manifest.dimension} components, "
        f"digest {manifest.digest[:12]}",
        soft_wrap=True,
    )


def _largest(manifest: EncoderManifest) -> list[str]:
    """The components that most of the music is made of, by their tags."""
    components: list[dict[str, Any]] = manifest.training["components"]  # type: ignore[assignment]
    order = sorted(range(len(components)), key=lambda number: -components[number]["share"])
    return [
        f"component {number}: {components[number]['share']:.1%} of the music"
        + "".join(f", {escape(tag)} ×{lift:.1f}" for tag, lift in components[number]["tags"][:SHOWN_TAGS])
        for number in order[:SHOWN_COMPONENTS]
    ]


def _description(update: Update) -> str:
    return f"bound {update.bound:.2f}"


def _line(record: EpochRecord) -> str:
    return (
        f"epoch {record.epoch}: bound {record.bound:.3f} a frame, held out {record.held_out:.3f}; "
        f"{record.in_use} components in use ({record.effective:.0f} effective); {record.seconds:.0f} s"
    )
