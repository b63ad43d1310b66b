"""/api/sites."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import SiteRow
from ccserver.services.sites import SiteDraft
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.route import Route

Slug = Annotated[str, Meta(min_length=1, max_length=31)]


class NewSite(Body, frozen=True, kw_only=True):
    """A site. ``slug``: small letters, digits and dashes; ``zone`` IANA; ``country`` ISO alpha-2."""

    slug: Slug
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    zone: Annotated[str, Meta(max_length=64)] = "Europe/Paris"
    country: Annotated[str, Meta(max_length=2)] = "FR"
    caller_id: Annotated[str, Meta(max_length=40)] = ""


class SiteList(Struct, frozen=True, kw_only=True):
    items: tuple[SiteRow, ...]


async def list_sites(request: web.Request, actor: Actor) -> SiteList:
    return SiteList(items=await request.app[keys.SITES].list_sites(actor))


async def create_site(request: web.Request, actor: Actor, body: NewSite) -> SiteRow:
    draft = SiteDraft(
        slug=body.slug, name=body.name, zone=body.zone, country=body.country, caller_id=body.caller_id
    )
    return await request.app[keys.SITES].create_site(actor, draft)


ROUTES = (
    Route(
        "GET",
        "/api/sites",
        list_sites,
        ability=Ability.MANAGE_SITES,
        returns=SiteList,
        summary="Sites of the tenant",
    ),
    Route(
        "POST",
        "/api/sites",
        create_site,
        ability=Ability.MANAGE_SITES,
        body=NewSite,
        returns=SiteRow,
        status=201,
        summary="Create a site",
    ),
)
