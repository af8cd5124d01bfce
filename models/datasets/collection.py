"""One way to open whatever holds tracks, and to split it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.datasets.duplicates import groups
from models.datasets.files import Missing
from models.datasets.folder import read_folder
from models.datasets.gtzan import read_gtzan
from models.datasets.magnatagatune import read_magnatagatune
from models.datasets.manifest import read_manifest
from models.datasets.mtg_jamendo import read_mtg_jamendo
from models.datasets.track import SPLITS, Dataset, LabelledTrack
from models.errors import DatasetInvalid

SHARES = (0.5, 0.25, 0.25)
"""Of training, validation and test (Devaux, section 4)."""


def open_dataset(
    what: str, audio: Path | None = None, *, accept_labels: bool = False, missing: Missing = "refuse"
) -> Dataset:
    """Open a collection of any form.

    Args:
        what: A CSV manifest, a folder of music, or ``gtzan:FOLDER``, ``magnatagatune:FOLDER``,
            ``mtg-jamendo:FOLDER`` (or a list of that dataset in place of its folder).
        audio: The folder that a manifest's paths start from; default: the manifest's. Likewise for MTG-Jamendo.
        accept_labels: Tags of a manifest that look misspelt are no faults.
        missing: What becomes of tracks without a usable file; ``Dataset.left_out`` names those that are skipped.

    Raises:
        DatasetInvalid: With every fault.
    """
    kind, _, place = what.partition(":")
    match kind:
        case "gtzan" if place:
            return read_gtzan(Path(place), missing=missing)
        case "magnatagatune" if place:
            return read_magnatagatune(Path(place), missing=missing)
        case "mtg-jamendo" if place:
            return read_mtg_jamendo(Path(place), audio, missing=missing)
    if Path(what).is_dir():
        return read_folder(Path(what), missing=missing)
    return read_manifest(Path(what), audio, accept_labels=accept_labels, missing=missing)


def split_by_origin(dataset: Dataset, seed: int, shares: Sequence[float] = SHARES) -> Dataset:
    """Give a split to tracks that have none.

    Tracks of one origin or one artist, and near duplicates, come on one side. So the sizes are but near the shares:
    each is off by less than two of the largest such group. Where some of a group has a split, all of it gets it.

    Args:
        dataset: Whose tracks may have splits already; those stay.
        seed: Chooses among groups.
        shares: Of SPLITS; they sum to 1.

    Raises:
        DatasetInvalid: Tracks without a split belong to tracks that stand on two sides.
    """
    faults: list[str] = []
    sizes = dict.fromkeys(SPLITS, 0)
    chosen: dict[str, str] = {}
    loose = []
    for group in _groups(dataset):
        sides = sorted({track.split for track in group if track.split})
        if len(sides) > 1 and not all(track.split for track in group):
            faults.append(f"{group[0].id} and {len(group) - 1} more belong together, but are in {', '.join(sides)}")
        elif not sides:
            loose.append(group)
        for track in group if sides else ():
            chosen[track.id] = track.split or sides[0]
            sizes[chosen[track.id]] += 1
    if faults:
        raise DatasetInvalid(f"{dataset.name} cannot be split:", faults)
    order = np.random.default_rng(seed).permutation(len(loose))
    for group in sorted((loose[place] for place in order), key=len, reverse=True):
        side = max(SPLITS, key=lambda split: shares[SPLITS.index(split)] * len(dataset) - sizes[split])
        sizes[side] += len(group)
        chosen.update((track.id, side) for track in group)
    return replace(dataset, tracks=tuple(replace(track, split=chosen[track.id]) for track in dataset.tracks))


def _groups(dataset: Dataset) -> list[list[LabelledTrack]]:
    """What must stand on one side, in the order of first tracks."""
    pairs = []
    for track in dataset.tracks:
        own = f"track {track.id}"
        pairs += [(own, own), (own, f"origin {track.origin}")]
        pairs += [(own, f"artist {track.artist}")] if track.artist else []
        pairs += [(own, f"track {other}") for other in track.duplicates]
    linked = groups(pairs)
    found: dict[frozenset[str], list[LabelledTrack]] = {}
    for track in dataset.tracks:
        found.setdefault(linked[f"track {track.id}"], []).append(track)
    return list(found.values())
