"""What the training commands have in common: how data is named, and how its features are waited for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from models.cli.console import console, progress_bar, report_refusal
from models.datasets.collection import open_dataset
from models.datasets.track import Dataset
from models.errors import ConfigInvalid
from models.runs.feature_cache import Extracted
from models.runs.tracks import DomainFacts

DATA_FORM = "DOMAIN=DATASET[@AUDIO]"


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
