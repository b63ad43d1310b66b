"""Pages of administrators: users, system health; and the style guide in development."""

from aiohttp import web

from ccserver.domain.access import Ability, Actor, Role, may_grant
from ccserver.domain.errors import NotFound
from ccserver.web import keys
from ccserver.web.i18n import N_
from ccserver.web.pages.shell import live_shell, theme_of
from ccserver.web.rendering import ROLE_NAMES, Shell
from ccserver.web.route import Route


async def users(request: web.Request, actor: Actor) -> Shell:
    say = request.app[keys.CATALOGUES].translations(keys.locale_of(request)).gettext
    sites = await request.app[keys.SITES].list_sites(actor)
    return await live_shell(
        request,
        actor,
        title=N_("Users"),
        module="users",
        topics=("users", "links", "me"),
        data={"sites": [{"id": site.id, "name": site.name} for site in sites]},
        context={
            "roles": [(role.value, say(ROLE_NAMES[role])) for role in Role if may_grant(actor.role, role)],
            "sites": [(str(site.id), site.name) for site in sites],
        },
    )


async def system(request: web.Request, actor: Actor) -> Shell:
    return await live_shell(
        request, actor, title=N_("System health"), module="system", topics=("links", "me")
    )


async def styleguide(request: web.Request, _actor: Actor | None) -> Shell:
    if not request.app[keys.SETTINGS].development:
        raise NotFound
    return Shell(
        title=N_("Style guide"),
        module="styleguide",
        path=request.path,
        locale=keys.locale_of(request),
        theme=theme_of(request),
        nonce=keys.nonce_of(request),
    )


ROUTES = (
    Route("GET", "/users", users, ability=Ability.MANAGE_USERS, page="pages/users.html", summary="Users"),
    Route("GET", "/system", system, ability=Ability.SEE_SYSTEM, page="pages/system.html", summary="Health"),
    Route(
        "GET",
        "/styleguide",
        styleguide,
        ability=Ability.PUBLIC,
        page="pages/styleguide.html",
        summary="Every component in every state, in development",
    ),
)
