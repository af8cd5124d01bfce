"""Sources of scores by how they are named on a command line."""

import re
from collections.abc import Sequence
from pathlib import Path

from models.errors import DatasetInvalid
from models.rendering.collection import ScoreSource
from models.rendering.score_folder import ScoreFolder

FORM = "NAME=FOLDER"


def open_sources(texts: Sequence[str]) -> list[ScoreSource]:
    """The sources that texts of the form NAME=FOLDER name: folders of MIDI files.

    Raises:
        DatasetInvalid: Names that are none or come twice, folders that are not there, sources without pieces; every
            one named.
    """
    faults = [fault for text in texts if (fault := _fault(text))]
    names = [text.partition("=")[0] for text in texts]
    faults += [f"two sources are named {name}" for name in sorted(set(names)) if names.count(name) > 1]
    if faults:
        raise DatasetInvalid("The sources cannot be used:", faults)
    sources = [_opened(text) for text in texts]
    empty = [f"{source.name}: no pieces were found" for source in sources if not source.pieces()]
    if empty:
        raise DatasetInvalid("Sources are empty:", empty)
    return sources


def _fault(text: str) -> str:
    name, _, folder = text.partition("=")
    if not re.fullmatch(r"[\w-]+", name) or not folder:
        return f"{text}: expected {FORM}, with letters, digits and hyphens in the name"
    return "" if Path(folder).is_dir() else f"{text}: there is no folder {folder}"


def _opened(text: str) -> ScoreSource:
    name, _, folder = text.partition("=")
    return ScoreFolder(name, Path(folder))
