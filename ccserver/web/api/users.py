"""/api/users."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from ccserver.domain.access import Ability, Actor, Role
from ccserver.domain.account import UserRow
from ccserver.domain.station import Station
from ccserver.services.people import UserDraft, UserEdit
from ccserver.services.provisioning import Provisioning
from ccserver.services.users import Shown
from ccserver.web import keys
from ccserver.web.api.phones import tell_accounts
from ccserver.web.decoding import Body
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

LoginName = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(max_length=80)]
Email = Annotated[str, Meta(max_length=254)]
Extension = Annotated[str, Meta(max_length=8)]
StationName = Literal["softphone", "browser", "mobile"]
Mobile = Annotated[str, Meta(max_length=40)]
SiteIds = Annotated[tuple[UUID, ...], Meta(max_length=500)]
Locale = Literal["fr", "en"]


class UserFilter(Body, frozen=True, kw_only=True):
    """``text`` is looked for in names, login, email and extension; ``after`` is the last page's ``next``."""

    text: Annotated[str, Meta(max_length=80)] = ""
    active: bool | None = None
    after: Annotated[str, Meta(max_length=1000)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class NewUser(Body, frozen=True, kw_only=True):
    """A user to create. No ``extension``: no phone. No ``password``: one is generated and shown once.

    ``station`` is what the extension rings; ``mobile`` is its number, as written in the site's country, for a mobile.
    """

    login: LoginName
    role: Role
    first_name: Name = ""
    last_name: Name = ""
    email: Email = ""
    site_id: UUID | None = None
    site_ids: SiteIds = ()
    extension: Extension | None = None
    station: StationName = "softphone"
    mobile: Mobile = ""
    locale: Locale = "fr"
    password: Annotated[str, Meta(max_length=128)] | None = None


class UserChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes. ``extension`` null or "": the phone is taken away."""

    login: LoginName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    site_id: UUID | UnsetType | None = UNSET
    site_ids: SiteIds | UnsetType = UNSET
    extension: Extension | UnsetType | None = UNSET
    station: StationName | UnsetType = UNSET
    mobile: Mobile | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class UserPage(Struct, frozen=True, kw_only=True):
    """``next`` is "" on the last page."""

    items: tuple[UserRow, ...]
    next: str


class UserWithSecrets(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user, and what was generated for them: shown this once and never again.

    ``provisioning`` comes with the secret of a phone that is set up by hand or by a code.
    """

    user: UserRow
    password: str = ""
    sip_secret: str = ""
    provisioning: Provisioning | None = None

    @property
    def version(self) -> str:
        """The user's."""
        return self.user.version


class NewPassword(Struct, frozen=True, kw_only=True):
    """Shown once; to be changed at the next login."""

    password: str


class NewSecret(Struct, frozen=True, kw_only=True):
    """What to type into the phone; shown once."""

    extension: str
    sip_secret: str
    provisioning: Provisioning | None


async def list_users(request: web.Request, actor: Actor, query: UserFilter) -> UserPage:
    page = await request.app[keys.USERS].page(
        actor, text=query.text, active=query.active, after=query.after, limit=query.limit
    )
    return UserPage(items=page.items, next=page.next)


async def create_user(request: web.Request, actor: Actor, body: NewUser) -> UserWithSecrets:
    draft = UserDraft(
        login=body.login,
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        role=body.role,
        site_id=body.site_id,
        site_ids=body.site_ids,
        extension=body.extension or "",
        station=Station(body.station),
        mobile=body.mobile,
        locale=body.locale,
        password=body.password or "",
    )
    return await _with_secrets(request, await request.app[keys.USERS].create(actor, draft))


async def get_user(request: web.Request, actor: Actor) -> UserRow:
    return await request.app[keys.USERS].get(actor, path_id(request))


async def edit_user(request: web.Request, actor: Actor, body: UserChanges) -> UserWithSecrets:
    edit = UserEdit(
        login=body.login or None,
        first_name=None if body.first_name is UNSET else body.first_name,
        last_name=None if body.last_name is UNSET else body.last_name,
        email=None if body.email is UNSET else body.email,
        role=body.role or None,
        site_id=body.site_id or None,
        clear_site=body.site_id is None,
        site_ids=None if body.site_ids is UNSET else body.site_ids,
        extension=None if body.extension is UNSET else body.extension or "",
        station=None if body.station is UNSET else Station(body.station),
        mobile=None if body.mobile is UNSET else body.mobile,
        locale=body.locale or None,
        active=None if body.active is UNSET else body.active,
    )
    shown = await request.app[keys.USERS].edit(actor, path_id(request), edit, versions_of(request))
    return await _with_secrets(request, shown)


async def reset_password(request: web.Request, actor: Actor) -> NewPassword:
    shown = await request.app[keys.USERS].reset_password(actor, path_id(request))
    return NewPassword(password=shown.password)


async def reset_phone(request: web.Request, actor: Actor) -> NewSecret:
    shown = await request.app[keys.USERS].reset_phone(actor, path_id(request))
    return NewSecret(
        extension=shown.user.extension,
        sip_secret=shown.sip_secret,
        provisioning=await _provisioning(request, shown),
    )


async def _with_secrets(request: web.Request, shown: Shown) -> UserWithSecrets:
    return UserWithSecrets(
        user=shown.user,
        password=shown.password,
        sip_secret=shown.sip_secret,
        provisioning=await _provisioning(request, shown),
    )


async def _provisioning(request: web.Request, shown: Shown) -> Provisioning | None:
    if shown.account is None:
        return None
    [how] = await tell_accounts(request, [shown.account])
    return how


ROUTES = (
    Route(
        "GET",
        "/api/users",
        list_users,
        ability=Ability.MANAGE_USERS,
        query=UserFilter,
        returns=UserPage,
        summary="Users of the tenant, by name",
    ),
    Route(
        "POST",
        "/api/users",
        create_user,
        ability=Ability.MANAGE_USERS,
        body=NewUser,
        returns=UserWithSecrets,
        status=201,
        summary="Create a user; generated secrets are shown once",
    ),
    Route(
        "GET",
        "/api/users/{id}",
        get_user,
        ability=Ability.MANAGE_USERS,
        returns=UserRow,
        versioned=UserRow,
        summary="One user",
    ),
    Route(
        "PATCH",
        "/api/users/{id}",
        edit_user,
        ability=Ability.MANAGE_USERS,
        body=UserChanges,
        returns=UserWithSecrets,
        versioned=UserRow,
        summary="Edit or deactivate a user; deactivating ends their sessions",
    ),
    Route(
        "POST",
        "/api/users/{id}/reset-password",
        reset_password,
        ability=Ability.MANAGE_USERS,
        returns=NewPassword,
        summary="Give a new password, shown once; their sessions end",
    ),
    Route(
        "POST",
        "/api/users/{id}/reset-phone",
        reset_phone,
        ability=Ability.MANAGE_USERS,
        returns=NewSecret,
        summary="Give the user's phone a new SIP secret, shown once",
    ),
)
