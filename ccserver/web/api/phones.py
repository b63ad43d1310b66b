"""/api/phones: stations of agents and physical phones; and /provision, where a softphone fetches its account once."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from ccserver.domain.access import Ability, Actor
from ccserver.domain.station import PhoneRow
from ccserver.services.phones import PhoneDraft, PhoneEdit
from ccserver.services.provisioning import Provisioning, linphone_xml, provisioning
from ccserver.services.sip_accounts import Account
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.i18n import N_
from ccserver.web.problem import Malformed
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

Extension = Annotated[str, Meta(max_length=8)]
Label = Annotated[str, Meta(max_length=80)]
Kind = Literal["softphone", "browser", "mobile", "physical"]

WORDS: dict[str, str] = {
    "field": N_("%(name)s: %(value)s"),
    "generic": N_("Any other phone"),
    "server": N_("Server (domain)"),
    "hostname": N_("Host name or provider"),
    "port": N_("Port"),
    "transport": N_("Transport"),
    "username": N_("User name"),
    "auth_username": N_("Authentication user name"),
    "password": N_("SIP password"),
    "display_name": N_("Displayed name"),
    "codecs": N_("Audio codecs"),
    "zoiper_note": N_(
        "Zoiper's own codes go through a web service of Zoiper, which would learn the password: type these fields."
    ),
}
"""What the fields of an account are called, in the reader's language."""


class PhoneFilter(Body, frozen=True, kw_only=True):
    """``text`` is looked for in extensions, labels, mobiles and names; ``after`` is the last page's ``next``."""

    text: Annotated[str, Meta(max_length=80)] = ""
    site: UUID | None = None
    kind: Kind | None = None
    after: Extension = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class NewPhones(Body, frozen=True, kw_only=True):
    """Physical phones of a site: one, or with ``last`` all those from ``extension`` to it, at most 100."""

    site_id: UUID
    extension: Extension
    last: Extension | None = None
    label: Label = ""


class PhoneChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes."""

    site_id: UUID | UnsetType = UNSET
    extension: Extension | UnsetType = UNSET
    label: Label | UnsetType = UNSET


class PhonePage(Struct, frozen=True, kw_only=True):
    """``next`` is "" on the last page."""

    items: tuple[PhoneRow, ...]
    next: str


class PhoneWithSecret(Struct, frozen=True, kw_only=True):
    """A phone, its secret and how it is set up: shown this once. A browser sets itself up: no ``provisioning``."""

    phone: PhoneRow
    secret: str
    provisioning: Provisioning | None


class NewPhonesMade(Struct, frozen=True, kw_only=True):
    """What was made, in the order of the extensions."""

    items: tuple[PhoneWithSecret, ...]


async def list_phones(request: web.Request, actor: Actor, query: PhoneFilter) -> PhonePage:
    page = await request.app[keys.PHONES].page(
        actor, text=query.text, site_id=query.site, kind=query.kind, after=query.after, limit=query.limit
    )
    return PhonePage(items=page.items, next=page.next)


async def create_phones(request: web.Request, actor: Actor, body: NewPhones) -> NewPhonesMade:
    draft = PhoneDraft(site_id=body.site_id, extension=body.extension, last=body.last or "", label=body.label)
    accounts = await request.app[keys.PHONES].create(actor, draft)
    told = await tell_accounts(request, accounts)
    return NewPhonesMade(
        items=tuple(_with_secret(account, how) for account, how in zip(accounts, told, strict=True))
    )


async def get_phone(request: web.Request, actor: Actor) -> PhoneRow:
    return await request.app[keys.PHONES].get(actor, path_id(request))


async def edit_phone(request: web.Request, actor: Actor, body: PhoneChanges) -> PhoneRow:
    edit = PhoneEdit(
        site_id=body.site_id or None,
        extension=None if body.extension is UNSET else body.extension,
        label=None if body.label is UNSET else body.label,
    )
    return await request.app[keys.PHONES].edit(actor, path_id(request), edit, versions_of(request))


async def delete_phone(request: web.Request, actor: Actor) -> None:
    await request.app[keys.PHONES].delete(actor, path_id(request), versions_of(request))


async def reset_phone(request: web.Request, actor: Actor) -> PhoneWithSecret:
    account = await request.app[keys.PHONES].reset(actor, path_id(request))
    [how] = await tell_accounts(request, [account])
    return _with_secret(account, how)


async def provision(request: web.Request, _actor: Actor | None) -> web.Response:
    """Linphone's account, once. A browser that followed the address by mistake, or asked for a head, spends nothing."""
    if request.method != "GET" or "text/html" in request.headers.get("Accept", ""):
        raise Malformed(406, "provision_scan")
    account = await request.app[keys.PHONES].redeem(
        request.match_info["ticket"], request.app[keys.ADDRESSES].of(request)
    )
    server = await request.app[keys.SIP_PLACE].server(_asked_host(request))
    return web.Response(
        text=linphone_xml(account, server),
        content_type="application/xml",
        headers={"Cache-Control": "no-store"},
    )


async def tell_accounts(request: web.Request, accounts: Sequence[Account]) -> list[Provisioning | None]:
    """How each of these is set up, in the reader's language; None for those that are not set up by hand."""
    server = await request.app[keys.SIP_PLACE].server(_asked_host(request))
    catalogues, locale = request.app[keys.CATALOGUES], keys.locale_of(request)
    words = {name: catalogues.say(locale, sentence) for name, sentence in WORDS.items()}
    base = request.app[keys.ADDRESSES].origin(request)

    def tell() -> list[Provisioning | None]:
        return [
            provisioning(account, server, f"{base}/provision/{account.ticket}", words)
            if account.ticket
            else None
            for account in accounts
        ]

    # A hundred codes take a second to draw.
    return await asyncio.to_thread(tell)


def _with_secret(account: Account, how: Provisioning | None) -> PhoneWithSecret:
    return PhoneWithSecret(phone=account.phone, secret=account.secret, provisioning=how)


def _asked_host(request: web.Request) -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or "localhost"
    except ValueError:
        return "localhost"


ROUTES = (
    Route(
        "GET",
        "/api/phones",
        list_phones,
        ability=Ability.MANAGE_SITES,
        query=PhoneFilter,
        returns=PhonePage,
        summary="Phones of the tenant, by extension",
    ),
    Route(
        "POST",
        "/api/phones",
        create_phones,
        ability=Ability.MANAGE_SITES,
        body=NewPhones,
        returns=NewPhonesMade,
        status=201,
        summary="Create physical phones; their secrets are shown once",
    ),
    Route(
        "GET",
        "/api/phones/{id}",
        get_phone,
        ability=Ability.MANAGE_SITES,
        returns=PhoneRow,
        versioned=PhoneRow,
        summary="One phone",
    ),
    Route(
        "PATCH",
        "/api/phones/{id}",
        edit_phone,
        ability=Ability.MANAGE_SITES,
        body=PhoneChanges,
        returns=PhoneRow,
        versioned=PhoneRow,
        summary="Edit a physical phone",
    ),
    Route(
        "DELETE",
        "/api/phones/{id}",
        delete_phone,
        ability=Ability.MANAGE_SITES,
        status=204,
        versioned=PhoneRow,
        summary="Delete a physical phone",
    ),
    Route(
        "POST",
        "/api/phones/{id}/reset",
        reset_phone,
        ability=Ability.MANAGE_SITES,
        returns=PhoneWithSecret,
        summary="Give a phone a new secret, shown once",
    ),
    Route(
        "GET",
        "/provision/{ticket}",
        provision,
        ability=Ability.PUBLIC,
        content_type="application/xml",
        summary="A softphone's account, once, for whoever holds the address",
    ),
)
