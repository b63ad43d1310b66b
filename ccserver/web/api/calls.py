"""Calls over HTTP: place, end, list, one call's journey."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from aiohttp import web

from ccserver.domain.access import Ability, Actor
from ccserver.services.calls import CallFilter, CallJourney, CallPage
from ccserver.web import keys
from ccserver.web.route import Route
from ccserver.web.routing import path_id

Outcome = Literal[
    "answered",
    "no_answer",
    "busy",
    "cancelled",
    "missed",
    "closed",
    "voicemail",
    "agent_no_answer",
    "agent_unreachable",
    "agent_busy",
    "trunk_down",
    "rejected",
    "not_allowed",
    "invalid_number",
    "failed",
    "interrupted",
]


class CallWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A click-to-call. ``number`` as typed; ``agent_id`` for another's phone (supervisors)."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    agent_id: UUID | None = None


class CallBegun(msgspec.Struct, frozen=True, kw_only=True):
    """The call is on its way; the stream tells the rest under this id."""

    id: UUID


class CallQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the history. Dates are ISO 8601 with their offset; ``date_to`` is not included."""

    date_from: datetime | None = None
    date_to: datetime | None = None
    direction: Literal["inbound", "outbound", "internal"] | None = None
    outcome: Outcome | None = None
    number: Annotated[str, msgspec.Meta(max_length=20, pattern=r"^\+?[0-9]*$")] | None = None
    agent: UUID | None = None
    site: UUID | None = None
    after: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def place(request: web.Request, actor: Actor, body: CallWanted) -> CallBegun:
    return CallBegun(id=await request.app[keys.CALLS].place(actor, body.number, body.agent_id))


async def hang_up(request: web.Request, actor: Actor) -> web.Response:
    await request.app[keys.CALLS].hang_up(actor, path_id(request))
    return web.Response(status=202)


async def list_calls(request: web.Request, actor: Actor, query: CallQuery) -> CallPage:
    wanted = CallFilter(
        date_from=query.date_from,
        date_to=query.date_to,
        after=query.after,
        direction=query.direction,
        outcome=query.outcome,
        number=query.number or None,
        agent_id=query.agent,
        site_id=query.site,
        limit=query.limit,
    )
    return await request.app[keys.CALLS].list(actor, wanted)


async def get_call(request: web.Request, actor: Actor) -> CallJourney:
    return await request.app[keys.CALLS].get(actor, path_id(request))


ROUTES = [
    Route(
        "POST",
        "/api/calls",
        place,
        ability=Ability.CALL,
        body=CallWanted,
        returns=CallBegun,
        status=202,
        summary="Click-to-call: the agent's phone rings first, then the number",
    ),
    Route(
        "POST",
        "/api/calls/{id}/hangup",
        hang_up,
        ability=Ability.CALL,
        status=202,
        summary="End a call in progress",
    ),
    Route(
        "GET",
        "/api/calls",
        list_calls,
        ability=Ability.SEE_HISTORY,
        query=CallQuery,
        returns=CallPage,
        summary="The call history, newest first, by keyset pages",
    ),
    Route(
        "GET",
        "/api/calls/{id}",
        get_call,
        ability=Ability.SEE_HISTORY,
        returns=CallJourney,
        summary="One call with its legs and timeline",
    ),
]
