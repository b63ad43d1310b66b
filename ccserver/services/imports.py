"""Many users or physical phones at once, from a file: looked at first, then made all together or not at all."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ccserver.domain.access import Actor
from ccserver.domain.passwords import generate
from ccserver.domain.station import Station
from ccserver.domain.stream import RELOAD_KEY, Change
from ccserver.services import import_rows
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.services.hashing import Hashing
from ccserver.services.import_rows import Column, Known, LineError, Outcome, PhoneLine, Place, Table, UserLine
from ccserver.services.people import new_user
from ccserver.services.sheets import read_sheet
from ccserver.services.sip_accounts import SipAccounts
from ccserver.services.users import PASSWORD_LENGTH
from ccserver.storage import audit, phones, sites, users
from ccserver.storage.pool import Connection, Database
from ccserver.storage.vault import Vault

BYTES_MOST: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What to hand to one person, or to type into one phone: told this once."""

    line: int
    name: str
    extension: str
    login: str = ""
    password: str = field(default="", repr=False)
    sip_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was found in the file, and what was made of it: nothing unless every row is good."""

    total: int
    valid: int
    created: int
    errors: tuple[LineError, ...]
    columns: tuple[Column, ...]
    credentials: tuple[Credential, ...] = ()


class Imports:
    """Imports users (by an actor who may manage users) and physical phones (who may manage sites)."""

    def __init__(
        self, database: Database, hashing: Hashing, vault: Vault, heralds: Heralds, *, clock: Clock
    ) -> None:
        self._database = database
        self._hashing = hashing
        self._accounts = SipAccounts(vault, clock=clock)
        self._heralds = heralds
        self._clock = clock

    async def import_users(self, actor: Actor, data: bytes, *, locale: str, dry_run: bool) -> ImportReport:
        """Users with their phones. ``locale``: the language in which they will find the pages.

        Raises Invalid on ``file`` for a file that is no table of users, Conflict when somebody else took a login or
        an extension meanwhile, Unavailable.
        """
        table = await asyncio.to_thread(_table, data, import_rows.USER_COLUMNS, ("login",))
        known = await self._known(actor, logins=table.values("login"), extensions=table.values("extension"))
        outcome = await asyncio.to_thread(import_rows.read_users, table, known, actor.role)
        if dry_run or outcome.errors:
            return _report(table, outcome)
        passwords = [generate(PASSWORD_LENGTH, secrets.choice) for _ in outcome.users]
        hashes = await self._hashing.hash_generated(passwords)
        people = [
            new_user(replace(line.draft, locale=locale), actor.tenant_id, hashed, self._clock())
            for line, hashed in zip(outcome.users, hashes, strict=True)
        ]
        given = [
            (person, line) for person, line in zip(people, outcome.users, strict=True) if line.draft.extension
        ]
        made, told = await asyncio.to_thread(self._phones_of, given)

        async def write(connection: Connection) -> None:
            await users.insert_users(connection, people, self._clock())
            await phones.insert_phones(connection, made, self._clock())

        lines = [("user.create", str(person.id), {"login": person.login}) for person in people]
        await self._carry_out(actor, write, "user.import", lines)
        credentials = tuple(
            Credential(
                line=line.line,
                name=f"{person.first_name} {person.last_name}".strip() or person.login,
                extension=line.draft.extension,
                login=person.login,
                password=password,
                sip_secret=told.get(line.draft.extension, "") if line.draft.station.has_endpoint else "",
            )
            for person, line, password in zip(people, outcome.users, passwords, strict=True)
        )
        return _report(table, outcome, credentials)

    async def import_phones(self, actor: Actor, data: bytes, *, dry_run: bool) -> ImportReport:
        """Physical phones. Raises as ``import_users``."""
        table = await asyncio.to_thread(_table, data, import_rows.PHONE_COLUMNS, ("site", "extension"))
        known = await self._known(actor, extensions=table.values("extension"))
        outcome = await asyncio.to_thread(import_rows.read_phones, table, known)
        if dry_run or outcome.errors:
            return _report(table, outcome)
        made, told = await asyncio.to_thread(self._physical, actor, outcome.phones)

        async def write(connection: Connection) -> None:
            await phones.insert_phones(connection, made, self._clock())

        lines = [("phone.create", str(phone.id), {"extension": phone.extension}) for phone in made]
        await self._carry_out(actor, write, "phone.import", lines)
        credentials = tuple(
            Credential(
                line=line.line,
                name=line.label,
                extension=line.extension,
                sip_secret=told[line.extension],
            )
            for line in outcome.phones
        )
        return _report(table, outcome, credentials)

    async def _known(self, actor: Actor, *, extensions: list[str], logins: list[str] | None = None) -> Known:
        async with self._database.tenant(actor.tenant_id) as connection:
            rows = await sites.list_sites(connection)
        async with self._database.system() as connection:
            # Logins and extensions are nobody's twice, whatever the tenant.
            taken_logins = await users.taken_logins(connection, logins or ())
            taken_extensions = await phones.taken_extensions(connection, extensions)
        return Known(
            places=tuple(Place(row.id, row.slug, row.name, row.country) for row in rows),
            logins=frozenset(taken_logins),
            extensions=frozenset(taken_extensions),
        )

    async def _carry_out(
        self,
        actor: Actor,
        write: Callable[[Connection], Awaitable[None]],
        action: str,
        lines: list[tuple[str, str, dict[str, str]]],
    ) -> None:
        now = self._clock()
        whole = (action, "", {"count": str(len(lines))})
        entries = [
            audit.Line(id=new_id(now), action=name, target=target, detail=detail)
            for name, target, detail in (whole, *lines)
        ]
        async with self._database.tenant(actor.tenant_id) as connection:
            await write(connection)
            await audit.record_all(
                connection, entries, tenant_id=actor.tenant_id, at=now, user_id=actor.user_id
            )
        # Thousands of rows one by one would drown the pages: they are told to read their list again.
        topics = ("users", "phones") if action == "user.import" else ("phones",)
        await self._heralds.tell(actor, *(_reload(topic, actor) for topic in topics))

    def _phones_of(
        self, given: list[tuple[users.NewUser, UserLine]]
    ) -> tuple[list[phones.NewPhone], dict[str, str]]:
        """Phones to insert, and their secrets by extension. Blocks: two thousand take a tenth of a second."""
        made, told = [], {}
        for person, line in given:
            secret, sealed = self._accounts.new_secret()
            told[line.draft.extension] = secret
            made.append(
                phones.NewPhone(
                    id=new_id(self._clock()),
                    tenant_id=person.tenant_id,
                    extension=line.draft.extension,
                    sealed_secret=sealed,
                    user_id=person.id,
                    kind=line.draft.station.value,
                    mobile=line.draft.mobile,
                )
            )
        return made, told

    def _physical(self, actor: Actor, lines: list[PhoneLine]) -> tuple[list[phones.NewPhone], dict[str, str]]:
        """As ``_phones_of``, for phones that are nobody's."""
        made, told = [], {}
        for line in lines:
            secret, sealed = self._accounts.new_secret()
            told[line.extension] = secret
            made.append(
                phones.NewPhone(
                    id=new_id(self._clock()),
                    tenant_id=actor.tenant_id,
                    extension=line.extension,
                    sealed_secret=sealed,
                    site_id=line.site_id,
                    kind=Station.PHYSICAL.value,
                    label=line.label,
                )
            )
        return made, told


def _table(data: bytes, known: Mapping[str, tuple[str, ...]], needed: tuple[str, ...]) -> Table:
    return Table(read_sheet(data), known, needed)


def _reload(topic: str, actor: Actor) -> Change:
    return Change(topic=topic, key=RELOAD_KEY, tenant_id=actor.tenant_id, retain=False)


def _report(table: Table, outcome: Outcome, credentials: tuple[Credential, ...] = ()) -> ImportReport:
    return ImportReport(
        total=len(table),
        valid=len(outcome.users) + len(outcome.phones),
        created=len(credentials),
        errors=tuple(outcome.errors),
        columns=table.columns,
        credentials=credentials,
    )
