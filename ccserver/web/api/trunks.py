"""/api/trunks."""

from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import TrunkRow
from ccserver.domain.trunk import TrunkPreset
from ccserver.web import keys
from ccserver.web.api.sites import Codecs, Name, Networks, Slug
from ccserver.web.decoding import Body, given
from ccserver.web.i18n import N_
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

Preset = Literal["yeastar_s", "yeastar_p", "ovh", "generic"]
Mode = Literal["peer", "register"]
Transport = Literal["udp", "tcp", "tls"]
NumberFormat = Literal["national", "e164", "digits"]
Host = Annotated[str, Meta(max_length=253)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Username = Annotated[str, Meta(max_length=64)]
Secret = Annotated[str, Meta(max_length=128)]
DialPrefix = Annotated[str, Meta(max_length=8)]
QualifySeconds = Annotated[int, Meta(ge=0, le=3600)]
Priority = Annotated[int, Meta(ge=1, le=100)]

LABELS: dict[str, str] = {
    "yeastar_s": N_("Yeastar S-Series gateway"),
    "yeastar_p": N_("Yeastar P-Series gateway"),
    "ovh": N_("OVHcloud SIP trunk"),
    "generic": N_("Other gateway or operator"),
}


class TrunkChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes. ``secret`` is write-only; "" or null takes it away.

    ``mode`` peer: known by its address; register: we log in there. ``addresses``: further networks (CIDR) whose traffic
    is this trunk's. ``number_format``: national (0123456789, 0044...), e164 (+33...) or digits (33...).
    ``dial_prefix`` goes in front of outside numbers. ``qualify_seconds``: how often it is asked whether it is alive.
    """

    site_id: UUID | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    preset: Preset | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    codecs: Codecs | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    secret: Secret | UnsetType | None = UNSET
    from_domain: Host | UnsetType = UNSET
    addresses: Networks | UnsetType = UNSET
    number_format: NumberFormat | UnsetType = UNSET
    dial_prefix: DialPrefix | UnsetType = UNSET
    qualify_seconds: QualifySeconds | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class NewTrunk(TrunkChanges, frozen=True, kw_only=True):
    """A trunk of a site. The lowest ``priority`` is tried first. What is not given is as its ``preset`` has it."""

    site_id: UUID
    slug: Slug


class TrunkList(Struct, frozen=True, kw_only=True):
    items: tuple[TrunkRow, ...]


class TrunkPresetRow(Struct, frozen=True, kw_only=True):
    """What a kind of gateway or operator usually wants; ``needs``: the fields that only its owner can know.

    ``in_vpn``: its address must lie in one of its site's networks.
    """

    preset: str
    label: str
    mode: str
    host: str
    port: int
    transport: str
    codecs: tuple[str, ...]
    from_domain: str
    number_format: str
    dial_prefix: str
    qualify_seconds: int
    needs: tuple[str, ...]
    in_vpn: bool


class TrunkPresetList(Struct, frozen=True, kw_only=True):
    items: tuple[TrunkPresetRow, ...]


async def list_trunks(request: web.Request, actor: Actor) -> TrunkList:
    return TrunkList(items=await request.app[keys.TRUNKS].list_trunks(actor))


async def list_presets(request: web.Request, _actor: Actor) -> TrunkPresetList:
    catalogues, locale = request.app[keys.CATALOGUES], keys.locale_of(request)

    def row(preset: TrunkPreset) -> TrunkPresetRow:
        label = catalogues.say(locale, LABELS[preset.preset])
        return TrunkPresetRow(label=label, **structs.asdict(preset))

    return TrunkPresetList(items=tuple(row(preset) for preset in request.app[keys.TRUNKS].presets()))


async def get_trunk(request: web.Request, actor: Actor) -> TrunkRow:
    return await request.app[keys.TRUNKS].get(actor, path_id(request))


async def create_trunk(request: web.Request, actor: Actor, body: NewTrunk) -> TrunkRow:
    draft, secret = _split(body)
    return await request.app[keys.TRUNKS].create(actor, draft, secret or "")


async def edit_trunk(request: web.Request, actor: Actor, body: TrunkChanges) -> TrunkRow:
    edit, secret = _split(body)
    return await request.app[keys.TRUNKS].edit(actor, path_id(request), edit, secret, versions_of(request))


async def delete_trunk(request: web.Request, actor: Actor) -> None:
    await request.app[keys.TRUNKS].delete(actor, path_id(request), versions_of(request))


def _split(body: TrunkChanges) -> tuple[dict[str, Any], str | None]:
    """The row's fields, and the secret: None when nothing is said of it."""
    values = given(body)
    values.pop("secret", None)
    return values, None if body.secret is UNSET else body.secret or ""


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
        "GET",
        "/api/trunk-presets",
        list_presets,
        ability=Ability.MANAGE_SITES,
        returns=TrunkPresetList,
        summary="Usual settings of known gateways and operators",
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
    Route(
        "GET",
        "/api/trunks/{id}",
        get_trunk,
        ability=Ability.MANAGE_SITES,
        returns=TrunkRow,
        versioned=TrunkRow,
        summary="One trunk",
    ),
    Route(
        "PATCH",
        "/api/trunks/{id}",
        edit_trunk,
        ability=Ability.MANAGE_SITES,
        body=TrunkChanges,
        returns=TrunkRow,
        versioned=TrunkRow,
        summary="Edit a trunk, or take it out of use (active false)",
    ),
    Route(
        "DELETE",
        "/api/trunks/{id}",
        delete_trunk,
        ability=Ability.MANAGE_SITES,
        status=204,
        versioned=TrunkRow,
        summary="Delete a trunk that no outgoing route names",
    ),
)
