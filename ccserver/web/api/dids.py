"""/api/dids."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import DidRow
from ccserver.domain.did import MOST_AT_ONCE
from ccserver.domain.directory import RING_SECONDS, Destination
from ccserver.domain.errors import FieldError, Invalid
from ccserver.services.dids import DidCounts, DidDraft, Span
from ccserver.web import keys
from ccserver.web.api.sites import WrittenNumber
from ccserver.web.decoding import Body, given
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

Label = Annotated[str, Meta(max_length=80)]
RingSeconds = Annotated[int, Meta(ge=5, le=120)]
_SIDES = ("opened", "closed", "unanswered")


class DidDestination(Body, frozen=True, kw_only=True):
    """Where callers go. Only the field that ``target`` asks for counts.

    agent: ``user_id``; phone: ``phone_id`` of a physical phone; number: ``forward_to``, as written in the site's
    country; voicemail and none ask for nothing.
    """

    target: Literal["agent", "phone", "number", "voicemail", "none"]
    user_id: UUID | None = None
    phone_id: UUID | None = None
    forward_to: WrittenNumber | None = None


class NewDid(Body, frozen=True, kw_only=True):
    """A number that outside callers dial, written as in the site's country; with ``last``, all numbers up to it.

    ``opened`` is where callers go while the schedule is open (always, without one), ``closed`` otherwise,
    ``unanswered`` where they go when nobody has answered after ``ring_seconds``, is busy or is not there (none: they
    hear so). ``user_id`` alone is short for an ``opened`` that rings this user's phone.
    """

    site_id: UUID
    number: Annotated[str, Meta(min_length=1, max_length=40)]
    last: WrittenNumber | None = None
    label: Label = ""
    user_id: UUID | None = None
    schedule_id: UUID | None = None
    opened: DidDestination | UnsetType = UNSET
    closed: DidDestination | UnsetType = UNSET
    unanswered: DidDestination | UnsetType = UNSET
    ring_seconds: RingSeconds = RING_SECONDS


class DidChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes. The number stays as it is."""

    site_id: UUID | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    schedule_id: UUID | UnsetType | None = UNSET
    opened: DidDestination | UnsetType = UNSET
    closed: DidDestination | UnsetType = UNSET
    unanswered: DidDestination | UnsetType = UNSET
    ring_seconds: RingSeconds | UnsetType = UNSET


class DidFilter(Body, frozen=True, kw_only=True):
    """``text`` is looked for in numbers, labels, hours and whom callers reach; ``after`` is a page's ``next``."""

    text: Annotated[str, Meta(max_length=80)] = ""
    site: UUID | None = None
    after: Annotated[str, Meta(max_length=24)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class DidSpan(Body, frozen=True, kw_only=True):
    """The numbers that the site has from ``number`` to ``last``, both as written in its country."""

    site_id: UUID
    number: Annotated[str, Meta(min_length=1, max_length=40)]
    last: Annotated[str, Meta(min_length=1, max_length=40)]


class ManyDidChanges(DidChanges, frozen=True, kw_only=True):
    """What to change of many numbers at once, given by ``ids`` or as a ``range``; at most 500, all of them or none."""

    ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)] | UnsetType = UNSET
    range: DidSpan | UnsetType = UNSET


class DidPage(Struct, frozen=True, kw_only=True):
    """``next`` is "" on the last page; ``total`` is how many there are on all pages."""

    items: tuple[DidRow, ...]
    next: str
    total: int


class ChangedDids(Struct, frozen=True, kw_only=True):
    """The numbers that were meant, as they are now."""

    items: tuple[DidRow, ...]


class DidRange(Struct, frozen=True, kw_only=True, tag="dids", tag_field="kind"):
    """The numbers of a range that were made together."""

    items: tuple[DidRow, ...]


async def list_dids(request: web.Request, actor: Actor, query: DidFilter) -> DidPage:
    page = await request.app[keys.DIDS].page(
        actor, text=query.text, site_id=query.site, after=query.after, limit=query.limit
    )
    return DidPage(items=page.items, next=page.next, total=page.total)


async def count_dids(request: web.Request, actor: Actor) -> DidCounts:
    return await request.app[keys.DIDS].counts(actor)


async def get_did(request: web.Request, actor: Actor) -> DidRow:
    return await request.app[keys.DIDS].get(actor, path_id(request))


async def create_did(request: web.Request, actor: Actor, body: NewDid) -> DidRow | DidRange:
    opened = _destination(body.opened)
    if body.user_id is not None:
        if body.opened is not UNSET:
            raise Invalid(FieldError("user_id", "given_twice"))
        opened = Destination(target="agent", user_id=body.user_id)
    draft = DidDraft(
        site_id=body.site_id,
        number=body.number,
        last=body.last or "",
        label=body.label,
        schedule_id=body.schedule_id,
        opened=opened,
        closed=_destination(body.closed),
        unanswered=_destination(body.unanswered),
        ring_seconds=body.ring_seconds,
    )
    try:
        made = await request.app[keys.DIDS].create(actor, draft)
    except Invalid as error:
        raise _as_written(error, body) from None
    return DidRange(items=made) if body.last else made[0]


async def edit_did(request: web.Request, actor: Actor, body: DidChanges) -> DidRow:
    return await request.app[keys.DIDS].edit(actor, path_id(request), _edit(body), versions_of(request))


async def edit_dids(request: web.Request, actor: Actor, body: ManyDidChanges) -> ChangedDids:
    if (body.ids is UNSET) is (body.range is UNSET):
        raise Invalid(FieldError("ids", "required" if body.ids is UNSET else "given_twice"))
    which: Sequence[UUID] | Span
    if body.range is UNSET:
        assert body.ids is not UNSET
        which = body.ids
    else:
        which = Span(site_id=body.range.site_id, number=body.range.number, last=body.range.last)
    edit = {name: value for name, value in _edit(body).items() if name not in ("ids", "range")}
    return ChangedDids(items=await request.app[keys.DIDS].edit_many(actor, which, edit))


def _edit(body: DidChanges) -> dict[str, Any]:
    edit = given(body)
    return edit | {name: _destination(edit[name]) for name in _SIDES if name in edit}


async def delete_did(request: web.Request, actor: Actor) -> None:
    await request.app[keys.DIDS].delete(actor, path_id(request), versions_of(request))


def _destination(body: DidDestination | UnsetType) -> Destination:
    if body is UNSET:
        return Destination()
    return Destination(
        target=body.target, user_id=body.user_id, phone_id=body.phone_id, forward_to=body.forward_to or ""
    )


def _as_written(error: Invalid, body: NewDid) -> Invalid:
    """The error on the field that the client sent: the short form has no ``opened``."""
    if body.user_id is None:
        return error
    return Invalid(*(_on_user_id(e) if e.field == "opened.user_id" else e for e in error.errors))


def _on_user_id(error: FieldError) -> FieldError:
    return FieldError("user_id", error.code, error.params)


ROUTES = (
    Route(
        "GET",
        "/api/dids",
        list_dids,
        ability=Ability.MANAGE_SITES,
        query=DidFilter,
        returns=DidPage,
        summary="Numbers of the tenant, in their order",
    ),
    Route(
        "PATCH",
        "/api/dids",
        edit_dids,
        ability=Ability.MANAGE_SITES,
        body=ManyDidChanges,
        returns=ChangedDids,
        summary="Edit many numbers at once, all of them or none",
    ),
    Route(
        "GET",
        "/api/did-counts",
        count_dids,
        ability=Ability.MANAGE_SITES,
        returns=DidCounts,
        summary="How many numbers sites and schedules have",
    ),
    Route(
        "POST",
        "/api/dids",
        create_did,
        ability=Ability.MANAGE_SITES,
        body=NewDid,
        returns=DidRow | DidRange,
        status=201,
        summary="Create a number, or all of a range (with last)",
    ),
    Route(
        "GET",
        "/api/dids/{id}",
        get_did,
        ability=Ability.MANAGE_SITES,
        returns=DidRow,
        versioned=DidRow,
        summary="One number",
    ),
    Route(
        "PATCH",
        "/api/dids/{id}",
        edit_did,
        ability=Ability.MANAGE_SITES,
        body=DidChanges,
        returns=DidRow,
        versioned=DidRow,
        summary="Edit where a number's callers go",
    ),
    Route(
        "DELETE",
        "/api/dids/{id}",
        delete_did,
        ability=Ability.MANAGE_SITES,
        status=204,
        versioned=DidRow,
        summary="Delete a number",
    ),
)
