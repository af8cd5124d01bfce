"""Collections of scores in other forms, turned into a folder of MIDI files with an index (see ``ScoreFolder``)."""

import csv
import io
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

from models.errors import ScoreUnreadable
from models.rendering.midi_score import PieceFacts, read_midi
from models.rendering.score_folder import INDEX

REFUSED = "refused.csv"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the index says of a piece; see ``ScoreFolder``."""

    title: str = ""
    composer: str = ""
    genre: str = ""
    era: str = ""
    licence: str = ""
    key: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one source: its files as MIDI, or the reason why there are none."""

    source: str
    facts: Facts
    midi: tuple[bytes, ...] = field(default=(), repr=False)
    reason: str = ""


class Notation(Protocol):
    """A form of scores. It can be pickled."""

    def sources(self, folder: Path) -> Sequence[str]:
        """Paths of all scores below a folder, relative to it and in order."""

    def facts(self, folder: Path, source: str) -> Facts:
        """What the collection states of a score."""

    def convert(self, folder: Path, source: str) -> Sequence[bytes]:
        """MIDI files of a score, one for each movement.

        Raises:
            ScoreUnreadable: There are none that can be used.
        """


@contextmanager
def opened(collection: Path) -> Iterator[Path]:
    """The folder of a collection, unpacked for the time being if it is a tar archive."""
    if collection.is_dir():
        yield collection
        return
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(collection) as archive:
            archive.extractall(place, filter="data")
        yield Path(place)


def spread(notation: Notation, folder: Path, limit: int | None = None) -> list[tuple[str, Facts]]:
    """Sources in turns of one of every origin, so that any number of them has as many origins as it can."""
    by_origin: dict[str, list[tuple[str, Facts]]] = defaultdict(list)
    for source in notation.sources(folder):
        facts = notation.facts(folder, source)
        by_origin[facts.origin or facts.composer].append((source, facts))
    turns = zip_longest(*(by_origin[origin] for origin in sorted(by_origin)))
    return [entry for turn in turns for entry in turn if entry is not None][:limit]


def convert_all(
    notation: Notation, folder: Path, sources: Sequence[tuple[str, Facts]], out: Path, executor: Executor
) -> Iterator[Conversion]:
    """Convert sources that earlier runs did not, write them below ``out`` and enter them in its index.

    Refused ones are listed in ``refused.csv`` and not tried again.
    """
    out.mkdir(parents=True, exist_ok=True)
    done = _entered(out / INDEX) | _entered(out / REFUSED)
    todo = [(notation, folder, source, facts) for source, facts in sources if source not in done]
    for conversion in executor.map(_converted, todo):
        _write(conversion, out)
        yield conversion


def _converted(task: tuple[Notation, Path, str, Facts]) -> Conversion:
    notation, folder, source, facts = task
    reasons, good = [], []
    try:
        for content in notation.convert(folder, source):
            reason = _reason_against(content, source)
            reasons += [reason] if reason else []
            good += [] if reason else [content]
    except ScoreUnreadable as error:
        reasons.append(str(error))
    return Conversion(source, facts, tuple(good), "" if good else "; ".join(reasons))


def _reason_against(midi: bytes, source: str) -> str:
    """Why a file is no piece, if so."""
    try:
        read_midi(io.BytesIO(midi), PieceFacts(source, source, ""))
    except ScoreUnreadable as error:
        return str(error)
    return ""


def _write(conversion: Conversion, out: Path) -> None:
    """MIDI files first: what the index names is there."""
    if conversion.reason:
        _append(out / REFUSED, [{"source": conversion.source, "reason": conversion.reason}])
        return
    rows = []
    for number, content in enumerate(conversion.midi, start=1):
        stem = Path(conversion.source).with_suffix("")
        path = stem / f"{number}.mid" if len(conversion.midi) > 1 else stem.with_name(f"{stem.name}.mid")
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
        rows.append({"path": path.as_posix(), **asdict(conversion.facts), "source": conversion.source})
    _append(out / INDEX, rows)


def _append(file: Path, rows: Sequence[dict[str, str]]) -> None:
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _entered(file: Path) -> set[str]:
    if not file.exists():
        return set()
    with file.open(newline="", encoding="utf-8") as stream:
        return {row["source"] for row in csv.DictReader(stream)}
