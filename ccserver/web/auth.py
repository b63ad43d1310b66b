"""Who is the caller: from the bearer token or the access cookie to an Actor, and what the route asks of it."""

from collections.abc import Iterable
from uuid import UUID

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.domain.errors import DomainError, Forbidden, Unauthenticated
from ccserver.web import cookies, csrf, keys


async def authenticate(request: web.Request) -> Actor:
    """The caller. Raises Unauthenticated with the reason, or Unavailable when nobody can tell."""
    token = bearer_token(request) or request.cookies.get(cookies.ACCESS, "")
    if not token:
        raise Unauthenticated
    session_id = request.app[keys.ACCESS_TOKENS].read(token)
    return await request.app[keys.SESSIONS].actor(session_id)


async def revalidate(app: web.Application, session_ids: Iterable[UUID]) -> dict[UUID, Actor | None]:
    """Which sessions still stand and for whom, in one query: for sockets that stay open."""
    return await app[keys.SESSIONS].revalidate(session_ids)


def bearer_token(request: web.Request) -> str:
    """The token of an ``Authorization: Bearer`` header, "" without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def require(request: web.Request, ability: Ability) -> Actor | None:
    """The actor if it has the ability; None is possible on public routes only.

    Raises what kept the middleware from finding an actor, Forbidden (must_change_password), or Forbidden.
    """
    actor = keys.actor_of(request)
    if ability is Ability.PUBLIC:
        return actor
    if actor is None:
        refusal: DomainError = request.get(keys.AUTH_ERROR) or Unauthenticated()
        raise refusal
    if not actor.may(ability):
        if actor.must_change_password:
            raise Forbidden("must_change_password")
        raise Forbidden
    return actor


def check_origin(request: web.Request) -> None:
    """Refuse an unsafe request that another site's page sends. Raises Forbidden csrf."""
    origin = request.headers.get("Origin")
    if origin is not None and not request.app[keys.ADDRESSES].is_own_origin(request, origin):
        raise Forbidden("csrf")


def check_csrf(request: web.Request, actor: Actor | None) -> None:
    """Refuse an unsafe request by cookie without the session's token. Raises Forbidden csrf."""
    if bearer_token(request):
        return
    check_origin(request)
    if actor is None:
        return
    if not request.app[keys.CSRF].fits(actor.session_id, request.headers.get(csrf.HEADER, "")):
        raise Forbidden("csrf")
