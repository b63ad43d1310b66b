"""The hand: carries out the joining of parties over ARI. Decisions are domain/connect.py's; this only acts.

Actions of one connection run one after another in a task of their own, so a slow answer of Asterisk for one call
never holds up another, nor the ingest loop.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

import structlog

from ccserver.background import Supervisor
from ccserver.domain import connect
from ccserver.domain.call import Call
from ccserver.domain.callbook import channel_id
from ccserver.domain.connect import Action, Connection, Do, Kind, Stage
from ccserver.domain.errors import DomainError, Unavailable
from ccserver.logs import bound
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AriConflict, AriNotFound

log = structlog.get_logger(__name__)

AGAIN_SECONDS = (0.5, 1.0, 2.0)
"""Asterisk away for a moment: what may be done twice is tried again, so that nobody is left alone in a call."""
AGENT_RING_SECONDS = 30
CUSTOMER_RING_SECONDS = 60


class Way(Protocol):
    """How the parties of a call are reached, worked out by the engine from the directory."""

    def agent_endpoint(self, call: Call) -> str | None:
        """``PJSIP/1001`` of the call's agent."""
        ...

    def customer_endpoint(self, call: Call) -> str | None:
        """``PJSIP/0123456789@trunk-paris`` for the call's customer."""
        ...

    def caller_id(self, call: Call) -> str:
        """The number shown to the customer."""
        ...


class Control:
    """All joinings in progress. ``on_failure(call_id, outcome)`` is told when Asterisk refuses a leg."""

    def __init__(
        self,
        ari: Ari,
        app: str,
        way: Way,
        supervisor: Supervisor,
        find_call: Callable[[UUID], Call | None],
        on_failure: Callable[[UUID, str], None],
    ) -> None:
        self._ari = ari
        self._app = app
        self._way = way
        self._supervisor = supervisor
        self._find_call = find_call
        self._on_failure = on_failure
        self._connections: dict[UUID, Connection] = {}
        self._by_channel: dict[str, UUID] = {}
        self._todo: dict[UUID, deque[Action]] = {}
        self._leaving: set[str] = set()

    def __len__(self) -> int:
        return len(self._connections)

    def get(self, call_id: UUID) -> Connection | None:
        """The connection of a call that we are joining or have joined."""
        return self._connections.get(call_id)

    def begin(self, call: Call, kind: Kind, a_id: str, b_id: str) -> None:
        """Starts to join the parties of a call."""
        self._step(connect.begin(self._new(call.id, kind, a_id, b_id)))

    def knows(self, channel: str) -> bool:
        """Whether this channel is a party of a connection."""
        return self._of(channel) is not None

    def entered(self, channel: str) -> None:
        """An agent's leg entered our application: the agent answered."""
        connection = self._of(channel)
        if connection is None:
            return
        self._step(connect.a_up(connection) if channel == connection.a_id else connect.b_up(connection))

    def customer_entered(self, channel: str) -> None:
        """The channel we made for the customer entered our application, not dialled yet."""
        connection = self._of(channel)
        if connection is not None and channel == connection.b_id:
            self._step(connect.b_entered(connection))

    def customer_rings(self, channel: str, early: bool) -> None:
        """The called party rings, or its network plays something."""
        connection = self._of(channel)
        if connection is not None and channel == connection.b_id:
            self._step(connect.b_early(connection) if early else connect.b_rings(connection))

    def customer_up(self, channel: str) -> None:
        """The called customer answered."""
        connection = self._of(channel)
        if connection is not None and channel == connection.b_id and connection.kind is not Kind.INBOUND:
            self._step(connect.b_up(connection))

    def gone(self, channel: str, cause: int | None) -> None:
        """A channel ended."""
        connection = self._of(channel)
        if connection is not None:
            self._step(connect.gone(connection, channel, cause))

    def hang_up(self, call: Call) -> None:
        """Ends a call: by its connection, or leg by leg if it is none of ours (fallback, internal)."""
        connection = self._connections.get(call.id)
        if connection is not None:
            self._step(connect.hang_up(connection))
            return
        for leg in call.legs:
            if leg.alive:
                self.let_go(leg.uniqueid, 16)

    def let_go(self, channel: str, cause: int) -> None:
        """Ends one channel: a call that cannot be joined to anybody, a leg that nobody waits for."""
        if channel in self._leaving:
            return
        self._leaving.add(channel)
        self._supervisor.once(f"hangup {channel}", lambda: self._leave(channel, cause))

    async def _leave(self, channel: str, cause: int) -> None:
        try:
            await _patiently(lambda: self._let_go(channel, cause))
        except DomainError as error:
            log.warning("channel could not be ended", channel=channel, why=str(error))
        finally:
            self._leaving.discard(channel)

    def adopt(self, connection: Connection) -> None:
        """Goes on with what a resync found in Asterisk."""
        self._step(connect.resume(connection))

    def forget_all(self) -> None:
        """Before a resync: what is true now comes from Asterisk, not from memory.

        What was begun goes on: each action was right, may be done twice, and has its one task for each call.
        """
        self._connections.clear()
        self._by_channel.clear()

    def _new(self, call_id: UUID, kind: Kind, a_id: str, b_id: str) -> Connection:
        return Connection(call_id=call_id, kind=kind, a_id=a_id, b_id=b_id, bridge_id=f"cc-{call_id}")

    def _of(self, channel: str) -> Connection | None:
        call_id = self._by_channel.get(channel)
        return self._connections.get(call_id) if call_id is not None else None

    def _step(self, step: connect.Step) -> None:
        connection, actions = step
        if connection.over:
            self._connections.pop(connection.call_id, None)
            self._by_channel.pop(connection.a_id, None)
            self._by_channel.pop(connection.b_id, None)
        else:
            self._connections[connection.call_id] = connection
            self._by_channel[connection.a_id] = connection.call_id
            self._by_channel[connection.b_id] = connection.call_id
        if actions:
            self._enqueue(connection, actions)

    def _enqueue(self, connection: Connection, actions: tuple[Action, ...]) -> None:
        waiting = self._todo.get(connection.call_id)
        if waiting is not None:
            waiting.extend(actions)
            return
        todo = self._todo[connection.call_id] = deque(actions)
        # The ids do not change over a connection's life, so the connection of now serves all its actions.
        self._supervisor.once(f"call {connection.call_id}", lambda: self._work(connection, todo))

    async def _work(self, connection: Connection, todo: deque[Action]) -> None:
        try:
            # Leg A is the oldest channel of its call: its uniqueid is the call's linkedid.
            with bound(call=str(connection.call_id), linkedid=connection.a_id):
                while todo:
                    await self._act(connection, todo.popleft())
        finally:
            if self._todo.get(connection.call_id) is todo:
                del self._todo[connection.call_id]

    async def _act(self, connection: Connection, action: Action) -> None:
        calls = action.do in (Do.CALL_A, Do.CALL_B)
        try:
            if calls:
                await self._carry_out(connection, action)
            else:
                await _patiently(lambda: self._carry_out(connection, action))
        except (AriNotFound, AriConflict) as error:
            # The channel or bridge went away meanwhile: the event that says so does the rest.
            log.info("action came too late", action=action.do, why=str(error))
        except Exception as error:
            # A fault of ours must not leave a party waiting for what will never come, no more than Asterisk's.
            ours = not isinstance(error, DomainError)
            log.warning("action failed", action=action.do, why=str(error), exc_info=error if ours else None)
            if calls:
                self._refused(connection, action.do, isinstance(error, Unavailable))
            elif action.do in (Do.DIAL_B, Do.BRIDGE):
                current = self._connections.get(connection.call_id)
                if current is not None:
                    if action.do is Do.DIAL_B:
                        self._on_failure(connection.call_id, "failed")
                    self._step(connect.hang_up(current))

    def _refused(self, connection: Connection, leg: Do, away: bool) -> None:
        agent = leg is Do.CALL_A or connection.kind is Kind.INBOUND
        outcome = "failed" if away else "agent_unreachable" if agent else "trunk_down"
        if connection.kind is not Kind.INBOUND:
            self._on_failure(connection.call_id, outcome)
        current = self._connections.get(connection.call_id)
        if current is not None:
            self._step(connect.failed(current, leg))

    async def _carry_out(self, c: Connection, action: Action) -> None:
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
                await self._join(c)
            case Do.HANG_UP_A | Do.HANG_UP_B:
                channel = c.a_id if action.do is Do.HANG_UP_A else c.b_id
                await self._let_go(channel, action.cause or 16)
            case Do.DESTROY_BRIDGE:
                await ari.bridges.destroy(c.bridge_id)

    async def _call(self, c: Connection, leg: Do) -> None:
        if leg is Do.CALL_A:
            await self._call_agent(c, c.a_id, originator=None)
        elif c.kind is Kind.INBOUND:
            await self._call_agent(c, c.b_id, originator=c.a_id)
        else:
            await self._call_customer(c)

    async def _join(self, c: Connection) -> None:
        await self._ari.bridges.create(c.bridge_id, type="mixing", name=c.bridge_id)
        await self._ari.bridges.add_channel(c.bridge_id, [c.a_id, c.b_id])

    async def _let_go(self, channel: str, cause: int) -> None:
        try:
            await self._ari.channels.hangup(channel, reason_code=cause)
        except AriNotFound:
            return

    async def _call_agent(self, c: Connection, channel: str, originator: str | None) -> None:
        call = self._find_call(c.call_id)
        if call is None:
            raise Unavailable("call_over")
        endpoint = self._way.agent_endpoint(call)
        if endpoint is None:
            raise Unavailable("phone_unreachable")
        await self._ari.channels.originate(
            endpoint=endpoint,
            app=self._app,
            app_args=("agent", str(c.call_id)),
            channel_id=channel,
            caller_id=call.number or call.number_raw,
            timeout=AGENT_RING_SECONDS,
            originator=originator,
            variables={"CC_CALL": str(c.call_id), "CC_ROLE": "agent"},
        )

    async def _call_customer(self, c: Connection) -> None:
        call = self._find_call(c.call_id)
        if call is None:
            raise Unavailable("call_over")
        endpoint = self._way.customer_endpoint(call)
        if endpoint is None:
            raise Unavailable("trunk_down")
        variables = {"CC_CALL": str(c.call_id), "CC_ROLE": "customer"}
        caller_id = self._way.caller_id(call)
        if caller_id:
            # An outgoing channel shows its connected line as the caller; dialled with a ``caller`` it would show
            # that channel's number instead, which is the customer's own (tests/golden/README.md).
            variables["CONNECTEDLINE(num)"] = caller_id
        await self._ari.channels.create(
            endpoint=endpoint,
            app=self._app,
            app_args=("customer", str(c.call_id)),
            channel_id=c.b_id,
            originator=c.a_id,
            variables=variables,
        )


async def _patiently(act: Callable[[], Awaitable[None]]) -> None:
    for seconds in AGAIN_SECONDS:
        try:
            await act()
        except Unavailable:
            await asyncio.sleep(seconds)
        else:
            return
    await act()


def stage_of(state: str | None, *, in_stasis: bool) -> Stage:
    """The stage of a leg that a resync found, from ARI's channel state; None: the channel is not there."""
    if state is None:
        return Stage.ABSENT
    if state == "Up":
        return Stage.UP if in_stasis else Stage.CALLING
    return {"Ringing": Stage.RINGING, "Ring": Stage.PRESENT}.get(state, Stage.CALLING)


def agent_channel(call_id: UUID) -> str:
    """The uniqueid of the agent's leg that we make."""
    return channel_id(call_id, "agent")


def customer_channel(call_id: UUID) -> str:
    """The uniqueid of the customer's leg that we make."""
    return channel_id(call_id, "customer")
