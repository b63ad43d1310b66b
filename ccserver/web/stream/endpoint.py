"""What both carriers of the live stream ask of who comes in."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from ccserver.domain.access import Actor
from ccserver.web.stream.guard import IsOwnOrigin, check_origin, is_own_host
from ccserver.web.stream.hub import Hub

Authenticate = Callable[[web.Request], Awaitable[Actor]]
"""Who opens the stream. Raises Unauthenticated."""


class Endpoint:
    """A way into the live stream."""

    def __init__(
        self, hub: Hub, authenticate: Authenticate, *, is_own_origin: IsOwnOrigin = is_own_host
    ) -> None:
        self._hub = hub
        self._authenticate = authenticate
        self._is_own_origin = is_own_origin

    async def _admit(self, request: web.Request, actor: Actor | None) -> Actor:
        """Who it is, let in. ``actor`` is given when the route has found out. Raises what refuses him."""
        check_origin(request, self._is_own_origin)
        actor = actor or await self._authenticate(request)
        self._hub.admit(actor)
        return actor
