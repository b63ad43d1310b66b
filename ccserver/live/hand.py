"""What the control's actions are in ARI's words. Each may be carried out twice; none decides anything."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from ccserver.domain.call import Call
from ccserver.domain.channels import first_channel, relays_of
from ccserver.domain.connect import Action, Connection, Do, Kind
from ccserver.domain.directory import TRUNK_RING_SECONDS
from ccserver.domain.errors import Unavailable
from ccserver.live.ways import Reach
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AriConflict, AriNotFound

AGAIN_SECONDS = (0.5, 1.0, 2.0)
"""Asterisk away for a moment: what may be done twice is tried again, so that nobody is left alone in a call."""
AGENT_RING_SECONDS = 30
CUSTOMER_RING_SECONDS = 60
LEASE_SECONDS = 45
"""Longer than one attempt usually rings or one question lasts; the dialplan gives the first lease."""
LEASE_MARGIN_SECONDS = 15
"""So much longer than the ringing a lease must be, where somebody chose to let it ring for longer."""


class NoWay(Unavailable):
    """There is nothing to dial for a party: no phone, no trunk that the directory still has."""


class Way(Protocol):
    """How the parties of a call are reached, worked out from the directory (live/ways.py)."""

    def agent_ways(self, call: Call) -> tuple[str, ...]:
        """The trunks to try for our side's party; none for a phone."""
        ...

    def customer_ways(self, call: Call) -> tuple[str, ...]:
        """The trunks to try for the called party; none for a phone."""
        ...

    def agent(self, call: Call, way: str) -> Reach | None:
        """What to dial for our side's party, by this trunk."""
        ...

    def customer(self, call: Call, way: str) -> Reach | None:
        """What to dial for the called party, by this trunk."""
        ...

    def must_confirm(self, call: Call) -> bool:
        """Whether whoever answers for our side must press a key."""
        ...

    def urgent(self, call: Call) -> bool:
        """Whether the called number is an emergency number."""
        ...

    def relieved(self, call: Call) -> bool:
        """Whether somebody else takes a caller whom our side's party does not answer."""
        ...

    def ring_seconds(self, call: Call) -> int:
        """How long our side's party is rung for a caller."""
        ...


class Hand:
    """Sends commands. Raises what ``Ari`` raises, and NoWay."""

    def __init__(self, ari: Ari, app: str, way: Way, find_call: Callable[[UUID], Call | None]) -> None:
        self._ari = ari
        self._app = app
        self._way = way
        self._find_call = find_call

    async def carry_out(self, c: Connection, action: Action) -> None:
        """One action; asking for a key is not ours (live/asking.py)."""
        ari = self._ari
        match action.do:
            case Do.CALL_A | Do.CALL_B:
                await self._call(c, action.do)
            case Do.DIAL_B:
                await ari.channels.dial(c.b_id, timeout=CUSTOMER_RING_SECONDS)
            case Do.RING_A:
                await ari.channels.ring(c.a_id)
            case Do.STOP_RING_A:
                await ari.channels.ring_stop(c.a_id)
            case Do.ANSWER_A:
                await ari.channels.answer(c.a_id)
            case Do.END_LEASE:
                if c.kind is Kind.INBOUND:
                    await ari.channels.set_variable(c.a_id, variable="TIMEOUT(absolute)", value="0")
            case Do.BRIDGE:
                await ari.bridges.create(c.bridge_id, type="mixing", name=c.bridge_id)
                await ari.bridges.add_channel(c.bridge_id, [c.a_id, c.b_id])
            case Do.HANG_UP_A | Do.HANG_UP_B:
                channel = action.channel or (c.a_id if action.do is Do.HANG_UP_A else c.b_id)
                await self.let_go(channel, action.cause or 16)
            case Do.DESTROY_BRIDGE:
                await ari.bridges.destroy(c.bridge_id)

    async def _call(self, c: Connection, leg: Do) -> None:
        if leg is Do.CALL_A:
            await self._call_agent(c, c.a_id, c.a_way, AGENT_RING_SECONDS, originator=None)
        elif c.kind is Kind.INBOUND:
            await self._call_for_caller(c)
        else:
            await self._call_customer(c)

    async def _call_for_caller(self, c: Connection) -> None:
        call = self._find_call(c.call_id)
        ring = self._way.ring_seconds(call) if call is not None else AGENT_RING_SECONDS
        if c.b_way:
            ring = max(ring, TRUNK_RING_SECONDS)
        lease = max(LEASE_SECONDS, ring + LEASE_MARGIN_SECONDS)
        if lease > LEASE_SECONDS or c.b_id != first_channel(c.b_id) or relays_of(c.b_id):
            await self.renew(c, lease)
        await self._call_agent(c, c.b_id, c.b_way, ring, originator=c.a_id)

    async def renew(self, c: Connection, seconds: int = LEASE_SECONDS) -> None:
        """A caller who waits longer than one ringing lasts stays ours: a new lease."""
        if c.kind is Kind.INBOUND:
            try:
                await self._ari.channels.set_variable(c.a_id, "TIMEOUT(absolute)", str(seconds))
            except AriNotFound:
                return

    async def let_go(self, channel: str, cause: int) -> None:
        """Ends one channel, if it is still there."""
        try:
            await self._ari.channels.hangup(channel, reason_code=cause)
        except AriNotFound:
            return

    async def send_to(self, channel: str, context: str, extension: str) -> None:
        """Hands a caller over to the dialplan, without a lease: there is nobody of ours to renew it.

        One who has left our application was handed over before, by a command whose answer did not come back.
        """
        channels = self._ari.channels
        try:
            await channels.set_variable(channel, variable="TIMEOUT(absolute)", value="0")
            await channels.continue_in_dialplan(channel, context=context, extension=extension, priority=1)
        except (AriNotFound, AriConflict):
            return

    async def _call_agent(
        self, c: Connection, channel: str, way: str, ring_seconds: int, originator: str | None
    ) -> None:
        call = self._find_call(c.call_id)
        if call is None:
            raise Unavailable("call_over")
        reach = self._way.agent(call, way)
        if reach is None:
            raise NoWay("phone_unreachable")
        await self._ari.channels.originate(
            endpoint=reach.endpoint,
            app=self._app,
            app_args=("agent", str(c.call_id)),
            channel_id=channel,
            caller_id=reach.caller_id,
            timeout=ring_seconds,
            originator=originator,
            variables={"CC_CALL": str(c.call_id), "CC_ROLE": "agent"},
        )

    async def _call_customer(self, c: Connection) -> None:
        call = self._find_call(c.call_id)
        if call is None:
            raise Unavailable("call_over")
        reach = self._way.customer(call, c.b_way)
        if reach is None:
            raise NoWay("trunk_down")
        variables = {"CC_CALL": str(c.call_id), "CC_ROLE": "customer"}
        if reach.caller_id:
            # An outgoing channel shows its connected line as the caller; dialled with a ``caller`` it would show
            # that channel's number instead, which is the customer's own (tests/golden/README.md).
            variables["CONNECTEDLINE(num)"] = reach.caller_id
        await self._ari.channels.create(
            endpoint=reach.endpoint,
            app=self._app,
            app_args=("customer", str(c.call_id)),
            channel_id=c.b_id,
            originator=c.a_id,
            variables=variables,
        )


async def patiently(act: Callable[[], Awaitable[None]]) -> None:
    """``act`` again and again while Asterisk is away for a moment."""
    for seconds in AGAIN_SECONDS:
        try:
            await act()
        except Unavailable:
            await asyncio.sleep(seconds)
        else:
            return
    await act()
