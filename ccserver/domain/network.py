"""IP networks as people write them, one spelling for each; and what a host of the network may be called."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.pbx_values import HOSTNAME

Network = IPv4Network | IPv6Network

_WIDEST: Final = {4: 8, 6: 16}
"""A shorter prefix than this is half the Internet: a mistake, or an open door."""


def read_network(text: str, field: str) -> str:
    """``text`` as its network: "10.1.0.7" is "10.1.0.7/32".

    Raises Invalid on ``field``: network_format; network_host_bits, which proposes the network; network_too_wide.
    """
    written = text.strip()
    try:
        found = ip_network(written, strict=False)
    except ValueError:
        raise Invalid(FieldError(field, "network_format")) from None
    if "%" in written:
        raise Invalid(FieldError(field, "network_format"))
    address, _, _ = written.partition("/")
    if ip_address(address) != found.network_address:
        raise Invalid(FieldError(field, "network_host_bits", (("network", str(found)),)))
    if found.prefixlen < _WIDEST[found.version]:
        raise Invalid(FieldError(field, "network_too_wide"))
    return str(found)


def read_networks(texts: Iterable[str], field: str, errors: list[FieldError]) -> tuple[str, ...]:
    """Each text as its network, once; what cannot be read is added to ``errors`` with its place in the list."""
    found: dict[str, None] = {}
    for index, text in enumerate(texts):
        try:
            found[read_network(text, f"{field}[{index}]")] = None
        except Invalid as error:
            errors.extend(error.errors)
    return tuple(found)


def read_host(text: str) -> str | None:
    """An IP address or host name in its one spelling (small letters, no dot at the end); None for neither."""
    try:
        return None if "%" in text else str(ip_address(text))
    except ValueError:
        pass
    name = text.lower().removesuffix(".")
    # All digits in the last label: a mistyped IPv4 address, which no host name can be.
    if HOSTNAME.fullmatch(name) is None or name.rpartition(".")[2].isdigit():
        return None
    return name


def within(text: str, networks: Iterable[str]) -> bool:
    """Whether the address or network ``text`` lies wholly in one of ``networks``. Raises ValueError for neither."""
    inner = ip_network(text)
    for network in networks:
        outer = ip_network(network)
        if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network) and inner.subnet_of(outer):
            return True
        if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer):
            return True
    return False


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
