"""/api/routes, a site's outgoing routes, and the way that a call would take."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import RouteRow
from ccserver.domain.route import RouteLine
from ccserver.services.routes import Ways
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.route import Route
from ccserver.web.routing import path_id


class WantedRoute(Body, frozen=True, kw_only=True):
    """Calls to numbers that begin with ``prefix`` (+33, "" for all) try this trunk; the lowest ``priority`` first."""

    trunk_id: UUID
    prefix: Annotated[str, Meta(max_length=24)] = ""
    priority: Annotated[int, Meta(ge=1, le=100)] = 1


class SiteRoutes(Body, frozen=True, kw_only=True):
    """All outgoing routes of the site; those that are not in the list are deleted."""

    routes: Annotated[tuple[WantedRoute, ...], Meta(max_length=200)]


class WantedNumber(Body, frozen=True, kw_only=True):
    """A number as typed at the site."""

    number: Annotated[str, Meta(min_length=1, max_length=40)]


class RouteList(Struct, frozen=True, kw_only=True):
    items: tuple[RouteRow, ...]


async def list_routes(request: web.Request, actor: Actor) -> RouteList:
    return RouteList(items=await request.app[keys.OUTGOING_ROUTES].list_routes(actor))


async def replace_routes(request: web.Request, actor: Actor, body: SiteRoutes) -> RouteList:
    lines = [RouteLine(trunk_id=r.trunk_id, prefix=r.prefix, priority=r.priority) for r in body.routes]
    return RouteList(items=await request.app[keys.OUTGOING_ROUTES].replace(actor, path_id(request), lines))


async def ways(request: web.Request, actor: Actor, query: WantedNumber) -> Ways:
    return await request.app[keys.OUTGOING_ROUTES].ways(actor, path_id(request), query.number)


ROUTES = (
    Route(
        "GET",
        "/api/routes",
        list_routes,
        ability=Ability.MANAGE_SITES,
        returns=RouteList,
        summary="Outgoing routes of the tenant's sites",
    ),
    Route(
        "PUT",
        "/api/sites/{id}/routes",
        replace_routes,
        ability=Ability.MANAGE_SITES,
        body=SiteRoutes,
        returns=RouteList,
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
