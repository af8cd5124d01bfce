"""Whom messages may be sent to: hosts that an operator allows, at addresses that are not of this network.

A name is resolved once, and what was checked is what is connected to: a name that points elsewhere a moment later
(DNS rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from app.errors import Fault, InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""From a name and a port to addresses. Raises ``OSError``."""

PORTS = {"https": 443, "http": 80}

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

PLACE = "body.webhook.url"


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system. Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send a message: the address to connect to, and the name that the receiver goes by."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: Sequence[Address]

    @property
    def authority(self) -> str:
        """The name, with the port where it is not the usual one, as the header Host has it."""
        return _authority(self.host, self.port, self.scheme)

    def url_of(self, address: Address) -> str:
        """Return the URL with an address in the place of the name."""
        return f"{self.scheme}://{_authority(str(address), self.port, self.scheme)}{self.path}"


def _authority(host: str, port: int, scheme: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == PORTS[scheme] else f"{name}:{port}"


@dataclass(frozen=True, slots=True)
class Guard:
    """What an operator allows.

    Attributes:
        hosts: Names, ``*.example.org`` for every name below one, each with ``:port`` where another than the usual
            one is meant.
        private: Whether addresses of this machine and network, and plain http, are allowed too.
        resolver: Looks names up.
    """

    hosts: Sequence[str]
    private: bool = False
    resolver: Resolver = resolve

    def check(self, url: str) -> None:
        """Raise ``InvalidRequest`` for what is not allowed; a name that cannot be looked up now may be later."""
        try:
            self.target(url)
        except OSError:
            return

    def target(self, url: str) -> Target:
        """Return where to connect to.

        Raises:
            InvalidRequest: It is not allowed; with what to do.
            OSError: The name cannot be looked up.
        """
        parts = self._allowed(url)
        host, port = _ascii(_host(parts)), parts.port or PORTS[parts.scheme]
        addresses = [_parsed(each) for each in self.resolver(host, port)]
        if not addresses:
            raise OSError("the name has no address")
        for address in addresses:
            self._check_address(host, address)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path, addresses)

    def _allowed(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _refused(f"The webhook's address cannot be read: {error}.") from error
        if parts.scheme not in PORTS or not _host(parts):
            raise _refused("The webhook's address is not like https://example.org/hook.")
        if parts.username is not None or parts.password is not None:
            raise _refused(
                "The webhook's address holds a user name or password: leave it out; messages are signed."
            )
        if parts.scheme == "http" and not self.private:
            raise _refused(
                "The webhook's address is plain http: take https. Within a network of their own, operators can "
                "allow http with SOUNDKIN_WEBHOOK_PRIVATE=true."
            )
        self._check_host(_host(parts), port or PORTS[parts.scheme], parts.scheme)
        return parts

    def _check_host(self, host: str, port: int, scheme: str) -> None:
        wanted = _authority(host, port, scheme)
        if any(_matches(entry.lower(), wanted) for entry in self.hosts):
            return
        allowed = ", ".join(self.hosts) or "none"
        raise _refused(
            f"Messages may not be sent to {wanted!r:.300}. An operator can allow it by adding it to "
            f"SOUNDKIN_WEBHOOK_HOSTS (now: {allowed})."
        )

    def _check_address(self, host: str, address: Address) -> None:
        if address.is_multicast or address.is_unspecified or not (self.private or _is_public(address)):
            raise _refused(
                f"The webhook's host {host!r:.300} has the address {address}, which is not one of the public "
                "internet. Operators can allow those of their own network with SOUNDKIN_WEBHOOK_PRIVATE=true."
            )


def _matches(entry: str, authority: str) -> bool:
    if entry.startswith("*."):
        return authority.endswith(entry[1:]) and not authority.startswith(".")
    return authority == entry


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removesuffix(".")


def _ascii(host: str) -> str:
    """Return a name as it is looked up and sent, "bücher" as "xn--bcher-kva" (IDNA 2003)."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _refused(
            f"The webhook's host {host!r:.300} is no name of a host: between its dots are 1 to 63 characters, and "
            "none that names may not have."
        ) from error


def _parsed(text: str) -> Address:
    """Read an address without its zone, which stands for a link of this machine and is refused by its prefix."""
    return ipaddress.ip_address(text.partition("%")[0])


def _is_public(address: Address) -> bool:
    """Whether it is of the public internet, and does not carry another address inside."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
        if carried or address.is_site_local:
            return False
    return address.is_global and not address.is_reserved and not address.is_link_local


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, [Fault(PLACE, message)])
