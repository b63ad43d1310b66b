"""Pages of sites: all of them, one with its trunks, numbers and routes, and the opening schedules."""

import asyncio
from typing import Any

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.domain.errors import NotFound
from ccserver.web import keys
from ccserver.web.i18n import N_
from ccserver.web.pages.places import ALSACE, places
from ccserver.web.pages.shell import live_shell
from ccserver.web.rendering import Shell
from ccserver.web.route import Route

SECTION = "/sites"
"""The navigation's entry of all these pages."""
TOPICS = ("sites", "phones", "links", "me")


async def choices(request: web.Request) -> dict[str, Any]:
    """What the forms offer, named in the reader's language."""
    locale = keys.locale_of(request)
    alsace = request.app[keys.CATALOGUES].translations(locale).gettext(ALSACE)
    # The first time for a language, names are read from the disk.
    found = await asyncio.to_thread(places, locale, alsace)
    return {"countries": found.countries, "zones": found.zones, "holidays": found.holidays}


async def sites(request: web.Request, actor: Actor) -> Shell:
    return await live_shell(
        request,
        actor,
        title=N_("Sites and trunks"),
        module="sites",
        topics=TOPICS,
        context=await choices(request),
    )


async def site(request: web.Request, actor: Actor) -> Shell:
    slug = request.match_info["slug"]
    found = [row for row in await request.app[keys.SITES].list_sites(actor) if row.slug == slug]
    if not found:
        raise NotFound
    return await live_shell(
        request,
        actor,
        title=N_("Site"),
        module="site",
        topics=TOPICS,
        section=SECTION,
        data={"site": found[0]},
        context={**await choices(request), "site": found[0]},
    )


async def schedules(request: web.Request, actor: Actor) -> Shell:
    return await live_shell(
        request,
        actor,
        title=N_("Opening hours"),
        module="schedules",
        topics=TOPICS,
        section=SECTION,
        context=await choices(request),
    )


ROUTES = (
    Route("GET", "/sites", sites, ability=Ability.MANAGE_SITES, page="pages/sites.html", summary="Sites"),
    Route(
        "GET", "/sites/{slug}", site, ability=Ability.MANAGE_SITES, page="pages/site.html", summary="One site"
    ),
    Route(
        "GET",
        "/schedules",
        schedules,
        ability=Ability.MANAGE_SITES,
        page="pages/schedules.html",
        summary="Opening schedules",
    ),
)
