"""Options that several commands share, written down once."""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import wraps
from inspect import Parameter, signature
from os import cpu_count
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from models.datasets.track import SPLITS
from models.evaluate.view import VIEWS
from models.metrics.bootstrap import REPLICATES

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """How an evaluation is made, as the command line takes it: one option per attribute."""

    audio: Annotated[Path | None, typer.Option(help="Folder that the manifest's paths start from.")] = None
    out: Annotated[Path, typer.Option(help="Folder of the reports.")] = Path("evaluation")
    cache: Annotated[Path, typer.Option(help="Folder where measurements are kept.")] = Path(".cache/evaluation")
    view: Annotated[str, typer.Option(help=f"How tracks are heard: {', '.join(VIEWS)}.")] = "canonical"
    split: Annotated[
        str, typer.Option(help=f"Ask about {', '.join(SPLITS)} or {ALL}; else test, or all where there are none.")
    ] = ""
    by: Annotated[
        list[str], typer.Option(help="What makes tracks alike: album, genre, an attribute … Repeatable.")
    ] = field(default_factory=list)
    jobs: Annotated[int, typer.Option(help="Threads.", min=1)] = cpu_count() or 1
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0
    replicates: Annotated[int, typer.Option(help="Resamples behind an interval.", min=10)] = REPLICATES
    group_by_origin: Annotated[
        bool, typer.Option(help="Resample whole albums (origins), not tracks: wider intervals.")
    ] = False
    across_origins: Annotated[bool, typer.Option(help="A track may not find those of its own album (origin).")] = (
        False
    )
    most_queries: Annotated[int, typer.Option(help="Most queries of the costly questions.", min=1)] = 200
    judged: Annotated[
        Path | None, typer.Option(help="Dim-Sim's triplets (CSV or JSON), for the question triplets.")
    ] = None
    skip_missing: Annotated[bool, typer.Option(help="Go on without files that are missing or empty.")] = False
    shortcuts: Annotated[bool, typer.Option(help="Show how far facts of the files alone would get.")] = True
    device: Annotated[str, typer.Option(help="Of encoders and taggers: auto, cpu, cuda or cuda:N.")] = "auto"


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter ``options`` typer sees as one option per attribute of EvaluationOptions."""
    hints = get_type_hints(EvaluationOptions, include_extras=True)
    own = [each for each in signature(command, eval_str=True).parameters.values() if each.name != "options"]
    shared = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=_default(each), annotation=hints[each.name])
        for each in fields(EvaluationOptions)
    ]

    @wraps(command)
    def spread_command(**given: Any) -> None:  # noqa: ANN401 - whatever typer was told
        options = {each.name: given.pop(each.name) for each in shared}
        command(**given, options=EvaluationOptions(**options))

    spread_command.__signature__ = signature(command).replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    spread_command.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
    return spread_command


def _default(option: "Field[Any]") -> object:
    return option.default if option.default_factory is MISSING else option.default_factory()
