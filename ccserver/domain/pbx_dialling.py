"""How a country dials, as far as the dialplan must know it when no server is there to ask.

The server itself reads and writes numbers with the whole numbering plan (``ccserver.domain.dialling``); the dialplan
knows prefixes and lengths only, which is enough for what people type.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers

from ccserver.domain.numbers import EMERGENCY_FR, is_emergency
from ccserver.domain.pbx_values import EMERGENCY_NUMBERS

LONGEST_SHORT_NUMBER: Final = 6
_WORLD: Final = "00"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiallingPlan:
    """``code``: the country's own (33). ``trunk_prefix``: typed before a number of the country (0), "" for none.

    ``written_prefix``: what stands before a number in the national form that gateways get. ``international``: typed
    before a foreign country's code (00). ``length``: of a number of the country without its prefix.
    """

    code: str
    trunk_prefix: str
    written_prefix: str
    international: str
    length: int

    @property
    def abroad(self) -> str:
        """What no number of the country begins with: written in the national form it would be a call abroad."""
        return self.international.removeprefix(self.written_prefix)

    @property
    def after_code(self) -> int:
        """Where in +33145678901 the number without its country begins."""
        return len(self.code) + 1


@lru_cache(maxsize=256)
def dialling_plan(country: str) -> DiallingPlan:
    """The plan of ``country`` (ISO alpha-2); an unknown one dials like most of the world does."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    example = phonenumbers.example_number(country)
    if metadata is None or example is None:
        return DiallingPlan(code="", trunk_prefix="", written_prefix="", international=_WORLD, length=15)
    prefixes = (metadata.preferred_international_prefix, metadata.international_prefix)
    international = next((p for p in prefixes if p and re.fullmatch(r"[0-9]{1,5}", p)), _WORLD)
    significant = phonenumbers.national_significant_number(example)
    form = phonenumbers.PhoneNumberFormat.NATIONAL
    written = re.sub(r"[^0-9]", "", phonenumbers.format_number(example, form))
    return DiallingPlan(
        code=str(metadata.country_code),
        trunk_prefix=_digits(metadata.national_prefix),
        written_prefix=written.removesuffix(significant) if written.endswith(significant) else "",
        international=international,
        length=len(significant),
    )


def _digits(text: str | None) -> str:
    return text if text and re.fullmatch(r"[0-9]{1,3}", text) else ""


@lru_cache(maxsize=256)
def emergency_numbers(country: str) -> tuple[str, ...]:
    """Every emergency number of ``country``, the French ones in the order in which people know them; 112 everywhere."""
    known = [number for number in EMERGENCY_NUMBERS if is_emergency(number, country)]
    tried = (str(number) for number in range(10, 1000))
    more = (number for number in tried if number not in EMERGENCY_FR and is_emergency(number, country))
    return tuple(dict.fromkeys((*known, *more, "112")))
