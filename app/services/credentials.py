"""What a request says of its sender."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from app.errors import TokenMismatch, Unauthenticated

SESSION_COOKIE = "soundkin_session"
CSRF_HEADER = "x-csrf-token"

READS = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its sender.

    Attributes:
        secret: The key it brought.
        host: The name under which it addressed us.
        proxied: Whether it came through a proxy, so that a loopback sender proves nothing.
        token: That of a session, which browsers send by themselves; a key counts more.
        csrf: What only our own page knows of the session.
        writes: Whether its method may change something.
    """

    secret: str | None
    host: str
    proxied: bool = False
    token: str | None = None
    csrf: str = ""
    writes: bool = False

    @classmethod
    def read(cls, headers: Mapping[str, str], cookies: Mapping[str, str], method: str) -> Self:
        """Read them from a request; names of headers are in lower case."""
        return cls(
            secret=_bearer(headers.get("authorization")),
            host=headers.get("host", ""),
            proxied="x-forwarded-for" in headers or "forwarded" in headers,
            token=cookies.get(SESSION_COOKIE) or None,
            csrf=headers.get(CSRF_HEADER, ""),
            writes=method not in READS,
        )

    def must_be_of_our_page(self) -> None:
        """Raise ``TokenMismatch`` for a write by cookie that does not know the session's CSRF token."""
        if self.token is None or not self.writes:
            return
        if not hmac.compare_digest(self.csrf.encode(), csrf_token(self.token).encode()):
            raise TokenMismatch(
                "A write with a session's cookie needs the header X-CSRF-Token with the value that GET /v1/session "
                "tells; programs rather send a key as 'Authorization: Bearer sk_…'."
            )


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("The Authorization header has another form than 'Bearer sk_…'.")
    return secret.strip()


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret. Secrets are 256 random bits, so a plain SHA-256 cannot be guessed back.

    Any text has a hash, halves of surrogate pairs too, which JSON may hold: it is a wrong key like any other.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(token: str) -> str:
    """Return what proves that a request knows of the session: derived, so that nothing more has to be stored."""
    return hmac.digest(token.encode(), b"soundkin csrf", "sha256").hex()
