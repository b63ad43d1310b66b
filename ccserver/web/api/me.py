"""/api/me: the logged-in user."""

from typing import Literal

from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.web import keys
from ccserver.web.api.auth import Me, me_view
from ccserver.web.decoding import Body
from ccserver.web.route import Route


class MeEdit(Body, frozen=True, kw_only=True):
    """What people may change of themselves."""

    locale: Literal["fr", "en"]


async def get_me(request: web.Request, actor: Actor) -> Me:
    return me_view(actor, await request.app[keys.ACCOUNTS].me(actor))


async def edit_me(request: web.Request, actor: Actor, body: MeEdit) -> Me:
    return me_view(actor, await request.app[keys.ACCOUNTS].set_locale(actor, body.locale))


ROUTES = (
    Route("GET", "/api/me", get_me, ability=Ability.SESSION, returns=Me, summary="The logged-in user"),
    Route(
        "PATCH",
        "/api/me",
        edit_me,
        ability=Ability.SESSION,
        body=MeEdit,
        returns=Me,
        summary="Change one's own language",
    ),
)
