"""``soundkin ingest``: folders and files into the catalogue, in parallel, so that one can stop and go on."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from app.cli.connection import KeyOption, UrlOption, open_client
from app.cli.folder import Found, find_files
from app.cli.ingestion import Ingestion, Stopped, Tally
from app.cli.ledger import ledger_of
from app.errors import SoundkinError

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended, as shells have it."""


class Bars:
    """Two progress bars: bytes that have left, and tracks that can be found."""

    def __init__(self, progress: Progress, files: Sequence[Path], *, wait: bool) -> None:
        self._progress = progress
        self._sizes = {file: _size_of(file) for file in files}
        self._sent: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._uploads = progress.add_task("Uploaded", total=sum(self._sizes.values()) or 1)
        self._embedded: TaskID | None = progress.add_task("Embedded", total=len(files)) if wait else None

    def sent(self, file: Path, size: int) -> None:
        """Show it; an upload that begins again takes back what it had."""
        with self._lock:
            before = self._sent.get(file, 0)
            self._sent[file] = min(size, self._sizes[file])
            self._progress.advance(self._uploads, self._sent[file] - before)

    def uploaded(self, file: Path) -> None:
        """Fill in what did not have to be sent."""
        self.sent(file, self._sizes[file])

    def settled(self) -> None:
        """Count it."""
        if self._embedded is not None:
            self._progress.advance(self._embedded)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True, slots=True)
class _Sleep:
    """Sleeps unless told to stop."""

    stopping: threading.Event

    def __call__(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Stopped


PathsArgument = Annotated[
    list[Path], typer.Argument(exists=True, readable=True, help="Folders, looked through to the bottom, and files.")
]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Uploads at the same time.")]
LicenceOption = Annotated[str | None, typer.Option(help="Licence of all these files, for example CC-BY-4.0.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Tag for all these files; may be repeated.")]
EveryOption = Annotated[bool, typer.Option("--all", help="Send files of every name, not only those like audio.")]
WaitOption = Annotated[bool, typer.Option(help="Wait until the tracks can be found.")]


def ingest(
    paths: PathsArgument,
    *,
    url: UrlOption = None,
    key: KeyOption = None,
    jobs: JobsOption = 4,
    licence: LicenceOption = None,
    tag: TagOption = None,
    every: EveryOption = False,
    wait: WaitOption = True,
) -> None:
    """Add folders and files to the catalogue.

    Stop it whenever you like and run it again: what the service has is not
    sent a second time.

    Hidden files are left out, and in folders those whose names do not look
    like audio; a file that you name yourself is always sent. What is audio,
    the service decides by decoding it.

    Ends with status 1 if any file failed, each with its reason.
    """
    console = Console(stderr=True)
    found = find_files(paths, every=every)
    metadata = {name: value for name, value in (("licence", licence), ("tags", tag)) if value}
    stopping = threading.Event()
    with open_client(url, key, sleep=_Sleep(stopping)) as client, _bars(console) as progress:
        client.greet()
        bars = Bars(progress, found.files, wait=wait)
        ingestion = Ingestion(client, ledger_of(client.url), metadata, bars, stopping)
        try:
            ingestion.run(found.files, jobs=jobs, wait=wait)
        except KeyboardInterrupt:
            progress.stop()
            console.print("Stopped. Run the same command again to go on; what was sent is not sent again.")
            raise typer.Exit(INTERRUPTED) from None
        except SoundkinError:
            progress.stop()
            _summarise(console, found, ingestion.tally)
            raise
    _summarise(console, found, ingestion.tally)
    raise typer.Exit(1 if ingestion.tally.failed else 0)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield progress


def _summarise(console: Console, found: Found, tally: Tally) -> None:
    for file, reason in tally.failed.items():
        console.print(f"[red]failed[/red] {escape(str(file))}: {escape(reason)}", soft_wrap=True)
    counts = {"added": tally.added, "accepted": tally.accepted, "already there": tally.there}
    counts |= {"failed": len(tally.failed), "left out (not named like audio; --all sends them)": found.skipped}
    parts = [f"{number} {what}" for what, number in counts.items() if number]
    nothing = f"None of {len(found.files)} files was added." if found.files else "No files were found."
    console.print(", ".join(parts) or nothing, soft_wrap=True)
