"""/api/dids."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import DidRow
from ccserver.services.sites import DidDraft
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.route import Route


class NewDid(Body, frozen=True, kw_only=True):
    """A number that outside callers dial, written as in the site's country, and whose phone it rings."""

    site_id: UUID
    number: Annotated[str, Meta(min_length=1, max_length=40)]
    user_id: UUID | None = None
    label: Annotated[str, Meta(max_length=80)] = ""


class DidList(Struct, frozen=True, kw_only=True):
    items: tuple[DidRow, ...]


async def list_dids(request: web.Request, actor: Actor) -> DidList:
    return DidList(items=await request.app[keys.SITES].list_dids(actor))


async def create_did(request: web.Request, actor: Actor, body: NewDid) -> DidRow:
    draft = DidDraft(site_id=body.site_id, number=body.number, user_id=body.user_id, label=body.label)
    return await request.app[keys.SITES].create_did(actor, draft)


ROUTES = (
    Route(
        "GET",
        "/api/dids",
        list_dids,
        ability=Ability.MANAGE_SITES,
        returns=DidList,
        summary="Numbers of the tenant",
    ),
    Route(
        "POST",
        "/api/dids",
        create_did,
        ability=Ability.MANAGE_SITES,
        body=NewDid,
        returns=DidRow,
        status=201,
        summary="Create a number",
    ),
)
