"""/api/auth: login, refresh, logout, change-password."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from ccserver.domain.access import ABILITIES, Ability, Actor
from ccserver.domain.account import UserRow
from ccserver.domain.errors import FieldError, Invalid, Unauthenticated
from ccserver.services.sessions import Tokens
from ccserver.web import cookies, keys
from ccserver.web.decoding import Body
from ccserver.web.route import Route
from ccserver.web.routing import reply

Password = Annotated[str, Meta(min_length=1, max_length=128)]


class Login(Body, frozen=True, kw_only=True):
    """Credentials. The answer never tells which of the two was wrong."""

    login: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Password


class LoginQuery(Body, frozen=True, kw_only=True):
    """``bearer=1``: tokens in the body for a program, and no cookie."""

    bearer: bool = False


class Refresh(Body, frozen=True, kw_only=True):
    """A program's refresh token; a browser sends its cookie and an empty object."""

    refresh_token: Annotated[str, Meta(max_length=200)] = ""


class ChangePassword(Body, frozen=True, kw_only=True):
    """One's own password."""

    current_password: Password
    new_password: Password


class Me(Struct, frozen=True, kw_only=True):
    """The logged-in user, with what the role may do now."""

    id: UUID
    login: str
    name: str
    first_name: str
    last_name: str
    role: str
    locale: str
    site_id: UUID | None
    must_change_password: bool
    extension: str
    abilities: tuple[str, ...]
    session_id: UUID


class Session(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``access_token`` is valid for ``expires_in`` seconds; ``refresh_token`` is for programs, used once.

    ``kept_until`` (epoch seconds) is there while the database is away: the refresh token was not swapped, and the
    session goes on until then at most.
    """

    access_token: str
    expires_in: int
    user: Me
    refresh_token: str = ""
    kept_until: float | None = None


def me_view(actor: Actor, row: UserRow) -> Me:
    """The user's own view of themselves: abilities are those that hold at this moment."""
    abilities = (Ability.SESSION, *sorted(ABILITIES[actor.role]))
    return Me(
        id=row.id,
        login=row.login,
        name=row.name,
        first_name=row.first_name,
        last_name=row.last_name,
        role=row.role,
        locale=row.locale,
        site_id=row.site_id,
        must_change_password=row.must_change_password,
        extension=row.extension,
        abilities=tuple(a.value for a in abilities if actor.may(a)),
        session_id=actor.session_id,
    )


async def login(request: web.Request, _actor: Actor | None, query: LoginQuery, body: Login) -> web.Response:
    tokens = await request.app[keys.ACCOUNTS].login(
        body.login,
        body.password,
        address=request.app[keys.ADDRESSES].of(request),
        user_agent=_user_agent(request),
    )
    return await _session(request, tokens, bearer=query.bearer)


async def refresh(request: web.Request, _actor: Actor | None, body: Refresh) -> web.Response:
    token = body.refresh_token or request.cookies.get(cookies.REFRESH, "")
    if not token:
        raise Unauthenticated
    if len(token) > 200:
        raise Invalid(FieldError("refresh_token", "too_long", (("maximum", "200"),)))
    return await _session(
        request, await request.app[keys.SESSIONS].refresh(token), bearer=bool(body.refresh_token)
    )


async def logout(request: web.Request, actor: Actor) -> web.Response:
    await request.app[keys.ACCOUNTS].logout(actor)
    response = web.Response(status=204)
    cookies.clear_session(request, response)
    return response


async def change_password(request: web.Request, actor: Actor, body: ChangePassword) -> None:
    await request.app[keys.ACCOUNTS].change_password(
        actor,
        body.current_password,
        body.new_password,
        address=request.app[keys.ADDRESSES].of(request),
    )


async def _session(request: web.Request, tokens: Tokens, *, bearer: bool) -> web.Response:
    session_id = tokens.actor.session_id
    access = request.app[keys.ACCESS_TOKENS]
    row = await request.app[keys.ACCOUNTS].row_of(tokens)
    body = Session(
        access_token=access.sign(session_id),
        expires_in=access.seconds,
        user=me_view(tokens.actor, row),
        refresh_token=tokens.refresh if bearer else "",
        kept_until=tokens.kept_until,
    )
    response = reply(body)
    if not bearer:
        cookies.set_session(request, response, session_id, tokens.refresh)
    return response


def _user_agent(request: web.Request) -> str:
    # Kept for the user's list of sessions: what cannot be printed has no place in it.
    return "".join(sign for sign in request.headers.get("User-Agent", "") if sign.isprintable())


ROUTES = (
    Route(
        "POST",
        "/api/auth/login",
        login,
        ability=Ability.PUBLIC,
        query=LoginQuery,
        body=Login,
        returns=Session,
        body_limit=4096,
        summary="Open a session; an agent's other sessions end",
    ),
    Route(
        "POST",
        "/api/auth/refresh",
        refresh,
        ability=Ability.PUBLIC,
        body=Refresh,
        returns=Session,
        body_limit=4096,
        summary="Swap the refresh token; one used twice ends its session. It is kept while the database is away",
    ),
    Route(
        "POST",
        "/api/auth/logout",
        logout,
        ability=Ability.SESSION,
        status=204,
        summary="End the session",
    ),
    Route(
        "POST",
        "/api/auth/change-password",
        change_password,
        ability=Ability.SESSION,
        body=ChangePassword,
        status=204,
        body_limit=4096,
        summary="Change one's own password; the other sessions end",
    ),
)
