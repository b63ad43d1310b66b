"""Where a call goes that somebody else began: a caller on a trunk, a number dialled on a keypad."""

from collections.abc import Callable
from uuid import UUID

from ccserver.domain.agentbook import AgentBook
from ccserver.domain.call import Call
from ccserver.domain.callbook import CallBook, CallChange
from ccserver.domain.connect import Kind
from ccserver.domain.dialling import allowed
from ccserver.domain.directory import Directory
from ccserver.domain.routing import Arrival, arrival
from ccserver.domain.telephony import CallRouted, Fact
from ccserver.live.control import Control, agent_channel, customer_channel
from ccserver.live.reach import Reachability

VOICEMAIL = "voicemail"
"""The dialplan's context of voicemail boxes; the extension is the DID (docs/contracts.md)."""
_UNKNOWN, _BUSY, _NO_ANSWER, _ABSENT, _REFUSED, _CONGESTED = 1, 17, 19, 20, 21, 34
"""Q.850 causes, as the caller's network is told them."""


class Router:
    """Decides at the instant when the call is in our hands, and has the control carry it out."""

    def __init__(
        self,
        *,
        book: CallBook,
        agents: AgentBook,
        reach: Reachability,
        directory: Callable[[], Directory],
        apply: Callable[[Fact], None],
        changed: Callable[[CallChange], None],
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._agents = agents
        self._reach = reach
        self._directory = directory
        self._apply = apply
        self._changed = changed
        self._clock = clock

    def inbound(self, control: Control, channel: str, number: str) -> None:
        """A caller for one of our numbers."""
        call = self._call_of(control, channel)
        if call is None:
            return
        directory = self._directory()
        where = arrival(directory, number, call.started_at) or arrival(
            directory, call.our_number, call.started_at
        )
        if where is None:
            control.let_go(channel, _UNKNOWN)
            return
        self._send(control, call, channel, where)

    def relieved(self, call: Call) -> bool:
        """Whether the number of this call has somebody for whom nobody has answered so far."""
        where = self._arrival(call, call.relays)
        return where is not None and where.relieved

    def unanswered(self, control: Control, call_id: UUID, channel: str) -> None:
        """Nobody took a caller who is still ours: on to whom his number names for that case."""
        call = self._book.get(call_id)
        if call is None:
            return
        following = self._arrival(call, call.relays + 1)
        if following is None:
            control.let_go(channel, _NO_ANSWER)
        else:
            self._send(control, call, channel, following)

    def to_voicemail(self, control: Control, call: Call, channel: str) -> None:
        """A caller whom the voicemail was to have is still ours: the hand-over again, unless it is under way."""
        # After a restart a call counts its relays by their legs, and a voicemail has none.
        behind = (self._arrival(call, call.relays + more) for more in (0, 1))
        found = (where for where in behind if where is not None and where.destination.target == "voicemail")
        where = next(found, None)
        control.send_to(channel, VOICEMAIL, where.did.number if where is not None else call.our_number)

    def _arrival(self, call: Call, relays: int) -> Arrival | None:
        return arrival(self._directory(), call.our_number, call.started_at, relays)

    def _send(self, control: Control, call: Call, channel: str, where: Arrival) -> None:
        match where.destination.target:
            case "agent":
                self._to_agent(control, call, channel, where)
            case "phone":
                self._to_phone(control, call, channel, where)
            case "number":
                self._to_number(control, call, channel, where)
            case "voicemail":
                self._tell(call, where, outcome="voicemail")
                control.send_to(channel, VOICEMAIL, where.did.number)
            case _:
                self._tell(call, where, outcome="" if where.opened else "closed")
                control.let_go(channel, _CONGESTED)

    def _nobody(self, control: Control, call: Call, channel: str, where: Arrival, cause: int) -> None:
        """Whom we have not even rung: on to the next one, or the caller hears why."""
        following = None
        if where.relieved:
            number, relays = where.called.number, where.relays + 1
            following = arrival(self._directory(), number, call.started_at, relays)
        if following is None:
            control.let_go(channel, cause)
        else:
            self._send(control, self._book.get(call.id) or call, channel, following)

    def keypad(self, control: Control, channel: str) -> None:
        """A number dialled on a phone of ours."""
        call = self._call_of(control, channel)
        if call is None:
            return
        site = self._directory().site(call.site_id) if call.site_id else None
        if call.direction == "outbound" and site is not None and not allowed(site, call.number):
            refused = CallRouted(
                at=self._clock(), call_id=call.id, target="refused", to=call.number, outcome="not_allowed"
            )
            self._apply(refused)
            control.let_go(channel, _REFUSED)
            return
        control.begin(call, Kind.KEYPAD, channel, customer_channel(call.id))

    def _call_of(self, control: Control, channel: str) -> Call | None:
        """The call of a channel, unless its parties are being joined already."""
        call = self._book.get(self._book.call_id_of(channel) or UUID(int=0))
        return None if call is None or control.get(call.id) is not None else call

    def _to_agent(self, control: Control, call: Call, channel: str, where: Arrival) -> None:
        user_id = where.destination.user_id
        agent = self._directory().agent(user_id) if user_id is not None else None
        if agent is None or not agent.active:
            self._nobody(control, call, channel, where, _UNKNOWN)
            return
        mobile = agent.station == "mobile"
        self._tell(call, where, "mobile" if mobile else "agent", agent.mobile if mobile else agent.extension)
        if self._agents.busy(agent.id):
            self._nobody(control, call, channel, where, _BUSY)
        elif not mobile and not self._reach.phone_up(agent.extension):
            self._nobody(control, call, channel, where, _ABSENT)
        else:
            self._assign(call, agent.id)
            self._ring(control, call, channel)

    def _to_phone(self, control: Control, call: Call, channel: str, where: Arrival) -> None:
        phone_id = where.destination.phone_id
        phone = self._directory().phone(phone_id) if phone_id is not None else None
        if phone is None:
            self._nobody(control, call, channel, where, _UNKNOWN)
            return
        self._tell(call, where, to=phone.extension)
        if not self._reach.phone_up(phone.extension):
            self._nobody(control, call, channel, where, _ABSENT)
        else:
            self._assign(call, None)
            self._ring(control, call, channel)

    def _to_number(self, control: Control, call: Call, channel: str, where: Arrival) -> None:
        site, number = self._directory().site(where.did.site_id), where.destination.forward_to
        if site is None or not allowed(site, number):
            self._tell(call, where, "refused", number, "not_allowed")
            self._nobody(control, call, channel, where, _REFUSED)
            return
        self._tell(call, where, to=number)
        self._assign(call, None)
        self._ring(control, call, channel)

    def _assign(self, call: Call, agent_id: UUID | None) -> None:
        routed = self._book.assign(call.id, agent_id)
        if routed is not None:
            self._changed(routed)

    def _ring(self, control: Control, call: Call, channel: str) -> None:
        current = self._book.get(call.id) or call
        control.begin(current, Kind.INBOUND, channel, agent_channel(call.id, current.relays))

    def _tell(self, call: Call, where: Arrival, target: str = "", to: str = "", outcome: str = "") -> None:
        self._apply(
            CallRouted(
                at=self._clock(),
                call_id=call.id,
                target=target or where.destination.target,
                to=to,
                opened=where.opened,
                outcome=outcome,
                number=where.called.number,
                relays=where.relays,
            )
        )
