"""Placing, ending and finding calls; an agent's own state. The telephony owner decides, PostgreSQL remembers."""

import secrets
import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor, Role
from ccserver.domain.board import CallRow
from ccserver.domain.call import Leg
from ccserver.domain.errors import Forbidden, NotFound
from ccserver.domain.ids import uuid7
from ccserver.live.commands import Commands
from ccserver.storage import history as store
from ccserver.storage.history import CallFilter as CallFilter
from ccserver.storage.history import TimelineItem
from ccserver.storage.pool import Database

PAGE_LIMIT = 200


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the history. ``next``: the ``after`` of the next page, None on the last."""

    items: list[CallRow]
    next: UUID | None


class CallJourney(msgspec.Struct, frozen=True, kw_only=True):
    """One call from its first channel to its end."""

    call: CallRow
    legs: list[Leg]
    timeline: list[TimelineItem]


def scope_of(actor: Actor) -> str:
    """What a command may touch besides the caller's own: "own", "all", or ids of sites with commas."""
    if actor.role is Role.AGENT:
        return "own"
    if actor.site_ids is None:
        return "all"
    return ",".join(str(site_id) for site_id in sorted(actor.site_ids)) or "own"


class Calls:
    """Calls as users see them."""

    def __init__(
        self, database: Database, commands: Commands, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._commands = commands
        self._clock = clock

    async def place(self, actor: Actor, number: str, agent_id: UUID | None) -> UUID:
        """Rings the agent's phone, then the number (as typed, read by the country of the agent's site).

        Needs no database: calls go on while PostgreSQL is away. Returns the call's id at once.

        Raises Invalid (number), Forbidden (another's phone), Conflict (agent_busy, phone_unreachable, no_trunk),
        Unavailable.
        """
        caller = agent_id or actor.user_id
        if caller != actor.user_id and actor.role is Role.AGENT:
            raise Forbidden
        call_id = uuid7(int(self._clock() * 1000), secrets.token_bytes(10))
        await self._commands.ask(
            "call.place",
            actor=actor.user_id,
            tenant_id=actor.tenant_id,
            call_id=str(call_id),
            agent_id=str(caller),
            number=number,
            scope=scope_of(actor),
        )
        return call_id

    async def hang_up(self, actor: Actor, call_id: UUID) -> None:
        """Ends a call that is one's own or in one's scope. Raises NotFound, Unavailable."""
        await self._commands.ask(
            "call.hangup",
            actor=actor.user_id,
            tenant_id=actor.tenant_id,
            call_id=str(call_id),
            scope=scope_of(actor),
        )

    async def set_state(self, actor: Actor, agent_id: UUID, state: str, reason: str) -> None:
        """Makes an agent available or paused. Raises NotFound, Invalid, Conflict (agent_offline), Unavailable."""
        if agent_id != actor.user_id and actor.role is Role.AGENT:
            raise Forbidden
        await self._commands.ask(
            "agent.state",
            actor=actor.user_id,
            tenant_id=actor.tenant_id,
            agent_id=str(agent_id),
            state=state,
            reason=reason,
            scope=scope_of(actor),
        )

    async def list(self, actor: Actor, wanted: CallFilter) -> CallPage:
        """One page of the calls that the actor may see, newest first."""
        scoped = msgspec.structs.replace(
            wanted,
            limit=min(max(wanted.limit, 1), PAGE_LIMIT) + 1,
            sites=None if actor.site_ids is None else tuple(actor.site_ids),
            agent_id=actor.user_id if actor.role is Role.AGENT else wanted.agent_id,
        )
        if actor.role is Role.AGENT:
            scoped = msgspec.structs.replace(scoped, sites=None)
        async with self._database.tenant(actor.tenant_id) as connection:
            items = await store.list_calls(connection, actor.tenant_id, scoped, self._clock())
        more = len(items) >= scoped.limit
        items = items[: scoped.limit - 1]
        return CallPage(items=items, next=items[-1].id if more and items else None)

    async def get(self, actor: Actor, call_id: UUID) -> CallJourney:
        """One call with legs and timeline. Raises NotFound also for a call out of the actor's scope."""
        async with self._database.tenant(actor.tenant_id) as connection:
            found = await store.get_call(connection, actor.tenant_id, call_id, self._clock())
        if found is None:
            raise NotFound("call_unknown")
        row, legs, timeline = found
        mine = row.agent_id == actor.user_id
        in_scope = actor.role is not Role.AGENT and (actor.site_ids is None or row.site_id in actor.site_ids)
        if not mine and not in_scope:
            raise NotFound("call_unknown")
        return CallJourney(call=row, legs=legs, timeline=timeline)
