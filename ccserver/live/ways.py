"""How each party of a call is reached: phones by their endpoint, numbers by the trunks of their site in turn."""

from collections.abc import Callable
from dataclasses import dataclass

from ccserver.domain.call import Call
from ccserver.domain.dialling import allowed, shown_on
from ccserver.domain.directory import RING_SECONDS, Agent, Directory, Site, Trunk
from ccserver.domain.errors import Conflict
from ccserver.domain.numbers import is_emergency
from ccserver.domain.routing import Arrival, arrival, dial_string, shown_number, ways_out


@dataclass(frozen=True, slots=True)
class Reach:
    """What Asterisk dials, and the number that the called party is shown."""

    endpoint: str
    caller_id: str


@dataclass(frozen=True, slots=True)
class _Number:
    """A party outside: dialled by the ways of a site."""

    site: Site
    number: str


@dataclass(frozen=True, slots=True)
class _Phone:
    extension: str


class Ways:
    """Answers from the directory as it is now; ``up(slug)`` tells whether a trunk is thought reachable,
    ``answers(slug)`` whether it answers its keep-alive.
    """

    def __init__(
        self, directory: Callable[[], Directory], up: Callable[[str], bool], answers: Callable[[str], bool]
    ) -> None:
        self._directory = directory
        self._up = up
        self._answers = answers

    def out(self, site: Site | None, number: str) -> tuple[Trunk, ...]:
        """The trunks that a call of this site tries. Raises Conflict when it has none."""
        found = self._found(site, number) if site is not None else ()
        if not found:
            raise Conflict("no_trunk")
        return found

    def site_of(self, agent: Agent) -> Site | None:
        """The site whose trunks an agent's calls leave by."""
        return self._directory().site(agent.site_id) if agent.site_id else None

    # -- the way of a call, for the control (control.Way)

    def agent_ways(self, call: Call) -> tuple[str, ...]:
        """The trunks to try for our side's party, best first; none for a phone of ours."""
        return self._slugs(self._ours(call))

    def customer_ways(self, call: Call) -> tuple[str, ...]:
        """The same for the party that is called."""
        return self._slugs(self._called(call))

    def agent(self, call: Call, way: str) -> Reach | None:
        """Our side's party: the agent's phone or mobile, a physical phone, the number that callers are sent to."""
        return self._reach(call, self._ours(call), way, call.number or call.number_raw)

    def customer(self, call: Call, way: str) -> Reach | None:
        """The party that is called: a number, or a colleague's phone."""
        caller = call.legs[0].number if call.legs and call.direction == "internal" else ""
        return self._reach(call, self._called(call), way, caller)

    def must_confirm(self, call: Call) -> bool:
        """Whether our side is an agent's mobile, whose voicemail must not be joined with anybody."""
        agent = self._directory().agent(call.agent_id) if call.agent_id else None
        return agent is not None and agent.station == "mobile" and call.direction != "internal"

    def urgent(self, call: Call) -> bool:
        """Whether the called number is an emergency number of the calling site."""
        site = self._directory().site(call.site_id) if call.site_id else None
        return site is not None and call.direction == "outbound" and is_emergency(call.number, site.country)

    def relieved(self, call: Call) -> bool:
        """Whether the called number has somebody else for a caller whom our side's party does not answer."""
        where = self._arrival(call)
        return where is not None and where.relieved

    def ring_seconds(self, call: Call) -> int:
        """How long our side's party is rung, as the called number has it."""
        where = self._arrival(call)
        return where.ring_seconds if where is not None else RING_SECONDS

    # -- who it is

    def _arrival(self, call: Call) -> Arrival | None:
        return arrival(self._directory(), call.our_number, call.started_at, call.relays)

    def _ours(self, call: Call) -> _Phone | _Number | None:
        directory = self._directory()
        agent = directory.agent(call.agent_id) if call.agent_id else None
        if agent is not None:
            return self._of_agent(agent)
        if call.direction != "inbound":
            return None
        where = self._arrival(call)
        if where is None:
            return None
        match where.destination.target:
            case "phone" if where.destination.phone_id is not None:
                phone = directory.phone(where.destination.phone_id)
                return _Phone(phone.extension) if phone is not None else None
            case "number":
                site = directory.site(where.did.site_id)
                number = where.destination.forward_to
                return _Number(site, number) if site is not None and allowed(site, number) else None
            case _:
                return None

    def _called(self, call: Call) -> _Phone | _Number | None:
        directory = self._directory()
        if call.direction == "internal":
            agent = directory.agent_by_extension(call.number_raw)
            if agent is not None:
                return self._of_agent(agent)
            phone = directory.phone_by_extension(call.number_raw)
            return _Phone(phone.extension) if phone is not None else None
        site = directory.site(call.site_id) if call.site_id else None
        return _Number(site, call.number) if site is not None else None

    def _of_agent(self, agent: Agent) -> _Phone | _Number | None:
        if agent.station != "mobile":
            return _Phone(agent.extension)
        site = self.site_of(agent)
        return _Number(site, agent.mobile) if site is not None else None

    # -- how

    def _slugs(self, party: _Phone | _Number | None) -> tuple[str, ...]:
        if not isinstance(party, _Number):
            return ()
        return tuple(trunk.slug for trunk in self._found(party.site, party.number))

    def _found(self, site: Site, number: str) -> tuple[Trunk, ...]:
        return ways_out(self._directory(), site, number, self._up, self._answers)

    def _reach(self, call: Call, party: _Phone | _Number | None, way: str, caller: str) -> Reach | None:
        directory = self._directory()
        if isinstance(party, _Phone):
            return Reach(f"PJSIP/{party.extension}", caller)
        trunk = directory.trunk_by_slug(way)
        if party is None or trunk is None:
            return None
        try:
            endpoint = dial_string(directory, trunk, party.number, party.site)
            return Reach(endpoint, self._shown(party.site, trunk))
        except ValueError:
            return None

    def _shown(self, site: Site, trunk: Trunk) -> str:
        """The number of the calling site, as this trunk's gateway wants it; never a mobile's own."""
        directory = self._directory()
        number = shown_number(directory, site)
        gateway = directory.site(trunk.site_id) or site
        return shown_on(number, trunk, gateway.country) if number else ""
