"""Weightings in memory."""

from collections.abc import Sequence
from dataclasses import replace

from app.adapters.memory_state import MemoryState
from app.adapters.storable import storable_text
from app.errors import Conflict, NotFound
from app.weightings import Weighting


class MemoryWeightings:
    """Implements ``weightings.Weightings``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def add(self, weighting: Weighting) -> None:
        stored = replace(weighting, name=storable_text(weighting.name))
        if any(other.name == stored.name and other.id != stored.id for other in self.all(stored.library_id)):
            raise name_taken(stored)
        self._state.weightings[stored.id] = stored

    def all(self, library_id: str) -> Sequence[Weighting]:
        own = [each for each in self._state.weightings.values() if each.library_id == library_id]
        return sorted(own, key=lambda each: each.name)

    def weighting(self, library_id: str, weighting_id: str) -> Weighting:
        found = self._state.weightings.get(weighting_id)
        if found is None or found.library_id != library_id:
            raise weighting_not_found(weighting_id)
        return found

    def save(self, weighting: Weighting) -> None:
        known = self.weighting(weighting.library_id, weighting.id)
        self.add(replace(weighting, created_at=known.created_at))

    def delete(self, library_id: str, weighting_id: str) -> None:
        self.weighting(library_id, weighting_id)
        del self._state.weightings[weighting_id]


def name_taken(weighting: Weighting) -> Conflict:
    """Return the error for a name that the library has."""
    return Conflict(
        f"There is a weighting {weighting.name!r:.210} already: take another name, or change that one (PUT)."
    )


def weighting_not_found(weighting_id: str) -> NotFound:
    """Return the error for an id that the library does not have."""
    return NotFound(f"There is no weighting {weighting_id!r:.80} in this library.")
