"""From a table of routes to handlers: who may, what was sent, and what is sent back."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
from aiohttp import web

from ccserver.domain.access import Ability
from ccserver.domain.errors import NotFound
from ccserver.web import auth, keys
from ccserver.web.decoding import decode_query, read_body, read_upload
from ccserver.web.route import Route
from ccserver.web.versions import tag_of


def register(app: web.Application, routes: Sequence[Route]) -> None:
    """Add the routes; ``app[keys.ROUTES]`` then tells the whole table."""
    for route in routes:
        handler = _wrap(route)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)


def path_id(request: web.Request, name: str = "id") -> UUID:
    """The UUID in the path. Raises NotFound for anything else: there is no such thing."""
    try:
        return UUID(request.match_info[name])
    except ValueError:
        raise NotFound from None


def reply(value: Any, status: int = 200) -> web.Response:
    """A struct as a JSON response that a handler can add cookies or headers to."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _wrap(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        actor = auth.require(request, route.ability)
        if not route.is_safe:
            # Public routes have no session to bind a token to; a JSON body and the Origin protect them.
            auth.check_csrf(request, None if route.ability is Ability.PUBLIC else actor)
        arguments: list[Any] = []
        if route.query is not None:
            arguments.append(decode_query(request.query, route.query))
        if route.body is not None:
            arguments.append(await read_body(request, route.body, route.body_limit))
        elif route.upload:
            arguments.append(await read_upload(request, route.upload, route.body_limit))
        return _answer(request, route, await route.handler(request, actor, *arguments))

    # Lets the middleware know, before the handler runs, what kind of error page fits.
    handle.route = route  # type: ignore[attr-defined]
    return handle


def route_of(request: web.Request) -> Route | None:
    """The table's line behind a request, None for anything that is not from the table."""
    return cast("Route | None", getattr(request.match_info.handler, "route", None))


def _answer(request: web.Request, route: Route, value: Any) -> web.StreamResponse:
    if isinstance(value, web.StreamResponse):
        return value
    if value is None:
        return web.Response(status=204)
    if route.page:
        return request.app[keys.RENDERER].page(request, route.page, value)
    answer = reply(value, route.status)
    if route.versioned is not None:
        answer.headers["ETag"] = tag_of(value.version)
    return answer
