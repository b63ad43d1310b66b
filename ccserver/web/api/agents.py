"""Agents over HTTP: their own choice of state, the live rows, and the state of the links."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from ccserver.domain.access import Ability, Actor, sees
from ccserver.domain.board import AgentRow, CallRow, LinkRow
from ccserver.live.view import LiveView
from ccserver.web import keys
from ccserver.web.route import Route
from ccserver.web.routing import path_id


class StateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state that the agent chooses; a pause has its reason."""

    state: Literal["available", "paused"]
    reason: Annotated[str, msgspec.Meta(max_length=80)] = ""


class AgentList(msgspec.Struct, frozen=True, kw_only=True):
    """The agents that the caller may see, as they are now."""

    items: list[AgentRow]
    as_of: float
    blind_since: float | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the server sees now: links, calls in progress, and since when it is blind, if it is."""

    epoch: str
    seq: int
    blind_since: float | None
    links: list[LinkRow]
    calls: list[CallRow]


def _rows(view: LiveView, actor: Actor, topic: str) -> list[bytes]:
    return [bytes(change.row) for change, scope in view.rows(topic) if sees(actor, topic, scope)]


async def set_state(request: web.Request, actor: Actor, body: StateWanted) -> web.Response:
    await request.app[keys.CALLS].set_state(actor, path_id(request), body.state, body.reason)
    return web.Response(status=202)


async def list_agents(request: web.Request, actor: Actor) -> AgentList:
    view = request.app[keys.LIVE]
    rows = [msgspec.json.decode(row, type=AgentRow) for row in _rows(view, actor, "agents")]
    return AgentList(items=rows, as_of=view.as_of, blind_since=view.blind_since)


async def status(request: web.Request, actor: Actor) -> Status:
    view = request.app[keys.LIVE]
    return Status(
        epoch=view.epoch,
        seq=view.seq,
        blind_since=view.blind_since,
        links=[msgspec.json.decode(row, type=LinkRow) for row in _rows(view, actor, "links")],
        calls=[msgspec.json.decode(row, type=CallRow) for row in _rows(view, actor, "calls")],
    )


ROUTES = [
    Route(
        "GET",
        "/api/agents",
        list_agents,
        ability=Ability.USE,
        returns=AgentList,
        summary="Agents as they are now",
    ),
    Route(
        "POST",
        "/api/agents/{id}/state",
        set_state,
        ability=Ability.USE,
        body=StateWanted,
        status=202,
        summary="Become available, or pause with a reason",
    ),
    Route(
        "GET",
        "/api/status",
        status,
        ability=Ability.SEE_BOARD,
        returns=Status,
        summary="Links, calls in progress, and whether the server is blind",
    ),
]
