"""The commands ``train g1``, ``vq``, ``kim``, ``clmr`` and ``lstm``: the papers' baselines, or on with them."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.allocation import keep_freed_memory
from models.artifact import check_place
from models.baselines.training.config import read_config
from models.baselines.training.export import export
from models.baselines.training.recipes import RECIPES
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

Data = Annotated[list[str], typer.Option(metavar=DATA_FORM, help="Music; repeatable. It needs no labels.")]
Out = Annotated[Path, typer.Option(help="Folder of the run: the artifact and, of a network, checkpoints and log.")]
Config = Annotated[str, typer.Option(help="A preset (paper, and small for a network) or a TOML file.")]


def baseline_command(name: str) -> Callable[..., None]:
    """The command that trains a baseline."""

    def command(  # noqa: PLR0917 - typer takes options by their names
        data: Data,
        out: Out,
        config: Config = RECIPES[name].preset,
        change: Changes = None,
        cache: Cache = None,
        version: Version = "1",
        device: Device = "auto",
        jobs: Jobs = CPUS,
    ) -> None:
        recipe = RECIPES[name]
        try:
            settings = read_config(recipe.config, name, config, change or [])
            check_place(out / name)
            datasets = [opened(text) for text in data]
            place = resolve_device(device)
        except (ModelError, OSError) as error:
            refuse(error)
        keep_freed_memory()
        features = recipe.cache(cache or out.with_name(f"{out.name}.cache"), settings.max_duration_s)
        with ending_clearly():
            tracks = gathered(datasets, features, settings.seed, jobs)
            learnt = recipe.learn(settings, tracks, features, out, place, train_network)
            facts = {
                "command": portable_command(name, config, change or []),
                "config": settings.model_dump(mode="json"),
                "data": {domain: asdict(found) for domain, found in tracks.domains.items()},
                **learnt.facts,
            }
            manifest = export(
                recipe.encoder,
                learnt.settings,
                learnt.tensors,
                learnt.tracks,
                out / name,
                version=version,
                training=facts,
                device=place,
            )
        made = f"{out / name}: {manifest.dimension} dimensions, digest {manifest.digest[:12]}"
        console.print(escape(made), highlight=False, soft_wrap=True)

    command.__doc__ = (
        f"Train the encoder {name}, one of the papers' baselines.\n\n"
        f"At the end OUT/{name} is the artifact: judge it with ``evaluate … --system {name}@OUT/{name}``. "
        "An interrupted network goes on from its last epoch by the same command."
    )
    return command
