"""Messages to webhooks, over HTTP: signed, guarded, and never longer than a moment."""

import asyncio
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable

import httpx

from app.adapters.webhook_guard import Address, Guard, Target
from app.errors import InvalidRequest
from app.ports import NotTaken

TIMEOUT_S = 10.0
"""For all of it, once the name was looked up: a receiver that answers by drops does not hold us."""

_REDIRECTS = range(300, 400)


def signature(secret: str, body: bytes, at: int) -> str:
    """Return the header ``X-Soundkin-Signature``: HMAC-SHA256 of "<unix time>.<body>" by the whole secret."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class HttpWebhookSender:
    """Implements ``ports.WebhookSender``.

    Args:
        guard: Whom messages may be sent to.
        tls: How receivers prove who they are; by default as the system trusts.
        timeout_s: For one message.
        clock: Unix time, for signatures.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._guard = guard
        self._tls = tls
        self._timeout_s = timeout_s
        self._clock = clock

    def check(self, url: str) -> None:
        self._guard.check(url)

    def send(self, url: str, body: str, *, secret: str, delivery_id: str) -> NotTaken | None:
        try:
            target = self._guard.target(url)
        except InvalidRequest as error:
            return NotTaken(str(error))
        except OSError as error:
            return NotTaken(f"The host's name cannot be looked up: {error}.", away=True)
        content = body.encode()
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": "soundkin",
            "X-Soundkin-Delivery": delivery_id,
            "X-Soundkin-Signature": signature(secret, content, int(self._clock())),
        }
        return asyncio.run(self._within_time(target, content, headers))

    async def _within_time(self, target: Target, content: bytes, headers: dict[str, str]) -> NotTaken | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(target, content, headers)
        except TimeoutError:
            return NotTaken(f"The receiver did not answer within {self._timeout_s:g} s.", away=True)

    async def _post(self, target: Target, content: bytes, headers: dict[str, str]) -> NotTaken | None:
        """Send to the first address that can be connected to. The body of the answer is never read.

        Connecting shares the time: an address that swallows everything leaves some to the next, and for the answer.
        """
        self._tls = self._tls or httpx.create_ssl_context()
        problem = None
        times = httpx.Timeout(self._timeout_s, connect=self._timeout_s / (len(target.addresses) + 1))
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=times) as client:
            for address in target.addresses:
                try:
                    return await _answer(client, target, address, content, headers)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    problem = NotTaken(f"The receiver cannot be reached: {_text(error)}.", away=True)
                except httpx.HTTPError as error:
                    reason = f"The receiver did not answer: {_text(error)}."
                    return NotTaken(reason, away=isinstance(error, httpx.TimeoutException))
        return problem


def _text(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


async def _answer(
    client: httpx.AsyncClient, target: Target, address: Address, content: bytes, headers: dict[str, str]
) -> NotTaken | None:
    named = {"sni_hostname": target.host}
    request = client.stream(
        "POST", target.url_of(address), content=content, headers=headers, follow_redirects=False, extensions=named
    )
    async with request as response:
        if response.is_success:
            return None
        if response.status_code in _REDIRECTS:
            return NotTaken(
                f"The receiver answered {response.status_code}: redirects are not followed; name their end."
            )
        return NotTaken(f"The receiver answered {response.status_code}.")
