"""A SIP phone as Asterisk knows it, and an extension that has none because its agent answers a mobile."""

from dataclasses import dataclass, field

from ccserver.domain.pbx_values import (
    E164,
    EMERGENCY_NUMBERS,
    EXTENSION,
    IDENTIFIER,
    SECRET,
    PbxModelError,
    caller_name,
    check_choice,
    check_slug,
    match,
)

KINDS = ("softphone", "browser", "physical")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePbx:
    """A phone: endpoint, authentication and address of record all bear the extension's name.

    ``kind``: softphone (of an agent), browser (of an agent, WebRTC) or physical (nobody's own: no ``agent_id``).
    """

    extension: str
    secret: str = field(repr=False)
    site: str
    display_name: str = ""
    agent_id: str = ""
    kind: str = "softphone"

    def __post_init__(self) -> None:
        check_extension(self.extension)
        match(SECRET, self.secret, "phone secret", "8 to 128 letters, digits or '_ . ~ -'")
        check_slug(self.site, "phone site")
        check_choice(self.kind, KINDS, "phone kind")
        if self.agent_id:
            match(IDENTIFIER, self.agent_id, "phone agent id", "letters, digits, '_ . -'")

    @property
    def caller_name(self) -> str:
        """The display name reduced to what a caller-id header may carry."""
        return caller_name(self.display_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MobilePbx:
    """An agent's extension that rings the agent's mobile (``number``) by the agent's site."""

    extension: str
    site: str
    number: str

    def __post_init__(self) -> None:
        check_extension(self.extension)
        check_slug(self.site, "mobile's site")
        match(E164, self.number, "mobile", "an E.164 number with its '+'")


def check_extension(extension: str) -> None:
    """Raises PbxModelError for what is no extension, or would hide an emergency number."""
    match(EXTENSION, extension, "phone extension", "two to six digits")
    if extension in EMERGENCY_NUMBERS:
        raise PbxModelError("phone extension", "this is an emergency number")
