"""Telephone numbers: read as people write them, kept as E.164, shown as a country writes them.

Short numbers (15, 112, 3639) have no E.164 form. They are kept as their digits and always recognised, because
an emergency call must never be refused for its form.
"""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from ccserver.domain.errors import FieldError, Invalid

EMERGENCY_FR = frozenset(
    {"15", "17", "18", "112", "114", "115", "119", "191", "196", "116000", "116006", "116111", "116117"}
)
"""Of the French numbering plan: these always reach the local trunk."""
_FRENCH_PLAN = frozenset({"FR", "GP", "GF", "MQ", "RE", "YT", "PM", "BL", "MF"})
_WRITTEN = re.compile(r"(?:tel:)?\(?\+?\(?[0-9][0-9 ./()\-]*")
_SPACES = re.compile(r"[ \u00a0\u202f\u2009]+")
"""Also those that keep a number on one line in a French text."""
_LONGEST = 40
_DIGITS = re.compile(r"[^0-9]")


def countries() -> frozenset[str]:
    """ISO 3166 alpha-2 codes of the countries whose numbers can be read."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def is_emergency(number: str, country: str) -> bool:
    """Whether ``number`` (digits as kept by ``to_e164``) is an emergency number of ``country``."""
    if country in _FRENCH_PLAN and number in EMERGENCY_FR:
        return True
    return bool(number) and bool(phonenumbers.is_emergency_number(number, country))


def is_short(number: str, country: str) -> bool:
    """Whether ``number`` is a short number of ``country``, emergency numbers included."""
    if not number.isascii() or not number.isdigit() or not 2 <= len(number) <= 6:
        return False
    if is_emergency(number, country):
        return True
    try:
        parsed = phonenumbers.parse(number, country)
    except NumberParseException:
        return False
    return bool(phonenumbers.is_valid_short_number_for_region(parsed, country))


def to_e164(raw: str, country: str, *, area: str = "", short: bool = True, field: str = "number") -> str:
    """``raw`` as typed in ``country`` (ISO alpha-2) to "+33123456789".

    A short or emergency number of the country comes back as its digits, or is refused when ``short`` is False
    (a caller ID, a DID). ``area``: digits tried in front of a number that is none by itself, as people of one place
    dial each other. Raises Invalid on ``field``: number_format, number_unknown, number_short.
    """
    text = _SPACES.sub(" ", raw).strip(" ")
    if len(text) > _LONGEST or not _WRITTEN.fullmatch(text):
        raise Invalid(FieldError(field, "number_format"))
    digits = _DIGITS.sub("", text)
    if "+" not in text and is_short(digits, country):
        if short:
            return digits
        raise Invalid(FieldError(field, "number_short"))
    found = _valid(text.removeprefix("tel:"), country)
    if found is None and area and "+" not in text:
        found = _valid(area + digits, country)
    if found is None:
        raise Invalid(FieldError(field, "number_unknown"))
    return found


def is_number(number: str) -> bool:
    """Whether ``number`` is E.164, as ``to_e164`` gives it, of a number that exists in its country's plan."""
    return number.startswith("+") and _valid(number, "ZZ") == number


def _valid(text: str, country: str) -> str | None:
    """E.164 of a number that exists in its country's plan."""
    try:
        parsed = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def national(number: str, country: str) -> str:
    """A kept number as people of ``country`` write it: "01 23 45 67 89", or "+44 20 7946 0000" from abroad.

    Anything that is not E.164 (short numbers, extensions, withheld callers) is shown as it is.
    """
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    at_home = phonenumbers.country_code_for_region(country) == parsed.country_code
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))
