"""The stream's lines in the table of routes."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ccserver import __version__
from ccserver.domain.access import Ability, Actor
from ccserver.web import keys
from ccserver.web.published import Document
from ccserver.web.route import Route
from ccserver.web.stream import asyncapi
from ccserver.web.stream.endpoint import Authenticate
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.sse import EventStreamEndpoint
from ccserver.web.stream.ws import WebSocketEndpoint


def stream_routes(hub: Hub, authenticate: Authenticate) -> tuple[Route, ...]:
    """Routes over ``hub``. ``authenticate`` is asked only where the routing has not found out who calls."""
    websocket = WebSocketEndpoint(hub, authenticate, is_own_origin=_is_own_origin)
    events = EventStreamEndpoint(hub, authenticate, is_own_origin=_is_own_origin)
    return (
        Route("GET", "/ws", websocket.handle, ability=Ability.USE, summary="Live stream on a WebSocket"),
        Route(
            "GET",
            "/api/events/stream",
            events.handle,
            ability=Ability.USE,
            content_type="text/event-stream",
            summary="Live stream as server-sent events",
        ),
        Route(
            "GET",
            "/api/asyncapi.json",
            _json(asyncapi.document(__version__)),
            ability=Ability.PUBLIC,
            published=True,
            summary="AsyncAPI document of the live stream",
        ),
        Route(
            "GET",
            "/api/protocol",
            _json(asyncapi.protocol()),
            ability=Ability.PUBLIC,
            published=True,
            summary="Topics, messages and close codes of the live stream",
        ),
    )


def _is_own_origin(request: web.Request, origin: str) -> bool:
    return request.app[keys.ADDRESSES].is_own_origin(request, origin)


def _json(told: Mapping[str, Any]) -> Any:
    document = Document(told)

    async def handle(request: web.Request, actor: Actor | None = None) -> web.Response:
        return document.answer(request)

    return handle
