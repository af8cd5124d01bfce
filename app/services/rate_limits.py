"""How often callers may ask, and how often keys may be guessed."""

import hashlib

from app.errors import RateLimited
from app.ports import Allowance, RateLimiter
from app.services.access import Caller

LOGIN_FAILURES = 10
"""So many wrong keys a minute are taken from one address. Keys cannot be guessed; this keeps the log short."""


class RateLimits:
    """Limits over the counters of a ``RateLimiter``.

    Args:
        limiter: What counts.
        per_minute: Requests of one key; 0 for any number.
    """

    def __init__(self, limiter: RateLimiter, per_minute: int) -> None:
        self._limiter = limiter
        self._per_minute = per_minute

    def take(self, caller: Caller) -> Allowance | None:
        """Count a request of this caller's key; ``None`` where nobody is counted: without keys or a limit."""
        if caller.key_sha256 is None or not self._per_minute:
            return None
        return self._limiter.take(f"key/{caller.key_sha256[:32]}", self._per_minute)

    def check_logins(self, address: str) -> None:
        """Raise ``RateLimited`` where too many wrong keys came from this address."""
        left = self._limiter.look(_of_address(address), LOGIN_FAILURES)
        if not left.granted:
            raise RateLimited(
                f"Too many keys from {address} were wrong. Wait {left.reset_s:.0f} s and give the right one.",
                retry_after_s=left.reset_s,
            )

    def note_wrong_key(self, address: str) -> None:
        """Count a login that failed."""
        self._limiter.take(_of_address(address), LOGIN_FAILURES)


def must_be_granted(allowance: Allowance) -> None:
    """Raise ``RateLimited`` unless the request may go on."""
    if not allowance.granted:
        raise RateLimited(
            f"This key has asked {allowance.limit} times within a minute, which is all that SOUNDKIN_RATE_LIMIT "
            f"allows. Wait {allowance.reset_s:.0f} s, or ask for several things at once (/v1/search/batch).",
            retry_after_s=allowance.reset_s,
        )


def _of_address(address: str) -> str:
    """Hashed, because an address of version 6 holds what separates the parts of a name."""
    return f"login/{hashlib.sha256(address.encode()).hexdigest()[:32]}"
