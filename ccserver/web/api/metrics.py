"""/metrics: Prometheus, for this machine or for those who may see the system."""

import asyncio

import prometheus_client
from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.web import auth, keys
from ccserver.web.route import Route


async def metrics(request: web.Request, _actor: Actor | None) -> web.Response:
    if not request.app[keys.ADDRESSES].is_local(request):
        auth.require(request, Ability.SEE_SYSTEM)
    # In a thread: the process collector reads files of /proc.
    text = await asyncio.to_thread(prometheus_client.generate_latest)
    return web.Response(body=text, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})


ROUTES = (
    Route(
        "GET",
        "/metrics",
        metrics,
        ability=Ability.PUBLIC,
        content_type="text/plain",
        summary="Prometheus metrics; from this machine, or with the right to see the system",
    ),
)
