"""The command ``train csn``: a CSN from labelled music, or on from where an interrupted run stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.allocation import keep_freed_memory
from models.artifact import Artifact, check_place, read_artifact
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
    opened,
    portable_command,
    report_domains,
    train_to_the_end,
    waiting_for_features,
)
from models.csn.encoder import NAME
from models.csn.training.config import TrainingConfig, read_config
from models.csn.training.epoch_record import EpochRecord
from models.csn.training.export import export
from models.csn.training.feature_cache import CsnFeatureCache
from models.csn.training.material import Material, gather
from models.csn.training.trainer import TOTAL, Trainer
from models.datasets.track import Dataset
from models.errors import ModelError
from models.registry import artifact_folder, resolve_device


def train_csn(  # noqa: PLR0917 - typer takes options by their names
    data: Annotated[
        list[str],
        typer.Option(
            metavar=DATA_FORM, help="Labelled music; can be given again. One domain, one vocabulary of tags."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, curves and the artifact.")],
    config: Annotated[str, typer.Option(help="A preset (small, paper) or a TOML file.")] = "small",
    change: Changes = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Artifact to begin with: a folder, or csn as it is shipped.")
    ] = None,
    cache: Cache = None,
    version: Version = "1",
    device: Device = "auto",
    jobs: Jobs = CPUS,
) -> None:
    """Train the encoder csn.

    Every epoch leaves a checkpoint in OUT; the same command goes on from it. At the end OUT/csn is the artifact:
    judge it with ``evaluate … --system csn@OUT/csn``.
    """
    try:
        settings = read_config(config, change or [])
        check_place(out / NAME)
        datasets = [opened(text) for text in data]
        place = resolve_device(device)
        initial = _initial(start) if start else None
    except (ModelError, OSError) as error:
        refuse(error)
    keep_freed_memory()
    features = CsnFeatureCache(cache or out.with_name(f"{out.name}.cache"), settings.max_duration_s)
    with ending_clearly():
        material = _gather(datasets, features, settings, jobs)
        trainer = Trainer(settings, material, out, place, initial)
        train_to_the_end(trainer, settings.batch.per_epoch, _description, _line)
        options = ("--from", initial.manifest.digest) if initial else ()
        command = portable_command(NAME, config, change or [], *options)
        manifest = export(trainer, material, settings, out / NAME, version=version, command=command)
    console.print(
        f"{escape(str(out / NAME))}: epoch {manifest.training['epoch']}, "
        f"{sum(map(len, manifest.tags.values()))} tags, digest {manifest.digest[:12]}",
        soft_wrap=True,
    )


def _gather(
    datasets: list[tuple[str, Dataset]], cache: CsnFeatureCache, settings: TrainingConfig, jobs: int
) -> Material:
    with waiting_for_features(datasets) as advance:
        material = gather(datasets, cache, settings, jobs, advance)
    report_domains(material.domains)
    return material


def _description(losses: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.2f}" for name, value in losses.items() if name != TOTAL)


def _line(record: EpochRecord) -> str:
    found = ", ".join(f"{escape(name)} {value:.3f}" for name, value in record.accuracies.items())
    return (
        f"epoch {record.epoch}: loss {record.losses[TOTAL]:.3f}; triplet accuracy {found}; "
        f"error {record.error:.4f}; {record.seconds:.0f} s"
    )


def _initial(name: str) -> Artifact:
    return read_artifact(artifact_folder(name) if name == NAME else Path(name))
