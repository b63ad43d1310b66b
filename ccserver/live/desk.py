"""What may be asked of the owner: each command's preconditions, and the facts it leads to."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from ccserver.domain.agent import CHOICES
from ccserver.domain.call import Call
from ccserver.domain.callbook import channel_id
from ccserver.domain.connect import Kind
from ccserver.domain.dialling import for_gateway
from ccserver.domain.directory import Agent, Site, Trunk
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from ccserver.domain.numbers import is_emergency, to_e164
from ccserver.domain.stream import Command
from ccserver.domain.telephony import CallPlaced, HangupAsked
from ccserver.live.commands import Value
from ccserver.live.engine import Engine


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

    def way_out(self, agent: Agent) -> tuple[Site, Trunk]:
        """The site and trunk that an agent's calls leave by: the first trunk that is reachable, else the first."""
        directory = self._engine.directory
        site = directory.site(agent.site_id) if agent.site_id else None
        trunks = directory.trunks_of_site(site.id) if site is not None else ()
        if site is None or not trunks:
            raise Conflict("no_trunk")
        return site, next((trunk for trunk in trunks if self._engine.trunk_up(trunk.slug)), trunks[0])

    def _place(self, command: Command) -> dict[str, Value]:
        engine = self._engine
        agent = self._agent(command)
        if command.actor != agent.id and not _sees_site(command, agent.site_id):
            raise NotFound("agent_unknown")
        if engine.blind or engine.control is None:
            raise Unavailable("telephony_blind")
        # The number first: a wrong one is wrong whatever the phone does.
        site, trunk = self.way_out(agent)
        raw = str(command.body.get("number", ""))
        number = to_e164(raw, site.country)
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
                our_number=site.caller_id,
                site_id=site.id,
                trunk=trunk.slug,
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

    # -- the way of a call, for the control (control.Way)

    def agent_endpoint(self, call: Call) -> str | None:
        """``PJSIP/1001`` of the call's agent."""
        agent = self._engine.directory.agent(call.agent_id) if call.agent_id else None
        return f"PJSIP/{agent.extension}" if agent is not None else None

    def customer_endpoint(self, call: Call) -> str | None:
        """``PJSIP/0123456789@trunk-paris``, by the agent's site whatever the number; a colleague's phone directly."""
        agent = self._engine.directory.agent(call.agent_id) if call.agent_id else None
        if agent is None:
            return None
        if call.direction == "internal":
            return f"PJSIP/{call.number_raw}" if self._engine.resolve(call.number_raw) is not None else None
        try:
            site, trunk = self.way_out(agent)
            digits = for_gateway(call.number, site.country)
            if is_emergency(digits, site.country):
                # By its address, as in the dialplan: a gateway that missed a keep-alive is tried all the same.
                host = f"[{trunk.host}]" if ":" in trunk.host else trunk.host
                return f"PJSIP/trunk-{trunk.slug}/sip:{digits}@{host}:{trunk.port}"
            return f"PJSIP/{digits}@trunk-{trunk.slug}"
        except (Conflict, ValueError):
            return None

    def caller_id(self, call: Call) -> str:
        """The number of the agent's site, as its country writes it to a gateway; his extension to a colleague."""
        if call.direction == "internal":
            agent = self._engine.directory.agent(call.agent_id) if call.agent_id else None
            return agent.extension if agent is not None else ""
        site = self._engine.directory.site(call.site_id) if call.site_id else None
        if site is None or not site.caller_id:
            return ""
        return for_gateway(site.caller_id, site.country)


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
