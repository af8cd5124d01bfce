"""GTZAN: 1 000 excerpts of 30 s in ten genres (Tzanetakis and Cook, 2002), as it and its annotations are published.

Read without mirdata, whose folders are understood: its list of files has to be downloaded, and its reader of tempi
(1.0) fails under NumPy 2.4.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from models.datasets.assembly import assemble
from models.datasets.columns import parse_tempo
from models.datasets.files import Missing, audio_files
from models.datasets.track import Dataset, LabelledTrack
from models.errors import DatasetInvalid

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
SPLIT_FILES = {"train": "train_filtered.txt", "validation": "valid_filtered.txt", "test": "test_filtered.txt"}
"""The fault-filtered split of Kereliuk et al. (2015): lines such as ``blues/blues.00029.wav``."""

_AUDIO_FOLDERS = ("genres", "gtzan_genre/genres", "genres_original", "Data/genres_original", ".")
_NAME = re.compile(rf"({'|'.join(GENRES)})\.(\d{{5}})")


def read_gtzan(folder: Path, *, missing: Missing = "refuse") -> Dataset:
    """Read GTZAN.

    Where the files of the fault-filtered split are there, tracks that they do not name (repetitions, distortions)
    are left out. With the tempo annotations of ``gtzan_tempo_beat``, tracks have a tempo. Artists are not
    known, so that without the split nothing keeps one on one side.

    Args:
        folder: Holds ``genres/blues/blues.00000.wav`` …; the split's and tempo's files lie anywhere below.
        missing: What becomes of tracks that the split names and that are not there, and of files that are empty.

    Raises:
        DatasetInvalid: With every fault.
    """
    audio = _audio_folder(folder)
    faults = [f"there is no folder {genre}" for genre in GENRES if not (audio / genre).is_dir()]
    splits = dict(_splits(folder, faults))
    files = {path.stem: path for path in audio_files(audio) if _NAME.fullmatch(path.stem)}
    named = splits or dict.fromkeys(files, "")
    tempi = _tempi(folder, faults)
    tracks = [
        LabelledTrack(
            id=files.get(stem, audio / _default(stem)).relative_to(folder).as_posix(),
            path=files.get(stem, audio / _default(stem)),
            title=stem,
            split=split,
            tags={"genre": frozenset({stem.partition(".")[0]})},
            tempo_bpm=tempi.get(stem),
        )
        for stem, split in sorted(named.items())
    ]
    left_out = [f"{stem}: not in the fault-filtered split" for stem in sorted(files.keys() - named.keys())]
    return assemble("gtzan", tracks, faults, missing=missing, left_out=left_out)


def _audio_folder(folder: Path) -> Path:
    for name in _AUDIO_FOLDERS:
        if any((folder / name / genre).is_dir() for genre in GENRES):
            return folder / name
    looked = ", ".join(f"{name}/blues" for name in _AUDIO_FOLDERS)
    raise DatasetInvalid(f"{folder} is not GTZAN:", [f"there is no folder of a genre; looked for {looked} …"])


def _default(stem: str) -> str:
    return f"{stem.partition('.')[0]}/{stem}.wav"


def _splits(folder: Path, faults: list[str]) -> Iterator[tuple[str, str]]:
    """(track, split) of every line; a track of two splits is a fault."""
    places = {split: next(folder.rglob(name), None) for split, name in SPLIT_FILES.items()}
    if not any(places.values()):
        return
    seen: dict[str, str] = {}
    for split, path in places.items():
        if path is None:
            faults.append(f"there is no {SPLIT_FILES[split]} beside the other files of the split")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            stem = Path(line.strip()).stem
            if not line.strip():
                continue
            if not _NAME.fullmatch(stem):
                faults.append(f"{path.name} line {number}: '{line}'; expected one such as blues/blues.00029.wav")
            elif seen.setdefault(stem, split) != split:
                faults.append(f"{path.name} line {number}: {stem} is in {SPLIT_FILES[seen[stem]]} too")
            else:
                yield stem, split


def _tempi(folder: Path, faults: list[str]) -> Mapping[str, float]:
    """BPM by track, out of files such as ``gtzan_blues_00000.bpm``."""
    found = {}
    for path in sorted(folder.rglob("gtzan_*_*.bpm")):
        try:
            tempo_bpm = parse_tempo(path.read_text(encoding="utf-8").strip())
        except ValueError as error:
            faults.append(f"{path.name}: {error}")
            continue
        if tempo_bpm is not None:
            found[path.stem.removeprefix("gtzan_").replace("_", ".")] = tempo_bpm
    return found
