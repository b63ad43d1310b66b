"""Countries, time zones and calendars of public holidays, named in the reader's language, for the forms of sites."""

import zoneinfo
from functools import lru_cache
from typing import NamedTuple

import holidays
from babel import Locale
from babel.core import get_global

from ccserver.domain.numbers import countries
from ccserver.web.i18n import N_

MAIN_ZONES = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta",
    "MX": "America/Mexico_City",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
}
"""Where most people of a country with several zones live; of the others the first is as good as any."""

FRENCH_PARTS = {
    "971": "GP",
    "972": "MQ",
    "973": "GF",
    "974": "RE",
    "976": "YT",
    "BL": "BL",
    "MF": "MF",
    "NC": "NC",
    "PF": "PF",
    "PM": "PM",
    "WF": "WF",
}
"""Parts of France with holidays of their own, and the territory that gives them their name."""
ALSACE = N_("France, Alsace and Moselle")

_ZONES = frozenset(zoneinfo.available_timezones())
"""Read once when the module is imported: it walks the disk."""


class Country(NamedTuple):
    """A country whose numbers can be read; ``zone`` is where most of its people live."""

    code: str
    name: str
    zone: str


class Places(NamedTuple):
    """What a language calls them; all sorted as its readers expect."""

    countries: tuple[Country, ...]
    zones: tuple[str, ...]
    holidays: tuple[tuple[str, str], ...]


def _folded(name: str) -> str:
    """Accents aside: Égypte is among the E."""
    return name.translate(str.maketrans("ÉÈÊÎÔÂÅÇéèêëîïôâåãáçñíóü", "EEEIOAACeeeeiioaaaacniou")).casefold()


def _main_zone(code: str) -> str:
    found = [zone for zone in get_global("territory_zones").get(code, ()) if zone in _ZONES]
    return MAIN_ZONES.get(code) or (found[0] if found else "")


@lru_cache(maxsize=8)
def places(locale: str, alsace: str) -> Places:
    """The choices in ``locale``; ``alsace`` is the name there of the one calendar that is no territory's."""
    names = Locale.parse(locale).territories
    known = [Country(code, names.get(code, code), _main_zone(code)) for code in countries()]
    zones = {zone for found in get_global("territory_zones").values() for zone in found} & _ZONES
    calendars = [
        (code, names[code])
        for code in holidays.list_supported_countries()
        if code in names and len(code) == 2
    ]
    parts = [(f"FR-{part}", f"{names['FR']}, {names[territory]}") for part, territory in FRENCH_PARTS.items()]
    return Places(
        countries=tuple(sorted(known, key=lambda c: _folded(c.name))),
        zones=tuple(sorted(zones)),
        holidays=tuple(sorted([*calendars, *parts, ("FR-57", alsace)], key=lambda pair: _folded(pair[1]))),
    )
