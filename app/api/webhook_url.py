"""Addresses of webhooks as callers may send them; whom we may tell is decided when we do."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

MAX_URL = 2000

_SCHEMES = ("https", "http")


def checked_url(text: str) -> str:
    """Return an address that can be called. Raises ``ValueError`` for one that cannot, or that holds a password."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from error
    if parts.scheme not in _SCHEMES or not host:
        raise ValueError("is not an address such as https://example.org/hook")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; messages are signed instead, with the webhook's secret")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds characters that an address cannot have; write them with %")
    return text


WebhookUrl = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=MAX_URL), AfterValidator(checked_url)
]
