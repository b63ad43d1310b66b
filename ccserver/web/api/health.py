"""/health: each part, for people, load balancers and scripts."""

from aiohttp import web
from msgspec import structs

from ccserver.domain.access import Ability, Actor
from ccserver.services.health import Health
from ccserver.web import keys
from ccserver.web.route import Route
from ccserver.web.routing import reply


async def health(request: web.Request, actor: Actor | None) -> web.Response:
    state = request.app[keys.HEALTH].look()
    if not request.app[keys.ADDRESSES].is_local(request) and not (actor and actor.may(Ability.SEE_SYSTEM)):
        # Details name hosts and errors: they are for this machine and for those who run it.
        parts = {name: structs.replace(part, detail="") for name, part in state.parts.items()}
        state = structs.replace(state, parts=parts)
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
