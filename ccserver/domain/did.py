"""What a number may be: ranges of numbers, and destinations that callers can really be sent to."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from ccserver.domain.directory import Destination
from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.numbers import to_e164

LONGEST_RANGE: Final = 100
MOST_AT_ONCE: Final = 500
"""Numbers changed by one request."""
TARGETS: Final = ("agent", "phone", "number", "voicemail", "none")
_PART_OF_NUMBER = re.compile(r"[+\d\s().\-/\u00a0\u202f]+", re.ASCII)
_NO_DIGIT = re.compile(r"\D")


def read_range(first: str, last: str, country: str) -> tuple[str, ...]:
    """Every number from ``first`` to ``last`` (as written in ``country``), E.164.

    Raises Invalid: what ``to_e164`` says of either, range_lengths, range_order, range_too_long, range_hole.
    """
    begin, end = _e164(first, country, "number"), _e164(last, country, "last")
    if len(begin) != len(end):
        raise Invalid(FieldError("last", "range_lengths"))
    low, high = int(begin[1:]), int(end[1:])
    if high < low:
        raise Invalid(FieldError("last", "range_order"))
    if high - low >= LONGEST_RANGE:
        raise Invalid(FieldError("last", "range_too_long", (("maximum", str(LONGEST_RANGE)),)))
    numbers = tuple(f"+{value}" for value in range(low, high + 1))
    for number in numbers:
        try:
            to_e164(number, country, short=False)
        except Invalid:
            # Both ends are numbers, and one between them is none: two ranges, not one.
            raise Invalid(FieldError("last", "range_hole", (("number", number),))) from None
    return numbers


def read_span(first: str, last: str, country: str) -> tuple[str, str]:
    """The ends of a span of numbers that exist already, E.164. Raises Invalid as ``read_range``; it may be long."""
    begin, end = _e164(first, country, "range.number"), _e164(last, country, "range.last")
    if len(begin) != len(end):
        raise Invalid(FieldError("range.last", "range_lengths"))
    if end < begin:
        raise Invalid(FieldError("range.last", "range_order"))
    return begin, end


def sought_digits(text: str) -> str:
    """The digits within E.164 numbers that somebody who types ``text`` looks for; "" when it is no part of a number."""
    if not _PART_OF_NUMBER.fullmatch(text):
        return ""
    digits = _NO_DIGIT.sub("", text)
    if not text.lstrip().startswith("+"):
        # 01 40 is written +33140, 0044 is +44.
        digits = digits.removeprefix("0").removeprefix("0")
    return digits if len(digits) > 1 else ""


def _e164(text: str, country: str, field: str) -> str:
    return to_e164(text, country, short=False, field=field)


def check_destination(wanted: Destination, field: str, country: str) -> Destination:
    """The destination with what its target needs and nothing else, a number in E.164.

    Raises Invalid: ``field.user_id``, ``field.phone_id`` or ``field.forward_to`` is required, or no number that may be
    called: emergency and short numbers are none, for whoever calls us from outside must not call them as us.
    """
    if wanted.target not in TARGETS:
        raise Invalid(FieldError(f"{field}.target", "not_a_choice"))
    if wanted.target == "agent":
        if wanted.user_id is None:
            raise Invalid(FieldError(f"{field}.user_id", "required"))
        return Destination(target="agent", user_id=wanted.user_id)
    if wanted.target == "phone":
        if wanted.phone_id is None:
            raise Invalid(FieldError(f"{field}.phone_id", "required"))
        return Destination(target="phone", phone_id=wanted.phone_id)
    if wanted.target == "number":
        if not wanted.forward_to.strip():
            raise Invalid(FieldError(f"{field}.forward_to", "required"))
        return Destination(
            target="number", forward_to=_e164(wanted.forward_to, country, f"{field}.forward_to")
        )
    return Destination(target=wanted.target)


def goes_round(number: str, forward_to: str, forwards: Mapping[str, Collection[str]]) -> bool:
    """Whether a call to ``number`` that is sent to ``forward_to`` comes back to ``number``.

    ``forwards``: for each number of ours, the numbers that its callers may be sent to.
    """
    seen: set[str] = set()
    waiting = [forward_to]
    while waiting:
        found = waiting.pop()
        if found == number:
            return True
        if found not in seen:
            seen.add(found)
            waiting.extend(forwards.get(found, ()))
    return False


def sent_to(*destinations: Destination) -> tuple[str, ...]:
    """The numbers that these destinations send callers to."""
    return tuple(d.forward_to for d in destinations if d.forward_to)
