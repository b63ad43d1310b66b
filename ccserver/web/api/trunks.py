"""/api/trunks."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import TrunkRow
from ccserver.services.sites import TrunkDraft
from ccserver.web import keys
from ccserver.web.api.sites import Slug
from ccserver.web.decoding import Body
from ccserver.web.route import Route


class NewTrunk(Body, frozen=True, kw_only=True):
    """A trunk to a site's gateway. The lowest ``priority`` is tried first."""

    site_id: UUID
    slug: Slug
    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 5060
    codecs: Annotated[tuple[Annotated[str, Meta(max_length=20)], ...], Meta(max_length=10)] = ("alaw", "ulaw")
    priority: Annotated[int, Meta(ge=1, le=100)] = 1


class TrunkList(Struct, frozen=True, kw_only=True):
    items: tuple[TrunkRow, ...]


async def list_trunks(request: web.Request, actor: Actor) -> TrunkList:
    return TrunkList(items=await request.app[keys.SITES].list_trunks(actor))


async def create_trunk(request: web.Request, actor: Actor, body: NewTrunk) -> TrunkRow:
    draft = TrunkDraft(
        site_id=body.site_id,
        slug=body.slug,
        host=body.host,
        port=body.port,
        codecs=body.codecs,
        priority=body.priority,
    )
    return await request.app[keys.SITES].create_trunk(actor, draft)


ROUTES = (
    Route(
        "GET",
        "/api/trunks",
        list_trunks,
        ability=Ability.MANAGE_SITES,
        returns=TrunkList,
        summary="Trunks of the tenant's sites",
    ),
    Route(
        "POST",
        "/api/trunks",
        create_trunk,
        ability=Ability.MANAGE_SITES,
        body=NewTrunk,
        returns=TrunkRow,
        status=201,
        summary="Create a trunk",
    ),
)
