"""Pages before and beside the product: login, password change, and the way to one's first page."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ccserver.domain.access import Ability, Actor
from ccserver.web import keys
from ccserver.web.api.auth import me_view
from ccserver.web.decoding import Body
from ccserver.web.i18n import N_
from ccserver.web.pages.shell import theme_of
from ccserver.web.rendering import Shell
from ccserver.web.route import Route


class LoginQuery(Body, frozen=True, kw_only=True):
    """``next``: where to go afterwards; ``reason``: why the last session ended; ``lang``: the page's language."""

    next: Annotated[str, Meta(max_length=2000)] = ""
    reason: Annotated[str, Meta(max_length=60)] = ""
    lang: Annotated[str, Meta(max_length=10)] = ""


def home_of(actor: Actor) -> str:
    """The first page of a role: who must change the password does that, agents have a desk, others a board."""
    if actor.must_change_password:
        return "/password"
    return "/board" if actor.may(Ability.SEE_BOARD) else "/desk"


async def home(request: web.Request, actor: Actor) -> web.Response:
    return web.Response(status=303, headers={"Location": home_of(actor)})


async def login(request: web.Request, actor: Actor | None, query: LoginQuery) -> Shell | web.Response:
    if actor is not None:
        return web.Response(status=303, headers={"Location": home_of(actor)})
    known = query.lang in request.app[keys.CATALOGUES].locales
    return Shell(
        title=N_("Log in"),
        module="login",
        path=request.path,
        locale=query.lang if known else keys.locale_of(request),
        theme=theme_of(request),
        nonce=keys.nonce_of(request),
    )


async def password(request: web.Request, actor: Actor) -> Shell:
    row = await request.app[keys.ACCOUNTS].me(actor)
    return Shell(
        title=N_("Change my password"),
        module="password",
        path=request.path,
        locale=keys.locale_of(request),
        theme=theme_of(request),
        me=msgspec.to_builtins(me_view(actor, row)),
        nonce=keys.nonce_of(request),
    )


ROUTES = (
    Route("GET", "/", home, ability=Ability.SESSION, page="pages/login.html", summary="To the first page"),
    Route(
        "GET",
        "/login",
        login,
        ability=Ability.PUBLIC,
        query=LoginQuery,
        page="pages/login.html",
        summary="Login",
    ),
    Route(
        "GET",
        "/password",
        password,
        ability=Ability.SESSION,
        page="pages/password.html",
        summary="Password change",
    ),
)
