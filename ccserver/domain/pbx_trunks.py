"""A way from Asterisk to a site's gateway or to a provider."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from ccserver.domain.pbx_values import (
    ACCOUNT,
    CODECS,
    DIAL_PREFIX,
    TRUNK_SECRET,
    PbxModelError,
    check_choice,
    check_host,
    check_network,
    check_port,
    check_slug,
    check_unique,
    match,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPbx:
    """``mode`` peer: what comes from ``host`` and from ``addresses`` is this trunk's traffic. ``mode`` register: we log
    in at ``host`` as ``username``, and calls come back along that registration, so that two accounts at one provider
    are told apart. The rest is as in :class:`ccserver.domain.directory.Trunk`.
    """

    slug: str
    site: str
    host: str
    port: int = 5060
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    qualify_seconds: int = 10
    mode: str = "peer"
    transport: str = "udp"
    username: str = ""
    secret: str = field(default="", repr=False)
    from_domain: str = ""
    addresses: tuple[str, ...] = ()
    number_format: str = "national"
    dial_prefix: str = ""

    def __post_init__(self) -> None:
        check_slug(self.slug, "trunk slug")
        check_slug(self.site, "trunk site")
        check_host(self.host, "trunk host")
        check_port(self.port, "trunk port")
        if not self.codecs or not CODECS.issuperset(self.codecs):
            raise PbxModelError("trunk codecs", "one or more of " + ", ".join(sorted(CODECS)))
        check_unique(self.codecs, "trunk codecs")
        if not 0 <= self.qualify_seconds <= 3600:
            raise PbxModelError("trunk qualify", "between 0 (off) and 3600 seconds")
        check_choice(self.mode, ("peer", "register"), "trunk mode")
        check_choice(self.transport, ("udp", "tcp", "tls"), "trunk transport")
        check_choice(self.number_format, ("national", "e164", "digits"), "trunk number format")
        if self.username:
            match(ACCOUNT, self.username, "trunk account", "3 to 64 letters, digits or '_ . + -'")
        if self.secret:
            match(TRUNK_SECRET, self.secret, "trunk secret", '4 to 128 letters, digits or "_.~!*\'()+=@%/:-"')
        if self.mode == "register" and not (self.username and self.secret):
            raise PbxModelError("trunk account", "a trunk that registers needs its account and its secret")
        if self.from_domain:
            check_host(self.from_domain, "trunk domain")
        for network in self.addresses:
            check_network(network, "trunk address")
        match(DIAL_PREFIX, self.dial_prefix, "trunk dial prefix", "up to eight digits, '*' or '#'")

    @property
    def uri_host(self) -> str:
        """The host as it stands in a SIP URI: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def sources(self) -> tuple[str, ...]:
        """Where its traffic comes from."""
        named = not self.registers or _is_network(self.host)
        return (self.host, *self.addresses) if named else self.addresses

    @property
    def registers(self) -> bool:
        """Whether we log in at the other side."""
        return self.mode == "register"

    @property
    def logs_in(self) -> bool:
        """Whether the other side may ask us who we are."""
        return bool(self.username and self.secret)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks whose traffic is this trunk's; a host name is none."""
        return tuple(ip_network(text) for text in (self.host, *self.addresses) if _is_network(text))


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def account(trunk: TrunkPbx) -> tuple[str, str]:
    """Who we are, and where."""
    return trunk.host, trunk.username


def same_source(first: TrunkPbx, second: TrunkPbx) -> bool:
    """Whether traffic of the one could be taken for the other's: one host, or networks that overlap."""
    if first.host == second.host:
        return True
    return any(a.version == b.version and a.overlaps(b) for a in first.networks for b in second.networks)


def known_by_address(trunk: TrunkPbx, trunks: Iterable[TrunkPbx]) -> bool:
    """Whether this trunk is told by where its traffic comes from.

    A peer always is. A registering one is too, for providers that drop what marks their calls as ours, unless
    another trunk's traffic comes from there, or only a name is known: Asterisk looks names up once, when it starts.
    """
    others = [other for other in trunks if other.slug != trunk.slug]
    if not trunk.registers:
        return True
    return bool(trunk.networks) and not any(same_source(trunk, other) for other in others)
