"""What a user is asked for, and what is wrong with it: the rules of the users page and of an import alike."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor, Role, may_grant
from ccserver.domain.account import UserRow
from ccserver.domain.errors import Conflict, FieldError, Forbidden, Invalid
from ccserver.domain.passwords import check_password
from ccserver.domain.station import Station, extension_errors, mobile_number
from ccserver.services.base import new_id
from ccserver.storage.users import NewUser

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDraft:
    """A user to be made. Empty ``password``: one is generated. ``mobile`` is kept for that station only."""

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
    station: Station = Station.SOFTPHONE
    mobile: str = ""


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
    station: Station | None = None
    mobile: str | None = None
    locale: str | None = None
    active: bool | None = None


def person_errors(
    *, login: str, email: str, role: Role, site_id: UUID | None, extension: str, country: str
) -> list[FieldError]:
    """What is wrong with a person, at a site whose country is ``country``."""
    errors: list[FieldError] = []
    if not _LOGIN.fullmatch(login):
        errors.append(FieldError("login", "login_format"))
    if email and (len(email) > 254 or not _EMAIL.fullmatch(email)):
        errors.append(FieldError("email", "email_format"))
    if extension:
        errors.extend(extension_errors(extension, country))
    if role is Role.AGENT and site_id is None:
        # An agent's calls leave by the trunk of a site, emergency calls above all.
        errors.append(FieldError("site_id", "agent_without_site"))
    return errors


def station_of(extension: str, station: Station, mobile: str, country: str) -> tuple[str, list[FieldError]]:
    """The mobile's number as it is kept ("" for another station), and what is wrong with the station."""
    if not extension:
        # A station is what an extension rings; the usual one is nobody's choice and needs none.
        wrong = station is not Station.SOFTPHONE
        return "", [FieldError("extension", "station_without_extension")] if wrong else []
    if station is Station.PHYSICAL:
        return "", [FieldError("station", "not_a_choice")]
    if station is not Station.MOBILE:
        return "", []
    try:
        return mobile_number(mobile, country), []
    except Invalid as error:
        return "", list(error.errors)


def checked_draft(draft: UserDraft, country: str) -> UserDraft:
    """The draft as it will be kept. Raises Invalid."""
    if draft.password:
        check_password(draft.password, draft.login, field="password")
    errors = person_errors(
        login=draft.login,
        email=draft.email,
        role=draft.role,
        site_id=draft.site_id,
        extension=draft.extension,
        country=country,
    )
    mobile, wrong = station_of(draft.extension, draft.station, draft.mobile, country)
    if errors or wrong:
        raise Invalid(*errors, *wrong)
    return replace(
        draft, first_name=draft.first_name.strip(), last_name=draft.last_name.strip(), mobile=mobile
    )


def new_user(draft: UserDraft, tenant_id: UUID, password_hash: str, now: datetime) -> NewUser:
    """What is inserted for a draft; the password is to be changed at the first login."""
    return NewUser(
        id=new_id(now),
        tenant_id=tenant_id,
        login=draft.login,
        first_name=draft.first_name,
        last_name=draft.last_name,
        email=draft.email,
        role=draft.role,
        site_id=draft.site_id,
        locale=draft.locale,
        password_hash=password_hash,
        must_change_password=True,
    )


def edited(row: UserRow, edit: UserEdit) -> UserRow:
    """The row as the edit asks for it, not yet checked."""
    values = {
        "login": edit.login,
        "first_name": None if edit.first_name is None else edit.first_name.strip(),
        "last_name": None if edit.last_name is None else edit.last_name.strip(),
        "email": edit.email,
        "role": None if edit.role is None else edit.role.value,
        "site_id": edit.site_id,
        "extension": edit.extension,
        "station": None if edit.station is None else edit.station.value,
        "mobile": edit.mobile,
        "locale": edit.locale,
        "active": edit.active,
    }
    changed = msgspec.structs.replace(row, **{k: v for k, v in values.items() if v is not None})
    if edit.clear_site:
        changed = msgspec.structs.replace(changed, site_id=None)
    if not changed.extension and edit.station is None:
        changed = msgspec.structs.replace(changed, station="")
    return changed


def checked_edit(actor: Actor, before: UserRow, after: UserRow, country: str) -> UserRow:
    """``after`` as it will be kept. Raises Forbidden role_not_granted, Conflict own_account, Invalid."""
    if not (may_grant(actor.role, Role(before.role)) and may_grant(actor.role, Role(after.role))):
        raise Forbidden("role_not_granted")
    if before.id == actor.user_id and (not after.active or after.role != before.role):
        # So that an administrator always remains.
        raise Conflict("own_account")
    same = after.extension == before.extension
    errors = person_errors(
        login=after.login,
        email=after.email,
        role=Role(after.role),
        site_id=after.site_id,
        # One given under older rules does not stand in the way of another change.
        extension="" if same else after.extension,
        country=country,
    )
    station = Station(after.station or Station.SOFTPHONE)
    if same and (after.station, after.mobile) == (before.station, before.mobile):
        mobile, wrong = before.mobile, list[FieldError]()
    else:
        mobile, wrong = station_of(after.extension, station, after.mobile, country)
    if errors or wrong:
        raise Invalid(*errors, *wrong)
    kept = station.value if after.extension else ""
    return msgspec.structs.replace(after, station=kept, mobile=mobile)


def end_reason(before: UserRow, after: UserRow) -> str:
    """Why the user's sessions end with this edit, "" when they go on."""
    if before.active and not after.active:
        return "deactivated"
    return "role_changed" if before.role != after.role else ""


def difference(before: UserRow, after: UserRow) -> dict[str, str]:
    """What the audit log tells of an edit."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    told = (name for name in old if name not in ("name", "version"))
    return {name: f"{old[name]} -> {new[name]}" for name in told if old[name] != new[name]}
