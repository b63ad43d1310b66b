"""What a site may be: every value checked and brought to its one spelling before anybody stores it."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from ccserver.domain.account import SiteRow
from ccserver.domain.directory import Site
from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.network import read_networks
from ccserver.domain.numbers import countries, to_e164
from ccserver.domain.pbx_values import CODECS, E164_PREFIX, PREFIX, SLUG

SLUG_LENGTH: Final = 31
_SPACES: Final = re.compile(r"[ \u00a0\u202f\u2009.]+")


def check_site(row: SiteRow, zones: frozenset[str], *, known: bool = False) -> SiteRow:
    """The site as it is kept; the slug of a ``known`` one stays as it is. Raises Invalid naming every wrong field."""
    errors: list[FieldError] = []
    name = row.name.strip()
    if not name:
        errors.append(FieldError("name", "required"))
    if row.zone not in zones:
        errors.append(FieldError("zone", "zone_unknown"))
    if not PREFIX.fullmatch(row.area):
        errors.append(FieldError("area", "area_format"))
    if not known:
        errors.extend(slug_errors(row.slug))
    kept = msgspec.structs.replace(
        row,
        name=name,
        caller_id=_caller_id(row, errors),
        subnets=read_networks(row.subnets, "subnets", errors),
        codecs=read_codecs(row.codecs, errors),
        allowed_prefixes=_allowed(row.allowed_prefixes, errors),
    )
    if errors:
        raise Invalid(*errors)
    return kept


def slug_errors(slug: str) -> list[FieldError]:
    """What is wrong with a short name: it names contexts and endpoints in Asterisk."""
    fits = len(slug) <= SLUG_LENGTH and SLUG.fullmatch(slug)
    return [] if fits else [FieldError("slug", "slug_format")]


def read_codecs(codecs: Iterable[str], errors: list[FieldError]) -> tuple[str, ...]:
    """Codecs in order of preference, each once; wrong ones go to ``errors``, and none at all too."""
    found = tuple(dict.fromkeys(codecs))
    if not found:
        errors.append(FieldError("codecs", "required"))
    for index, codec in enumerate(codecs):
        if codec not in CODECS:
            errors.append(FieldError(f"codecs[{index}]", "codec_unknown"))
    return found


def read_prefix(text: str) -> str | None:
    """A prefix of international numbers ("+33 1" is "+331"), None when it is none."""
    written = _SPACES.sub("", text)
    return written if written and E164_PREFIX.fullmatch(written) else None


def _allowed(prefixes: Iterable[str], errors: list[FieldError]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, text in enumerate(prefixes):
        prefix = read_prefix(text)
        if prefix is None:
            errors.append(FieldError(f"allowed_prefixes[{index}]", "prefix_format"))
        else:
            found[prefix] = None
    return tuple(found)


def site_of(tenant_id: UUID, row: SiteRow) -> Site:
    """The site that a row tells of."""
    values = msgspec.structs.asdict(row)
    del values["version"]
    return Site(tenant_id=tenant_id, **values)


def _caller_id(row: SiteRow, errors: list[FieldError]) -> str:
    if row.country not in countries():
        errors.append(FieldError("country", "country_unknown"))
    elif row.caller_id:
        try:
            return to_e164(row.caller_id, row.country, short=False, field="caller_id")
        except Invalid as error:
            errors.extend(error.errors)
    return ""
