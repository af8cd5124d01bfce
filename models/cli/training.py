"""What the training commands have in common: naming data, waiting for features and epochs, ending a run."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import cpu_count
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer
from rich.markup import escape
from rich.progress import Progress, TaskID

from models.cli.console import console, progress_bar, report_refusal
from models.datasets.collection import open_dataset
from models.datasets.track import Dataset
from models.errors import ConfigInvalid, ModelError
from models.runs.epoch_record import EpochRecord
from models.runs.feature_cache import Extracted
from models.runs.network_trainer import NetworkTrainer
from models.runs.tracks import DomainFacts, Extractor, Tracks, gather_tracks

DATA_FORM = "DOMAIN=DATASET[@AUDIO]"
CPUS = cpu_count() or 1

Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Changes the configuration; repeatable.")
]
Cache = Annotated[Path | None, typer.Option(help="Where features are kept; default: OUT.cache.")]
Version = Annotated[str, typer.Option(help="Of the artifact.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Jobs = Annotated[int, typer.Option(help="Processes that compute features.", min=1)]

Step = TypeVar("Step")
Record = TypeVar("Record")
Step_co = TypeVar("Step_co", covariant=True)
Record_co = TypeVar("Record_co", covariant=True)


class Trainable(Protocol[Step_co, Record_co]):
    """A run that learns by epochs of steps."""

    @property
    def epochs_done(self) -> int: ...

    @property
    def finished(self) -> bool: ...

    def train_epoch(self, on_step: Callable[[int, Step_co], None], /) -> Record_co: ...


def opened(text: str) -> tuple[str, Dataset]:
    """A dataset with the name of its domain, as ``--data`` names them.

    Raises:
        ConfigInvalid: It names none.
        DatasetInvalid: It cannot be read.
    """
    domain, _, place = text.partition("=")
    what, _, audio = place.partition("@")
    if not domain or not what:
        raise ConfigInvalid(f"{text!r} names no data; expected {DATA_FORM}, such as rendered=corpus/manifest.csv.")
    return domain, open_dataset(what, Path(audio) if audio else None, accept_labels=True)


@contextmanager
def waiting_for_features(datasets: Sequence[tuple[str, Dataset]]) -> Iterator[Callable[[Extracted], None]]:
    """Progress over the files; gives what is to be told of each of them."""
    total = sum(track.split != "test" for _, dataset in datasets for track in dataset.tracks)
    with progress_bar() as progress:
        task = progress.add_task("features", total=total)

        def advance(found: Extracted) -> None:
            progress.advance(task)
            if found.refusal:
                report_refusal(progress.console, found.path, found.refusal)

        yield advance


def report_domains(domains: Mapping[str, DomainFacts]) -> None:
    """Say what is learnt from, and what is not."""
    for name, facts in domains.items():
        console.print(
            f"{escape(name)}: {facts.train} tracks to learn from, {facts.validation} to judge by, "
            f"{facts.test} left for tests, {facts.refused} refused"
        )


def gathered(datasets: Sequence[tuple[str, Dataset]], features: Extractor, seed: int, jobs: int) -> Tracks:
    """The tracks of a run, their features computed, with progress and what was taken from where."""
    with waiting_for_features(datasets) as advance:
        tracks = gather_tracks(datasets, features, seed, jobs, advance)
    report_domains(tracks.domains)
    return tracks


@contextmanager
def ending_clearly() -> Iterator[None]:
    """What ends a run is said, and how to go on; the exit status is 1, or 130 after Ctrl-C."""
    try:
        yield
    except (ModelError, OSError) as error:
        console.print(f"[red]stopped[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        console.print("[red]interrupted[/]: the same command goes on from the last epoch that was finished.")
        raise typer.Exit(130) from error


def train_to_the_end(
    trainer: Trainable[Step, Record],
    steps: int,
    describe: Callable[[Step], str],
    line: Callable[[Record], str],
) -> None:
    """Train the epochs that are left, with a bar for each and a line after it.

    Args:
        trainer: Of the run.
        steps: Of an epoch.
        describe: A step, beside the bar.
        line: An epoch, after it.
    """
    if trainer.epochs_done:
        console.print(f"going on after epoch {trainer.epochs_done}")
    with progress_bar() as progress:
        while not trainer.finished:
            number = trainer.epochs_done + 1
            task = progress.add_task(f"epoch {number}", total=steps)
            record = trainer.train_epoch(_shown(progress, task, number, describe))
            progress.remove_task(task)
            console.print(line(record), highlight=False, soft_wrap=True)


def train_network(trainer: NetworkTrainer[Any]) -> None:
    """Train the epochs that the run of a network has left; see ``train_to_the_end``."""
    train_to_the_end(trainer, trainer.lesson.batches_per_epoch, _loss, _epoch)


def portable_command(encoder: str, config: str, changes: Sequence[str], *options: str) -> str:
    """The command without what differs from machine to machine."""
    named = [part for change in changes for part in ("--set", change)]
    return shlex.join(["python", "-m", "models", "train", encoder, "--config", Path(config).name, *options, *named])


def _shown(
    progress: Progress, task: TaskID, epoch: int, describe: Callable[[Step], str]
) -> Callable[[int, Step], None]:
    def show(number: int, step: Step) -> None:
        progress.update(task, completed=number, description=f"epoch {epoch}: {describe(step)}")

    return show


def _loss(loss: float) -> str:
    return f"loss {loss:.3f}"


def _epoch(record: EpochRecord) -> str:
    figures = ", ".join(f"{name} {figure:.4f}" for name, figure in record.figures.items())
    return f"epoch {record.epoch}: loss {record.loss:.4f}; {figures}; {record.seconds:.0f} s"
