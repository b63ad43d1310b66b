"""/api/routes, a site's outgoing routes, and the way that a call would take."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta

from ccserver.domain.access import Ability, Actor
from ccserver.domain.route import RouteLine
from ccserver.services.routes import AllRoutes, SiteRoutes, Ways
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of


class WantedRoute(Body, frozen=True, kw_only=True):
    """Calls to numbers that begin with ``prefix`` (+33, "" for all) try this trunk; the lowest ``priority`` first."""

    trunk_id: UUID
    prefix: Annotated[str, Meta(max_length=24)] = ""
    priority: Annotated[int, Meta(ge=1, le=100)] = 1


class WantedRoutes(Body, frozen=True, kw_only=True):
    """All outgoing routes of the site; those that are not in the list are deleted."""

    routes: Annotated[tuple[WantedRoute, ...], Meta(max_length=200)]


class WantedNumber(Body, frozen=True, kw_only=True):
    """A number as typed at the site."""

    number: Annotated[str, Meta(min_length=1, max_length=40)]


async def list_routes(request: web.Request, actor: Actor) -> AllRoutes:
    return await request.app[keys.OUTGOING_ROUTES].list_routes(actor)


async def routes_of_site(request: web.Request, actor: Actor) -> SiteRoutes:
    return await request.app[keys.OUTGOING_ROUTES].of_site(actor, path_id(request))


async def replace_routes(request: web.Request, actor: Actor, body: WantedRoutes) -> SiteRoutes:
    lines = [RouteLine(trunk_id=r.trunk_id, prefix=r.prefix, priority=r.priority) for r in body.routes]
    return await request.app[keys.OUTGOING_ROUTES].replace(
        actor, path_id(request), lines, versions_of(request)
    )


async def ways(request: web.Request, actor: Actor, query: WantedNumber) -> Ways:
    return await request.app[keys.OUTGOING_ROUTES].ways(actor, path_id(request), query.number)


ROUTES = (
    Route(
        "GET",
        "/api/routes",
        list_routes,
        ability=Ability.MANAGE_SITES,
        returns=AllRoutes,
        summary="Outgoing routes of the tenant's sites",
    ),
    Route(
        "GET",
        "/api/sites/{id}/routes",
        routes_of_site,
        ability=Ability.MANAGE_SITES,
        returns=SiteRoutes,
        versioned=SiteRoutes,
        summary="A site's outgoing routes",
    ),
    Route(
        "PUT",
        "/api/sites/{id}/routes",
        replace_routes,
        ability=Ability.MANAGE_SITES,
        body=WantedRoutes,
        returns=SiteRoutes,
        versioned=SiteRoutes,
        summary="Replace a site's outgoing routes",
    ),
    Route(
        "GET",
        "/api/sites/{id}/ways",
        ways,
        ability=Ability.MANAGE_SITES,
        query=WantedNumber,
        returns=Ways,
        summary="Which way a call of the site to a number would take",
    ),
)
