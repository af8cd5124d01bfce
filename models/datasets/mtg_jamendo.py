"""MTG-Jamendo: 55 000 Creative Commons tracks with the tags of their uploaders (Bogdanov et al., 2019).

Read without mirdata, which has but one of its five subsets and needs a list of files that has to be downloaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from models.datasets.assembly import assemble
from models.datasets.files import Missing, path_below
from models.datasets.table import Fault, read_lines, sentences
from models.datasets.track import SPLITS, Dataset, LabelledTrack
from models.errors import DatasetInvalid

DIMENSIONS = {"genre": "genre", "instrument": "instrument", "mood/theme": "mood"}
HEADER = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")

_LISTS = ("data/autotagging.tsv", "autotagging.tsv")
_AUDIO_FOLDERS = ("audio", "audios", "raw_30s/audio")


def read_mtg_jamendo(
    place: Path, audio: Path | None = None, *, missing: Missing = "refuse", split: int = 0
) -> Dataset:
    """Read MTG-Jamendo.

    Args:
        place: A list such as ``data/autotagging_moodtheme.tsv``, or the folder that holds ``data/autotagging.tsv``.
        audio: Holds ``42/917542.mp3`` or ``42/917542.low.mp3``; default: ``audio`` or ``audios`` in the folder.
        missing: What becomes of tracks without a usable file.
        split: Which of the five published splits, 0 to 4, where ``splits/split-0`` … lie beside the list; without
            them tracks have no split.

    Raises:
        DatasetInvalid: With every fault.
    """
    listing = (
        place if place.is_file() else next((place / name for name in _LISTS if (place / name).is_file()), None)
    )
    if listing is None:
        raise DatasetInvalid(f"{place} is not MTG-Jamendo:", [f"there is none of {', '.join(_LISTS)}"])
    root = listing.parent.parent if listing.parent.name == "data" else listing.parent
    found: list[Fault] = []
    faults: list[str] = []
    folder = audio or next((root / name for name in _AUDIO_FOLDERS if (root / name).is_dir()), root)
    splits = _splits(listing, split, faults)
    tracks = list(_tracks(listing, folder, splits, found))
    faults += [f"{listing.name} {fault}" for fault in sentences(found)]
    return assemble(f"mtg-jamendo {listing.stem}", tracks, faults, missing=missing)


def _tracks(listing: Path, audio: Path, splits: Mapping[str, str], faults: list[Fault]) -> Iterator[LabelledTrack]:
    lines = read_lines(listing, "\t", faults)
    line, header = next(lines, (1, ()))
    if tuple(header) != HEADER:
        faults.append((line, f"the header is {' '.join(header)}; expected {' '.join(HEADER)}"))
        return
    for line, fields in lines:
        try:
            yield _track(fields, audio, splits)
        except ValueError as error:
            faults.append((line, str(error)))


def _track(fields: Sequence[str], audio: Path, splits: Mapping[str, str]) -> LabelledTrack:
    if len(fields) < len(HEADER) - 1:
        raise ValueError(f"{len(fields)} fields; expected {len(HEADER) - 1} and the tags, separated by tabs")
    track, artist, album, place, duration_s, *tags = fields
    path = path_below(audio, place)
    low = path.with_suffix(f".low{path.suffix}")
    return LabelledTrack(
        id=place,
        path=low if low.is_file() and not path.is_file() else path,
        artist=artist,
        album=album,
        split=splits.get(track, ""),
        tags=_by_dimension(tags),
        attributes={"track_id": track, "duration_s": duration_s},
    )


def _by_dimension(tags: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for tag in filter(None, tags):
        category, mark, name = tag.partition("---")
        if not mark or not name or category not in DIMENSIONS:
            raise ValueError(f"tag '{tag}'; expected {', '.join(f'{known}---…' for known in DIMENSIONS)}")
        found.setdefault(DIMENSIONS[category], set()).add(name)
    return {dimension: frozenset(names) for dimension, names in found.items()}


def _splits(listing: Path, number: int, faults: list[str]) -> dict[str, str]:
    """Split by TRACK_ID; empty where there is no folder of this split."""
    folder = listing.parent / "splits" / f"split-{number}"
    found: dict[str, str] = {}
    for split in SPLITS if folder.is_dir() else ():
        path = folder / f"{listing.stem}-{split}.tsv"
        if not path.is_file():
            faults.append(f"there is no {path.name} in {folder}")
            continue
        broken: list[Fault] = []
        for line, fields in read_lines(path, "\t", broken):
            if line > 1 and found.setdefault(fields[0], split) != split:
                broken.append((line, f"{fields[0]} is in {found[fields[0]]} too"))
        faults += [f"{path.name} {fault}" for fault in sentences(broken)]
    return found
