"""What a rendered corpus is made with, and which excerpts stand on which side of its split."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from models.rendering.treatment import Treatment

VERSION = 1
"""Raised whenever the same settings would give other sound or labels."""

TRAIN_SHARE = 0.7
VALIDATION_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Of a corpus.

    Attributes:
        out: Its folder.
        fonts: SoundFonts for every split, never empty.
        held_out: SoundFont that sounds in test excerpts only, in half of them; ``None`` for none.
        seed: Of everything drawn.
        takes: Excerpts of each piece.
        duration_s: Of an excerpt.
    """

    out: Path
    fonts: tuple[Path, ...]
    held_out: Path | None = None
    seed: int = 0
    takes: int = 4
    duration_s: float = 25.0

    @property
    def all_fonts(self) -> tuple[Path, ...]:
        """With the one that is held out."""
        return (*self.fonts, *([self.held_out] if self.held_out else []))

    def split(self, origin: str) -> str:
        """The side of the split that an origin stands on, by its name alone."""
        digest = sha256(f"{self.seed}\nsplit\n{origin}".encode()).digest()
        share = int.from_bytes(digest[:8]) / 2**64
        if share < TRAIN_SHARE:
            return "train"
        return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"

    def font(self, treatment: Treatment, split: str) -> Path:
        """The SoundFont of an excerpt."""
        if split == "test" and treatment.unseen_font and self.held_out is not None:
            return self.held_out
        return self.fonts[int(treatment.font * len(self.fonts))]

    def statement(self) -> dict[str, object]:
        """What decides how a piece sounds, SoundFonts by name and content; their order counts."""
        return {
            "version": VERSION,
            "seed": self.seed,
            "takes": self.takes,
            "duration_s": self.duration_s,
            "soundfonts": _digests(self.fonts),
            "held_out": _digests([self.held_out] if self.held_out else []),
        }


def _digests(fonts: Sequence[Path]) -> list[list[str]]:
    found = []
    for font in fonts:
        with font.open("rb") as file:
            found.append([font.stem, file_digest(file, "sha256").hexdigest()])
    return found
