"""A SIP phone as Asterisk knows it."""

from dataclasses import dataclass, field

from ccserver.domain.pbx_values import (
    EMERGENCY_NUMBERS,
    EXTENSION,
    IDENTIFIER,
    SECRET,
    PbxModelError,
    caller_name,
    check_slug,
    match,
)


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
        match(EXTENSION, self.extension, "phone extension", "two to six digits")
        if self.extension in EMERGENCY_NUMBERS:
            raise PbxModelError("phone extension", "this is an emergency number")
        match(SECRET, self.secret, "phone secret", "8 to 128 letters, digits or '_ . ~ -'")
        check_slug(self.site, "phone site")
        match(IDENTIFIER, self.agent_id, "phone agent id", "letters, digits, '_ . -'")

    @property
    def caller_name(self) -> str:
        """The display name reduced to what a caller-id header may carry."""
        return caller_name(self.display_name)
