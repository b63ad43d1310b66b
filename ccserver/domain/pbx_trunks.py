"""A way from Asterisk to a site's gateway or to a provider."""

from dataclasses import dataclass

from ccserver.domain.pbx_values import CODECS, PbxModelError, check_host, check_port, check_slug, check_unique


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPbx:
    """A gateway known by its address: what comes from ``host`` is this trunk's traffic."""

    slug: str
    site: str
    host: str
    port: int = 5060
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    qualify_seconds: int = 10

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

    @property
    def uri_host(self) -> str:
        """The host as it stands in a SIP URI: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host
