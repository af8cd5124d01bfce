"""What rendering uses of Debian's packages: SoundFonts and MMA, which runs as a program and is no part of Soundkin.

They are read out of the packages into one folder, a sub-folder for each package, and nothing is installed.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from fnmatch import fnmatch
from pathlib import Path

from models.datasets.packages import check_tools, download, unpack
from models.errors import ToolMissing


@dataclass(frozen=True, slots=True)
class Tool:
    """A program or SoundFont of a Debian package.

    Attributes:
        package: The package's name, and the folder below that of the tools.
        path: In the package.
        source_name: How the copyright file calls it, where it does not stand for the whole.
    """

    package: str
    path: str
    source_name: str = ""

    def place(self, tools: Path) -> Path:
        """Where it lies below the folder of the tools."""
        return tools / self.package / self.path


MMA = Tool("mma", "usr/bin/mma")
SOUNDFONTS = (
    Tool("timgm6mb-soundfont", "usr/share/sounds/sf2/TimGM6mb.sf2", "TimGM6mb.sf2"),
    Tool("csound-soundfont", "usr/share/sounds/sf2/sf_GMbank.sf2", "samples/sf_GMbank.sf2"),
    Tool("opl3-soundfont", "usr/share/sounds/sf2/OPL-3_FM_128M.sf2", "OPL-3_FM_128M.sf2"),
    Tool("fluid-soundfont-gm", "usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Tool("musescore-general-soundfont-small", "usr/share/sounds/sf3/MuseScore_General_Lite.sf3"),
)
"""General MIDI banks; the last two share samples, so that only one of them is of use where one is held out."""


def fetch_tools(tools: Path) -> Iterator[Tool]:
    """Bring all of them below a folder, one by one; what is there already stays.

    Raises:
        ToolMissing: There is no apt.
        PackageUnavailable: A package cannot be downloaded or read.
    """
    check_tools()
    tools.mkdir(parents=True, exist_ok=True)
    for tool in (MMA, *SOUNDFONTS):
        if not (tools / tool.package).is_dir():
            _fetch(tool, tools)
        yield tool


def _fetch(tool: Tool, tools: Path) -> None:
    with tempfile.TemporaryDirectory(dir=tools, prefix=".download-") as place:
        unpacked = Path(place) / "unpacked"
        unpack(download(tool.package, Path(place)), unpacked)
        unpacked.rename(tools / tool.package)


def require(tool: Tool, tools: Path) -> Path:
    """Where a tool lies.

    Raises:
        ToolMissing: It is not there.
    """
    place = tool.place(tools)
    if not place.is_file():
        raise ToolMissing(f"{place} is not there: fetch it with `python -m models corpus tools {tools}`")
    return place


def stated_licence(tool: Tool, tools: Path) -> str:
    """Licence that the package's copyright file states, or where to read it, if only a text does."""
    file = tools / tool.package / "usr/share/doc" / tool.package / "copyright"
    name = tool.source_name or tool.path
    licence = ""
    for paragraph in file.read_text(encoding="utf-8").split("\n\n"):
        fields = message_from_string(paragraph)  # of the same form as mail headers
        if any(fnmatch(name, pattern) for pattern in (fields["Files"] or "").split()):
            licence = (fields["License"] or "").split("\n")[0]  # the last paragraph that fits is the one that holds
    return licence or f"see {file}"
