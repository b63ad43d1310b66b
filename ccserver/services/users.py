"""Users of a tenant: list, create, edit, deactivate, reset; every change told to open pages and to telephony."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor, Role, may_grant
from ccserver.domain.account import UserRow
from ccserver.domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from ccserver.domain.passwords import check_password, generate
from ccserver.domain.stream import Change
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.services.hashing import Hashing
from ccserver.services.sessions import Sessions
from ccserver.storage import audit, phones, users
from ccserver.storage import sessions as session_store
from ccserver.storage.pool import Connection, Database
from ccserver.storage.vault import Vault

PASSWORD_LENGTH = 14
SIP_SECRET_LENGTH = 24
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_EXTENSION = re.compile(r"[0-9]{2,8}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDraft:
    """A user to be made. Empty ``password``: one is generated."""

    login: str
    first_name: str
    last_name: str
    email: str
    role: Role
    site_id: UUID | None
    site_ids: tuple[UUID, ...]
    extension: str
    locale: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEdit:
    """What to change; None leaves a value as it is. ``clear_site`` takes the site away."""

    login: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    role: Role | None = None
    site_id: UUID | None = None
    clear_site: bool = False
    site_ids: tuple[UUID, ...] | None = None
    extension: str | None = None
    locale: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A user with secrets to be shown once: "" for those that were not generated."""

    user: UserRow
    password: str = ""
    sip_secret: str = ""


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
        self._vault = vault
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
        _check_draft(draft)
        if not may_grant(actor.role, draft.role):
            raise Forbidden("role_not_granted")
        password = draft.password or generate(PASSWORD_LENGTH, secrets.choice)
        password_hash = await self._hashing.hash(password)
        now = self._clock()
        user = users.NewUser(
            id=new_id(now),
            tenant_id=actor.tenant_id,
            login=draft.login,
            first_name=draft.first_name.strip(),
            last_name=draft.last_name.strip(),
            email=draft.email,
            role=draft.role,
            site_id=draft.site_id,
            locale=draft.locale,
            password_hash=password_hash,
            must_change_password=True,
        )
        secret = ""
        async with self._database.tenant(actor.tenant_id) as connection:
            await users.insert_user(connection, user, now)
            await users.set_sites(connection, user.id, actor.tenant_id, draft.site_ids)
            if draft.extension:
                secret = await self._give_phone(connection, actor.tenant_id, user.id, draft.extension)
            await self._audit(connection, actor, "user.create", user.id, {"login": user.login})
            row = await _found(connection, user.id)
        await self._heralds.tell(actor, user_change(row, actor.tenant_id))
        return Shown(user=row, password="" if draft.password else password, sip_secret=secret)

    async def edit(self, actor: Actor, user_id: UUID, edit: UserEdit) -> Shown:
        """Change a user. Deactivating or a change of role ends their sessions.

        A first extension brings a phone whose secret comes back this once; an empty one takes the phone away.
        Raises NotFound, Invalid, Conflict (login_taken, extension_taken, own_account), Forbidden.
        """
        now = self._clock()
        secret, reason = "", ""
        ended: list[UUID] = []
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, user_id, lock=True)
            after = _edited(before, edit)
            _check_edit(actor, before, after)
            await users.update_user(connection, after, now)
            if edit.site_ids is not None:
                await users.set_sites(connection, user_id, actor.tenant_id, edit.site_ids)
            if after.extension != before.extension:
                secret = await self._change_phone(connection, actor.tenant_id, before, after)
            reason = _end_reason(before, after)
            if reason:
                ended = await session_store.end_sessions_of_user(connection, user_id, reason, now)
            await self._audit(connection, actor, "user.edit", user_id, _difference(before, after))
            row = await _found(connection, user_id)
        await self._sessions.told_ended(actor.tenant_id, user_id, ended, reason)
        await self._sessions.told_profile(actor.tenant_id, user_id)
        await self._heralds.tell(actor, user_change(row, actor.tenant_id))
        return Shown(user=row, sip_secret=secret)

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
            await self._audit(connection, actor, "user.reset_password", user_id, {})
            row = await _found(connection, user_id)
        await self._sessions.told_ended(actor.tenant_id, user_id, ended, "password_reset")
        await self._heralds.tell(actor, user_change(row, actor.tenant_id))
        return Shown(user=row, password=password)

    async def reset_phone(self, actor: Actor, user_id: UUID) -> Shown:
        """Give the user's phone a new SIP secret, shown this once. Raises NotFound, Conflict no_phone, Forbidden."""
        secret = generate(SIP_SECRET_LENGTH, secrets.choice)
        async with self._database.tenant(actor.tenant_id) as connection:
            row = await _found(connection, user_id, lock=True)
            if not may_grant(actor.role, Role(row.role)):
                raise Forbidden("role_not_granted")
            if not row.extension:
                raise Conflict("no_phone")
            await phones.set_secret(connection, user_id, self._vault.seal(secret), self._clock())
            await self._audit(connection, actor, "user.reset_phone", user_id, {})
        await self._heralds.tell(actor)
        return Shown(user=row, sip_secret=secret)

    async def _change_phone(
        self, connection: Connection, tenant_id: UUID, before: UserRow, after: UserRow
    ) -> str:
        if not after.extension:
            await phones.delete_phone(connection, after.id)
            return ""
        if before.extension:
            await phones.set_extension(connection, after.id, after.extension, self._clock())
            return ""
        return await self._give_phone(connection, tenant_id, after.id, after.extension)

    async def _give_phone(
        self, connection: Connection, tenant_id: UUID, user_id: UUID, extension: str
    ) -> str:
        secret = generate(SIP_SECRET_LENGTH, secrets.choice)
        now = self._clock()
        await phones.insert_phone(
            connection,
            phone_id=new_id(now),
            tenant_id=tenant_id,
            user_id=user_id,
            extension=extension,
            sealed_secret=self._vault.seal(secret),
            at=now,
        )
        return secret

    async def _audit(
        self, connection: Connection, actor: Actor, action: str, user_id: UUID, detail: dict[str, str]
    ) -> None:
        now = self._clock()
        await audit.record(
            connection,
            entry_id=new_id(now),
            tenant_id=actor.tenant_id,
            at=now,
            user_id=actor.user_id,
            action=action,
            target=str(user_id),
            detail=detail,
        )


async def _found(connection: Connection, user_id: UUID, *, lock: bool = False) -> UserRow:
    row = await users.get_user(connection, user_id, lock=lock)
    if row is None:
        raise NotFound
    return row


def _check_draft(draft: UserDraft) -> None:
    if draft.password:
        check_password(draft.password, draft.login, field="password")
    _check_person(draft.login, draft.email, draft.extension, draft.role, draft.site_id)


def _check_person(login: str, email: str, extension: str, role: Role, site_id: UUID | None) -> None:
    errors: list[FieldError] = []
    if not _LOGIN.fullmatch(login):
        errors.append(FieldError("login", "login_format"))
    if email and (len(email) > 254 or not _EMAIL.fullmatch(email)):
        errors.append(FieldError("email", "email_format"))
    if extension and not _EXTENSION.fullmatch(extension):
        errors.append(FieldError("extension", "extension_format"))
    if role is Role.AGENT and site_id is None:
        # An agent's calls leave by the trunk of a site, emergency calls above all.
        errors.append(FieldError("site_id", "agent_without_site"))
    if errors:
        raise Invalid(*errors)


def _check_edit(actor: Actor, before: UserRow, after: UserRow) -> None:
    if not (may_grant(actor.role, Role(before.role)) and may_grant(actor.role, Role(after.role))):
        raise Forbidden("role_not_granted")
    if before.id == actor.user_id and (not after.active or after.role != before.role):
        # So that an administrator always remains.
        raise Conflict("own_account")
    _check_person(after.login, after.email, after.extension, Role(after.role), after.site_id)


def _edited(row: UserRow, edit: UserEdit) -> UserRow:
    values = {
        "login": edit.login,
        "first_name": None if edit.first_name is None else edit.first_name.strip(),
        "last_name": None if edit.last_name is None else edit.last_name.strip(),
        "email": edit.email,
        "role": None if edit.role is None else edit.role.value,
        "site_id": edit.site_id,
        "extension": edit.extension,
        "locale": edit.locale,
        "active": edit.active,
    }
    changed = msgspec.structs.replace(row, **{k: v for k, v in values.items() if v is not None})
    return msgspec.structs.replace(changed, site_id=None) if edit.clear_site else changed


def _end_reason(before: UserRow, after: UserRow) -> str:
    if before.active and not after.active:
        return "deactivated"
    return "role_changed" if before.role != after.role else ""


def _difference(before: UserRow, after: UserRow) -> dict[str, str]:
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return {name: f"{old[name]} -> {new[name]}" for name in old if old[name] != new[name] and name != "name"}


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
