"""Forms of scores that can be converted: LilyPond as in the Mutopia project, MusicXML as in OpenScore's Lieder."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.rendering import lilypond
from models.rendering.conversion import Facts
from models.rendering.era import composition_era, working_era
from models.rendering.musicxml import musicxml_to_midi

STYLES: Mapping[str, str] = {
    "avant-garde": "avant-garde",
    "baroque": "baroque",
    "classical": "classical",
    "classique": "classical",
    "folk": "folk",
    "gospel": "gospel",
    "hymn": "hymn",
    "jazz": "jazz",
    "march": "march",
    "modern": "modern",
    "popular / dance": "popular;dance",
    "renaissance": "renaissance",
    "romantic": "romantic",
    "romanticism": "romantic",
    "romantique": "romantic",
    "song": "song",
}
"""Genre by Mutopia's styles; technique is none."""


@dataclass(frozen=True, slots=True)
class LilyPond:
    """Sources with the header fields that the Mutopia project asks for."""

    def sources(self, folder: Path) -> Sequence[str]:
        return [source.as_posix() for source in lilypond.list_sources(folder)]

    def facts(self, folder: Path, source: str) -> Facts:
        header = lilypond.read_header(folder / source)
        return Facts(
            title=header.title,
            composer=header.composer,
            genre=STYLES.get(header.style.lower(), ""),
            era=composition_era(header.date, header.composer),
            licence=header.licence,
        )

    def convert(self, folder: Path, source: str) -> Sequence[bytes]:
        return lilypond.convert(folder, Path(source))


@dataclass(frozen=True, slots=True)
class MusicXML:
    """Files in folders COMPOSER/SET/TITLE, with ``data/composers.tsv`` for the composers' lives, as OpenScore has.

    Attributes:
        genre: Of all of them.
        licence: Of all of them.
    """

    genre: str = ""
    licence: str = ""

    def sources(self, folder: Path) -> Sequence[str]:
        files = (file for suffix in ("mxl", "musicxml", "xml") for file in folder.rglob(f"*.{suffix}"))
        return sorted(file.relative_to(folder).as_posix() for file in files)

    def facts(self, folder: Path, source: str) -> Facts:
        *_, composer, _, title = ("", "", *Path(source).parent.parts)
        row = _composers(folder).get(composer, {})
        lived = row.get("born", ""), row.get("died", "")
        era = working_era(int(lived[0]), int(lived[1])) if all(map(str.isdecimal, lived)) else ""
        return Facts(title.replace("_", " "), composer.replace("_", " "), self.genre, era, self.licence)

    def convert(self, folder: Path, source: str) -> Sequence[bytes]:
        return [musicxml_to_midi(folder / source)]


@lru_cache(maxsize=4)
def _composers(folder: Path) -> Mapping[str, Mapping[str, str]]:
    table = folder / "data" / "composers.tsv"
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        return {row["path"]: row for row in csv.DictReader(file, delimiter="\t")}
