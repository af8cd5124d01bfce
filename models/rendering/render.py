"""Render a corpus: pieces in parallel until there are enough, interrupted and resumed at will."""

import json
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from math import ceil
from multiprocessing import get_context
from pathlib import Path

from models.datasets.manifest_writer import write_manifest
from models.errors import DatasetInvalid, ScoreUnreadable
from models.rendering.collection import ScoreSource, drawn_pieces
from models.rendering.kinship import shared_programs
from models.rendering.rendered_piece import RenderedPiece, render_piece, write_whole
from models.rendering.settings import RenderSettings
from models.rendering.synthesis import Synthesiser

SETTINGS_FILE = "settings.json"
MANIFEST_FILE = "manifest.csv"
MAX_SHARED = 0.05
"""Share of instruments that the SoundFont that is held out may have in common with another."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one piece.

    Attributes:
        number: Its place in the order in which pieces are taken.
        source: Name of its source.
        piece: Its id there.
        rendered: ``None`` when it was left out.
        refusal: Why it was left out.
    """

    number: int
    source: str
    piece: str
    rendered: RenderedPiece | None = None
    refusal: str = ""


def check_fonts(settings: RenderSettings) -> None:
    """Load every SoundFont before anything is rendered.

    Raises:
        ToolMissing: One cannot be used.
        DatasetInvalid: Two share a name, or the one that is held out shares instruments with another.
    """
    if len({font.stem for font in settings.all_fonts}) < len(settings.all_fonts):
        raise DatasetInvalid(
            "SoundFonts are told apart by their names:", [str(font) for font in settings.all_fonts]
        )
    loaded = {font: Synthesiser(font) for font in settings.all_fonts}
    if settings.held_out is None:
        return
    shares = {font: shared_programs(loaded[settings.held_out], loaded[font]) for font in settings.fonts}
    faults = [
        f"{font.name} has {share:.0%} of its instruments" for font, share in shares.items() if share > MAX_SHARED
    ]
    if faults:
        raise DatasetInvalid(f"{settings.held_out.name} would be no SoundFont that was never heard:", faults)


def check_folder(settings: RenderSettings) -> None:
    """Make the folder of a corpus, or see that what it holds was made with the same settings.

    Raises:
        DatasetInvalid: It was not; with what differs.
    """
    wanted = json.loads(json.dumps(settings.statement()))
    stated = settings.out / SETTINGS_FILE
    if not stated.exists():
        write_whole(stated, json.dumps(wanted, indent=1).encode())
        return
    found = json.loads(stated.read_text(encoding="utf-8"))
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        raise DatasetInvalid(
            f"{settings.out} holds a corpus of other settings; take another folder:",
            [f"{name}: {found.get(name)} there, {wanted[name]} now" for name in differing],
        )


def render(sources: Sequence[ScoreSource], settings: RenderSettings, excerpts: int, jobs: int) -> Iterator[Outcome]:
    """Render pieces, as they are drawn, until there are at least so many excerpts or no piece is left.

    A piece that is left out is made up for by the next one, so the corpus is the same for any number of jobs.
    Outcomes come as they are ready.

    Raises:
        ToolMissing: A program or library is not there.
        OSError: A file cannot be written.
        concurrent.futures.BrokenExecutor: A process was killed.
    """
    wanted = ceil(excerpts / settings.takes)
    queue = enumerate(drawn_pieces(sources, settings.seed))
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_leave_interrupts_to_parent)
    running: dict[Future[RenderedPiece], Outcome] = {}
    done = 0
    try:
        while True:
            for number, (source, piece) in islice(queue, wanted - done - len(running)):
                future = pool.submit(render_piece, source, piece, settings)
                running[future] = Outcome(number, source.name, piece)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                outcome = _completed(running.pop(future), future)
                done += outcome.rendered is not None
                yield outcome
    finally:
        pool.shutdown(cancel_futures=True)


def write_corpus(settings: RenderSettings, outcomes: Sequence[Outcome]) -> Path:
    """Write the manifest of what is rendered so far, in the order in which pieces were taken."""
    in_order = sorted(outcomes, key=lambda outcome: outcome.number)
    path = settings.out / MANIFEST_FILE
    write_manifest(path, [track for outcome in in_order if outcome.rendered for track in outcome.rendered.tracks])
    return path


def _completed(started: Outcome, future: Future[RenderedPiece]) -> Outcome:
    place = (started.number, started.source, started.piece)
    try:
        return Outcome(*place, rendered=future.result())
    except ScoreUnreadable as error:
        return Outcome(*place, refusal=str(error))


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
