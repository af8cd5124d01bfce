"""How long to wait before the next attempt, and when to give up."""

import time
from http import HTTPStatus

import httpx

from app.client.errors import ServiceAway

PATIENCE_S = 120.0
"""How long a service that stopped answering is waited for: time enough to start it again."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

_BUSY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Patience:
    """That of one call.

    Args:
        url: Of the service, for people.
        repeatable: Whether it does no harm to send the call again when its answer was lost.
    """

    def __init__(self, url: str, *, repeatable: bool) -> None:
        self._url = url
        self._repeatable = repeatable
        self._away_since: float | None = None
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """Return the seconds until the next attempt; ``None`` for an answer that will not change by itself.

        Raises:
            ServiceAway: The service has been away for too long, or the call may have been heard and is not to be
                sent twice.
        """
        if isinstance(outcome, httpx.TransportError):
            reason = away(self._url, outcome)
            if not self._repeatable and not isinstance(outcome, _NEVER_SENT):
                raise reason
            return self._while_away(reason)
        if outcome.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._away_since = None  # a service with a full queue works, so there is no limit
            return _retry_after_s(outcome)
        if outcome.status_code in _BUSY:
            return self._while_away(ServiceAway(detail(outcome)))
        return None

    def _while_away(self, reason: ServiceAway) -> float:
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since >= PATIENCE_S:
            raise reason
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s


def away(url: str, error: httpx.TransportError) -> ServiceAway:
    """Say that nothing answers, and what to do."""
    reason = str(error) or type(error).__name__
    return ServiceAway(
        f"Nothing answers at {url} ({reason}). Start the service with `make run`, "
        "or name the place where it runs with --url or SOUNDKIN_URL."
    )


def detail(response: httpx.Response) -> str:
    """Return what the problem says, or for something that is not our service at least its status."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answered {response.status_code} {response.reason_phrase}."


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return max(FIRST_PAUSE_S, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return LONGEST_PAUSE_S
