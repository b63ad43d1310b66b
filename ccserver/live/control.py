"""Carries out the joining of parties over ARI. Decisions are domain/connect.py's, the commands live/hand.py's.

Actions of one connection run one after another in a task of their own, so a slow answer of Asterisk for one call
never holds up another, nor the ingest loop.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import structlog

from ccserver.background import Supervisor
from ccserver.domain import connect
from ccserver.domain.call import Call, trunk_of
from ccserver.domain.callbook import call_of_channel, channel_id
from ccserver.domain.channels import first_channel, our_role
from ccserver.domain.connect import Action, Connection, Do, Kind, Stage
from ccserver.domain.errors import DomainError, Unavailable
from ccserver.live.asking import Asking
from ccserver.live.hand import Hand, NoWay, Way, patiently
from ccserver.logs import bound
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AriConflict, AriNotFound

log = structlog.get_logger(__name__)

_ASKS = (Do.ASK_A, Do.ASK_B)


class Reports(Protocol):
    """What the control tells of its own doing: nothing else would say it."""

    def leg_refused(self, call_id: UUID, outcome: str) -> None:
        """Asterisk refused to make a leg, and there is no other way."""
        ...

    def way_failed(self, call_id: UUID, trunk: str, cause: int | None, sip: int | None) -> None:
        """A leg could not be made by this trunk: the next one is tried."""
        ...

    def leg_confirmed(self, channel: str) -> None:
        """A leg that was asked for a key is really answered."""
        ...

    def unanswered(self, call_id: UUID, channel: str) -> None:
        """Nobody took the caller on this channel, and his number has somebody else for him."""
        ...


class Control:
    """All joinings in progress."""

    def __init__(
        self,
        ari: Ari,
        app: str,
        way: Way,
        supervisor: Supervisor,
        find_call: Callable[[UUID], Call | None],
        reports: Reports,
    ) -> None:
        self._way = way
        self._supervisor = supervisor
        self._find_call = find_call
        self._reports = reports
        self._hand = Hand(ari, app, way, find_call)
        self._asking = Asking(ari, supervisor, self._answered)
        self._connections: dict[UUID, Connection] = {}
        self._by_channel: dict[str, UUID] = {}
        self._todo: dict[UUID, deque[tuple[Connection, Action]]] = {}
        self._leaving: set[str] = set()
        self._handed: set[str] = set()

    def __len__(self) -> int:
        return len(self._connections)

    def get(self, call_id: UUID) -> Connection | None:
        """The connection of a call that we are joining or have joined."""
        return self._connections.get(call_id)

    def begin(self, call: Call, kind: Kind, a_id: str, b_id: str) -> None:
        """Starts to join the parties of a call."""
        made = Connection(call_id=call.id, kind=kind, a_id=a_id, b_id=b_id, bridge_id=f"cc-{call.id}")
        self._step(connect.begin(self._with_ways(made, call)))

    def adopt(self, connection: Connection) -> None:
        """Goes on with what a resync found in Asterisk."""
        call = self._find_call(connection.call_id)
        self._step(connect.resume(self._with_ways(connection, call) if call is not None else connection))

    def _with_ways(self, c: Connection, call: Call) -> Connection:
        """With the trunks that its legs are on, and those that they have not tried yet."""
        way, inbound = self._way, c.kind is Kind.INBOUND
        a_way, a_ways = _ways_left(call, c.a_id, way.agent_ways(call) if c.kind is Kind.CLICK_TO_CALL else ())
        b_way, b_ways = _ways_left(call, c.b_id, way.agent_ways(call) if inbound else way.customer_ways(call))
        confirm = c.kind is not Kind.KEYPAD and way.must_confirm(call)
        urgent = not inbound and way.urgent(call)
        relieved = inbound and way.relieved(call)
        made = replace(c, a_way=a_way, a_ways=a_ways, b_way=b_way, b_ways=b_ways)
        return replace(made, confirm=confirm, urgent=urgent, relieved=relieved)

    # -- what happens

    def knows(self, channel: str) -> bool:
        """Whether this channel is a party of a connection."""
        return self._of(channel) is not None

    def asks(self, channel: str) -> bool:
        """Whether who answers this channel has to press a key before he counts as answered."""
        c = self._of(channel)
        if c is None or not c.confirm:
            return False
        return channel == (c.b_id if c.kind is Kind.INBOUND else c.a_id)

    def entered(self, channel: str) -> None:
        """A leg on our side entered our application: it answered."""
        connection = self._of(channel)
        if connection is None:
            return
        self._step(connect.a_up(connection) if channel == connection.a_id else connect.b_up(connection))

    def customer_entered(self, channel: str) -> None:
        """The channel we made for the customer entered our application, not dialled yet."""
        connection = self._of(channel)
        if connection is not None and channel == connection.b_id:
            self._step(connect.b_entered(connection))

    def rings(self, channel: str, early: bool) -> None:
        """A called party rings, or its network plays something."""
        connection = self._of(channel)
        if connection is None:
            return
        if channel == connection.b_id:
            self._step(connect.b_early(connection) if early else connect.b_rings(connection))
        elif channel == connection.a_id:
            self._step(connect.a_rings(connection))

    def customer_up(self, channel: str) -> None:
        """The called customer answered."""
        connection = self._of(channel)
        if connection is not None and channel == connection.b_id and connection.kind is not Kind.INBOUND:
            self._step(connect.b_up(connection))

    def pressed(self, channel: str, key: str) -> None:
        """A key was pressed."""
        self._asking.pressed(channel, key)

    def _answered(self, channel: str, yes: bool) -> None:
        """Who was asked for a key pressed it, or nobody did in time."""
        connection = self._of(channel)
        if connection is None:
            return
        if yes:
            self._reports.leg_confirmed(channel)
            self._step(connect.confirmed(connection))
            return
        if channel == connection.a_id:
            self._reports.leg_refused(connection.call_id, "agent_no_answer")
        self._step(connect.unconfirmed(connection))

    def goes_on(self, channel: str, cause: int | None, sip: int | None) -> bool:
        """Whether the call goes on by another way when this channel ends so."""
        connection = self._of(channel)
        if connection is None:
            return self._has_successor(channel)
        return connect.goes_on(connection, channel, cause, sip)

    def _has_successor(self, channel: str) -> bool:
        """Whether this was a leg's earlier attempt, left for another way: its end is not the leg's."""
        call_id = call_of_channel(channel)
        c = self._connections.get(call_id) if call_id is not None else None
        if c is None or c.ending:
            return False
        return first_channel(channel) in (
            first_channel(c.a_id),
            first_channel(c.b_id),
        )

    def gone(self, channel: str, cause: int | None, sip: int | None = None) -> None:
        """A channel ended."""
        self._asking.left(channel)
        connection = self._of(channel)
        if connection is None:
            return
        way = _way_of(connection, channel)
        if self.goes_on(channel, cause, sip):
            self._reports.way_failed(connection.call_id, way, cause, sip)
        elif connect.relays(connection, channel):
            self._relay(connection)
            return
        self._step(connect.gone(connection, channel, cause, sip))

    def _relay(self, connection: Connection) -> None:
        """The caller stays ours, and is no more this connection's: whoever takes him next makes another."""
        self._forget(connection.call_id)
        self._reports.unanswered(connection.call_id, connection.a_id)

    def trunk_lost(self, trunk: str) -> None:
        """A trunk was found dead: legs that wait for a sign from it go another way, where they have one."""
        for connection in tuple(self._connections.values()):
            step = connect.way_lost(connection, trunk)
            if step[1]:
                self._reports.way_failed(connection.call_id, trunk, 27, None)
                self._step(step)

    # -- what is asked of us

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
            await patiently(lambda: self._hand.let_go(channel, cause))
        except DomainError as error:
            log.warning("channel could not be ended", channel=channel, why=str(error))
        finally:
            self._leaving.discard(channel)

    def send_to(self, channel: str, context: str, extension: str) -> None:
        """Hands a caller over to the dialplan; if it will not have him he is let go with "no answer".

        May be asked for again: one hand-over of a caller is under way at a time.
        """
        if channel in self._handed:
            return
        self._handed.add(channel)
        self._supervisor.once(f"dialplan {channel}", lambda: self._send(channel, context, extension))

    async def _send(self, channel: str, context: str, extension: str) -> None:
        try:
            await patiently(lambda: self._hand.send_to(channel, context, extension))
        except DomainError as error:
            log.warning("caller could not be handed over", channel=channel, context=context, why=str(error))
            self.let_go(channel, 19)
        finally:
            self._handed.discard(channel)

    def forget_all(self) -> None:
        """Before a resync: what is true now comes from Asterisk, not from memory.

        What was begun goes on: each action was right, may be done twice, and has its one task for each call.
        """
        self._connections.clear()
        self._by_channel.clear()

    # -- from decisions to commands

    def _of(self, channel: str) -> Connection | None:
        call_id = self._by_channel.get(channel)
        return self._connections.get(call_id) if call_id is not None else None

    def _step(self, step: connect.Step) -> None:
        connection, actions = step
        self._forget(connection.call_id)
        if not connection.over:
            self._connections[connection.call_id] = connection
            self._by_channel[connection.a_id] = connection.call_id
            self._by_channel[connection.b_id] = connection.call_id
        if actions:
            self._enqueue(connection, actions)

    def _forget(self, call_id: UUID) -> None:
        before = self._connections.pop(call_id, None)
        for channel in (before.a_id, before.b_id) if before is not None else ():
            self._by_channel.pop(channel, None)

    def _enqueue(self, connection: Connection, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if action.do in _ASKS:
                # At once, not in the task: the key may be the very next event.
                self._asking.ask(connection.a_id if action.do is Do.ASK_A else connection.b_id)
        # Each action with the connection that decided it: a leg's next attempt has another channel and trunk.
        decided = [(connection, action) for action in actions]
        waiting = self._todo.get(connection.call_id)
        if waiting is not None:
            waiting.extend(decided)
            return
        todo = self._todo[connection.call_id] = deque(decided)
        self._supervisor.once(f"call {connection.call_id}", lambda: self._work(connection, todo))

    async def _work(self, connection: Connection, todo: deque[tuple[Connection, Action]]) -> None:
        try:
            # Leg A is the oldest channel of its call: its uniqueid is the call's linkedid.
            with bound(call=str(connection.call_id), linkedid=connection.a_id):
                while todo:
                    await self._act(*todo.popleft())
        finally:
            if self._todo.get(connection.call_id) is todo:
                del self._todo[connection.call_id]

    async def _act(self, connection: Connection, action: Action) -> None:
        calls = action.do in (Do.CALL_A, Do.CALL_B)
        try:
            if calls:
                await self._hand.carry_out(connection, action)
            elif action.do in _ASKS:
                await patiently(lambda: self._hand.renew(connection))
            else:
                await patiently(lambda: self._hand.carry_out(connection, action))
        except (AriNotFound, AriConflict) as error:
            # The channel or bridge went away meanwhile: the event that says so does the rest.
            log.info("action came too late", action=action.do, why=str(error))
        except Exception as error:
            # A fault of ours must not leave a party waiting for what will never come, no more than Asterisk's.
            ours = not isinstance(error, DomainError)
            log.warning("action failed", action=action.do, why=str(error), exc_info=error if ours else None)
            if calls:
                away = isinstance(error, Unavailable) and not isinstance(error, NoWay)
                self._refused(connection, action.do, away)
            elif action.do in (Do.DIAL_B, Do.BRIDGE):
                current = self._connections.get(connection.call_id)
                if current is not None:
                    if action.do is Do.DIAL_B:
                        self._reports.leg_refused(connection.call_id, "failed")
                    self._step(connect.hang_up(current))

    def _refused(self, decided: Connection, leg: Do, away: bool) -> None:
        """A leg could not be made: by another way, or the call ends."""
        current = self._connections.get(decided.call_id)
        channel = decided.a_id if leg is Do.CALL_A else decided.b_id
        if current is not None and channel not in (current.a_id, current.b_id):
            return
        if current is not None and not away and connect.may_try_again(current, channel):
            self._reports.way_failed(decided.call_id, _way_of(decided, channel), None, None)
        elif current is not None and not away and connect.relays(current, channel):
            self._relay(current)
            return
        elif decided.kind is not Kind.INBOUND:
            call = self._find_call(decided.call_id)
            inside = call is not None and call.direction == "internal"
            phone = not _way_of(decided, channel) and (leg is Do.CALL_A or inside)
            outcome = "failed" if away else "agent_unreachable" if phone else "trunk_down"
            self._reports.leg_refused(decided.call_id, outcome)
        if current is not None:
            self._step(connect.failed(current, leg, way=not away))


def _way_of(connection: Connection, channel: str) -> str:
    return connection.a_way if channel == connection.a_id else connection.b_way


def _ways_left(call: Call, channel: str, ways: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The trunk of a leg's present channel, and those of ``ways`` that no earlier channel of the leg has tried."""
    stem = first_channel(channel)
    tried = {leg.uniqueid: trunk_of(leg.channel) for leg in call.legs}
    used = {trunk for uniqueid, trunk in tried.items() if first_channel(uniqueid) == stem}
    return tried.get(channel, ""), tuple(way for way in ways if way not in used)


def stage_of(state: str | None, *, in_stasis: bool) -> Stage:
    """The stage of a leg that a resync found, from ARI's channel state; None: the channel is not there."""
    if state is None:
        return Stage.ABSENT
    if state == "Up":
        return Stage.UP if in_stasis else Stage.CALLING
    return {"Ringing": Stage.RINGING, "Ring": Stage.PRESENT}.get(state, Stage.CALLING)


def agent_channel(call_id: UUID, relays: int = 0) -> str:
    """The uniqueid of our side's leg that we make, after so many have not answered."""
    return channel_id(call_id, our_role(relays))


def customer_channel(call_id: UUID) -> str:
    """The uniqueid of the customer's leg that we make."""
    return channel_id(call_id, "customer")
