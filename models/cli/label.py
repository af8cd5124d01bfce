"""The command ``corpus label``: weak labels from taggers."""

from os import cpu_count
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.allocation import keep_freed_memory
from models.cli.collection import AcceptLabelsOption, AudioOption, DatasetArgument
from models.cli.console import console, progress_bar, refuse, report_refusal
from models.datasets.collection import open_dataset
from models.datasets.manifest_writer import write_manifest
from models.datasets.track import TAG_DIMENSIONS, Dataset
from models.errors import ModelError
from models.labelling.hearing import EXCERPT_S, TEACHERS, Hearing, Teachers, listen_to_all, read_teachers
from models.labelling.rule import Verdicts, check_count
from models.labelling.weak_labels import label, write_scores
from models.taggers.vocabulary import MSD, MSD_DIMENSIONS


def label_dataset(  # noqa: PLR0917 - typer takes options by their names
    dataset: DatasetArgument,
    weights: Annotated[Path, typer.Option(help=f"Folder with {' and '.join(f'{name}.pth' for name in TEACHERS)}.")],
    out: Annotated[Path, typer.Option(help="Manifest to write; scores go beside it.")],
    audio: AudioOption = None,
    excerpt: Annotated[float, typer.Option(help="Seconds from the middle that are tagged.", min=1)] = EXCERPT_S,
    cache: Annotated[Path | None, typer.Option(help="Where hearings are kept; default: OUT.cache.")] = None,
    jobs: Annotated[int, typer.Option(help="Threads.", min=1)] = cpu_count() or 1,
    *,
    accept_labels: AcceptLabelsOption = False,
) -> None:
    """Label recordings for genre, mood, instrument, era, tempo and key where a manifest says nothing.

    Exit status 1 if any track could not be heard; it is kept as it was.
    """
    keep_freed_memory()
    try:
        opened = open_dataset(dataset, audio, accept_labels=accept_labels)
        check_count(len(opened))
        teachers = read_teachers(weights, excerpt)
        out.parent.mkdir(parents=True, exist_ok=True)
        heard = _hear(opened, teachers, cache or out.with_name(f"{out.name}.cache"), jobs)
        labelled, verdicts = label(opened, heard)
        write_manifest(out, labelled.tracks)
    except (ModelError, OSError) as error:
        refuse(error)
    write_scores(out.with_suffix(".scores.npz"), heard, verdicts)
    _summarise(labelled)
    _explain(verdicts)
    if len(heard) < len(opened):
        raise typer.Exit(1)


def _hear(dataset: Dataset, teachers: Teachers, cache: Path, jobs: int) -> dict[str, Hearing]:
    heard: dict[str, Hearing] = {}
    with progress_bar() as progress:
        listening = listen_to_all(dataset, teachers, cache, jobs)
        for track, hearing in progress.track(listening, total=len(dataset), description="tracks"):
            if isinstance(hearing, Hearing):
                heard[track.id] = hearing
            else:
                report_refusal(progress.console, track.path, hearing)
    return heard


def _summarise(dataset: Dataset) -> None:
    counts = {name: sum(bool(track.tags.get(name)) for track in dataset.tracks) for name in TAG_DIMENSIONS}
    counts["tempo"] = sum(track.tempo_bpm is not None for track in dataset.tracks)
    counts["key"] = sum(track.key is not None for track in dataset.tracks)
    known = ", ".join(f"{name} {count}" for name, count in counts.items())
    console.print(escape(f"{len(dataset)} tracks; labelled for {known}"), soft_wrap=True)


def _explain(verdicts: Verdicts) -> None:
    """How well the teachers agree on each tag, and how many tracks were given it."""
    given = verdicts.given.sum(0)
    for dimension, tags in MSD_DIMENSIONS.items():
        columns = sorted(map(MSD.index, tags), key=lambda column: -verdicts.kappa[column])
        told = (f"{MSD[column]} {verdicts.kappa[column]:.2f} ({given[column]})" for column in columns)
        console.print(escape(f"{dimension}, kappa (tracks): {', '.join(told)}"), soft_wrap=True)
