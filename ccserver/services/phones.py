"""Phones of a tenant: agents' and physical ones. Extensions in ranges, secrets shown once, accounts fetched once."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
import structlog

from ccserver.domain.access import Actor, Role, may_grant
from ccserver.domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from ccserver.domain.station import PhoneRow, Station, extension_errors, extension_range
from ccserver.domain.version import Versions
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.services.changes import record, record_by, refuse_stale
from ccserver.services.sip_accounts import (
    Account,
    SipAccounts,
    country_of,
    phone_change,
    phone_gone,
    some,
)
from ccserver.services.throttle import Throttle
from ccserver.storage import audit, phones, users
from ccserver.storage.pool import Connection, Database
from ccserver.storage.vault import Vault, VaultError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneDraft:
    """Physical phones to be made at a site: one, or those from ``extension`` to ``last``."""

    site_id: UUID
    extension: str
    last: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneEdit:
    """What to change of a physical phone; None leaves a value as it is."""

    site_id: UUID | None = None
    extension: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePage:
    """One page of phones; ``next`` is where the following one begins, "" at the end."""

    items: tuple[PhoneRow, ...]
    next: str


class Phones:
    """Use cases of the phones page; they need an actor who may manage sites. ``redeem`` needs a ticket only."""

    def __init__(
        self, database: Database, vault: Vault, heralds: Heralds, throttle: Throttle, *, clock: Clock
    ) -> None:
        self._database = database
        self._accounts = SipAccounts(vault, clock=clock)
        self._heralds = heralds
        self._throttle = throttle
        self._clock = clock

    async def page(
        self,
        actor: Actor,
        *,
        text: str = "",
        site_id: UUID | None = None,
        kind: str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> PhonePage:
        """Phones by extension, shorter ones first. Raises Invalid for an ``after`` that is no extension."""
        if after and not (after.isascii() and after.isdigit()):
            raise Invalid(FieldError("after", "cursor"))
        async with self._database.tenant(actor.tenant_id) as connection:
            rows = await phones.page_of_phones(
                connection, text=text.strip(), site_id=site_id, kind=kind, after=after, limit=limit + 1
            )
        more = len(rows) > limit
        rows = rows[:limit]
        return PhonePage(items=tuple(rows), next=rows[-1].extension if more else "")

    async def create(self, actor: Actor, draft: PhoneDraft) -> tuple[Account, ...]:
        """Physical phones, all or none. Raises Invalid, Conflict (extensions_taken, extension_taken)."""
        async with self._database.tenant(actor.tenant_id) as connection:
            country = await country_of(connection, draft.site_id)
        extensions = extension_range(draft.extension, draft.last, country)
        await self._refuse_taken(extensions, one=not draft.last)
        now = self._clock()
        made = []
        for extension in extensions:
            secret, sealed = self._accounts.new_secret()
            phone = phones.NewPhone(
                id=new_id(now),
                tenant_id=actor.tenant_id,
                extension=extension,
                sealed_secret=sealed,
                site_id=draft.site_id,
                kind=Station.PHYSICAL.value,
                label=draft.label.strip(),
            )
            made.append((phone, secret))
        async with self._database.tenant(actor.tenant_id) as connection:
            await phones.insert_phones(connection, [phone for phone, _ in made], now)
            accounts = [
                await self._accounts.account(connection, actor.tenant_id, phone.id, secret)
                for phone, secret in made
            ]
            lines = [
                audit.Line(
                    id=new_id(now),
                    action="phone.create",
                    target=str(phone.id),
                    detail={"extension": phone.extension},
                )
                for phone, _ in made
            ]
            await audit.record_all(
                connection, lines, tenant_id=actor.tenant_id, at=now, user_id=actor.user_id
            )
        await self._heralds.tell(actor, *(phone_change(a.phone, actor.tenant_id) for a in accounts))
        return tuple(accounts)

    async def get(self, actor: Actor, phone_id: UUID) -> PhoneRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return await _found(connection, phone_id, lock=False)

    async def edit(
        self, actor: Actor, phone_id: UUID, edit: PhoneEdit, versions: Versions = None
    ) -> PhoneRow:
        """Change a physical phone.

        Raises NotFound, ChangedMeanwhile, Invalid, Conflict (phone_of_user, extension_taken).
        """
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _physical(connection, phone_id)
            await refuse_stale(connection, before, versions, "phone")
            now = self._clock()
            site_id = edit.site_id or before.site_id
            extension = before.extension if edit.extension is None else edit.extension
            country = await country_of(connection, site_id)
            if extension != before.extension and (errors := extension_errors(extension, country)):
                raise Invalid(*errors)
            wanted = PhoneRow(
                id=before.id,
                kind=before.kind,
                extension=extension,
                user_id=None,
                user="",
                site_id=site_id,
                label=before.label if edit.label is None else edit.label.strip(),
                mobile="",
            )
            version = await phones.update_physical(connection, wanted, now)
            wanted = msgspec.structs.replace(wanted, version=version)
            if extension != before.extension:
                # What a ticket would hand out is another account now.
                await phones.forget_tickets(connection, phone_id, now)
            detail = {
                name: f"{getattr(before, name)} -> {getattr(wanted, name)}"
                for name in ("extension", "site_id", "label")
                if getattr(before, name) != getattr(wanted, name)
            }
            await record(connection, actor, now, "phone.edit", phone_id, detail)
        await self._heralds.tell(actor, phone_change(wanted, actor.tenant_id))
        return wanted

    async def delete(self, actor: Actor, phone_id: UUID, versions: Versions = None) -> None:
        """Take a physical phone away. Raises NotFound, ChangedMeanwhile, Conflict (phone_of_user, phone_in_use)."""
        async with self._database.tenant(actor.tenant_id) as connection:
            phone = await _physical(connection, phone_id)
            await refuse_stale(connection, phone, versions, "phone")
            await self._accounts.take(connection, phone)
            await record(
                connection, actor, self._clock(), "phone.delete", phone_id, {"extension": phone.extension}
            )
        await self._heralds.tell(actor, phone_gone(phone, actor.tenant_id))

    async def reset(self, actor: Actor, phone_id: UUID) -> Account:
        """A new secret for any phone, shown this once. Raises NotFound, Forbidden, Conflict no_phone (a mobile)."""
        async with self._database.tenant(actor.tenant_id) as connection:
            phone = await _found(connection, phone_id)
            if phone.user_id is not None:
                owner = await users.get_user(connection, phone.user_id)
                if owner is None or not may_grant(actor.role, Role(owner.role)):
                    raise Forbidden("role_not_granted")
            if not Station(phone.kind).has_endpoint:
                raise Conflict("no_phone")
            account = await self._accounts.renew(connection, actor.tenant_id, phone_id)
            await record(
                connection, actor, self._clock(), "phone.reset", phone_id, {"extension": phone.extension}
            )
        # Nothing of the row is another, but its version is: a page that kept the old one could change it no more.
        await self._heralds.tell(actor, phone_change(account.phone, actor.tenant_id))
        return account

    async def redeem(self, ticket: str, address: str) -> Account:
        """The account behind a ticket that is still good; it is so no more. Raises NotFound, Throttled."""
        await self._throttle.knock(address)
        now = self._clock()
        try:
            async with self._database.system() as connection:
                found = await self._accounts.redeem(connection, ticket, now)
                if found is not None:
                    tenant_id, account = found
                    detail = {"extension": account.phone.extension, "address": address}
                    await record_by(
                        connection, tenant_id, None, now, "phone.provision", account.phone.id, detail
                    )
        except VaultError:
            _log.exception("a phone's account cannot be handed out")
            raise NotFound from None
        if found is None:
            raise NotFound
        await self._throttle.welcome(address)
        return found[1]

    async def _refuse_taken(self, extensions: tuple[str, ...], *, one: bool) -> None:
        """Told with names before anything is tried; the constraint has the last word on a race."""
        async with self._database.system() as connection:
            # Over all tenants, because one Asterisk serves them all.
            taken = await phones.taken_extensions(connection, extensions)
        if taken and one:
            raise Conflict("extension_taken", field="extension")
        if taken:
            raise Conflict("extensions_taken", field="extension", extensions=some(taken))


async def _found(connection: Connection, phone_id: UUID, *, lock: bool = True) -> PhoneRow:
    row = await phones.get_phone(connection, phone_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def _physical(connection: Connection, phone_id: UUID) -> PhoneRow:
    row = await _found(connection, phone_id)
    if row.user_id is not None:
        raise Conflict("phone_of_user")
    return row
