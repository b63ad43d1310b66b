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
    before a foreign country's code (00). ``length``: of a number of the country without its prefix; ``lengths``: every
    length that one may have.
    """

    code: str
    trunk_prefix: str
    written_prefix: str
    international: str
    length: int
    lengths: tuple[int, ...] = ()

    def local_lengths(self, area: str) -> tuple[int, ...]:
        """How long a number may be that lacks this area code (which may be written with the trunk prefix)."""
        digits = len(area.removeprefix(self.trunk_prefix))
        return tuple(length - digits for length in self.lengths if length > digits)

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
        lengths=tuple(sorted(metadata.general_desc.possible_length)) if metadata.general_desc else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortNumbers:
    """A country's short numbers (3639), as regular expressions that Asterisk understands; all of them fit."""

    patterns: tuple[str, ...]

    def __contains__(self, number: str) -> bool:
        return bool(self.patterns) and all(re.fullmatch(pattern, number) for pattern in self.patterns)


@lru_cache(maxsize=256)
def short_numbers(country: str) -> ShortNumbers:
    """Those of ``country`` as the server knows them, besides the emergency numbers; none of an unknown country."""
    metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(country)
    rules = (metadata.general_desc, metadata.short_code) if metadata is not None else ()
    lengths = set(range(2, LONGEST_SHORT_NUMBER + 1))
    written: list[str] = []
    for rule in rules:
        lengths &= set(rule.possible_length) if rule is not None else set()
        written.append((rule.national_number_pattern if rule is not None else None) or "")
    if not lengths or not all(written) or not written:
        return ShortNumbers(patterns=())
    counted = "|".join(f"[0-9]{{{length}}}" for length in sorted(lengths))
    # Without groups that are not kept, and without shorthands: the regular expressions of POSIX have neither.
    return ShortNumbers(patterns=(counted, *(p.replace("(?:", "(").replace(r"\d", "[0-9]") for p in written)))


@lru_cache(maxsize=65536)
def presented_forms(number: str, country: str) -> tuple[str, ...]:
    """The forms in which a gateway in ``country`` may present an E.164 number, the likeliest first.

    ``+33145678901`` arrives as ``0145678901`` (at home only), ``33145678901`` or ``0033145678901``, depending on the
    gateway's own rules.
    """
    plan = dialling_plan(country)
    digits = number.removeprefix("+")
    home = (_national(number),) if plan.code and digits.startswith(plan.code) else ()
    forms = (number, *home, digits, plan.international + digits)
    return tuple(dict.fromkeys(form for form in forms if form))


def _national(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.sub(r"[^0-9]", "", written)


def _digits(text: str | None) -> str:
    return text if text and re.fullmatch(r"[0-9]{1,3}", text) else ""


@lru_cache(maxsize=256)
def emergency_numbers(country: str) -> tuple[str, ...]:
    """Every emergency number of ``country``, the French ones in the order in which people know them; 112 everywhere."""
    known = [number for number in EMERGENCY_NUMBERS if is_emergency(number, country)]
    tried = (str(number) for number in range(10, 1000))
    more = (number for number in tried if number not in EMERGENCY_FR and is_emergency(number, country))
    return tuple(dict.fromkeys((*known, *more, "112")))
