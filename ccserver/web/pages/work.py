"""Pages of the daily work: desk, board, calls."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ccserver.domain.access import Ability, Actor
from ccserver.domain.board import AgentRow
from ccserver.web.decoding import Body
from ccserver.web.i18n import N_
from ccserver.web.pages.shell import live_shell, rows_of
from ccserver.web.rendering import Shell
from ccserver.web.route import Route


class BoardQuery(Body, frozen=True, kw_only=True):
    """``wall=1``: big and bare. ``site`` and ``group`` are read by the page itself."""

    wall: bool = False
    site: Annotated[str, Meta(max_length=40)] = ""
    group: Annotated[str, Meta(max_length=20)] = ""


class CallsQuery(Body, frozen=True, kw_only=True):
    """``call``: the one whose journey is open; read by the page itself."""

    call: Annotated[str, Meta(max_length=40)] = ""


async def desk(request: web.Request, actor: Actor) -> Shell:
    topics = ("agents", "calls", "history", "links", "me")
    return await live_shell(request, actor, title=N_("My desk"), module="desk", topics=topics)


async def board(request: web.Request, actor: Actor, query: BoardQuery) -> Shell:
    topics = ("agents", "calls", "links", "me")
    return await live_shell(request, actor, title=N_("Board"), module="board", topics=topics, wall=query.wall)


async def calls(request: web.Request, actor: Actor, query: CallsQuery) -> Shell:
    rows = (msgspec.json.decode(row, type=AgentRow) for row in rows_of(request, actor, "agents").values())
    agents = sorted(((row.name, row.id) for row in rows), key=lambda pair: pair[0].casefold())
    return await live_shell(
        request,
        actor,
        title=N_("Calls"),
        module="calls",
        topics=("calls", "history", "links", "me"),
        data={"agents": [{"id": agent_id, "name": name} for name, agent_id in agents]},
    )


ROUTES = (
    Route("GET", "/desk", desk, ability=Ability.CALL, page="pages/desk.html", summary="Agent's desk"),
    Route(
        "GET",
        "/board",
        board,
        ability=Ability.SEE_BOARD,
        query=BoardQuery,
        page="pages/board.html",
        summary="Board",
    ),
    Route(
        "GET",
        "/calls",
        calls,
        ability=Ability.SEE_HISTORY,
        query=CallsQuery,
        page="pages/calls.html",
        summary="Call history",
    ),
)
