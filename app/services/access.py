"""Who is calling: keys with scopes, each of one library, and sessions of keys; nobody is asked without keys."""

import hmac
import ipaddress
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.database import Database, Transaction
from app.domain import DEFAULT_LIBRARY, new_id, utc_now
from app.errors import ConfigurationError, Conflict, Fault, Forbidden, InvalidRequest, Unauthenticated
from app.keys import ApiKey, Scope
from app.services.credentials import Credentials, hash_secret

_PORT = re.compile(r":\d*$")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and what they may do.

    Attributes:
        library_id: The one library that they see.
        scope: What they may do there.
        key_sha256: Of the key that they brought or that opened their session; ``None`` in the open mode.
        expires_at: When key or session end, where they do.
    """

    library_id: str
    scope: Scope
    key_sha256: str | None = None
    expires_at: datetime | None = None

    def must_have(self, needed: Scope) -> None:
        """Raise ``Forbidden`` unless the caller's scope includes the one needed."""
        if not self.scope.allows(needed):
            raise Forbidden(
                f"This key has the scope '{self.scope}', but the call needs '{needed}'. "
                f"Use a key with that scope (soundkin keys create --scope {needed})."
            )

    @property
    def is_operator(self) -> bool:
        """Whether the caller's library is the default one: that of who runs the service."""
        return self.library_id == DEFAULT_LIBRARY

    def must_be_operator(self) -> None:
        """Raise ``Forbidden`` unless the caller is of those who run the service."""
        if not self.is_operator:
            raise Forbidden(
                "This concerns every library of the service, so it needs a key of the default one "
                "(soundkin keys create, without --library)."
            )


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without port, means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class AccessService:
    """Keys and the decision who may call.

    Args:
        database: Where keys and sessions are kept.
        admin_key: A secret from outside (``SOUNDKIN_ADMIN_KEY``) that is an admin of the default library.
        loopback: Whether the service listens on loopback only: then no keys at all means open to everybody there.
        clock: Tells the time by which keys and sessions end.
    """

    def __init__(
        self,
        database: Database,
        *,
        admin_key: str | None,
        loopback: bool,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._admin_hash = hash_secret(admin_key) if admin_key else None
        self._loopback = loopback
        self._clock = clock

    def authenticate(self, credentials: Credentials) -> Caller:
        """Return who sends this.

        Raises:
            Unauthenticated: No key, or one that is not valid, or a session that is over.
            TokenMismatch: A write by cookie that may come from a foreign page.
            Forbidden: A call in the open mode that may come from elsewhere.
        """
        if credentials.secret is not None:
            return self.holder(credentials.secret)
        visitor = self._visitor(credentials.token) if credentials.token else None
        if visitor is not None:
            credentials.must_be_of_our_page()
            return visitor
        if not self.is_open():
            raise Unauthenticated(
                "This session has ended. Give a key to begin another."
                if credentials.token
                else "This call needs a key: send it as 'Authorization: Bearer sk_…'."
            )
        _must_be_local(credentials)
        return Caller(DEFAULT_LIBRARY, Scope.ADMIN)

    def holder(self, secret: str) -> Caller:
        """Return who has this key. Raises ``Unauthenticated`` where it is unknown, revoked or expired."""
        with self._database.transaction(read_only=True) as tx:
            found = self._of_key(tx, hash_secret(secret))
        if found is None:
            raise Unauthenticated("This key is not known here, or was revoked. Ask an admin for a new one.")
        if self._is_over(found.expires_at):
            raise Unauthenticated(
                f"This key expired on {found.expires_at:%Y-%m-%d %H:%M} UTC. Ask an admin for a new one."
            )
        return found

    def _visitor(self, token: str) -> Caller | None:
        """Return whose session this is: while it lasts, and its key is still there and lasts too."""
        with self._database.transaction(read_only=True) as tx:
            session = tx.sessions.find(hash_secret(token))
            found = self._of_key(tx, session.key_sha256) if session else None
        if session is None or found is None or self._is_over(session.expires_at) or self._is_over(found.expires_at):
            return None
        return replace(found, expires_at=session.expires_at)

    def _of_key(self, tx: Transaction, digest: str) -> Caller | None:
        if self._admin_hash and hmac.compare_digest(digest, self._admin_hash):
            return Caller(DEFAULT_LIBRARY, Scope.ADMIN, digest)
        key = tx.catalogue.key_by_hash(digest)
        return Caller(key.library_id, key.scope, digest, key.expires_at) if key else None

    def _is_over(self, expires_at: datetime | None) -> bool:
        return expires_at is not None and expires_at <= self._clock()

    def is_open(self) -> bool:
        """Whether calls without a key are allowed: on loopback, as long as there is no key of any kind.

        A key that has expired is still one: the last one's end must not open the service to everybody.
        """
        return self._loopback and self._admin_hash is None and self._count_keys() == 0

    def nobody_gets_in(self) -> bool:
        """Whether calls need a key, and none that is left is valid any more."""
        if self._admin_hash or self.is_open():
            return False
        with self._database.transaction(read_only=True) as tx:
            ends = [key.expires_at for library in tx.catalogue.libraries() for key in tx.catalogue.keys(library.id)]
        return all(self._is_over(end) for end in ends)

    def check_bind(self, host: str) -> None:
        """Raise ``ConfigurationError`` if listening there would leave the service open to strangers."""
        if self._loopback or self._admin_hash or self._count_keys():
            return
        raise ConfigurationError(
            f"SOUNDKIN_HOST={host} is not a loopback address and there is no key yet, so anybody could read and "
            "delete the catalogue. Create a key first (soundkin keys create admin --scope admin), set "
            "SOUNDKIN_ADMIN_KEY, or listen on 127.0.0.1."
        )

    def create_key(
        self, library_id: str, name: str, scope: Scope, expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key; its secret is returned this once and stored hashed only.

        Raises:
            InvalidRequest: It would have expired already.
        """
        if self._is_over(expires_at):
            message = f"{expires_at:%Y-%m-%d %H:%M %Z} is over already: name a time to come, or none"
            raise InvalidRequest(f"body.expires_at: {message}", [Fault("body.expires_at", message)])
        ends = expires_at.astimezone(UTC) if expires_at else None
        secret = f"sk_{secrets.token_urlsafe(32)}"
        key = ApiKey(new_id(), library_id, name, scope, hash_secret(secret), expires_at=ends)
        with self._database.transaction() as tx:
            tx.catalogue.add_key(key)
        return key, secret

    def keys(self, library_id: str) -> Sequence[ApiKey]:
        """Return the library's keys, those that have expired too."""
        with self._database.transaction(read_only=True) as tx:
            return tx.catalogue.keys(library_id)

    def revoke(self, library_id: str, key_id: str, *, also_the_last: bool = False) -> None:
        """Remove a key, and with it its sessions.

        Raises:
            NotFound: There is none of this id.
            Conflict: It is the last one, and its end would open the service.
        """
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
