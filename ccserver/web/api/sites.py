"""/api/sites."""

from typing import Annotated

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import SiteRow
from ccserver.services.sites import SiteDraft
from ccserver.web import keys
from ccserver.web.decoding import Body, given
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

Slug = Annotated[str, Meta(min_length=1, max_length=31)]
Name = Annotated[str, Meta(max_length=80)]
Zone = Annotated[str, Meta(max_length=64)]
Country = Annotated[str, Meta(max_length=2)]
WrittenNumber = Annotated[str, Meta(max_length=40)]
Area = Annotated[str, Meta(max_length=6)]
Networks = Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=50)]
Codecs = Annotated[tuple[Annotated[str, Meta(max_length=20)], ...], Meta(max_length=10)]
Prefixes = Annotated[tuple[Annotated[str, Meta(max_length=24)], ...], Meta(max_length=100)]


class NewSite(Body, frozen=True, kw_only=True):
    """A site. ``slug``: small letters, digits and dashes; ``zone`` IANA; ``country`` ISO alpha-2.

    ``area``: digits put before a local number. ``subnets``: networks (CIDR) of its phones and gateway, none: anywhere.
    ``allowed_prefixes``: +33 and so on, what may be called, none: everything.
    """

    slug: Slug
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    zone: Zone = "Europe/Paris"
    country: Country = "FR"
    caller_id: WrittenNumber = ""
    area: Area = ""
    subnets: Networks = ()
    codecs: Codecs = ("alaw", "ulaw")
    allowed_prefixes: Prefixes = ()


class SiteChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes. The slug stays as it is."""

    name: Name | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    caller_id: WrittenNumber | UnsetType = UNSET
    area: Area | UnsetType = UNSET
    subnets: Networks | UnsetType = UNSET
    codecs: Codecs | UnsetType = UNSET
    allowed_prefixes: Prefixes | UnsetType = UNSET


class SiteList(Struct, frozen=True, kw_only=True):
    items: tuple[SiteRow, ...]


async def list_sites(request: web.Request, actor: Actor) -> SiteList:
    return SiteList(items=await request.app[keys.SITES].list_sites(actor))


async def get_site(request: web.Request, actor: Actor) -> SiteRow:
    return await request.app[keys.SITES].get(actor, path_id(request))


async def create_site(request: web.Request, actor: Actor, body: NewSite) -> SiteRow:
    return await request.app[keys.SITES].create(actor, SiteDraft(**structs.asdict(body)))


async def edit_site(request: web.Request, actor: Actor, body: SiteChanges) -> SiteRow:
    return await request.app[keys.SITES].edit(actor, path_id(request), given(body), versions_of(request))


async def delete_site(request: web.Request, actor: Actor) -> None:
    await request.app[keys.SITES].delete(actor, path_id(request), versions_of(request))


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
    Route(
        "GET",
        "/api/sites/{id}",
        get_site,
        ability=Ability.MANAGE_SITES,
        returns=SiteRow,
        versioned=SiteRow,
        summary="One site",
    ),
    Route(
        "PATCH",
        "/api/sites/{id}",
        edit_site,
        ability=Ability.MANAGE_SITES,
        body=SiteChanges,
        returns=SiteRow,
        versioned=SiteRow,
        summary="Edit a site",
    ),
    Route(
        "DELETE",
        "/api/sites/{id}",
        delete_site,
        ability=Ability.MANAGE_SITES,
        status=204,
        versioned=SiteRow,
        summary="Delete a site that nothing belongs to any more",
    ),
)
