"""Sessions of browsers in memory."""

from datetime import datetime

from app.adapters.memory_state import MemoryState
from app.keys import Session


class MemorySessions:
    """Implements ``ports.Sessions``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def add(self, session: Session) -> None:
        self._state.sessions[session.token_sha256] = session

    def find(self, token_sha256: str) -> Session | None:
        return self._state.sessions.get(token_sha256)

    def remove(self, token_sha256: str) -> None:
        self._state.sessions.pop(token_sha256, None)

    def remove_expired(self, now: datetime) -> int:
        over = [token for token, session in self._state.sessions.items() if session.expires_at <= now]
        for token in over:
            del self._state.sessions[token]
        return len(over)
