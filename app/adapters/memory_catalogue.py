"""The catalogue in memory: tracks and encoders, and here libraries and access keys."""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.adapters.memory_encoders import MemoryEncoders
from app.adapters.memory_state import MemoryState
from app.adapters.memory_tracks import MemoryTracks
from app.domain import Library
from app.errors import Conflict, NotFound
from app.keys import ApiKey


class MemoryCatalogue(MemoryTracks, MemoryEncoders):
    """Implements ``ports.Catalogue``."""

    def __init__(self, state: MemoryState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock

    def add_library(self, new: Library) -> None:
        if any(new.id == known.id or new.name == known.name for known in self._state.libraries.values()):
            raise Conflict(f"There is a library named {new.name!r} or with its id: choose another name.")
        self._state.libraries[new.id] = new

    def libraries(self) -> Sequence[Library]:
        return sorted(self._state.libraries.values(), key=lambda library: library.name)

    def add_key(self, key: ApiKey) -> None:
        if key.id in self._state.keys or self.key_by_hash(key.secret_sha256) is not None:
            raise Conflict("There is a key with this secret or id already: make a new secret.")
        self._state.keys[key.id] = key

    def keys(self, library_id: str) -> Sequence[ApiKey]:
        found = [key for key in self._state.keys.values() if key.library_id == library_id]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    def key_by_hash(self, secret_sha256: str) -> ApiKey | None:
        return next((key for key in self._state.keys.values() if key.secret_sha256 == secret_sha256), None)

    def count_keys(self) -> int:
        return len(self._state.keys)

    def delete_key(self, library_id: str, key_id: str) -> None:
        key = self._state.keys.get(key_id)
        if key is None or key.library_id != library_id:
            raise NotFound(f"There is no key {key_id!r:.80} in this library.")
        del self._state.keys[key_id]
