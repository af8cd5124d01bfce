"""All takes of a piece: rendered in one process, their files whole or absent, then a record that they are there."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from models.datasets.manifest import read_manifest
from models.datasets.manifest_writer import write_manifest
from models.datasets.track import LabelledTrack
from models.encoding import encode
from models.errors import DatasetInvalid, ScoreUnreadable
from models.rendering.collection import ScoreSource
from models.rendering.degradation import record
from models.rendering.labels import Rendering, labelled
from models.rendering.performance import perform
from models.rendering.quality import Unusable, check_notes, check_sound
from models.rendering.score import Score
from models.rendering.settings import RenderSettings
from models.rendering.synthesis import RATE_HZ, Samples, Synthesiser
from models.rendering.treatment import MAX_VELOCITY, MIN_VELOCITY, Treatment, draw_treatment
from models.whole_file import whole_file

ATTEMPTS = 4
"""Draws for each take that is wanted, on average, before a piece is given up."""
BRIGHTNESS_DB_PER_OCTAVE = 1.5
"""Slope of the loudest playing: real instruments get brighter when they are played louder, these only louder."""
SLUG_LETTERS = 48


@dataclass(frozen=True, slots=True)
class RenderedPiece:
    """What became of a piece.

    Attributes:
        tracks: Its takes.
        redraws: Unusable draws by the reason; empty where it was rendered before.
        cpu_s: CPU time that it took, with that of programs it ran; 0 where it was rendered before.
    """

    tracks: tuple[LabelledTrack, ...]
    redraws: Mapping[str, int]
    cpu_s: float


def render_piece(source: ScoreSource, piece: str, settings: RenderSettings) -> RenderedPiece:
    """Render the takes of a piece into ``settings.out``, if they are not there yet.

    Raises:
        ScoreUnreadable: It cannot be read, or too few draws of it are usable.
        ToolMissing: A program, a library or a SoundFont is not there.
        OSError: A file cannot be written.
    """
    before = os.times()
    name = file_name(source.name, piece)
    record_path = settings.out / "records" / f"{name}.csv"
    if found := _found(record_path, settings.out):
        return RenderedPiece(found, {}, 0.0)
    tracks, redraws = _rendered(source.load(piece), name, settings)
    record_path.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(record_path, tracks)
    return RenderedPiece(tracks, redraws, sum(os.times()[:4]) - sum(before[:4]))


def file_name(source: str, piece: str) -> Path:
    """Where the files of a piece lie, without their extension: readable, and different for different pieces."""
    slug = re.sub(r"[^a-z0-9]+", "-", piece.lower()).strip("-")[:SLUG_LETTERS].strip("-")
    return Path(source) / f"{slug}-{sha256(piece.encode()).hexdigest()[:8]}"


def make_excerpt(score: Score, treatment: Treatment, settings: RenderSettings) -> tuple[Rendering, Samples]:
    """An excerpt and its (channels, T) samples at RATE_HZ, before the codec.

    Raises:
        Unusable: The draw has to be made again.
        ToolMissing: The SoundFont is not there.
    """
    split = settings.split(score.origin)
    font = settings.font(treatment, split)
    performance = check_notes(perform(score, treatment, settings.duration_s))
    sound = check_sound(synthesiser(font).play(performance))
    loudness = 2 * (treatment.velocity - MIN_VELOCITY) / (MAX_VELOCITY - MIN_VELOCITY) - 1
    recorded = record(sound, treatment.recording, loudness * BRIGHTNESS_DB_PER_OCTAVE)
    return Rendering(score, treatment, performance, font.stem, split), recorded


@lru_cache
def synthesiser(font: Path) -> Synthesiser:
    """A SoundFont, loaded once in each process."""
    return Synthesiser(font)


def _found(record_path: Path, out: Path) -> tuple[LabelledTrack, ...] | None:
    """The takes of a piece that was rendered before, if all of it is there."""
    try:
        return read_manifest(record_path, out, accept_labels=True).tracks
    except DatasetInvalid:
        return None


def _rendered(
    score: Score, name: Path, settings: RenderSettings
) -> tuple[tuple[LabelledTrack, ...], Mapping[str, int]]:
    """Write the files of all takes, once the last of them is made."""
    files: list[tuple[LabelledTrack, bytes]] = []
    redraws: Counter[str] = Counter()
    for take in range(ATTEMPTS * settings.takes):
        treatment = draw_treatment(settings.seed, score.piece, take)
        try:
            rendering, samples = make_excerpt(score, treatment, settings)
        except Unusable as error:
            redraws[str(error)] += 1
            continue
        file = Path("audio") / name.with_name(f"{name.name}-{take}.{treatment.recording.extension}")
        data = encode(samples, RATE_HZ, treatment.recording.encoding).getvalue()
        files.append((labelled(rendering, settings.out, file), data))
        if len(files) == settings.takes:
            return _written(files), redraws
    reasons = ", ".join(f"{reason} ({count})" for reason, count in redraws.most_common())
    raise ScoreUnreadable(f"only {len(files)} of {ATTEMPTS * settings.takes} draws can be used: {reasons}.")


def _written(files: list[tuple[LabelledTrack, bytes]]) -> tuple[LabelledTrack, ...]:
    """Takes of one piece, each of which names the others as its duplicates."""
    ids = {track.id for track, _ in files}
    for track, data in files:
        write_whole(track.path, data)
    return tuple(replace(track, duplicates=frozenset(ids - {track.id})) for track, _ in files)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, with its folder, that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_bytes(data)
