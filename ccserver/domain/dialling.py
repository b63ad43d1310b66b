"""Numbers at the border with Asterisk: what comes in made E.164, what goes out made what a gateway dials."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

from ccserver.domain.directory import Site, Trunk
from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import is_number, is_short, to_e164

_DIALLED = re.compile(r"\+?[0-9]{1,32}")
_PREFIX = re.compile(r"[0-9*#]{0,8}")


@lru_cache(maxsize=8192)
def clean_number(raw: str, country: str, area: str = "") -> str:
    """A number as a gateway or phone said it, in E.164 where that can be understood, else its safe characters.

    Never raises: a caller with a strange number is still a caller. "" for a withheld one.
    """
    try:
        return to_e164(raw, country, area=area)
    except Invalid:
        return "".join(char for char in raw if char in "+0123456789*#")[:32]


def for_gateway(number: str, country: str) -> str:
    """The digits that a gateway in ``country`` dials: 0123456789 at home, 00 + country code abroad.

    Short and emergency numbers pass as they are. Raises ValueError for anything but ``+`` and digits, which must
    never reach a dial string.
    """
    if not _DIALLED.fullmatch(number):
        raise ValueError("not a number that can be dialled")
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        raise ValueError("not a number that can be dialled") from None
    written = phonenumbers.format_out_of_country_calling_number(parsed, country)
    digits = re.sub(r"[^0-9]", "", written)
    if not digits:
        raise ValueError("not a number that can be dialled")
    return digits


def for_trunk(number: str, trunk: Trunk, country: str) -> str:
    """``number`` as this trunk's gateway, in ``country``, wants it dialled: its format, behind its prefix.

    Short and emergency numbers, and digits that nobody understood, have no format; the prefix, if there is one, is
    put in front of them too: the gateway gives no line without it. Raises ValueError like ``for_gateway``.
    """
    if not _PREFIX.fullmatch(trunk.dial_prefix):
        raise ValueError("not a prefix that can be dialled")
    return trunk.dial_prefix + shown_on(number, trunk, country)


def shown_on(number: str, trunk: Trunk, country: str) -> str:
    """``number`` as this trunk's gateway wants it as a caller: in its format, without the prefix. Raises ValueError."""
    if not _DIALLED.fullmatch(number):
        raise ValueError("not a number that can be dialled")
    if not number.startswith("+"):
        return number
    match trunk.number_format:
        case "e164":
            return number
        case "digits":
            return number[1:]
        case _:
            return for_gateway(number, country)


def allowed(site: Site, number: str) -> bool:
    """Whether the site may call ``number`` (E.164, or a short number's digits).

    Emergency and short numbers always; digits that are no number of any plan only where everything may be called,
    for nobody knows where they lead: +33 000 44... is written 00 44..., a call abroad.
    """
    if not site.allowed_prefixes:
        return True
    if number.startswith("+"):
        return number.startswith(site.allowed_prefixes) and is_number(number)
    return is_short(number, site.country)
