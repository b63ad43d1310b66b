"""SIP accounts of phones: made, renewed, taken away, and the tickets by which a softphone fetches its own once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ccserver.domain.errors import Conflict, FieldError, Invalid
from ccserver.domain.passwords import generate
from ccserver.domain.station import HOME_COUNTRY, SECRET_LENGTH, PhoneRow, Station
from ccserver.domain.stream import Change
from ccserver.services.base import Clock, new_id
from ccserver.storage import phones, sites
from ccserver.storage.pool import Connection
from ccserver.storage.vault import Vault

TICKET_LIFE = timedelta(minutes=15)
TICKET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A phone as its owner sets it up: shown once. ``ticket`` "" when the phone is not set up by a code."""

    phone: PhoneRow
    secret: str = field(repr=False)
    codecs: tuple[str, ...]
    ticket: str = field(default="", repr=False)


def phone_change(row: PhoneRow, tenant_id: UUID) -> Change:
    """The announcement of a phone's row."""
    return Change(
        topic="phones",
        key=str(row.id),
        row=msgspec.Raw(msgspec.json.encode(row)),
        tenant_id=tenant_id,
        site_id=row.site_id,
        user_id=row.user_id,
        retain=False,
    )


def phone_gone(row: PhoneRow, tenant_id: UUID) -> Change:
    """The announcement that a phone is no more."""
    return Change(topic="phones", key=str(row.id), tenant_id=tenant_id, site_id=row.site_id, retain=False)


def ticket_hash(ticket: str) -> bytes:
    """What is kept of a ticket: it is random enough that nobody finds it again from this."""
    return hashlib.sha256(ticket.encode()).digest()


async def country_of(connection: Connection, site_id: UUID | None) -> str:
    """In whose form numbers are read at a site. Raises Invalid for one that is not there."""
    if site_id is None:
        return HOME_COUNTRY
    site = await sites.get_site(connection, site_id)
    if site is None:
        raise Invalid(FieldError("site_id", "unknown"))
    return site.country


class SipAccounts:
    """Works within its callers' transactions; whoever calls tells the others once it is committed."""

    def __init__(self, vault: Vault, *, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def new_secret(self) -> tuple[str, bytes]:
        """A secret, in clear and sealed. Sealing takes some 50 microseconds."""
        secret = generate(SECRET_LENGTH, secrets.choice)
        return secret, self._vault.seal(secret)

    async def give(
        self,
        connection: Connection,
        tenant_id: UUID,
        user_id: UUID,
        *,
        extension: str,
        station: Station,
        mobile: str,
    ) -> Account:
        """A phone for a user who has none. Raises (at the border) Conflict extension_taken."""
        secret, sealed = self.new_secret()
        now = self._clock()
        phone_id = new_id(now)
        await phones.insert_phone(
            connection,
            phone_id=phone_id,
            tenant_id=tenant_id,
            user_id=user_id,
            extension=extension,
            sealed_secret=sealed,
            at=now,
            kind=station.value,
            mobile=mobile,
        )
        return await self.account(connection, tenant_id, phone_id, secret)

    async def renew(self, connection: Connection, tenant_id: UUID, phone_id: UUID) -> Account:
        """A new secret for a phone that is there and has an account; the old one is good no more."""
        secret, sealed = self.new_secret()
        await phones.renew_secret(connection, phone_id, sealed, self._clock())
        return await self.account(connection, tenant_id, phone_id, secret)

    async def account(self, connection: Connection, tenant_id: UUID, phone_id: UUID, secret: str) -> Account:
        """The phone with its secret, and a fresh ticket if it is set up by a code."""
        row = await phones.get_phone(connection, phone_id)
        kept = await phones.account_of_phone(connection, phone_id)
        assert row is not None and kept is not None
        kind, now = Station(row.kind), self._clock()
        ticket = secrets.token_urlsafe(TICKET_BYTES) if kind.is_provisioned else ""
        if ticket:
            await phones.insert_ticket(
                connection, ticket_hash(ticket), tenant_id, phone_id, now, now + TICKET_LIFE
            )
        shown = secret if kind.has_endpoint else ""
        return Account(phone=row, secret=shown, codecs=kept.codecs, ticket=ticket)

    async def take(self, connection: Connection, phone: PhoneRow) -> None:
        """The phone goes. Raises Conflict phone_in_use when a number's callers would find nobody.

        ``phone`` must be locked: a number may otherwise be pointed to it meanwhile.
        """
        if numbers := await phones.numbers_of_phone(connection, phone):
            raise Conflict("phone_in_use", numbers=some(numbers))
        await phones.delete_phone(connection, phone.id)

    async def redeem(self, connection: Connection, ticket: str, at: datetime) -> tuple[UUID, Account] | None:
        """The account behind a ticket, once, and its tenant; None for a ticket that is over, used or none.

        Raises VaultError when SECRETS_KEY is not the one that the secret was sealed with.
        """
        found = await phones.use_ticket(connection, ticket_hash(ticket), at)
        if found is None:
            return None
        tenant_id, phone_id = found
        row = await phones.get_phone(connection, phone_id)
        kept = await phones.account_of_phone(connection, phone_id)
        if row is None or kept is None or not kept.active or not Station(row.kind).is_provisioned:
            return None
        return tenant_id, Account(phone=row, secret=self._vault.open(kept.sealed_secret), codecs=kept.codecs)


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few, and whether there are more."""
    return ", ".join(names[:most]) + ("…" if len(names) > most else "")
