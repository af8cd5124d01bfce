"""Access keys, what they allow, and the sessions that they open."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain import utc_now


class Scope(StrEnum):
    """What a key allows; each scope includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Whether a key of this scope may do what ``needed`` asks for."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An access key; only the hash of its secret is stored. ``expires_at`` is ``None`` for one that never does."""

    id: str
    library_id: str
    name: str
    scope: Scope
    secret_sha256: str
    created_at: datetime = field(default_factory=utc_now)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that was shown a key. It may what the key may, for as long as the key may it."""

    token_sha256: str
    key_sha256: str
    expires_at: datetime
