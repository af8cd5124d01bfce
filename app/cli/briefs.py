"""``soundkin briefs``: run what was asked for once and kept, write what it finds to a file, see what is lacking."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.api.brief_export import ExportFormat, ExportWhat
from app.api.brief_schemas import BriefResponse, BriefRunResponse
from app.api.replacement_schemas import ReplacementMatchResponse
from app.api.text import one_line
from app.cli.connection import KeyOption, UrlOption, open_client
from app.cli.track_table import measured, named, track_table
from app.client import Client
from app.errors import Conflict, NotFound

commands = typer.Typer(help="Replacement briefs: run them, export what they find.", no_args_is_help=True)

DISPENSABLE = ("key", "tempo", "length", "artist", "licence")

BriefArgument = Annotated[str, typer.Argument(metavar="BRIEF", help="Its name or its id, from the list.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]


@commands.command("list")
def show(url: UrlOption = None, key: KeyOption = None) -> None:
    """List the briefs, newest first."""
    table = Table("name", "shortlisted", "rejected", "last run", "id")
    with open_client(url, key) as client:
        client.greet()
        briefs = list(client.briefs())
    for brief in briefs:
        ran = f"{brief.last_run_at:%Y-%m-%d %H:%M} UTC" if brief.last_run_at else "never"
        table.add_row(Text(one_line(brief.name)), str(brief.shortlisted), str(brief.rejected), ran, brief.id)
    Console().print(table if briefs else "There are no briefs yet. Make one on the page, or by POST /v1/briefs.")


@commands.command("run")
def run(
    brief: BriefArgument,
    *,
    rejected: Annotated[bool, typer.Option("--rejected", help="Show rejected tracks, too.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Find what a brief asks for now. What it shows is not new the next time."""
    with open_client(url, key) as client:
        client.greet()
        answer = client.run_brief(_chosen(client, brief).id, rejected=rejected)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
    else:
        _print(answer)


@commands.command("export")
def export(
    brief: BriefArgument,
    *,
    form: Annotated[ExportFormat, typer.Option("--format", "-f", help="Kind of file.")] = ExportFormat.CSV,
    shortlist: Annotated[bool, typer.Option("--shortlist", help="Only what was shortlisted.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; default: the output.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write what a brief finds now, or what was shortlisted, to a file. Nothing becomes seen by that."""
    what = ExportWhat.SHORTLIST if shortlist else ExportWhat.MATCHES
    with open_client(url, key) as client:
        client.greet()
        content = client.export_brief(_chosen(client, brief).id, form, what)
    if out is None:
        typer.echo(content, nl=False)
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}.") from error


@commands.command("gaps")
def gaps(url: UrlOption = None, key: KeyOption = None) -> None:
    """List briefs with no good answer: what the catalogue lacks."""
    table = Table("name", "matches", "best", "why", "id")
    with open_client(url, key) as client:
        client.greet()
        found = client.gaps().items
    for gap in found:
        best = "" if gap.best is None else f"{gap.best:.3f}"
        table.add_row(Text(one_line(gap.brief.name)), str(gap.matches), best, Text(gap.reason), gap.brief.id)
    Console().print(table if found else "Every brief has a good answer.")


def _chosen(client: Client, wanted: str) -> BriefResponse:
    """Return the brief of this id or name.

    Raises:
        NotFound: There is none.
        Conflict: The name is that of several.
    """
    briefs = list(client.briefs())
    found = [brief for brief in briefs if wanted == brief.id or wanted.strip() == brief.name]
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(f"Several briefs are called '{wanted}'; name one by its id: {_listed(found)}.")
    known = f"there are: {_listed(briefs)}" if briefs else "there are none yet"
    raise NotFound(f"There is no brief '{wanted}'; {known}.")


def _listed(briefs: Sequence[BriefResponse]) -> str:
    return ", ".join(f"{one_line(brief.name)} ({brief.id})" for brief in briefs)


def _print(answer: BriefRunResponse) -> None:
    console = Console()
    if answer.matches:
        rows = [_row(rank, match) for rank, match in enumerate(answer.matches, start=1)]
        console.print(track_table(rows, console.width, DISPENSABLE))
        index = answer.index
        console.print(f"{answer.new} new; {index.allowed} of {index.size} tracks compared.", style="dim")
    else:
        console.print(Text(answer.empty_because or ""))
    if answer.near_misses:
        console.print("\nNear misses", style="bold")
        missed = enumerate(answer.near_misses, start=1)
        rows = [{**_row(rank, match), "breaks": _broken(match)} for rank, match in missed]
        console.print(track_table(rows, console.width, DISPENSABLE))


def _row(rank: int, match: ReplacementMatchResponse) -> dict[str, str]:
    return {
        "#": str(rank),
        **named(match.track),
        "similarity": f"{match.similarity:.3f}",
        "new": "new" if match.is_new else "",
        "verdict": match.decision.verdict if match.decision else "",
        "licence": match.track.metadata.licence or "",
        **measured(match.track),
    }


def _broken(match: ReplacementMatchResponse) -> str:
    """Say which constraints a near miss breaks, and by what."""
    return ", ".join(f"{check.name}: {check.found}" for check in match.constraints if not check.met)
