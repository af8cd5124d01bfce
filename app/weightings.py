"""Weightings that people keep under a name, to search with again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.domain import utc_now


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights of spaces under a name.

    Attributes:
        id: UUIDv7.
        library_id: Whose weighting.
        name: Unique in its library.
        encoder: By name, whose spaces are meant where a name of a space does not say.
        weights: By space, as a term of a search takes them.
        created_at: When it was made.
    """

    id: str
    library_id: str
    name: str
    encoder: str
    weights: Mapping[str, float]
    created_at: datetime = field(default_factory=utc_now)


class Weightings(Protocol):
    """Weightings, within one transaction."""

    def add(self, weighting: Weighting) -> None:
        """Store a new one. Raises ``Conflict`` if the library has one of that name."""

    def all(self, library_id: str) -> Sequence[Weighting]:
        """Return those of a library, by name in order of code points."""

    def weighting(self, library_id: str, weighting_id: str) -> Weighting:
        """Return one. Raises ``NotFound``, also for text that is not an id."""

    def save(self, weighting: Weighting) -> None:
        """Replace name, encoder and weights of what has its id. Raises ``NotFound`` or ``Conflict``, as above."""

    def delete(self, library_id: str, weighting_id: str) -> None:
        """Remove one. Raises ``NotFound``."""
