"""Real music through a running service: ingest, identify excerpts, search by segment, same-source precision.

    soundkin serve &
    python -m benchmarks.real_music --audio FOLDER --list benchmarks/recordings.csv [--json FILE]

The list is a CSV with a row per file: `path` (below FOLDER), `soundtrack` (the source), and optionally `dup_of`
(another row's path: the same recording), `artist`, `title`, `licence`. Everything goes over HTTP.
"""

import argparse
import csv
import io
import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import av
import httpx
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.audio import decode

EXCERPT_S = 30.0
EXCERPT_RATE_HZ = 22_050
EXCERPT_BITS_PER_S = 48_000


@dataclass
class Recording:
    """A row of the list, and what the service made of it."""

    path: Path
    soundtrack: str
    group: str
    metadata: dict[str, object]
    track_id: str = ""
    duration_s: float = 0.0
    is_new: bool = False


@dataclass
class Result:
    """Everything that is reported."""

    figures: dict[str, object] = field(default_factory=dict)

    def table(self) -> Table:
        table = Table("figure", "value", title="Real music through the HTTP API")
        for name, value in self.figures.items():
            table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
        return table


def read_list(audio: Path, listing: Path) -> list[Recording]:
    """Rows whose file is there; near-duplicates share a group."""
    with listing.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (audio / row["path"]).is_file()]
    return [
        Recording(
            path=audio / row["path"],
            soundtrack=row["soundtrack"],
            group=row.get("dup_of") or row["path"],
            metadata={
                "title": row.get("title") or Path(row["path"]).stem,
                "artist": row.get("artist") or None,
                "album": row["soundtrack"],
                "licence": row.get("licence") or None,
            },
        )
        for row in rows
    ]


def upload(client: httpx.Client, recording: Recording) -> str | None:
    """Send one file; return the reason if it was refused."""
    with recording.path.open("rb") as file:
        answer = client.post(
            "/v1/tracks",
            files={"file": (recording.path.name, file)},
            data={"metadata": json.dumps({k: v for k, v in recording.metadata.items() if v})},
        )
    if answer.status_code not in (200, 202):
        return f"{recording.path.name}: {answer.status_code} {answer.json().get('detail')}"
    recording.track_id = answer.json()["track"]["id"]
    recording.is_new = answer.status_code == 202
    return None


def ingest(client: httpx.Client, recordings: list[Recording]) -> tuple[float, list[str]]:
    """Upload all, wait until all are searchable; return the seconds and the refusals."""
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        refused = [reason for reason in pool.map(lambda r: upload(client, r), recordings) if reason]
    waiting = {r.track_id: r for r in recordings if r.track_id}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("embedding", total=len(waiting))
        while waiting:
            for track_id in list(waiting)[:200]:
                track = client.get(f"/v1/tracks/{track_id}").json()
                if track["state"] == "pending":
                    break  # jobs are taken in order, so the rest is hardly further
                recording = waiting.pop(track_id)
                if track["state"] == "failed":
                    refused.append(f"{recording.path.name}: embedding failed")
                    recording.track_id = ""
                else:
                    recording.duration_s = track["analysis"]["duration_s"]
                progress.advance(task)
            time.sleep(0.5)
    return time.monotonic() - started, refused


def excerpt(recording: Recording, rng: random.Random) -> tuple[float, bytes]:
    """A random 30 s of the recording as a 48 kb/s mono mp3, 6 dB quieter; and where it starts."""
    with recording.path.open("rb") as file:
        waveform = decode(file, sample_rate_hz=EXCERPT_RATE_HZ).waveform
    length = int(EXCERPT_S * EXCERPT_RATE_HZ)
    start = rng.randrange(max(1, len(waveform) - length))
    return start / EXCERPT_RATE_HZ, mp3(waveform[start : start + length] * 0.5)


def mp3(waveform: np.ndarray) -> bytes:
    """Encode mono samples as a low-rate mp3."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=EXCERPT_RATE_HZ, layout="mono")
        stream.bit_rate = EXCERPT_BITS_PER_S
        frame = av.AudioFrame.from_ndarray(waveform[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = EXCERPT_RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


def rank_of_own(matches: list[dict], recording: Recording, by_id: dict[str, Recording]) -> int | None:
    """Rank (from 1) of the recording or its near-duplicate."""
    for rank, match in enumerate(matches, start=1):
        if by_id[match["track"]["id"]].group == recording.group:
            return rank
    return None


def search_excerpts(client: httpx.Client, queries: list[Recording], by_id: dict[str, Recording], seed: int) -> dict:
    """Rank of the own track for each excerpt."""
    rng = random.Random(seed)
    ranks: list[int | None] = []
    took: list[float] = []
    with Progress(console=Console(stderr=True)) as progress:
        for recording in progress.track(queries, description="excerpts"):
            _, data = excerpt(recording, rng)
            started = time.monotonic()
            answer = client.post(
                "/v1/search/audio",
                files={"file": ("excerpt.mp3", data)},
                data={"query": json.dumps({"k": 10, "explain": False})},
            )
            answer.raise_for_status()
            took.append(time.monotonic() - started)
            ranks.append(rank_of_own(answer.json()["matches"], recording, by_id))
    return {
        "excerpts searched": len(ranks),
        "own track first": float(np.mean([rank == 1 for rank in ranks])),
        "own track in the first 10": float(np.mean([rank is not None for rank in ranks])),
        "seconds per excerpt search, median": float(np.median(took)),
    }


def search_segments(client: httpx.Client, queries: list[Recording], by_id: dict[str, Recording]) -> dict:
    """Segment queries against the same source; the own track is excluded by the service."""
    own, precision = 0, []
    for recording in queries:
        end_s = min(recording.duration_s, 15.0)
        term = {"track": recording.track_id, "segment": {"start_s": 0.0, "end_s": end_s}}
        answer = client.post("/v1/search", json={"terms": [term], "k": 10})
        answer.raise_for_status()
        found = [by_id[match["track"]["id"]] for match in answer.json()["matches"]]
        own += any(other is recording for other in found)
        precision.append(np.mean([other.soundtrack == recording.soundtrack for other in found]))
    return {
        "segment queries": len(queries),
        "segment queries that returned their own track": own,
        "same-source precision@10 by segment": float(np.mean(precision)),
    }


def search_tracks(client: httpx.Client, recordings: list[Recording], by_id: dict[str, Recording]) -> dict:
    """Same-source precision@10 of whole tracks, near-duplicates left out, against the random expectation."""
    sizes = Counter(r.soundtrack for r in recordings)
    groups = Counter(r.group for r in recordings)
    precision, expected, took = [], [], []
    for recording in recordings:
        peers = sizes[recording.soundtrack] - groups[recording.group]
        others = len(recordings) - groups[recording.group]
        if peers < 1:
            continue
        answer = client.post(
            "/v1/search", json={"terms": [{"track": recording.track_id}], "k": 40, "explain": False}
        )
        answer.raise_for_status()
        took.append(sum(answer.json()["took_ms"].values()))
        found = [by_id[match["track"]["id"]] for match in answer.json()["matches"]]
        found = [other for other in found if other.group != recording.group][:10]
        precision.append(np.mean([other.soundtrack == recording.soundtrack for other in found]))
        expected.append(peers / others)
    return {
        "track queries": len(precision),
        "same-source precision@10": float(np.mean(precision)),
        "random expectation": float(np.mean(expected)),
        "milliseconds per search in the service, median": float(np.median(took)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--limit", type=int, help="ingest at most so many recordings")
    parser.add_argument("--excerpts", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    recordings = read_list(args.audio, args.list)
    random.Random(args.seed).shuffle(recordings)
    recordings = recordings[: args.limit]
    result = Result()
    with httpx.Client(base_url=args.url, timeout=300) as client:
        seconds, refused = ingest(client, recordings)
        by_id = {r.track_id: r for r in recordings if r.track_id}  # one recording for byte-identical files
        recordings = list(by_id.values())
        hours = sum(r.duration_s for r in recordings) / 3600
        result.figures |= {"recordings": len(recordings), "hours of audio": hours, "refused": len(refused)}
        if all(r.is_new for r in recordings):
            result.figures |= {"ingest seconds": seconds, "tracks per hour": 3600 * len(recordings) / seconds}
        queries = recordings[: args.excerpts]
        result.figures |= search_tracks(client, recordings, by_id)
        result.figures |= search_segments(client, queries, by_id)
        result.figures |= search_excerpts(client, queries, by_id, args.seed)
    Console(width=100).print(result.table())
    for reason in refused:
        print("refused:", reason, file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(result.figures | {"refusals": refused}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
