"""From tracks that were read to a dataset whose files are there."""

from collections.abc import Iterable, Sequence

from models.datasets.files import Missing, file_fault
from models.datasets.track import Dataset, LabelledTrack
from models.errors import DatasetInvalid


def assemble(
    name: str,
    tracks: Iterable[LabelledTrack],
    faults: Sequence[str] = (),
    *,
    missing: Missing,
    left_out: Sequence[str] = (),
) -> Dataset:
    """Look for every file.

    Args:
        name: Of the dataset.
        tracks: What its lists name.
        faults: What was wrong with the lists.
        missing: What becomes of tracks without a usable file.
        left_out: What the dataset does not want among its tracks, with the reasons.

    Raises:
        DatasetInvalid: There are faults, or there is no track that can be used.
    """
    listed = list(tracks)
    unusable = {track.id: fault for track in listed if (fault := file_fault(track.path))}
    named = [f"{id_}: {fault}" for id_, fault in unusable.items()]
    usable = tuple(track for track in listed if track.id not in unusable)
    found = [*faults, *(named if missing == "refuse" or not usable else ())]
    if not usable and not found:
        found = ["no track is listed"]
    if found:
        raise DatasetInvalid(f"{name} has {count_of(found)}:", found)
    return Dataset(name, usable, (*left_out, *named))


def count_of(faults: Sequence[str]) -> str:
    """Such as ``1 fault`` and ``7 faults``."""
    return f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
