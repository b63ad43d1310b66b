"""Sites with their trunks and numbers: list and create, every change told to open pages and to telephony."""

import ipaddress
import re
import zoneinfo
from dataclasses import dataclass
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import DidRow, SiteRow, TrunkRow
from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.numbers import countries, to_e164
from ccserver.domain.stream import Change
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.storage import audit, dids, sites, trunks
from ccserver.storage.pool import Connection, Database

CODECS = ("alaw", "ulaw", "g722", "g729", "opus", "gsm", "ilbc")
_ZONES = frozenset(zoneinfo.available_timezones())
"""Read once when the module is imported: it walks the disk."""
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDraft:
    slug: str
    name: str
    zone: str
    country: str
    caller_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkDraft:
    site_id: UUID
    slug: str
    host: str
    port: int
    codecs: tuple[str, ...]
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DidDraft:
    site_id: UUID
    number: str
    user_id: UUID | None
    label: str


class Sites:
    """Use cases of the sites page; creating needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock

    async def list_sites(self, actor: Actor) -> tuple[SiteRow, ...]:
        """The tenant's sites by name."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await sites.list_sites(connection))

    async def list_trunks(self, actor: Actor) -> tuple[TrunkRow, ...]:
        """The tenant's trunks by site and priority."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await trunks.list_trunks(connection))

    async def list_dids(self, actor: Actor) -> tuple[DidRow, ...]:
        """The tenant's numbers."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await dids.list_dids(connection))

    async def create_site(self, actor: Actor, draft: SiteDraft) -> SiteRow:
        """Raises Invalid, Conflict (slug_taken, name_taken)."""
        caller_id = _check_site(draft)
        now = self._clock()
        site = SiteRow(
            id=new_id(now),
            slug=draft.slug,
            name=draft.name.strip(),
            zone=draft.zone,
            country=draft.country,
            caller_id=caller_id,
        )
        async with self._database.tenant(actor.tenant_id) as connection:
            await sites.insert_site(connection, actor.tenant_id, site, now)
            await self._audit(connection, actor, "site.create", site.id, {"slug": site.slug})
        await self._heralds.tell(actor, _change(site, actor.tenant_id, site.id))
        return site

    async def create_trunk(self, actor: Actor, draft: TrunkDraft) -> TrunkRow:
        """Raises Invalid (the site included), Conflict (slug_taken, address_taken)."""
        _check_trunk(draft)
        now = self._clock()
        trunk = TrunkRow(
            id=new_id(now),
            site_id=draft.site_id,
            slug=draft.slug,
            host=draft.host.lower(),
            port=draft.port,
            codecs=tuple(dict.fromkeys(draft.codecs)),
            priority=draft.priority,
        )
        async with self._database.tenant(actor.tenant_id) as connection:
            await trunks.insert_trunk(connection, actor.tenant_id, trunk, now)
            await self._audit(connection, actor, "trunk.create", trunk.id, {"slug": trunk.slug})
        await self._heralds.tell(actor, _change(trunk, actor.tenant_id, trunk.site_id))
        return trunk

    async def create_did(self, actor: Actor, draft: DidDraft) -> DidRow:
        """The number is read as written in the site's country. Raises Invalid, Conflict number_taken."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            site = await sites.get_site(connection, draft.site_id)
            if site is None:
                raise Invalid(FieldError("site_id", "unknown"))
            did = DidRow(
                id=new_id(now),
                site_id=site.id,
                number=to_e164(draft.number, site.country, short=False),
                user_id=draft.user_id,
                label=draft.label.strip(),
            )
            await dids.insert_did(connection, actor.tenant_id, did, now)
            await self._audit(connection, actor, "did.create", did.id, {"number": did.number})
        await self._heralds.tell(actor, _change(did, actor.tenant_id, did.site_id))
        return did

    async def _audit(
        self, connection: Connection, actor: Actor, action: str, target: UUID, detail: dict[str, str]
    ) -> None:
        now = self._clock()
        await audit.record(
            connection,
            entry_id=new_id(now),
            tenant_id=actor.tenant_id,
            at=now,
            user_id=actor.user_id,
            action=action,
            target=str(target),
            detail=detail,
        )


def _change(row: SiteRow | TrunkRow | DidRow, tenant_id: UUID, site_id: UUID) -> Change:
    kind = {SiteRow: "site", TrunkRow: "trunk", DidRow: "did"}[type(row)]
    return Change(
        topic="sites",
        key=f"{kind}:{row.id}",
        row=msgspec.Raw(msgspec.json.encode(row)),
        tenant_id=tenant_id,
        site_id=site_id,
        retain=False,
    )


def _check_site(draft: SiteDraft) -> str:
    errors: list[FieldError] = []
    if not _SLUG.fullmatch(draft.slug):
        errors.append(FieldError("slug", "wrong_format"))
    if not draft.name.strip():
        errors.append(FieldError("name", "required"))
    if draft.zone not in _ZONES:
        errors.append(FieldError("zone", "zone_unknown"))
    caller_id = ""
    if draft.country not in countries():
        errors.append(FieldError("country", "country_unknown"))
    elif draft.caller_id:
        try:
            caller_id = to_e164(draft.caller_id, draft.country, short=False, field="caller_id")
        except Invalid as error:
            errors.extend(error.errors)
    if errors:
        raise Invalid(*errors)
    return caller_id


def _check_trunk(draft: TrunkDraft) -> None:
    errors: list[FieldError] = []
    if not _SLUG.fullmatch(draft.slug):
        errors.append(FieldError("slug", "wrong_format"))
    if not is_host(draft.host):
        errors.append(FieldError("host", "host_format"))
    errors.extend(
        FieldError(f"codecs[{index}]", "codec_unknown")
        for index, codec in enumerate(draft.codecs)
        if codec not in CODECS
    )
    if not draft.codecs:
        errors.append(FieldError("codecs", "required"))
    if errors:
        raise Invalid(*errors)


def is_host(host: str) -> bool:
    """Whether ``host`` is an IP address or a host name (RFC 1123), with nothing that a config file could mind."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
        # All digits in the last label: a mistyped IPv4 address, which no host name can be.
        return (
            len(host) <= 253 and not labels[-1].isdigit() and all(_LABEL.fullmatch(label) for label in labels)
        )
    return "%" not in host
