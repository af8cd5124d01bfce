"""One way to open whatever holds tracks."""

from pathlib import Path

from models.datasets.files import Missing
from models.datasets.folder import read_folder
from models.datasets.manifest import read_manifest
from models.datasets.track import Dataset


def open_dataset(
    what: str, audio: Path | None = None, *, accept_labels: bool = False, missing: Missing = "refuse"
) -> Dataset:
    """Open a CSV manifest or a folder of music.

    Args:
        what: Path of the manifest or folder.
        audio: The folder that a manifest's paths start from; default: the manifest's.
        accept_labels: Tags of a manifest that look misspelt are no faults.
        missing: What becomes of tracks without a usable file; ``Dataset.left_out`` names them.

    Raises:
        DatasetInvalid: With every fault.
    """
    path = Path(what)
    if path.is_dir():
        return read_folder(path, missing=missing)
    return read_manifest(path, audio, accept_labels=accept_labels, missing=missing)
