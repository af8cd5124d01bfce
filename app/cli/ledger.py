"""Which files a service already has: what makes an interrupted ingest go on where it stopped."""

import hashlib
import json
import threading
from pathlib import Path

import typer


def ledger_of(url: str) -> "Ledger":
    """Return the ledger of a service, in the user's own folder for such things."""
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Ledger(Path(typer.get_app_dir("soundkin")) / "ingested" / f"{name}.jsonl")


class Ledger:
    """Remembers what each file became, as one line per upload, written as soon as the service has acknowledged it.

    A file counts as the same as long as its path, size and time of change are. Half a line at the end, from a
    process that was killed, is passed over. It is a memory, not the truth: whoever uses it asks the service whether
    the track is still there. Safe to use from several threads at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._tracks = dict(_read(path))

    def track_of(self, file: Path) -> str | None:
        """Return the id of the track that this file became."""
        return self._tracks.get(_identity(file))

    def note(self, file: Path, track_id: str) -> None:
        """Remember it, on disk before this returns. Raises ``OSError``."""
        identity = _identity(file)
        with self._lock:
            self._tracks[identity] = track_id
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as lines:
                # The line break comes first, so that half a line of a killed process ends here.
                lines.write("\n" + json.dumps({"file": identity, "track": track_id}) + "\n")


def _identity(file: Path) -> str:
    status = file.stat()
    return f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"


def _read(path: Path) -> list[tuple[str, str]]:
    if not path.exists():
        return []
    return [entry for line in path.read_text(encoding="utf-8").splitlines() if (entry := _entry(line))]


def _entry(line: str) -> tuple[str, str] | None:
    try:
        entry = json.loads(line)
        return str(entry["file"]), str(entry["track"])
    except (ValueError, KeyError, TypeError):
        return None
