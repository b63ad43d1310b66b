"""Stations: what rings when somebody is called. An agent has a phone of one of three kinds, a site physical ones."""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.numbers import is_emergency, to_e164
from ccserver.domain.pbx import EMERGENCY_NUMBERS

HOME_COUNTRY: Final = "FR"
"""In whose form numbers are read for people who belong to no site."""
RANGE_MOST: Final = 100
"""Extensions made by one request."""
SECRET_LENGTH: Final = 24
"""Of the alphabet of ``ccserver.domain.passwords``, all of whose signs Asterisk's configuration can carry."""


class Station(StrEnum):
    """``softphone`` and ``physical`` register over SIP, ``browser`` over WebRTC, ``mobile`` is a number to dial."""

    SOFTPHONE = "softphone"
    BROWSER = "browser"
    MOBILE = "mobile"
    PHYSICAL = "physical"

    @property
    def has_endpoint(self) -> bool:
        """Whether Asterisk knows an account of it, with a secret that somebody must be told."""
        return self is not Station.MOBILE

    @property
    def is_provisioned(self) -> bool:
        """Whether its owner sets it up by hand or by a code: a browser is set up by our own page."""
        return self in (Station.SOFTPHONE, Station.PHYSICAL)


class PhoneRow(msgspec.Struct, frozen=True, kw_only=True):
    """One phone. ``user_id`` and ``user`` (name) tell whose it is, None and "" for a physical one.

    ``site_id``: where a physical phone stands, otherwise the site of its agent. ``mobile``: E.164, for that kind only.
    """

    id: UUID
    kind: str
    extension: str
    user_id: UUID | None
    user: str
    site_id: UUID | None
    label: str
    mobile: str
    version: str = ""


def extension_errors(extension: str, country: str, *, field: str = "extension") -> list[FieldError]:
    """What is wrong with ``extension`` at a site of ``country``; empty when it can be given out."""
    if not (extension.isascii() and extension.isdigit() and 2 <= len(extension) <= 6):
        return [FieldError(field, "extension_format")]
    if extension in EMERGENCY_NUMBERS or is_emergency(extension, country):
        return [FieldError(field, "extension_emergency", (("extension", extension),))]
    return []


def extension_range(first: str, last: str, country: str) -> tuple[str, ...]:
    """The extensions from ``first`` to ``last``, both included; ``last`` "" for one alone. Raises Invalid."""
    errors = extension_errors(first, country)
    if not last or errors:
        if errors:
            raise Invalid(*errors)
        return (first,)
    if errors := [e for e in extension_errors(last, country, field="last") if e.code == "extension_format"]:
        raise Invalid(*errors)
    if len(last) != len(first):
        raise Invalid(FieldError("last", "range_lengths"))
    if int(last) < int(first):
        raise Invalid(FieldError("last", "range_order"))
    if int(last) - int(first) >= RANGE_MOST:
        raise Invalid(FieldError("last", "range_too_long", (("maximum", str(RANGE_MOST)),)))
    made = tuple(f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
    if wrong := [error for extension in made for error in extension_errors(extension, country, field="last")]:
        raise Invalid(wrong[0])
    return made


def mobile_number(raw: str, country: str, *, field: str = "mobile") -> str:
    """A mobile as typed in ``country`` to E.164. Raises Invalid: required, or what ``to_e164`` raises."""
    if not raw.strip():
        raise Invalid(FieldError(field, "required"))
    return to_e164(raw, country, short=False, field=field)
