"""Pages of what Asterisk is told: its phones, and its configuration with what is not applied yet."""

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.web import keys
from ccserver.web.i18n import N_
from ccserver.web.pages.shell import live_shell
from ccserver.web.rendering import Shell
from ccserver.web.route import Route


async def phones(request: web.Request, actor: Actor) -> Shell:
    sites = await request.app[keys.SITES].list_sites(actor)
    return await live_shell(
        request,
        actor,
        title=N_("Phones"),
        module="phones",
        # What is known of a phone's registration travels with its agent.
        topics=("phones", "agents", "stations", "links", "me"),
        context={"sites": [(str(site.id), site.name) for site in sites]},
    )


async def config(request: web.Request, actor: Actor) -> Shell:
    return await live_shell(
        request, actor, title=N_("Asterisk configuration"), module="config", topics=("links", "me")
    )


ROUTES = (
    Route("GET", "/phones", phones, ability=Ability.MANAGE_SITES, page="pages/phones.html", summary="Phones"),
    Route(
        "GET",
        "/config",
        config,
        ability=Ability.MANAGE_PBX,
        page="pages/config.html",
        summary="What is not applied to Asterisk, applying it, and what was applied",
    ),
)
