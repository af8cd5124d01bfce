"""``soundkin search``: the tracks nearest to a track, a file or tags, as a table."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from app.api.explanation_schemas import SegmentResponse
from app.api.search_schemas import MatchResponse, SearchResponse
from app.cli.connection import KeyOption, UrlOption, open_client
from app.cli.track_table import clock, measured, named, track_table
from app.client import Client

DISPENSABLE = ("part", "key", "tempo", "length", "artist", "percentile")
"""Columns in the order in which a narrow terminal does without them."""

ReferenceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE|TRACK]",
        help="An audio file, or the id of a track in the catalogue. May be left out where tags are asked for.",
        show_default=False,
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        "-t",
        metavar="[SPACE:]NAME[=WEIGHT]",
        help="A tag that the matches should carry, for example piano or mood:dark=0.5; may be repeated. "
        "Negative asks for the opposite.",
    ),
]
WeightOption = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        "-w",
        metavar="SPACE=NUMBER",
        help="Weight of a space, of ENCODER.SPACE or of an ENCODER; may be repeated. Without any, all spaces of "
        "the encoder count 1; with some, the others are ignored. Negative asks for contrast.",
    ),
]
SegmentOption = Annotated[
    str | None,
    typer.Option(metavar="START:END", help="Compare with this part only, in seconds, for example 30:45."),
]
CountOption = Annotated[int, typer.Option("-k", min=1, max=1000, help="How many tracks.")]
EncoderOption = Annotated[str | None, typer.Option(help="Encoder to search with; the default one if not given.")]
CeilingOption = Annotated[
    float | None, typer.Option(min=-1, max=1, help="Leave out tracks that are closer than this, in [-1, 1].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]


def search(
    reference: ReferenceArgument = None,
    *,
    tag: TagOption = None,
    weight: WeightOption = None,
    segment: SegmentOption = None,
    k: CountOption = 20,
    encoder: EncoderOption = None,
    max_similarity: CeilingOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Find the tracks that sound most like a file or a track of the catalogue, or that carry tags, or both.

    A file is sent as a clip: it asks its question and is deleted after a while.
    """
    term = _term(weight or [], segment)
    terms = [_tag(text) for text in tag or []]
    _check(reference, term, terms)
    options = {"k": k, "encoder": encoder, "max_similarity": max_similarity}
    with open_client(url, key) as client:
        client.greet()
        if reference is not None:
            terms.insert(0, _source(client, reference) | term)
        given = {name: value for name, value in options.items() if value is not None}
        answer = client.search({"terms": terms} | given)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
    else:
        _print(answer)


def _term(weights: Sequence[str], segment: str | None) -> dict[str, Any]:
    """Read the options that belong to the reference; whether they make sense, the service says."""
    term: dict[str, Any] = {}
    if weights:
        term["weights"] = dict(_weight(text) for text in weights)
    if segment is not None:
        start_s, end_s = _seconds(segment)
        term["segment"] = {"start_s": start_s, "end_s": end_s}
    return term


def _tag(text: str) -> dict[str, Any]:
    """Read a tag; whether the encoder knows it, the service says."""
    known, weight = _weighed(text) if "=" in text else (text.strip(), 1.0)
    space, colon, name = known.partition(":")
    term = {"tag": name.strip(), "space": space.strip()} if colon else {"tag": known}
    if weight is None or not all(term.values()):
        raise typer.BadParameter(f"'{text}' is not of the form [SPACE:]NAME[=WEIGHT], for example mood:dark=0.5.")
    return term | {"weight": weight}


def _check(reference: str | None, term: Mapping[str, Any], tags: Sequence[Mapping[str, Any]]) -> None:
    if reference is None and not tags:
        raise typer.BadParameter("Name an audio file or the id of a track, or ask for a tag with --tag.")
    if reference is None and term:
        raise typer.BadParameter("--weight and --segment belong to a file or a track; name one. A tag has =WEIGHT.")


def _weight(text: str) -> tuple[str, float]:
    space, weight = _weighed(text)
    if weight is None or not space:
        raise typer.BadParameter(f"'{text}' is not of the form SPACE=NUMBER, for example timbre=0.5.")
    return space, weight


def _weighed(text: str) -> tuple[str, float | None]:
    """Split NAME=NUMBER. JSON has neither NaN nor infinity, so they are no numbers here."""
    name, _, number = text.rpartition("=")
    try:
        weight = float(number)
    except ValueError:
        return name.strip(), None
    return name.strip(), weight if math.isfinite(weight) else None


def _seconds(text: str) -> tuple[float, float]:
    try:
        start_s, end_s = map(float, text.split(":"))
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not of the form START:END in seconds, for example 30:45.") from error
    return start_s, end_s


def _source(client: Client, reference: str) -> dict[str, str]:
    file = Path(reference)
    if file.is_dir():
        raise typer.BadParameter(f"{reference} is a folder; name one audio file, or the id of a track.")
    if not file.is_file():
        if not _is_id(reference):
            raise typer.BadParameter(f"There is no file {reference}, and it is not the id of a track either.")
        return {"track": reference}
    with Console(stderr=True).status("Listening to the file …"):
        return {"clip": client.listen(file).id}


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _print(answer: SearchResponse) -> None:
    console = Console()
    if not answer.matches:
        console.print(answer.empty_because)
        return
    spaces = [name for name, weight in answer.query.weights.items() if weight]
    rows = [_row(rank, match, spaces) for rank, match in enumerate(answer.matches, start=1)]
    console.print(track_table(rows, console.width, DISPENSABLE))
    index = answer.index
    exact = "exact" if index.exact else f"{index.recall:.1%} of the best found"
    console.print(f"{index.allowed} of {index.size} tracks compared, {exact}.", style="dim")


def _row(rank: int, match: MatchResponse, spaces: Sequence[str]) -> dict[str, str]:
    return {
        "#": str(rank),
        **named(match.track),
        "similarity": f"{match.similarity:.3f}",
        "percentile": f"{match.percentile:.1f}",
        **{space: f"{match.by_space[space].contribution:+.3f}" for space in spaces},
        "part": _part(match.segment),
        **measured(match.track),
    }


def _part(segment: SegmentResponse | None) -> str:
    """Say which part of the match is closest to the query."""
    return "" if segment is None else f"{clock(segment.start_s)}-{clock(segment.end_s)}"
