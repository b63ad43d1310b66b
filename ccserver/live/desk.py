"""What may be asked of the owner: each command's preconditions, and the facts it leads to."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from ccserver.domain.agent import CHOICES
from ccserver.domain.call import Call
from ccserver.domain.callbook import channel_id
from ccserver.domain.connect import Kind
from ccserver.domain.dialling import allowed
from ccserver.domain.directory import Agent
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from ccserver.domain.numbers import to_e164
from ccserver.domain.routing import shown_number
from ccserver.domain.stream import Command
from ccserver.domain.telephony import CallPlaced, HangupAsked
from ccserver.live.commands import Value
from ccserver.live.engine import Engine
from ccserver.live.ways import Ways


class Desk:
    """The owner's command handler. Every check is made here, against the owner's own state, at one instant."""

    def __init__(
        self,
        engine: Engine,
        reload_directory: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
        stored: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._engine = engine
        self._reload = reload_directory
        self._clock = clock
        self._stored = stored
        self.ways = Ways(lambda: engine.directory, engine.reach.trunk_up, engine.reach.trunk_answers)

    async def handle(self, command: Command) -> dict[str, Value]:
        """Carries out one command. Raises domain errors, which travel back to who asked."""
        match command.name:
            case "call.place":
                placed = self._place(command)
                if self._stored is not None:
                    # Whoever is told that the call is on its way finds it again, though we be killed right now.
                    await self._stored()
                return placed
            case "call.hangup":
                return self._hang_up(command)
            case "agent.state":
                return self._choose(command)
            case "directory.changed":
                await self._reload()
                return {}
            case _:
                raise Invalid(FieldError("name", "unknown_command"))

    # -- preconditions

    def _agent(self, command: Command, key: str = "agent_id") -> Agent:
        agent = self._engine.directory.agent(_uuid(command, key))
        if agent is None or not agent.active or agent.tenant_id != command.tenant_id:
            raise NotFound("agent_unknown")
        return agent

    def _place(self, command: Command) -> dict[str, Value]:
        engine = self._engine
        agent = self._agent(command)
        if command.actor != agent.id and not _sees_site(command, agent.site_id):
            raise NotFound("agent_unknown")
        if engine.blind or engine.control is None:
            raise Unavailable("telephony_blind")
        # The number first: a wrong one is wrong whatever the phone does.
        site = self.ways.site_of(agent)
        if site is None:
            raise Conflict("no_trunk")
        raw = str(command.body.get("number", ""))
        number = to_e164(raw, site.country, area=site.area)
        if not allowed(site, number):
            raise Invalid(FieldError("number", "number_not_allowed"))
        trunk = self.ways.out(site, number)[0]
        if engine.agents.busy(agent.id):
            raise Conflict("agent_busy")
        state = engine.agents.get(agent.id)
        if state is not None and state.phone in ("unregistered", "unreachable"):
            raise Conflict("phone_unreachable", extension=agent.extension)
        call_id = _uuid(command, "call_id")
        if engine.book.get(call_id) is not None:
            raise Conflict("call_exists")
        engine.apply(
            CallPlaced(
                at=self._clock(),
                call_id=call_id,
                tenant_id=agent.tenant_id,
                agent_id=agent.id,
                number=number,
                number_raw=raw,
                our_number=shown_number(engine.directory, site),
                site_id=site.id,
                trunk=trunk.slug,
                party=agent.mobile if agent.station == "mobile" else "",
            )
        )
        call = engine.book.get(call_id)
        if call is None:
            raise Conflict("call_exists")
        engine.control.begin(
            call, Kind.CLICK_TO_CALL, channel_id(call_id, "agent"), channel_id(call_id, "customer")
        )
        return {"call_id": str(call_id)}

    def _hang_up(self, command: Command) -> dict[str, Value]:
        engine = self._engine
        call = engine.book.get(_uuid(command, "call_id"))
        if call is None or call.tenant_id != command.tenant_id or not _within(command, call):
            raise NotFound("call_unknown")
        if engine.blind or engine.control is None:
            raise Unavailable("telephony_blind")
        by = "agent" if call.agent_id == command.actor else "supervisor"
        engine.apply(HangupAsked(at=self._clock(), call_id=call.id, by=by))
        engine.control.hang_up(engine.book.get(call.id) or call)
        return {}

    def _choose(self, command: Command) -> dict[str, Value]:
        agent = self._agent(command)
        if command.actor != agent.id and not _sees_site(command, agent.site_id):
            raise NotFound("agent_unknown")
        state = str(command.body.get("state", ""))
        if state not in CHOICES:
            raise Invalid(FieldError("state", "unknown"))
        known = self._engine.agents.get(agent.id)
        if known is None or known.chosen == "offline":
            raise Conflict("agent_offline")
        reason = str(command.body.get("reason") or "")
        step = self._engine.agents.chose(agent.id, state, reason, known.session_id, self._clock())
        self._engine.agent_stepped(step)
        return {"state": step.agent.state}


def _uuid(command: Command, key: str) -> UUID:
    try:
        return UUID(str(command.body.get(key, "")))
    except ValueError:
        raise Invalid(FieldError(key, "uuid")) from None


def _within(command: Command, call: Call) -> bool:
    """Whether the caller may touch this call: his own, or one of a site in his scope."""
    return call.agent_id == command.actor or _sees_site(command, call.site_id)


def _sees_site(command: Command, site_id: UUID | None) -> bool:
    """``scope`` in the body: "own", "all", or the ids of sites separated by commas (set by the service)."""
    scope = str(command.body.get("scope", "own"))
    if scope == "own":
        return False
    return scope == "all" or (site_id is not None and str(site_id) in scope.split(","))
