"""A site as Asterisk knows it."""

from dataclasses import dataclass

from ccserver.domain.pbx_values import COUNTRY, E164, IDENTIFIER, PREFIX, check_slug, check_unique, match


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
        match(IDENTIFIER, self.id, "site id", "letters, digits, '_ . -'")
        check_slug(self.slug, "site slug")
        match(COUNTRY, self.country, "site country", "two capital letters")
        match(PREFIX, self.area_prefix, "site area prefix", "up to six digits")
        if self.caller_id:
            match(E164, self.caller_id, "site caller id", "an E.164 number with its '+'")
        for slug in self.trunks:
            check_slug(slug, "site trunk")
        check_unique(self.trunks, "site trunks")
