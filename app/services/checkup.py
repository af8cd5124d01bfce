"""What ``soundkin doctor`` looks at beyond readiness: queue, encoders, space on the disk, the decoder."""

import shutil
import tempfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.database import Database
from app.domain import DEFAULT_LIBRARY, EncoderState, JobState
from app.ports import AudioProbe
from app.services.encoders import standings
from app.services.health import Finding, Verdict
from app.services.track_counts import TrackCounts

LITTLE_SPACE_BYTES = 2 * 1024**3
LONG_WAIT_S = 600.0


def check_space(folder: Path) -> Iterator[Finding]:
    """Whether there is room for more audio."""
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:.1f} GiB free at {folder.absolute()}"
    if free < LITTLE_SPACE_BYTES:
        yield Finding("disk", Verdict.WARN, text, "Make room, or move SOUNDKIN_DATA_DIR or SOUNDKIN_AUDIO_URL.")
    else:
        yield Finding("disk", Verdict.OK, text)


def check_queue(database: Database) -> Iterator[Finding]:
    """Whether jobs are being done."""
    with database.transaction(read_only=True) as tx:
        depth = tx.queue.depth()
    queued = [part for part in depth if part.state is JobState.QUEUED]
    oldest_s = max((part.oldest_age_s for part in queued), default=0.0)
    running = sum(part.count for part in depth if part.state is JobState.RUNNING)
    text = f"{sum(part.count for part in queued)} jobs wait, {running} run"
    if oldest_s > LONG_WAIT_S:
        text += f"; the oldest has waited {oldest_s / 60:.0f} minutes"
        yield Finding(
            "queue", Verdict.WARN, text, "Start more workers, or see in their log why they do not get on."
        )
    else:
        yield Finding("queue", Verdict.OK, text)


def check_encoders(database: Database, wanted: Sequence[str]) -> Iterator[Finding]:
    """Whether every configured encoder was announced, and how far it has come with the default library."""
    with database.transaction(read_only=True) as tx:
        found = standings(tx, DEFAULT_LIBRARY, TrackCounts())
    announced = {standing.info.name for standing in found}
    for name in wanted:
        if name not in announced:
            yield Finding(
                "encoder",
                Verdict.WARN,
                f"'{name}' is configured, but no worker has loaded it yet",
                "Start a worker; if it ends at once, its log says why.",
            )
    for standing in found:
        if standing.info.is_default and standing.info.name not in wanted:
            yield Finding(
                "encoder",
                Verdict.WARN,
                f"'{standing.info.name}' answers searches, but is not configured: new tracks are not found",
                "Promote another (soundkin encoders promote NAME --default), or add it to SOUNDKIN_ENCODERS.",
            )
        if standing.info.state is not EncoderState.RETIRED:
            text = f"{standing.info.name} {standing.info.version} ({standing.info.state})"
            yield Finding("encoder", Verdict.OK, f"{text}: {standing.share:.0%} of the default library embedded")


def check_decoder(probe: AudioProbe) -> Iterator[Finding]:
    """Whether the decoder starts and takes a second of silence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "silence.wav"
        write_silence(path)
        found = probe.probe(path)
    yield Finding("decoder", Verdict.OK, f"decodes ({found.codec})")


def write_silence(path: Path, *, sample_rate_hz: int = 22_050) -> None:
    """Write a second of silence as a wav file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(bytes(2 * sample_rate_hz))
