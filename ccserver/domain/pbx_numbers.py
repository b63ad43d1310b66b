"""A public number as Asterisk knows it."""

from dataclasses import dataclass

from ccserver.domain.pbx_values import E164, EXTENSION, check_slug, dialled_forms, match


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPbx:
    """A public number of a site. ``fallback`` is the phone that rings when the server does not answer."""

    number: str
    site: str
    fallback: str | None = None

    def __post_init__(self) -> None:
        match(E164, self.number, "number", "an E.164 number with its '+'")
        check_slug(self.site, "number's site")
        if self.fallback is not None:
            match(EXTENSION, self.fallback, "number's fallback extension", "two to six digits")

    @property
    def other_forms(self) -> tuple[str, ...]:
        """The number as gateways may also write it."""
        return dialled_forms(self.number)
