"""Users of a tenant: list, create, edit, deactivate, reset; every change told to open pages and to telephony."""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor, Role, may_grant
from ccserver.domain.account import UserRow
from ccserver.domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from ccserver.domain.passwords import generate
from ccserver.domain.station import PhoneRow, Station
from ccserver.domain.stream import Change
from ccserver.domain.version import Versions
from ccserver.services.base import Clock, Heralds
from ccserver.services.changes import record, refuse_stale
from ccserver.services.hashing import Hashing
from ccserver.services.people import (
    UserDraft,
    UserEdit,
    checked_draft,
    checked_edit,
    difference,
    edited,
    end_reason,
    new_user,
)
from ccserver.services.sessions import Sessions
from ccserver.services.sip_accounts import Account, SipAccounts, country_of, phone_change, phone_gone
from ccserver.storage import phones, users
from ccserver.storage import sessions as session_store
from ccserver.storage.pool import Connection, Database
from ccserver.storage.vault import Vault

PASSWORD_LENGTH = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A user with secrets to be shown once: "" and None for those that were not generated."""

    user: UserRow
    password: str = field(default="", repr=False)
    account: Account | None = None

    @property
    def sip_secret(self) -> str:
        """The secret of the phone, "" for one that has none or keeps its own."""
        return self.account.secret if self.account else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """One page of users; ``next`` is where the following one begins, "" at the end."""

    items: tuple[UserRow, ...]
    next: str


def user_change(row: UserRow, tenant_id: UUID) -> Change:
    """The announcement of a user's row."""
    return Change(
        topic="users",
        key=str(row.id),
        row=msgspec.Raw(msgspec.json.encode(row)),
        tenant_id=tenant_id,
        site_id=row.site_id,
        user_id=row.id,
        retain=False,
    )


class Users:
    """Use cases of the users page; every one of them needs an actor who may manage users."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        hashing: Hashing,
        vault: Vault,
        heralds: Heralds,
        *,
        clock: Clock,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._hashing = hashing
        self._accounts = SipAccounts(vault, clock=clock)
        self._heralds = heralds
        self._clock = clock

    async def page(
        self, actor: Actor, *, text: str = "", active: bool | None = None, after: str = "", limit: int = 50
    ) -> UserPage:
        """Users by name. Raises Invalid for an ``after`` that is not ours."""
        position = _read_cursor(after) if after else None
        async with self._database.tenant(actor.tenant_id) as connection:
            rows = await users.page_of_users(
                connection, text=text.strip(), active=active, after=position, limit=limit + 1
            )
        more = len(rows) > limit
        rows = rows[:limit]
        return UserPage(items=tuple(rows), next=_cursor(rows[-1]) if more else "")

    async def get(self, actor: Actor, user_id: UUID) -> UserRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return await _found(connection, user_id)

    async def create(self, actor: Actor, draft: UserDraft) -> Shown:
        """Make a user, with a phone when an extension is given. Secrets come back this once.

        Raises Invalid, Conflict (login_taken, extension_taken), Forbidden role_not_granted.
        """
        if not may_grant(actor.role, draft.role):
            raise Forbidden("role_not_granted")
        async with self._database.tenant(actor.tenant_id) as connection:
            draft = checked_draft(draft, await country_of(connection, draft.site_id))
        password = draft.password or generate(PASSWORD_LENGTH, secrets.choice)
        password_hash = await self._hashing.hash(password)
        now = self._clock()
        user = new_user(draft, actor.tenant_id, password_hash, now)
        account = None
        async with self._database.tenant(actor.tenant_id) as connection:
            await users.insert_user(connection, user, now)
            await users.set_sites(connection, user.id, actor.tenant_id, draft.site_ids)
            if draft.extension:
                account = await self._accounts.give(
                    connection,
                    actor.tenant_id,
                    user.id,
                    extension=draft.extension,
                    station=draft.station,
                    mobile=draft.mobile,
                )
            await record(connection, actor, now, "user.create", user.id, {"login": user.login})
            row = await _found(connection, user.id)
        changes = [user_change(row, actor.tenant_id)]
        if account:
            changes.append(phone_change(account.phone, actor.tenant_id))
        await self._heralds.tell(actor, *changes)
        return Shown(user=row, password="" if draft.password else password, account=account)

    async def edit(self, actor: Actor, user_id: UUID, edit: UserEdit, versions: Versions = None) -> Shown:
        """Change a user. Deactivating or a change of role ends their sessions.

        A first extension, or a mobile that becomes a phone, brings an account whose secret comes back this once; an
        empty extension takes the phone away. Raises NotFound, ChangedMeanwhile, Invalid, Forbidden, Conflict
        (login_taken, extension_taken, own_account, phone_in_use).
        """
        ended: list[UUID] = []
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, user_id, lock=True)
            await refuse_stale(connection, before, versions, "user")
            now = self._clock()
            wanted = edited(before, edit)
            after = checked_edit(actor, before, wanted, await country_of(connection, wanted.site_id))
            await users.update_user(connection, after, now)
            if edit.site_ids is not None:
                await users.set_sites(connection, user_id, actor.tenant_id, edit.site_ids)
            gone, account = await self._change_phone(connection, actor.tenant_id, before, after)
            reason = end_reason(before, after)
            if reason:
                ended = await session_store.end_sessions_of_user(connection, user_id, reason, now)
            await record(connection, actor, now, "user.edit", user_id, difference(before, after))
            row = await _found(connection, user_id)
            kept = await phones.get_phone(connection, row.phone_id) if row.phone_id else None
        await self._sessions.told_ended(actor.tenant_id, user_id, ended, reason)
        await self._sessions.told_profile(actor.tenant_id, user_id)
        changes = [user_change(row, actor.tenant_id)]
        if gone:
            changes.append(phone_gone(gone, actor.tenant_id))
        if kept:
            # Their name and site are the phone's as well.
            changes.append(phone_change(kept, actor.tenant_id))
        await self._heralds.tell(actor, *changes)
        return Shown(user=row, account=account)

    async def reset_password(self, actor: Actor, user_id: UUID) -> Shown:
        """Give the user a new password to be changed at the next login; their sessions end.

        Raises NotFound, Conflict own_account (use change-password), Forbidden role_not_granted.
        """
        if user_id == actor.user_id:
            raise Conflict("own_account")
        password = generate(PASSWORD_LENGTH, secrets.choice)
        password_hash = await self._hashing.hash(password)
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            row = await _found(connection, user_id, lock=True)
            if not may_grant(actor.role, Role(row.role)):
                raise Forbidden("role_not_granted")
            await users.set_password(connection, user_id, password_hash, True, now)
            ended = await session_store.end_sessions_of_user(connection, user_id, "password_reset", now)
            await record(connection, actor, now, "user.reset_password", user_id, {})
            row = await _found(connection, user_id)
        await self._sessions.told_ended(actor.tenant_id, user_id, ended, "password_reset")
        await self._heralds.tell(actor, user_change(row, actor.tenant_id))
        return Shown(user=row, password=password)

    async def reset_phone(self, actor: Actor, user_id: UUID) -> Shown:
        """Give the user's phone a new SIP secret, shown this once.

        Raises NotFound, Forbidden, Conflict no_phone (a mobile, too, has no account of ours).
        """
        async with self._database.tenant(actor.tenant_id) as connection:
            row = await _found(connection, user_id, lock=True)
            if not may_grant(actor.role, Role(row.role)):
                raise Forbidden("role_not_granted")
            if row.phone_id is None or not Station(row.station).has_endpoint:
                raise Conflict("no_phone")
            account = await self._accounts.renew(connection, actor.tenant_id, row.phone_id)
            await record(connection, actor, self._clock(), "user.reset_phone", user_id, {})
        await self._heralds.tell(actor, phone_change(account.phone, actor.tenant_id))
        return Shown(user=row, account=account)

    async def _change_phone(
        self, connection: Connection, tenant_id: UUID, before: UserRow, after: UserRow
    ) -> tuple[PhoneRow | None, Account | None]:
        """The phone that went, and the account that came or whose secret is new."""
        old, new = Station(before.station or "softphone"), Station(after.station or "softphone")
        if before.phone_id is None:
            if not after.extension:
                return None, None
            given = await self._accounts.give(
                connection, tenant_id, after.id, extension=after.extension, station=new, mobile=after.mobile
            )
            return None, given
        if not after.extension:
            phone = await phones.get_phone(connection, before.phone_id, lock=True)
            if phone:
                await self._accounts.take(connection, phone)
            return phone, None
        now = self._clock()
        if after.extension != before.extension:
            await phones.set_extension(connection, after.id, after.extension, now)
        if (after.station, after.mobile) != (before.station, before.mobile):
            await phones.set_station(connection, after.id, after.station, after.mobile, now)
        if new.has_endpoint and not old.has_endpoint:
            # Nobody has ever been told the secret of a mobile.
            return None, await self._accounts.renew(connection, tenant_id, before.phone_id)
        if new is not old or after.extension != before.extension:
            await phones.forget_tickets(connection, before.phone_id, now)
        return None, None


async def _found(connection: Connection, user_id: UUID, *, lock: bool = False) -> UserRow:
    row = await users.get_user(connection, user_id, lock=lock)
    if row is None:
        raise NotFound
    return row


def _cursor(row: UserRow) -> str:
    mark = msgspec.json.encode((row.last_name, row.first_name, str(row.id)))
    return base64.urlsafe_b64encode(mark).decode().rstrip("=")


def _read_cursor(cursor: str) -> users.Position:
    try:
        mark = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        last_name, first_name, user_id = msgspec.json.decode(mark, type=tuple[str, str, UUID])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Invalid(FieldError("after", "cursor")) from None
    if "\x00" in last_name + first_name:
        raise Invalid(FieldError("after", "cursor"))
    return users.Position(last_name, first_name, user_id)
