"""Sessions of browsers: a page shows a key once and is known by a cookie from then on."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from app.database import Database
from app.domain import utc_now
from app.errors import Unauthenticated
from app.keys import Session
from app.services.access import AccessService, Caller
from app.services.credentials import Credentials, hash_secret
from app.services.rate_limits import RateLimits

SESSION_LIFE = timedelta(hours=12)
"""A working day, from the moment the key was given; it does not grow longer by use."""


class SessionService:
    """Begins and ends sessions; ``AccessService`` knows who has one."""

    def __init__(
        self,
        database: Database,
        access: AccessService,
        limits: RateLimits,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._access = access
        self._limits = limits
        self._clock = clock

    def holder(self, secret: str, address: str) -> Caller:
        """Return who has this key.

        Raises:
            Unauthenticated: The key is unknown, revoked or expired.
            RateLimited: Too many such came from this address.
        """
        self._limits.check_logins(address)
        try:
            return self._access.holder(secret)
        except Unauthenticated:
            self._limits.note_wrong_key(address)
            raise

    def begin(self, secret: str, holder: Caller, before: Credentials) -> tuple[str, Caller]:
        """Return the token of a new session of a key, and whose it is; the browser's session before ends."""
        token = secrets.token_urlsafe(32)
        ends = [self._clock() + SESSION_LIFE, *filter(None, [holder.expires_at])]
        session = Session(hash_secret(token), hash_secret(secret), min(ends))
        with self._database.transaction() as tx:
            if before.token:
                tx.sessions.remove(hash_secret(before.token))
            tx.sessions.add(session)
        return token, replace(holder, expires_at=session.expires_at)

    def end(self, credentials: Credentials) -> None:
        """End the browser's session, if it has one. Raises ``TokenMismatch`` for a foreign page's wish."""
        if credentials.token is None:
            return
        digest = hash_secret(credentials.token)
        with self._database.transaction() as tx:
            if tx.sessions.find(digest) is not None:
                credentials.must_be_of_our_page()
                tx.sessions.remove(digest)
