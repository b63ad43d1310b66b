"""Numbers at the border with Asterisk: what comes in made E.164, what goes out made what a gateway dials."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import to_e164

_DIALLED = re.compile(r"\+?[0-9]{1,32}")


@lru_cache(maxsize=8192)
def clean_number(raw: str, country: str) -> str:
    """A number as a gateway or phone said it, in E.164 where that can be understood, else its safe characters.

    Never raises: a caller with a strange number is still a caller. "" for a withheld one.
    """
    try:
        return to_e164(raw, country)
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
