"""Where Asterisk listens, where its files lie, and who may command it: what the machine decides, not the database."""

from dataclasses import dataclass, field

from ccserver.domain.pbx_values import (
    SECRET,
    USER,
    PbxModelError,
    check_address,
    check_host,
    check_network,
    check_path,
    check_port,
    match,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxPorts:
    """Where Asterisk listens. ``http`` carries ARI and the WebSocket of browser phones; RTP takes a range.

    ``sip`` is UDP; ``sip_tcp``, ``sip_tls`` (with ``PbxTls``) and ``https`` (WSS, with ``PbxTls``) are off when 0.
    ``https_address`` is where HTTPS listens when that is not ``http_address``: plain HTTP may then stay on loopback.
    """

    sip_address: str = "127.0.0.1"
    sip: int = 5060
    sip_tcp: int = 0
    sip_tls: int = 0
    http_address: str = "127.0.0.1"
    http: int = 8088
    https_address: str = ""
    https: int = 0
    ami: int = 5038
    rtp_first: int = 10000
    rtp_last: int = 20000

    def __post_init__(self) -> None:
        check_address(self.sip_address, "SIP address")
        check_address(self.http_address, "HTTP address")
        if self.https_address:
            check_address(self.https_address, "HTTPS address")
        for name in ("sip", "http", "ami", "rtp_first", "rtp_last"):
            check_port(getattr(self, name), f"port {name}")
        for name in ("sip_tcp", "sip_tls", "https"):
            if getattr(self, name):
                check_port(getattr(self, name), f"port {name}")
        if self.http == self.ami:
            raise PbxModelError("ports", "HTTP and AMI need different TCP ports")
        tcp = [port for port in (self.http, self.ami, self.https, self.sip_tcp, self.sip_tls) if port]
        if len(set(tcp)) != len(tcp):
            raise PbxModelError("ports", "SIP over TCP and TLS, HTTP, HTTPS and AMI need different TCP ports")
        if self.rtp_last - self.rtp_first < 3:
            raise PbxModelError("RTP ports", "the range must hold at least two calls' worth of ports")


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxTls:
    """Files (PEM) of the TLS transports: our certificate with its chain, its key, and whom we trust.

    ``authority`` is the list of certificates that a provider's or gateway's certificate must lead to; without one
    trunks over TLS are encrypted but not verified.
    """

    certificate: str = ""
    key: str = ""
    authority: str = ""

    def __post_init__(self) -> None:
        for name in ("certificate", "key", "authority"):
            path: str = getattr(self, name)
            if path:
                check_path(path, f"TLS {name}")
        if bool(self.certificate) != bool(self.key):
            raise PbxModelError("TLS", "a certificate and its key, or neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxNat:
    """What Asterisk says of itself to who is not in ``local_networks`` (CIDR): ``external_address``, "" for its own.

    Needed where Asterisk stands behind address translation; both SIP and sound use it.
    """

    external_address: str = ""
    local_networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.external_address:
            check_host(self.external_address, "external address")
        for network in self.local_networks:
            check_network(network, "local network")


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxDirectories:
    """Asterisk's directories, absolute. ``run`` holds a Unix socket: its path must stay under 100 bytes."""

    etc: str
    modules: str
    var_lib: str
    data: str
    spool: str
    run: str
    log: str

    def __post_init__(self) -> None:
        for name in ("etc", "modules", "var_lib", "data", "spool", "run", "log"):
            path: str = getattr(self, name)
            check_path(path, f"directory {name}")
        if len(self.run) > 90:
            raise PbxModelError("directory run", "at most 90 characters, the system's limit for socket paths")

    @classmethod
    def under(cls, base: str, *, modules: str, data: str) -> "PbxDirectories":
        """The layout of a private Asterisk: everything that it writes lies under ``base``."""
        return cls(
            etc=f"{base}/etc",
            modules=modules,
            var_lib=f"{base}/lib",
            data=data,
            spool=f"{base}/spool",
            run=f"{base}/run",
            log=f"{base}/log",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxUser:
    """A user of the manager interface or of ARI. The secret stands in clear in Asterisk's own file."""

    name: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        match(USER, self.name, "user name", "small letters, digits, '_' and '-', beginning with a letter")
        match(SECRET, self.secret, "user secret", "8 to 128 letters, digits or '_ . ~ -'")
