"""The commands ``corpus check`` and ``corpus describe``: is a dataset sound, and what does it hold?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.cli.console import console
from models.datasets.association import ATTRIBUTES, Association, associations
from models.datasets.collection import open_dataset
from models.datasets.files import Missing
from models.datasets.statistics import Statistics, describe
from models.datasets.track import Dataset
from models.errors import DatasetInvalid

DatasetArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A CSV manifest, a folder of music, or gtzan:FOLDER, magnatagatune:FOLDER, mtg-jamendo:FOLDER.",
    ),
]
AudioOption = Annotated[Path | None, typer.Option(help="Folder that paths start from; default: the manifest's.")]
AcceptLabelsOption = Annotated[bool, typer.Option("--accept-labels", help="Tags that look misspelt are no faults.")]
SkipMissingOption = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out tracks whose file cannot be used, and say how many.")
]
MOST_TAGS = 15

output = Console()


def check_dataset(
    what: DatasetArgument,
    audio: AudioOption = None,
    *,
    accept_labels: AcceptLabelsOption = False,
    skip_missing: SkipMissingOption = False,
) -> None:
    """Name every fault of a dataset, or say what it holds."""
    dataset = _opened(what, audio, accept_labels=accept_labels, skip_missing=skip_missing)
    facts = describe(dataset)
    labelled = ", ".join(f"{name} {labels.tracks}" for name, labels in facts.labels.items() if labels.tracks)
    output.print(f"{escape(facts.name)}: {_size(facts)}; labelled: {labelled or 'nothing'}", soft_wrap=True)


def describe_dataset(
    what: DatasetArgument,
    audio: AudioOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="A further column for --confounds; can be given again.")
    ] = None,
    *,
    confounds: Annotated[bool, typer.Option(help="How far one label gives away another.")] = False,
    seed: Annotated[int, typer.Option(help="Of the permutations that tell chance.")] = 0,
    accept_labels: AcceptLabelsOption = False,
    skip_missing: SkipMissingOption = False,
) -> None:
    """Print what a dataset holds: tracks, hours, splits, labels, and confounds among them."""
    dataset = _opened(what, audio, accept_labels=accept_labels, skip_missing=skip_missing)
    facts = describe(dataset)
    pairs = associations(dataset, seed, tuple(attribute or ATTRIBUTES)) if confounds else []
    output.print(_facts_table(facts))
    output.print(_labels_table(facts))
    if confounds:
        output.print(_confounds_table(pairs))
    if json_file is not None:
        content = {**asdict(facts), **({"confounds": [asdict(pair) for pair in pairs]} if confounds else {})}
        json_file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _opened(what: str, audio: Path | None, *, accept_labels: bool, skip_missing: bool) -> Dataset:
    missing: Missing = "skip" if skip_missing else "refuse"
    try:
        dataset = open_dataset(what, audio, accept_labels=accept_labels, missing=missing)
    except DatasetInvalid as error:
        console.print(escape(str(error)), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    for reason in dataset.left_out:
        console.print(f"[yellow]left out[/] {escape(reason)}", highlight=False, soft_wrap=True)
    return dataset


def _size(facts: Statistics) -> str:
    left_out = f" ({_entries(facts.left_out)} left out)" if facts.left_out else ""
    splits = ", ".join(f"{split or 'without split'} {count}" for split, count in facts.splits.items())
    return f"{facts.tracks} tracks{left_out}, {_hours(facts)}, {facts.origins} origins; {splits}"


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _hours(facts: Statistics) -> str:
    unknown = facts.tracks - facts.timed
    return f"{facts.hours:.1f} hours" + (f" (duration of {unknown} unknown)" if unknown else "")


def _facts_table(facts: Statistics) -> Table:
    table = Table(title=escape(facts.name), show_header=False)
    rows = {
        "tracks": str(facts.tracks),
        "left out": _entries(facts.left_out),
        "duration": _hours(facts),
        "splits": _listed({split or "none": count for split, count in facts.splits.items()}),
        "origins": str(facts.origins),
        "artists": str(facts.artists),
        "albums": str(facts.albums),
        "with near duplicates": str(facts.duplicates),
        "licences": _listed(facts.licences) or "not named",
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table


def _labels_table(facts: Statistics) -> Table:
    table = Table("dimension", "labelled", "different", "tracks by label")
    for name, labels in facts.labels.items():
        share = labels.tracks / facts.tracks
        table.add_row(name, f"{share:.1%}", str(len(labels.counts)), escape(_listed(labels.counts)))
    return table


def _confounds_table(pairs: Sequence[Association]) -> Table:
    caption = "Bias-corrected Cramér's V: 0 independent, 1 one gives away the other; * above the chance of 95 %"
    table = Table("one", "other", "tracks", "V", "by chance", "95 % of chance", title="Confounds", caption=caption)
    for pair in pairs:
        mark = " *" if pair.strength > pair.chance_high else ""
        figures = (f"{pair.strength:.3f}{mark}", f"{pair.chance:.3f}", f"{pair.chance_high:.3f}")
        table.add_row(escape(pair.one), escape(pair.other), str(pair.tracks), *figures)
    return table


def _listed(counts: Mapping[str, int]) -> str:
    """The most frequent, and how many more there are."""
    shown = ", ".join(f"{name} {count}" for name, count in islice(counts.items(), MOST_TAGS))
    more = len(counts) - MOST_TAGS
    return f"{shown} and {more} more" if more > 0 else shown
