"""What a single value of Asterisk's configuration may look like, checked where the value is made.

Everything that reaches a rendered file passes one of these checks, so that nothing in it can end its setting: no
newline, no ``;`` (comment), no ``[`` (section), no ``${}`` (dialplan substitution), no ``,`` or ``&`` (second
destination).
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
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

SLUG: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
EXTENSION: Final = re.compile(r"[0-9]{2,6}")
E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
SECRET: Final = re.compile(r"[A-Za-z0-9_.~-]{8,128}")
USER: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
PATH: Final = re.compile(r"/[A-Za-z0-9_./+~-]{0,200}")
IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
PREFIX: Final = re.compile(r"[0-9]{0,6}")
E164_PREFIX: Final = re.compile(r"(?:\+[1-9][0-9]{0,14})?")
TRUNK_SECRET: Final = re.compile(r"[A-Za-z0-9_.~!*'()+=@%/:-]{4,128}")
ACCOUNT: Final = re.compile(r"[A-Za-z0-9+][A-Za-z0-9_.+-]{2,63}")
"""Longer than any extension name that means something to Asterisk, and no pattern ("_")."""
DIAL_PREFIX: Final = re.compile(r"[0-9*#]{0,8}")
ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
DATE: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
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


def match(pattern: re.Pattern[str], value: str, setting: str, reason: str) -> None:
    # fullmatch, not match with "$": "$" also accepts a trailing newline.
    if pattern.fullmatch(value) is None:
        raise PbxModelError(setting, reason)


def check_slug(value: str, setting: str) -> None:
    match(SLUG, value, setting, "small letters, digits and single hyphens, beginning with a letter")
    if len(value) > _SLUG_LENGTH:
        raise PbxModelError(setting, f"at most {_SLUG_LENGTH} characters")


def check_host(value: str, setting: str) -> None:
    try:
        if "%" in value:
            raise ValueError(value)  # a zone may be any text at all
        ip_address(value)
    except ValueError:
        match(HOSTNAME, value, setting, "an IP address or a host name in small letters")


def check_address(value: str, setting: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        raise PbxModelError(setting, "an IP address") from None
    if "%" in value:
        raise PbxModelError(setting, "an IP address without a zone")


def check_network(value: str, setting: str) -> None:
    try:
        ip_network(value)
    except ValueError:
        raise PbxModelError(setting, "a network such as 10.1.0.0/24") from None
    if "%" in value:
        raise PbxModelError(setting, "a network without a zone")


def check_path(value: str, setting: str) -> None:
    match(PATH, value, setting, "an absolute path of plain characters")
    if ".." in value.split("/"):
        raise PbxModelError(setting, "a path without '..'")


def check_choice(value: str, choices: tuple[str, ...], setting: str) -> None:
    if value not in choices:
        raise PbxModelError(setting, "one of " + ", ".join(choices))


def check_port(value: int, setting: str) -> None:
    if not 1 <= value <= 65535:
        raise PbxModelError(setting, "a port between 1 and 65535")


def check_unique(values: Iterable[str], setting: str) -> None:
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
