"""Who is calling: bearer keys with scopes, each of one library; nobody is asked on loopback without keys."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from app.database import Database
from app.domain import DEFAULT_LIBRARY, ApiKey, Scope, new_id
from app.errors import ConfigurationError, Conflict, Forbidden, Unauthenticated

_PORT = re.compile(r":\d*$")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and what they may do. ``key_id`` is ``None`` for the open mode and the key from outside."""

    library_id: str
    scope: Scope
    key_id: str | None = None

    def must_have(self, needed: Scope) -> None:
        """Raise ``Forbidden`` unless the caller's scope includes the one needed."""
        if not self.scope.allows(needed):
            raise Forbidden(
                f"This key has the scope '{self.scope}', but the call needs '{needed}'. "
                f"Use a key with that scope (soundkin keys create --scope {needed})."
            )


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its sender.

    Attributes:
        secret: The key it brought.
        host: The name under which it addressed us.
        proxied: Whether it came through a proxy, so that a loopback sender proves nothing.
    """

    secret: str | None
    host: str
    proxied: bool = False

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """Read them from a request's headers, whose names are in lower case."""
        return cls(
            secret=_bearer(headers.get("authorization")),
            host=headers.get("host", ""),
            proxied="x-forwarded-for" in headers or "forwarded" in headers,
        )


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("The Authorization header has another form than 'Bearer sk_…'.")
    return secret.strip()


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without port, means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret. Secrets are 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


class AccessService:
    """Keys and the decision who may call.

    Args:
        database: Where keys are kept.
        admin_key: A secret from outside (``SOUNDKIN_ADMIN_KEY``) that is an admin of the default library.
        loopback: Whether the service listens on loopback only: then no keys at all means open to everybody there.
    """

    def __init__(self, database: Database, *, admin_key: str | None, loopback: bool) -> None:
        self._database = database
        self._admin_hash = hash_secret(admin_key) if admin_key else None
        self._loopback = loopback

    def authenticate(self, credentials: Credentials) -> Caller:
        """Return who sends this. Raises ``Unauthenticated``, or ``Forbidden`` for a disguised open call."""
        if credentials.secret is not None:
            return self._holder(credentials.secret)
        if not self.is_open():
            raise Unauthenticated("This call needs a key: send it as 'Authorization: Bearer sk_…'.")
        _must_be_local(credentials)
        return Caller(DEFAULT_LIBRARY, Scope.ADMIN)

    def _holder(self, secret: str) -> Caller:
        digest = hash_secret(secret)
        if self._admin_hash and hmac.compare_digest(digest, self._admin_hash):
            return Caller(DEFAULT_LIBRARY, Scope.ADMIN)
        with self._database.transaction(read_only=True) as tx:
            key = tx.catalogue.key_by_hash(digest)
        if key is None:
            raise Unauthenticated("This key is not known here, or was revoked. Ask an admin for a new one.")
        return Caller(key.library_id, key.scope, key.id)

    def is_open(self) -> bool:
        """Whether calls without a key are allowed: on loopback, as long as there is no key of any kind."""
        return self._loopback and self._admin_hash is None and self._count_keys() == 0

    def check_bind(self, host: str) -> None:
        """Raise ``ConfigurationError`` if listening there would leave the service open to strangers."""
        if self._loopback or self._admin_hash or self._count_keys():
            return
        raise ConfigurationError(
            f"SOUNDKIN_HOST={host} is not a loopback address and there is no key yet, so anybody could read and "
            "delete the catalogue. Create a key first (soundkin keys create admin --scope admin), set "
            "SOUNDKIN_ADMIN_KEY, or listen on 127.0.0.1."
        )

    def create_key(self, library_id: str, name: str, scope: Scope) -> tuple[ApiKey, str]:
        """Make a key; its secret is returned this once and stored hashed only."""
        secret = f"sk_{secrets.token_urlsafe(32)}"
        key = ApiKey(new_id(), library_id, name, scope, hash_secret(secret))
        with self._database.transaction() as tx:
            tx.catalogue.add_key(key)
        return key, secret

    def keys(self, library_id: str) -> Sequence[ApiKey]:
        """Return the library's keys."""
        with self._database.transaction(read_only=True) as tx:
            return tx.catalogue.keys(library_id)

    def revoke(self, library_id: str, key_id: str, *, also_the_last: bool = False) -> None:
        """Remove a key. Raises ``NotFound``, or ``Conflict`` for the last one, which would open the service."""
        with self._database.transaction() as tx:
            tx.catalogue.delete_key(library_id, key_id)
            if tx.catalogue.count_keys() == 0 and self._admin_hash is None and not also_the_last:
                raise Conflict(
                    "This is the last key: without any the service would be open to everybody on this machine. "
                    "Create another first, or revoke it on the command line (soundkin keys revoke)."
                )

    def _count_keys(self) -> int:
        with self._database.transaction(read_only=True) as tx:
            return tx.catalogue.count_keys()


def _must_be_local(credentials: Credentials) -> None:
    """Keep the open mode to this machine: no proxies, and no foreign names that were bound to 127.0.0.1."""
    if credentials.proxied:
        raise Forbidden(
            "This call came through a proxy, but the service has no keys and is open to this machine only. "
            "Create a key first (soundkin keys create admin --scope admin)."
        )
    if not is_loopback(_PORT.sub("", credentials.host)):
        raise Forbidden(
            f"The service is open to this machine only, but was addressed as '{credentials.host}'. "
            "Use http://127.0.0.1 or http://localhost, or create a key first (soundkin keys create)."
        )
