"""The engine: one queue, one order. Facts in from both sockets; changed calls and agents out.

Nothing here waits for PostgreSQL, a browser or a slow Asterisk: the journal takes records, the publisher takes
rows, the control acts in tasks of its own. The one exception is a resync, during which events wait in the inbox.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from ccserver.domain.agent import AgentStep
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.board import LinkRow
from ccserver.domain.callbook import CallBook, CallChange, Party, call_of_channel
from ccserver.domain.dialling import clean_number
from ccserver.domain.directory import Agent, Directory
from ccserver.domain.normalise import normalise
from ccserver.domain.telephony import (
    CallFailed,
    CallPlaced,
    ChannelCreated,
    ChannelGone,
    ChannelRinging,
    ChannelUp,
    EmergencyLost,
    EndpointChanged,
    Fact,
    RegistrationChanged,
    WayFailed,
)
from ccserver.live.control import Control
from ccserver.live.journal import Journal
from ccserver.live.publisher import Publisher
from ccserver.live.reach import TRUNK, Reachability
from ccserver.live.router import Router
from ccserver.live.rows import encoded
from ccserver.live.stations import Stations
from ccserver.live.teller import Teller
from ccserver.ports import AmiEvent, AriEvent, LinkDown, LinkUp

log = structlog.get_logger(__name__)

EVENTS = Counter("ccserver_telephony_events_total", "Events taken from Asterisk", ["source"])
AMI_EVENTS, ARI_EVENTS = EVENTS.labels(source="ami"), EVENTS.labels(source="ari")
FAULTS = Counter("ccserver_telephony_faults_total", "Events whose handling failed; they are skipped")
OPEN_CALLS = Gauge("ccserver_calls_open", "Calls in progress")
INBOX = Gauge("ccserver_inbox_events", "Events that wait to be handled")

TURN = 256
"""Events handled before the loop is given to others."""

AmiItem = LinkUp | LinkDown | AmiEvent
AriItem = LinkUp | LinkDown | AriEvent


class Engine:
    """The owner's state and its single consumer. ``resync`` is called at each LinkUp."""

    def __init__(
        self,
        *,
        epoch: str,
        book: CallBook,
        agents: AgentBook,
        journal: Journal,
        publisher: Publisher,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.epoch = epoch
        self.book = book
        self.agents = agents
        self.directory = Directory()
        self.control: Control | None = None
        self.resync: Callable[[], Any] | None = None
        self.on_replaced: Callable[[], None] | None = None
        self._publisher = publisher
        self._teller = Teller(epoch=epoch, agents=agents, journal=journal, publisher=publisher, clock=clock)
        self._clock = clock
        self._inbox: deque[tuple[str, AmiItem | AriItem]] = deque()
        self._wake = asyncio.Event()
        self._entered: dict[str, list[AriEvent]] = {}
        self.links: dict[str, LinkRow] = {}
        self.reach = Reachability(self.set_link, self._drop_link, Stations(publisher.put, clock))
        self.router = Router(
            book=book,
            agents=agents,
            reach=self.reach,
            directory=lambda: self.directory,
            apply=self.apply,
            changed=self.changed,
            clock=clock,
        )
        self.changes = 0
        self.drift = 0
        OPEN_CALLS.set_function(lambda: len(book))
        INBOX.set_function(lambda: self.waiting)

    # -- sinks: called by the links, never wait

    def take_ami(self, item: AmiItem) -> None:
        """The AMI link's sink."""
        self._inbox.append(("ami", item))
        self._wake.set()

    def take_ari(self, item: AriItem) -> None:
        """The ARI link's sink."""
        self._inbox.append(("ari", item))
        self._wake.set()

    @property
    def waiting(self) -> int:
        """Events that were taken and are not handled yet."""
        return len(self._inbox)

    # -- the consumer

    async def run(self) -> None:
        """Handles events in their order, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._inbox:
                await self._turn()
                await asyncio.sleep(0)

    async def _turn(self) -> None:
        """Some events, one after another; waits only for a resync."""
        inbox = self._inbox
        heard = 0
        turn = min(TURN, len(inbox))
        for _ in range(turn):
            source, item = inbox.popleft()
            try:
                if isinstance(item, AmiEvent):
                    heard += 1
                    fact = normalise(item.headers, item.at)
                    if fact is not None:
                        self.apply(fact)
                elif isinstance(item, AriEvent):
                    ARI_EVENTS.inc()
                    self._ari(item)
                else:
                    await self._link(source, item)
            except Exception:
                FAULTS.inc()
                log.exception("event could not be handled", source=source)
        AMI_EVENTS.inc(heard)

    async def _link(self, source: str, item: LinkUp | LinkDown) -> None:
        if isinstance(item, LinkDown):
            self.set_link(source, up=False, detail=item.reason, since=item.at)
            return
        # Blind until the resync is done: the link counts as up only when the model is right again.
        if self.resync is not None:
            await self.resync()
        self.set_link(source, up=True, detail="", drift=self.drift)

    def apply(self, fact: Fact) -> None:
        """One fact through the machines, then to the hand."""
        if isinstance(fact, EndpointChanged):
            self._endpoint(fact)
            return
        if isinstance(fact, RegistrationChanged | EmergencyLost):
            self.reach.told(fact)
            return
        control = self.control
        if isinstance(fact, ChannelUp) and control is not None and control.asks(fact.uniqueid):
            # Perhaps a voicemail: answered is who presses the key (leg_confirmed).
            return
        if isinstance(fact, ChannelGone) and control is not None:
            fact = replace(fact, goes_on=control.goes_on(fact.uniqueid, fact.cause, fact.sip))
        change = self.book.apply(fact)
        if change is not None:
            self.changed(change)
        if isinstance(fact, CallPlaced):
            # What we are about to do is in the journal before it is done.
            self.tell()
        if control is not None:
            self._act(control, fact)

    def _act(self, control: Control, fact: Fact) -> None:
        """What a fact that the machines took means for those who are being joined."""
        if isinstance(fact, ChannelCreated):
            for waiting in self._entered.pop(fact.uniqueid, ()):
                self._ari(waiting)
        elif isinstance(fact, ChannelRinging):
            control.rings(fact.uniqueid, fact.early)
        elif isinstance(fact, ChannelUp):
            control.customer_up(fact.uniqueid)
        elif isinstance(fact, ChannelGone):
            self._entered.pop(fact.uniqueid, None)
            control.gone(fact.uniqueid, fact.cause, fact.sip)

    def changed(self, change: CallChange) -> None:
        """A call changed: journal, board, history, its agent."""
        self.changes += 1
        self._teller.call(change)
        at = change.moments[-1].at if change.moments else self._clock()
        for step in self.agents.call_changed(change.call, at):
            self._teller.step(step)

    def tell(self) -> None:
        """Hands what has been gathered to the journal and the board without waiting."""
        self._teller.tell()

    def agent_stepped(self, step: AgentStep) -> None:
        """An agent's state changed by his own choice: his intervals and his row."""
        self._teller.step(step)

    def set_directory(self, directory: Directory) -> None:
        """A new picture of agents, sites, trunks and numbers."""
        gone = {agent.id for agent in self.directory.agents} - {agent.id for agent in directory.agents}
        for step in self.agents.follow(directory, self._clock()):
            self.agent_stepped(step)
        self.directory = self._teller.directory = directory
        for user_id in gone:
            self._teller.agent(user_id)
        for agent in directory.agents:
            self._seen_phone(agent)
            self._teller.agent(agent.id)
        self._teller.open_calls(self.book)
        self.reach.follow(directory)

    def present(self, sessions: Mapping[UUID, UUID]) -> None:
        """Who is logged in: an agent is available from his login on, and offline after his logout."""
        for agent in self.agents:
            session = sessions.get(agent.user_id)
            if session == agent.session_id and (session is None) == (agent.chosen == "offline"):
                continue
            state = (
                "offline" if session is None else "available" if agent.chosen == "offline" else agent.chosen
            )
            step = self.agents.chose(agent.user_id, state, agent.chosen_reason, session, self._clock())
            self.agent_stepped(step)

    def _seen_phone(self, agent: Agent) -> None:
        """A mobile is always reachable, as far as anybody can tell."""
        status = "mobile" if agent.station == "mobile" else self.reach.status(agent.extension)
        known = self.agents.get(agent.id)
        if status is None and known is not None and known.phone == "mobile":
            status = "unknown"
        if status is not None:
            self.agents.phone_changed(agent.id, status, "list", self._clock())

    # -- reachability

    def _endpoint(self, fact: EndpointChanged) -> None:
        news = self.reach.heard(fact)
        if fact.endpoint.startswith(TRUNK):
            if news and fact.status != "registered" and self.control is not None:
                self.control.trunk_lost(fact.endpoint.removeprefix(TRUNK))
            return
        listed = self.directory.agent_by_extension(fact.endpoint)
        if listed is None or listed.station == "mobile":
            return
        if self.agents.phone_changed(listed.id, fact.status, fact.source, fact.at) is not None:
            self._teller.agent(listed.id)

    def set_link(
        self,
        name: str,
        *,
        up: bool,
        detail: str,
        since: float | None = None,
        lag: float = 0.0,
        drift: int = 0,
        tenant_id: UUID | None = None,
        site_id: UUID | None = None,
    ) -> None:
        """The health of one part, as of now; ``since`` moves only when ``up`` does."""
        now = self._clock()
        old = self.links.get(name)
        begun = old.since if old is not None and old.up == up else (since or now)
        row = LinkRow(id=name, up=up, since=begun, detail=detail, lag=lag, drift=drift, as_of=now)
        self.links[name] = row
        self._publisher.put("links", name, encoded(row), (tenant_id, site_id, None))
        pair = [self.links.get(key) for key in ("ami", "ari")]
        dark = [now if link is None else link.since for link in pair if link is None or not link.up]
        self._publisher.blind(min(dark) if dark else None)

    def _drop_link(self, name: str) -> None:
        if self.links.pop(name, None) is not None:
            self._publisher.put("links", name, encoded(None), (None, None, None))

    @property
    def blind(self) -> bool:
        """Whether either socket to Asterisk is down."""
        return self._publisher.blind_since is not None

    # -- ARI: who entered our application

    def _ari(self, event: AriEvent) -> None:
        kind = event.body.get("type")
        if kind == "ApplicationReplaced" and self.on_replaced is not None:
            self.on_replaced()
        if self.control is None or kind not in ("StasisStart", "ChannelDtmfReceived"):
            return
        channel = str(event.body["channel"]["id"])
        known = self.book.call_id_of(channel) is not None
        if kind == "ChannelDtmfReceived" and (known or channel not in self._entered):
            self.control.pressed(channel, str(event.body.get("digit", "")))
            return
        args = [str(arg) for arg in event.body.get("args", [])]
        if not known:
            ours = call_of_channel(channel)
            if ours is not None and self.book.is_over(ours):
                # Made although Asterisk had not answered in time, and the call is over: nobody waits for it.
                self.control.let_go(channel, 16)
                return
            # The sockets race each other: AMI has not told of this channel yet. Its fact wakes this up.
            self._entered.setdefault(channel, []).append(event)
            return
        self.arrived(channel, args)

    def arrived(self, channel: str, args: list[str]) -> None:
        """A channel of a call in progress is in our application, with these arguments of ``Stasis()``."""
        role = args[0] if args else ""
        if self.control is None:
            return
        if role in ("agent", "customer") and not self.control.knows(channel):
            # A leg without a connection: what a resync is about to adopt, or a leg that nobody waits for.
            if not self.blind:
                self.control.let_go(channel, 16)
        elif role == "agent":
            self.control.entered(channel)
        elif role == "customer":
            self.control.customer_entered(channel)
        elif role == "inbound" and len(args) >= 3:
            self.router.inbound(self.control, channel, args[2])
        elif role == "outbound" and len(args) >= 3:
            self.router.keypad(self.control, channel)

    # -- what the control tells of its own doing (control.Reports)

    def leg_refused(self, call_id: UUID, outcome: str) -> None:
        """Asterisk refused to make a leg of this call, or nobody took it."""
        self.apply(CallFailed(at=self._clock(), call_id=call_id, outcome=outcome))

    def way_failed(self, call_id: UUID, trunk: str, cause: int | None, sip: int | None) -> None:
        """A trunk did not carry a leg, the next one is tried."""
        self.apply(WayFailed(at=self._clock(), call_id=call_id, trunk=trunk, cause=cause, sip=sip))

    def leg_confirmed(self, channel: str) -> None:
        """A human answered; Asterisk said so of whatever picked up, and was not believed."""
        change = self.book.apply(ChannelUp(at=self._clock(), uniqueid=channel))
        if change is not None:
            self.changed(change)

    def unanswered(self, call_id: UUID, channel: str) -> None:
        """Nobody took a caller: whom the called number names for that case does."""
        if self.control is not None:
            self.router.unanswered(self.control, call_id, channel)

    # -- whose endpoint is it

    def resolve(self, endpoint: str) -> Party | None:
        """The agent, physical phone or trunk of a PJSIP endpoint (or of a bare extension)."""
        if endpoint.startswith("trunk-"):
            trunk = self.directory.trunk_by_slug(endpoint[6:])
            if trunk is None:
                return None
            return Party(tenant_id=trunk.tenant_id, site_id=trunk.site_id, trunk=trunk.slug)
        agent = self.directory.agent_by_extension(endpoint)
        if agent is not None:
            return Party(
                tenant_id=agent.tenant_id,
                site_id=agent.site_id,
                agent_id=agent.id,
                extension=agent.extension,
            )
        phone = self.directory.phone_by_extension(endpoint)
        if phone is None:
            return None
        return Party(tenant_id=phone.tenant_id, site_id=phone.site_id, extension=phone.extension)

    def clean(self, raw: str, site_id: UUID | None) -> str:
        """A number as Asterisk said it, in E.164 where the site's country lets us understand it."""
        site = self.directory.site(site_id) if site_id else None
        return clean_number(raw, site.country, site.area) if site else clean_number(raw, "FR")

    def apply_all(self, facts: Iterable[Fact]) -> int:
        """Applies facts found by a resync; returns how many changed something."""
        before = self.changes
        for fact in facts:
            try:
                self.apply(fact)
            except Exception:
                # One that fails must not keep the others from being told.
                FAULTS.inc()
                log.exception("fact could not be handled", fact=repr(fact)[:300])
        return self.changes - before
