"""The commands ``evaluate …``: one for each question, all of them, and systems side by side."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import TaskID

from models.allocation import keep_freed_memory
from models.cli.console import console, progress_bar, refuse, report_refusal
from models.cli.options import ALL, EvaluationOptions, spread
from models.datasets.collection import open_dataset
from models.datasets.dim_sim import read_dim_sim
from models.datasets.track import SPLITS, Dataset
from models.errors import EvaluationImpossible, ModelError
from models.evaluate.comparison import differences
from models.evaluate.comparison_writer import write_comparison
from models.evaluate.evaluation import Evaluation, Manner
from models.evaluate.leakage import SHORTCUTS
from models.evaluate.questions import QUESTIONS
from models.evaluate.report import Report
from models.evaluate.systems.lookup import make_system
from models.evaluate.view import VIEWS, View
from models.evaluate.writer import write_report
from models.metrics.bootstrap import Resampling

app = typer.Typer(help="Judge encoders on a collection of music.", no_args_is_help=True)

COMPARED = ("retrieval", "ranking", "triplets", "tagging", "probes")

DatasetText = "A manifest (CSV), a folder of music, or gtzan:, magnatagatune:, mtg-jamendo:FOLDER."
DatasetArgument = Annotated[str, typer.Argument(help=DatasetText)]
DatasetOption = Annotated[str, typer.Option("--on", help=DatasetText)]
SystemsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--system",
        help="Encoder, ENCODER@FOLDER, g1 or vq (learnt here), bliss or tagger:FILE. Repeatable. [librosa]",
    ),
]
SystemsArgument = Annotated[list[str], typer.Argument(help="Two or more: as --system of the other commands.")]


def _ask(names: Sequence[str]) -> Callable[..., None]:
    def command(dataset: DatasetArgument, system: SystemsOption = None, *, options: EvaluationOptions) -> None:
        for _ in _answers(names, dataset, system or ["librosa"], options):
            pass

    return spread(command)


@app.command()
@spread
def compare(systems: SystemsArgument, on: DatasetOption, options: EvaluationOptions) -> None:
    """Put systems side by side in one table, and say which differences are more than chance."""
    if len(set(systems)) < len(systems) or len(systems) < 2:  # noqa: PLR2004 - a comparison takes two
        raise typer.BadParameter("Name at least two different systems to compare.")
    reports = list(_answers(COMPARED, on, systems, options))
    if not reports:
        raise typer.Exit(1)
    names = [name for name in reports[0].facts["systems"] if name not in SHORTCUTS]  # type: ignore[attr-defined]
    facts = {name: reports[0].facts[name] for name in ("dataset", "tracks", "view", "split", "command")}
    _show(write_comparison(differences(reports, names), names, facts, options.out))


def _answers(
    names: Sequence[str], dataset: str, systems: Sequence[str], options: EvaluationOptions
) -> Iterator[Report]:
    """Ask one question after the other and write each answer.

    What the dataset has no labels for is an error where nothing else is asked, and else passed over.
    """
    keep_freed_memory()
    try:
        with _listening() as on_progress:
            evaluation = _evaluation(dataset, systems, options, on_progress)
            for name in names:
                yield from _answer(name, evaluation, options.out, alone=len(names) == 1)
            _name_left_out(evaluation)
    except ModelError as error:
        refuse(error)


def _answer(name: str, evaluation: Evaluation, out: Path, *, alone: bool) -> Iterator[Report]:
    try:
        report = evaluation.signed(QUESTIONS[name](evaluation))
    except EvaluationImpossible as error:
        if alone:
            raise
        console.print(f"[yellow]{name} was not asked:[/] {escape(str(error))}", highlight=False)
        return
    report = replace(report, facts={**report.facts, "command": _command_line()})
    _show(write_report(report, out))
    yield report


def _evaluation(
    dataset: str, systems: Sequence[str], options: EvaluationOptions, on_progress: Callable[[str, int], None]
) -> Evaluation:
    opened = open_dataset(dataset, options.audio, missing="skip" if options.skip_missing else "refuse")
    names = dict.fromkeys((*systems, *(SHORTCUTS if options.shortcuts else ())))
    manner = Manner(
        by=tuple(options.by),
        split=_split(opened, options.split),
        resampling=Resampling(options.replicates, options.seed),
        group_by_origin=options.group_by_origin,
        across_origins=options.across_origins,
        most_queries=options.most_queries,
        judged=read_dim_sim(options.judged) if options.judged else (),
    )
    return Evaluation(
        opened,
        [make_system(name, device=options.device, seed=options.seed) for name in names],
        options.cache,
        manner,
        view=_view(options.view),
        jobs=options.jobs,
        on_progress=on_progress,
    )


def _split(dataset: Dataset, wanted: str) -> str:
    """The split to ask about, empty for all tracks."""
    if wanted and wanted not in {*SPLITS, ALL}:
        raise EvaluationImpossible(f"There is no split {wanted!r}; there are {', '.join(SPLITS)} and {ALL}.")
    if not wanted:
        return "test" if any(track.split == "test" for track in dataset.tracks) else ""
    return "" if wanted == ALL else wanted


def _view(name: str) -> View:
    if name not in VIEWS:
        raise EvaluationImpossible(f"There is no view {name!r}; there are {', '.join(VIEWS)}.")
    return VIEWS[name]


@contextmanager
def _listening() -> Iterator[Callable[[str, int], None]]:
    """A bar for each thing that goes through all tracks."""
    with progress_bar() as bars:
        tasks: dict[str, TaskID] = {}

        def on_progress(what: str, tracks: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=tracks)
            bars.advance(tasks[what])

        yield on_progress


def _name_left_out(evaluation: Evaluation) -> None:
    for left in evaluation.dataset.left_out:
        console.print(f"[yellow]left out[/] {escape(left)}", highlight=False)
    for track, reason in evaluation.refusals.items():
        report_refusal(console, Path(track), reason)


def _show(paths: Sequence[Path]) -> None:
    console.print(f"wrote {', '.join(str(path) for path in paths)}", highlight=False, soft_wrap=True)


def _command_line() -> str:
    return shlex.join(["python", "-m", "models", *sys.argv[1:]])


for _name, _question in QUESTIONS.items():
    app.command(_name, help=_question.__doc__)(_ask([_name]))
app.command("all", help="Ask every question that the dataset has labels for.")(_ask(list(QUESTIONS)))
