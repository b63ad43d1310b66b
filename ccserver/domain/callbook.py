"""Which channel belongs to which call, and all calls in progress. No I/O: facts in, changed calls out."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ccserver.domain.call import Call, Direction, Leg, Moment, Role
from ccserver.domain.callmachine import (
    LegFact,
    Step,
    add_leg,
    apply_asked,
    apply_failed,
    apply_leg_fact,
    apply_routed,
    apply_way_failed,
    finish,
    restored,
)
from ccserver.domain.channels import relays_of
from ccserver.domain.ids import derived_id
from ccserver.domain.telephony import (
    CallFailed,
    CallPlaced,
    CallRouted,
    ChannelCreated,
    ChannelGone,
    EmergencyLost,
    EndpointChanged,
    Fact,
    HangupAsked,
    RegistrationChanged,
    WayFailed,
)

_REMEMBERED = 65536
"""How many ended calls stay known, so that late or replayed facts about them open nothing."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Whose endpoint it is: a site's trunk (``trunk``), or the phone (``extension``) of an agent or of nobody."""

    tenant_id: UUID
    site_id: UUID | None
    agent_id: UUID | None = None
    trunk: str = ""
    extension: str = ""


class CallChange(msgspec.Struct, frozen=True):
    """A call after a fact, with what that fact added to its timeline."""

    call: Call
    moments: tuple[Moment, ...]


def channel_id(call_id: UUID, role: str) -> str:
    """The uniqueid that we give to a channel we make; it carries the call through any restart."""
    return f"cc-{call_id}-{role}"


def call_of_channel(uniqueid: str) -> UUID | None:
    """The call that one of our own channel ids names, None for channels that Asterisk named."""
    if not uniqueid.startswith("cc-") or len(uniqueid) < 40:
        return None
    try:
        return UUID(uniqueid[3:39])
    except ValueError:
        return None


def _epoch_in(linkedid: str) -> float | None:
    """``central-1700000000.42`` or ``1700000000.42`` -> 1700000000.0."""
    stem = linkedid.rpartition("-")[2].partition(".")[0]
    return float(stem) if stem.isdecimal() else None


class CallBook:
    """All calls in progress. ``resolve`` says whose an endpoint is; ``clean`` makes E.164 of a raw number."""

    def __init__(
        self, system: str, resolve: Callable[[str], Party | None], clean: Callable[[str, UUID | None], str]
    ) -> None:
        self._system = system
        self._resolve = resolve
        self._clean = clean
        self._calls: dict[UUID, Call] = {}
        self._by_channel: dict[str, UUID] = {}
        self._by_link: dict[str, UUID] = {}
        self._links: dict[UUID, set[str]] = {}
        self._ended: OrderedDict[UUID, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def get(self, call_id: UUID) -> Call | None:
        """The call in progress with this id."""
        return self._calls.get(call_id)

    def call_id_of(self, uniqueid: str) -> UUID | None:
        """The call in progress that this channel belongs to."""
        return self._by_channel.get(uniqueid)

    def is_over(self, call_id: UUID) -> bool:
        """Whether this call is known to have ended."""
        return call_id in self._ended

    def restore(self, calls: Iterable[Call]) -> None:
        """Takes up calls that an earlier run left open in the history."""
        for stored in calls:
            call = restored(stored)
            self._calls[call.id] = call
            for leg in call.legs:
                self._by_channel[leg.uniqueid] = call.id
            if not call.external_id.startswith("cc-"):
                self._link(call.external_id.partition("/")[2], call.id)

    def _link(self, linkedid: str, call_id: UUID) -> None:
        if self._by_link.setdefault(linkedid, call_id) == call_id:
            self._links.setdefault(call_id, set()).add(linkedid)

    def remember_ended(self, call_ids: Iterable[UUID]) -> None:
        """These calls are in the history with their end: facts about them are old news."""
        for call_id in call_ids:
            self._ended[call_id] = None

    def apply(self, fact: Fact) -> CallChange | None:
        """The call that this fact changed, or None when it says nothing new."""
        match fact:
            case ChannelCreated():
                return self._created(fact)
            case CallPlaced():
                return self._placed(fact)
            case HangupAsked() | CallFailed() | CallRouted() | WayFailed():
                return self._about_call(fact)
            case EndpointChanged() | RegistrationChanged() | EmergencyLost():
                return None
            case _:
                return self._about_leg(fact)

    def assign(self, call_id: UUID, agent_id: UUID | None) -> CallChange | None:
        """The call is now this agent's (his phone is about to ring), or no agent's any more."""
        call = self._calls.get(call_id)
        if call is None or call.agent_id == agent_id:
            return None
        return self._keep((replace(call, agent_id=agent_id, revision=call.revision + 1), ()))

    def missing(self, seen: Iterable[str], asked_at: float, now: float) -> list[CallChange]:
        """Ends what Asterisk no longer has: legs not in ``seen`` that existed before ``asked_at``.

        Also calls that were placed but whose first leg never came to be, or whose next attempt never did.
        """
        present = set(seen)
        changes: list[CallChange] = []
        for call in list(self._calls.values()):
            for leg in call.legs:
                if leg.alive and leg.uniqueid not in present and leg.started_at < asked_at:
                    gone = ChannelGone(at=now, uniqueid=leg.uniqueid, cause=None, sip=None, estimated=True)
                    change = self._about_leg(gone)
                    if change is not None:
                        changes.append(change)
            open_still = self._calls.get(call.id)
            if (
                open_still is not None
                and call.started_at < asked_at
                and not any(g.alive for g in open_still.legs)
            ):
                changes.append(self._keep(finish(open_still, now, estimated=True)))
        return changes

    def _created(self, fact: ChannelCreated) -> CallChange | None:
        if fact.uniqueid in self._by_channel or not fact.endpoint:
            return None
        call_id = call_of_channel(fact.uniqueid)
        if call_id is None or (call_id not in self._calls and call_id not in self._ended):
            call_id = self._by_link.get(fact.linkedid, call_id)
        if call_id is not None and call_id in self._ended:
            return None
        party = self._resolve(fact.endpoint)
        if party is None:
            return None
        call = self._calls.get(call_id) if call_id is not None else None
        moments: tuple[Moment, ...] = ()
        if call is None:
            call = self._open(fact, party)
            if call.id in self._ended:
                return None
            moments = (Moment(at=fact.at, kind="placed", uniqueid=fact.uniqueid, detail=call.direction),)
        grown, more = add_leg(call, self._leg(call, fact, party))
        self._by_channel[fact.uniqueid] = call.id
        self._link(fact.linkedid, call.id)
        return self._keep((grown, moments + more))

    def _open(self, fact: ChannelCreated, party: Party) -> Call:
        """A call that Asterisk began: from a trunk it is inbound, from a phone outbound or internal.

        Or one of ours whose beginning was lost with a killed server: its channel still carries its id, and an
        agent's leg that we made shows the customer's number as its caller.
        """
        direction: Direction = "inbound"
        number_raw, our_number = fact.caller, fact.exten
        ours = call_of_channel(fact.uniqueid)
        if ours is not None:
            direction = "outbound"
            number_raw, our_number = "" if fact.caller == party.extension else fact.caller, ""
        elif not party.trunk:
            number_raw, our_number = fact.exten, ""
            other = self._resolve(fact.exten)
            inside = other is not None and other.tenant_id == party.tenant_id and not other.trunk
            direction = "internal" if inside else "outbound"
        epoch = _epoch_in(fact.linkedid)
        begun = datetime.fromtimestamp(fact.at if epoch is None else epoch, tz=UTC)
        return Call(
            id=ours or derived_id(begun, self._system, fact.linkedid),
            tenant_id=party.tenant_id,
            external_id=f"cc-{ours}" if ours is not None else f"{self._system}/{fact.linkedid}",
            direction=direction,
            number=self._clean(number_raw, party.site_id) if direction != "internal" else number_raw,
            number_raw=number_raw,
            our_number=self._clean(our_number, party.site_id) if our_number else "",
            site_id=party.site_id,
            trunk=party.trunk,
            agent_id=party.agent_id,
            started_at=fact.at,
            state="dialing",
        )

    def _leg(self, call: Call, fact: ChannelCreated, party: Party) -> Leg:
        role: Role = "customer" if party.trunk else "agent"
        agent_id, number = party.agent_id, party.extension or call.number
        if party.trunk and relays_of(fact.uniqueid) is not None:
            # An agent's mobile, or the number that a caller is sent to: it answers for our side.
            role, agent_id, number = "agent", call.agent_id, call.party
        elif party.trunk and call.direction == "inbound" and call.legs:
            # The same, made by the dialplan while there was no server.
            role, number = "agent", call.party
        if call.direction == "internal" and any(leg.role == "agent" for leg in call.legs):
            role = "customer"
            colleague = self._resolve(call.number_raw) if party.trunk else None
            agent_id = colleague.agent_id if colleague is not None else agent_id
        return Leg(
            uniqueid=fact.uniqueid,
            role=role,
            channel=fact.channel,
            agent_id=agent_id,
            number=number,
            started_at=fact.at,
        )

    def _placed(self, fact: CallPlaced) -> CallChange | None:
        if fact.call_id in self._calls or fact.call_id in self._ended:
            return None
        call = Call(
            id=fact.call_id,
            tenant_id=fact.tenant_id,
            external_id=f"cc-{fact.call_id}",
            direction="outbound",
            number=fact.number,
            number_raw=fact.number_raw,
            our_number=fact.our_number,
            site_id=fact.site_id,
            trunk=fact.trunk,
            agent_id=fact.agent_id,
            party=fact.party,
            started_at=fact.at,
            state="ringing_agent",
        )
        return self._keep((call, (Moment(at=fact.at, kind="placed", detail="click_to_call"),)))

    def _about_call(self, fact: HangupAsked | CallFailed | CallRouted | WayFailed) -> CallChange | None:
        call = self._calls.get(fact.call_id)
        if call is None:
            return None
        match fact:
            case HangupAsked():
                step = apply_asked(call, fact)
            case CallFailed():
                step = apply_failed(call, fact)
            case CallRouted():
                step = apply_routed(call, fact)
            case WayFailed():
                step = apply_way_failed(call, fact)
        return self._keep(step) if step[0] is not call else None

    def _about_leg(self, fact: LegFact) -> CallChange | None:
        call_id = self._by_channel.get(fact.uniqueid)
        call = self._calls.get(call_id) if call_id is not None else None
        if call is None:
            return None
        step = apply_leg_fact(call, fact)
        return self._keep(step) if step[0] is not call else None

    def _keep(self, step: Step) -> CallChange:
        call, moments = step
        if call.ended_at is None:
            self._calls[call.id] = call
        else:
            self._forget(call)
        return CallChange(call, moments)

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
        for leg in call.legs:
            self._by_channel.pop(leg.uniqueid, None)
        for link in self._links.pop(call.id, ()):
            self._by_link.pop(link, None)
        self._ended[call.id] = None
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
