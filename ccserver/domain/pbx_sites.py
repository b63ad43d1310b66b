"""A site as Asterisk knows it: who may register there, where its calls leave, and which ways they try."""

from dataclasses import dataclass

from ccserver.domain.pbx_values import (
    CODECS,
    COUNTRY,
    E164,
    E164_PREFIX,
    IDENTIFIER,
    PREFIX,
    ZONE,
    PbxModelError,
    check_network,
    check_slug,
    check_unique,
    match,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePbx:
    """Calls to numbers that begin with ``prefix`` (E.164, "" for all) may leave by ``trunk``."""

    prefix: str
    trunk: str

    def __post_init__(self) -> None:
        match(E164_PREFIX, self.prefix, "route prefix", "empty, or '+' and up to 15 digits")
        check_slug(self.trunk, "route trunk")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePbx:
    """A site: where its agents' calls leave (``trunks``, in order of preference) and under which number.

    Without a ``caller_id`` the gateway shows its own number. ``subnets``: from where its SIP phones may register and
    call, anywhere when empty. ``routes`` are in order of preference (longest prefix first). ``allowed_prefixes``: see
    :class:`ccserver.domain.directory.Site`.
    """

    id: str
    slug: str
    zone: str = "Europe/Paris"
    country: str = "FR"
    area: str = ""
    caller_id: str = ""
    trunks: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    allowed_prefixes: tuple[str, ...] = ()
    routes: tuple[RoutePbx, ...] = ()

    def __post_init__(self) -> None:
        match(IDENTIFIER, self.id, "site id", "letters, digits, '_ . -'")
        check_slug(self.slug, "site slug")
        match(ZONE, self.zone, "site zone", "a zone such as Europe/Paris")
        match(COUNTRY, self.country, "site country", "two capital letters")
        match(PREFIX, self.area, "site area", "up to six digits")
        if self.caller_id:
            match(E164, self.caller_id, "site caller id", "an E.164 number with its '+'")
        for slug in self.trunks:
            check_slug(slug, "site trunk")
        check_unique(self.trunks, "site trunks")
        for network in self.subnets:
            check_network(network, "site subnet")
        if not self.codecs or not CODECS.issuperset(self.codecs):
            raise PbxModelError("site codecs", "one or more of " + ", ".join(sorted(CODECS)))
        check_unique(self.codecs, "site codecs")
        for prefix in self.allowed_prefixes:
            match(E164_PREFIX, prefix, "site allowed prefix", "'+' and up to 15 digits")

    def ways(self, prefix: str) -> tuple[str, ...]:
        """The trunks that a call to a number of this prefix, and of no longer one of ours, tries one after another.

        The routes that fit, in their order, then the site's own trunks; "" is for short numbers too.
        """
        routed = [route.trunk for route in self.routes if prefix.startswith(route.prefix)]
        return tuple(dict.fromkeys((*routed, *self.trunks)))

    @property
    def emergency_ways(self) -> tuple[str, ...]:
        """The site's own trunks first; then those that its routes name for every number, and never any other.

        Another place's gateway reaches another place's rescuers (docs/decisions/0013).
        """
        general = [route.trunk for route in self.routes if not route.prefix]
        return tuple(dict.fromkeys((*self.trunks, *general)))

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes that the routes tell apart, without the general one."""
        return tuple(sorted({route.prefix for route in self.routes if route.prefix}))
