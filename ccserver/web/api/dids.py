"""/api/dids."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import DidRow
from ccserver.domain.directory import RING_SECONDS, Destination
from ccserver.domain.errors import FieldError, Invalid
from ccserver.services.dids import DidDraft
from ccserver.web import keys
from ccserver.web.api.sites import WrittenNumber
from ccserver.web.decoding import Body, given
from ccserver.web.route import Route
from ccserver.web.routing import path_id

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


class DidList(Struct, frozen=True, kw_only=True):
    items: tuple[DidRow, ...]


class DidRange(Struct, frozen=True, kw_only=True, tag="dids", tag_field="kind"):
    """The numbers of a range that were made together."""

    items: tuple[DidRow, ...]


async def list_dids(request: web.Request, actor: Actor) -> DidList:
    return DidList(items=await request.app[keys.DIDS].list_dids(actor))


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
    edit = given(body)
    for name in _SIDES:
        if name in edit:
            edit[name] = _destination(edit[name])
    return await request.app[keys.DIDS].edit(actor, path_id(request), edit)


async def delete_did(request: web.Request, actor: Actor) -> None:
    await request.app[keys.DIDS].delete(actor, path_id(request))


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
        returns=DidList,
        summary="Numbers of the tenant",
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
        summary="One number",
    ),
    Route(
        "PATCH",
        "/api/dids/{id}",
        edit_did,
        ability=Ability.MANAGE_SITES,
        body=DidChanges,
        returns=DidRow,
        summary="Edit where a number's callers go",
    ),
    Route(
        "DELETE",
        "/api/dids/{id}",
        delete_did,
        ability=Ability.MANAGE_SITES,
        status=204,
        summary="Delete a number",
    ),
)
