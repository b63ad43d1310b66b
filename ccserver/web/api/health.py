"""/health: each part, for people, load balancers and scripts."""

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.services.health import Health
from ccserver.web import keys
from ccserver.web.route import Route
from ccserver.web.routing import reply


async def health(request: web.Request, _actor: Actor | None) -> web.Response:
    state = request.app[keys.HEALTH].look()
    return reply(state, 503 if state.status == "down" else 200)


ROUTES = (
    Route(
        "GET",
        "/health",
        health,
        ability=Ability.PUBLIC,
        returns=Health,
        summary="Each part: up, since, lag; 503 when nobody can be served",
    ),
)
