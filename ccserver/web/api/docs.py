"""/api/openapi.json and /api/docs: the interface as the routes themselves tell it."""

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.web import keys
from ccserver.web.openapi import build_openapi, render_docs
from ccserver.web.route import Route
from ccserver.web.routing import reply


async def openapi(request: web.Request, _actor: Actor | None) -> web.Response:
    return reply(build_openapi(request.app[keys.ROUTES]))


async def docs(request: web.Request, _actor: Actor | None) -> web.Response:
    locale = keys.locale_of(request)
    text = render_docs(
        build_openapi(request.app[keys.ROUTES]), request.app[keys.CATALOGUES], locale, keys.nonce_of(request)
    )
    return web.Response(text=text, content_type="text/html")


ROUTES = (
    Route(
        "GET", "/api/openapi.json", openapi, ability=Ability.PUBLIC, summary="This interface as OpenAPI 3.1"
    ),
    Route(
        "GET",
        "/api/docs",
        docs,
        ability=Ability.PUBLIC,
        content_type="text/html",
        summary="This interface for people",
    ),
)
