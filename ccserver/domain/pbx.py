"""What Asterisk must know, as plain values that cannot escape their place in a configuration file.

The database holds sites, trunks, phones and numbers; ``PbxModel`` is their picture at one revision. Every
string is checked here, when the value is made, against a list of allowed characters: a rendered file can then
be written without asking again whether a name carries a newline, a ``;`` (comment), a ``[`` (section), a
``${}`` (dialplan substitution), a ``,`` (argument) or an ``&`` (second destination).

Free text (display names) is the one thing that people may write as they like: it is kept as written in the
model and reduced by :func:`caller_name` at the point of use.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from ccserver.domain.errors import DomainError

EMERGENCY_NUMBERS: Final = (
    "15",
    "17",
    "18",
    "112",
    "114",
    "115",
    "119",
    "191",
    "196",
    "116000",
    "116006",
    "116111",
    "116117",
)
"""Numbers that an agent's phone reaches through its site's trunk whatever happens to the server."""

CODECS: Final = frozenset({"alaw", "ulaw", "g722", "opus", "gsm", "g729"})

_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_EXTENSION: Final = re.compile(r"[0-9]{2,6}")
_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_.~-]{8,128}")
_USER: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PATH: Final = re.compile(r"/[A-Za-z0-9_./+~-]{0,200}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PREFIX: Final = re.compile(r"[0-9]{0,6}")
_CALLER_NAME_EXTRA: Final = frozenset(" .'-_()")
_CALLER_NAME_LENGTH: Final = 60
_SLUG_LENGTH: Final = 32


class PbxModelError(DomainError, ValueError):
    """A value that Asterisk's configuration cannot carry safely.

    ``setting`` names the field in the operator's words, ``reason`` says what it must look like. The offending
    value itself is not repeated: it may be a secret.
    """

    code = "pbx_setting"

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(None, setting=setting, reason=reason)
        self.setting = setting
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.setting}: {self.reason}"


def _match(pattern: re.Pattern[str], value: str, setting: str, reason: str) -> None:
    # fullmatch, not match with "$": "$" also accepts a trailing newline.
    if pattern.fullmatch(value) is None:
        raise PbxModelError(setting, reason)


def _slug(value: str, setting: str) -> None:
    _match(_SLUG, value, setting, "small letters, digits and single hyphens, beginning with a letter")
    if len(value) > _SLUG_LENGTH:
        raise PbxModelError(setting, f"at most {_SLUG_LENGTH} characters")


def _host(value: str, setting: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        _match(_HOSTNAME, value, setting, "an IP address or a host name in small letters")


def _address(value: str, setting: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        raise PbxModelError(setting, "an IP address") from None
    if "%" in value:
        raise PbxModelError(setting, "an IP address without a zone")


def _port(value: int, setting: str) -> None:
    if not 1 <= value <= 65535:
        raise PbxModelError(setting, "a port between 1 and 65535")


def _unique(values: Iterable[str], setting: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise PbxModelError(setting, f"{value} is used twice")
        seen.add(value)


def caller_name(text: str) -> str:
    """Free text as a caller name that is safe inside a quoted configuration value and a SIP header.

    Letters and digits of any script, spaces and ``. ' - _ ( )`` stay; everything else becomes a space. An
    empty result is a legal answer: the caller is then shown by number only.
    """
    kept = "".join(c if c.isalnum() or c in _CALLER_NAME_EXTRA else " " for c in text)
    return " ".join(kept.split())[:_CALLER_NAME_LENGTH].strip()


def dialled_forms(number: str) -> tuple[str, ...]:
    """The other forms in which a gateway may present an E.164 number, the most likely first.

    ``+33145678901`` also arrives as ``0145678901`` (national, French numbers only), ``33145678901`` and
    ``0033145678901``, depending on the gateway's own rules.
    """
    digits = number.removeprefix("+")
    national = ("0" + digits[2:],) if digits.startswith("33") else ()
    return (*national, digits, "00" + digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxPorts:
    """Where Asterisk listens. ``http`` carries ARI and the WebSocket of browser phones; RTP takes a range."""

    sip_address: str = "127.0.0.1"
    sip: int = 5060
    http_address: str = "127.0.0.1"
    http: int = 8088
    ami: int = 5038
    rtp_first: int = 10000
    rtp_last: int = 20000

    def __post_init__(self) -> None:
        _address(self.sip_address, "SIP address")
        _address(self.http_address, "HTTP address")
        for name in ("sip", "http", "ami", "rtp_first", "rtp_last"):
            _port(getattr(self, name), f"port {name}")
        if self.http == self.ami:
            raise PbxModelError("ports", "HTTP and AMI need different TCP ports")
        if self.rtp_last - self.rtp_first < 3:
            raise PbxModelError("RTP ports", "the range must hold at least two calls' worth of ports")


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
            _match(_PATH, path, f"directory {name}", "an absolute path of plain characters")
            if ".." in path.split("/"):
                raise PbxModelError(f"directory {name}", "a path without '..'")
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
        _match(_USER, self.name, "user name", "small letters, digits, '_' and '-', beginning with a letter")
        _match(_SECRET, self.secret, "user secret", "8 to 128 letters, digits or '_ . ~ -'")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePbx:
    """A site: where its agents' calls leave (``trunks``, in order of preference) and under which number.

    Without a ``caller_id`` the gateway shows its own number.
    """

    id: str
    slug: str
    country: str = "FR"
    area_prefix: str = ""
    caller_id: str = ""
    trunks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _match(_IDENTIFIER, self.id, "site id", "letters, digits, '_ . -'")
        _slug(self.slug, "site slug")
        _match(_COUNTRY, self.country, "site country", "two capital letters")
        _match(_PREFIX, self.area_prefix, "site area prefix", "up to six digits")
        if self.caller_id:
            _match(_E164, self.caller_id, "site caller id", "an E.164 number with its '+'")
        for slug in self.trunks:
            _slug(slug, "site trunk")
        _unique(self.trunks, "site trunks")


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
        _slug(self.slug, "trunk slug")
        _slug(self.site, "trunk site")
        _host(self.host, "trunk host")
        _port(self.port, "trunk port")
        if not self.codecs or not CODECS.issuperset(self.codecs):
            raise PbxModelError("trunk codecs", "one or more of " + ", ".join(sorted(CODECS)))
        _unique(self.codecs, "trunk codecs")
        if not 0 <= self.qualify_seconds <= 3600:
            raise PbxModelError("trunk qualify", "between 0 (off) and 3600 seconds")

    @property
    def uri_host(self) -> str:
        """The host as it stands in a SIP URI: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePbx:
    """An agent's phone: endpoint, authentication and address of record all bear the extension's name."""

    extension: str
    secret: str = field(repr=False)
    site: str
    display_name: str = ""
    agent_id: str
    webrtc: bool = False

    def __post_init__(self) -> None:
        _match(_EXTENSION, self.extension, "phone extension", "two to six digits")
        if self.extension in EMERGENCY_NUMBERS:
            raise PbxModelError("phone extension", "this is an emergency number")
        _match(_SECRET, self.secret, "phone secret", "8 to 128 letters, digits or '_ . ~ -'")
        _slug(self.site, "phone site")
        _match(_IDENTIFIER, self.agent_id, "phone agent id", "letters, digits, '_ . -'")

    @property
    def caller_name(self) -> str:
        """The display name reduced to what a caller-id header may carry."""
        return caller_name(self.display_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPbx:
    """A public number of a site. ``fallback`` is the phone that rings when the server does not answer."""

    number: str
    site: str
    fallback: str | None = None

    def __post_init__(self) -> None:
        _match(_E164, self.number, "number", "an E.164 number with its '+'")
        _slug(self.site, "number's site")
        if self.fallback is not None:
            _match(_EXTENSION, self.fallback, "number's fallback extension", "two to six digits")

    @property
    def other_forms(self) -> tuple[str, ...]:
        """The number as gateways may also write it."""
        return dialled_forms(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxModel:
    """Everything that Asterisk must know at one revision of the configuration.

    ``lease_seconds``: how long a caller may stay in the Stasis application without a sign of the server
    before the dialplan takes the call back. ``rtp_timeout_seconds``: a call without sound packets for so long
    is ended (0: never). ``qualify_seconds``: how often a phone is asked whether it is alive.
    """

    revision: int
    tenant: str
    ports: PbxPorts
    directories: PbxDirectories
    ami: PbxUser
    ari: PbxUser
    sites: tuple[SitePbx, ...] = ()
    trunks: tuple[TrunkPbx, ...] = ()
    phones: tuple[PhonePbx, ...] = ()
    dids: tuple[DidPbx, ...] = ()
    application: str = "ccserver"
    lease_seconds: int = 45
    fallback_ring_seconds: int = 30
    rtp_timeout_seconds: int = 30
    qualify_seconds: int = 10

    def __post_init__(self) -> None:
        if self.revision < 0:
            raise PbxModelError("revision", "zero or more")
        _match(_IDENTIFIER, self.tenant, "tenant", "letters, digits, '_ . -'")
        _match(_USER, self.application, "application", "small letters, digits, '_' and '-'")
        for name, low, high in (
            ("lease_seconds", 5, 3600),
            ("fallback_ring_seconds", 5, 600),
            ("rtp_timeout_seconds", 0, 3600),
            ("qualify_seconds", 0, 3600),
        ):
            if not low <= getattr(self, name) <= high:
                raise PbxModelError(name, f"between {low} and {high} seconds")
        self._check_unique()
        self._check_references()

    def _check_unique(self) -> None:
        _unique((site.slug for site in self.sites), "site slugs")
        _unique((trunk.slug for trunk in self.trunks), "trunk slugs")
        # Traffic is told apart by its source address only, so one address is one trunk.
        _unique((trunk.host for trunk in self.trunks), "trunk hosts")
        _unique((phone.extension for phone in self.phones), "phone extensions")
        _unique((did.number for did in self.dids), "numbers")

    def _check_references(self) -> None:
        sites = {site.slug for site in self.sites}
        trunks = {trunk.slug: trunk.site for trunk in self.trunks}
        extensions = {phone.extension for phone in self.phones}
        users = [("trunk", t.slug, t.site) for t in self.trunks]
        users += [("phone", p.extension, p.site) for p in self.phones]
        users += [("number", d.number, d.site) for d in self.dids]
        for kind, name, site in users:
            if site not in sites:
                raise PbxModelError(f"{kind} {name}", f"site {site} is not in the model")
        for place in self.sites:
            for slug in place.trunks:
                if slug not in trunks:
                    raise PbxModelError(f"site {place.slug}", f"trunk {slug} is not in the model")
        for did in self.dids:
            if did.fallback is not None and did.fallback not in extensions:
                raise PbxModelError(f"number {did.number}", f"extension {did.fallback} is not in the model")

    def site(self, slug: str) -> SitePbx:
        """The site of that slug; references are checked, so a slug from this model is always found."""
        return next(site for site in self.sites if site.slug == slug)

    def caller_id(self, slug: str) -> str:
        """The number under which the site's calls leave."""
        return self.site(slug).caller_id
