"""Who is really at the other end, when some proxies are trusted to say so."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Addresses:
    """Reads X-Forwarded-For and X-Forwarded-Proto, but only from trusted proxies."""

    def __init__(self, trusted_proxies: Iterable[str] = (), public_url: str = "") -> None:
        self._trusted: tuple[_Network, ...] = tuple(
            ipaddress.ip_network(proxy.strip(), strict=False) for proxy in trusted_proxies
        )
        self._public = urlsplit(public_url)

    def of(self, request: web.Request) -> str:
        """The client's address: the last one in the chain that no trusted proxy vouches for. "" if unknown."""
        peer = request.remote or ""
        hops = [
            hop.strip() for value in request.headers.getall("X-Forwarded-For", []) for hop in value.split(",")
        ]
        while hops and self._is_trusted(peer):
            peer = hops.pop()
        return peer if _parsed(peer) else ""

    def is_local(self, request: web.Request) -> bool:
        """Whether the client is on this machine and nothing was forwarded by a proxy that we do not know."""
        peer = _parsed(self.of(request))
        forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        if forwarded and not self._is_trusted(request.remote or ""):
            return False
        return peer is not None and peer.is_loopback

    def is_secure(self, request: web.Request) -> bool:
        """Whether the browser speaks https to us or to the proxy in front."""
        if request.secure or self._public.scheme == "https":
            return True
        return self._is_trusted(request.remote or "") and request.headers.get("X-Forwarded-Proto") == "https"

    def origin(self, request: web.Request) -> str:
        """Where the reader's browser finds us: the public URL, else the Host, http://localhost if that is none."""
        if self._public.netloc:
            return self._public.geturl().rstrip("/")
        scheme = "https" if self.is_secure(request) else "http"
        return f"{scheme}://{request.host}" if _is_host(request.host) else "http://localhost"

    def is_own_origin(self, request: web.Request, origin: str) -> bool:
        """Whether an Origin header names this server: the Host that was asked for, or the public URL."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return False
        if parts.netloc.lower() == request.host.lower():
            return True
        return bool(self._public.netloc) and (parts.scheme, parts.netloc) == (
            self._public.scheme,
            self._public.netloc,
        )

    def _is_trusted(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(
            parsed.version == network.version and parsed in network for network in self._trusted
        )


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        return _HOST.fullmatch(host) is not None and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
