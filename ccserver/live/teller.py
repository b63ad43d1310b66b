"""What changed, told a moment later and all at once: to the journal first, then to the board.

Asterisk says several things of a call within a few milliseconds. The machines take each one at once; records and rows
are made of what they add up to, so that a burst of events costs one record and one row for each call in it.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Counter

from ccserver.domain.agent import AgentStep, Interval
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.call import Call
from ccserver.domain.callbook import CallChange
from ccserver.domain.directory import Directory
from ccserver.live.journal import Journal
from ccserver.live.publisher import Publisher
from ccserver.live.rows import agent_row, call_row, encoded
from ccserver.storage.calls import CallRecord, IntervalRecord

log = structlog.get_logger(__name__)

UNTOLD = Counter("ccserver_telephony_untold_total", "Calls, intervals and agents that could not be told of")

GATHER_SECONDS = 0.005
"""After a telling the next one comes no sooner. The first change of a quiet moment is told in the same turn."""

Where = tuple[UUID | None, UUID | None, UUID | None]
"""Tenant, site and agent of a row."""


class Teller:
    """Gathers changes; ``tell`` runs by itself."""

    def __init__(
        self,
        *,
        epoch: str,
        agents: AgentBook,
        journal: Journal,
        publisher: Publisher,
        clock: Callable[[], float],
    ) -> None:
        self.directory = Directory()
        self._epoch = epoch
        self._book = agents
        self._journal = journal
        self._publisher = publisher
        self._clock = clock
        self._calls: dict[UUID, CallChange] = {}
        self._intervals: dict[UUID, Interval] = {}
        self._agents: dict[UUID, Where] = {}
        self._due = False
        self._next_at = 0.0

    def call(self, change: CallChange) -> None:
        """A call is so now, and this was added to its timeline."""
        before = self._calls.get(change.call.id)
        self._calls[change.call.id] = (
            change if before is None else CallChange(change.call, before.moments + change.moments)
        )
        self._tell_soon()

    def step(self, step: AgentStep) -> None:
        """An agent's state changed: his intervals and his row."""
        for interval in step.intervals:
            self._intervals[interval.id] = interval
        self.agent(step.agent.user_id)

    def agent(self, user_id: UUID) -> None:
        """An agent's row is to be shown as it will be at the end of the turn."""
        listed = self.directory.agent(user_id)
        known = listed or self._book.get(user_id)
        if known is not None:
            site_id = listed.site_id if listed is not None else None
            self._agents[user_id] = (known.tenant_id, site_id, user_id)
        self._tell_soon()

    def open_calls(self, calls: Iterable[Call]) -> None:
        """The rows of all calls in progress anew: what the directory says of them may have changed."""
        now = self._clock()
        for call in calls:
            row = encoded(call_row(call, self.directory, now))
            self._publisher.put("calls", str(call.id), row, (call.tenant_id, call.site_id, call.agent_id))

    def tell(self) -> None:
        """Everything gathered so far, now."""
        self._due = False
        self._next_at = asyncio.get_running_loop().time() + GATHER_SECONDS
        calls, self._calls = self._calls, {}
        intervals, self._intervals = self._intervals, {}
        agents, self._agents = self._agents, {}
        now = self._clock()
        told = [partial(self._tell_call, change, now) for change in calls.values()]
        told += [partial(self._keep, interval) for interval in intervals.values()]
        told += [partial(self._show_agent, user_id, where, now) for user_id, where in agents.items()]
        for tell in told:
            try:
                tell()
            except Exception:
                # One that fails must not keep the others from being told.
                UNTOLD.inc()
                log.exception("change could not be told", what=str(tell)[:300])
        ended = [_told(change.call) for change in calls.values() if change.call.ended_at is not None]
        if ended:
            # One line for all of them: a line costs as much as everything else that is done for a call.
            log.info("calls ended", calls=ended)

    def _keep(self, interval: Interval) -> None:
        self._journal.append(IntervalRecord(epoch=self._epoch, interval=interval))

    def _tell_call(self, change: CallChange, now: float) -> None:
        call = change.call
        self._journal.append(CallRecord(epoch=self._epoch, call=call, moments=change.moments))
        row = encoded(call_row(call, self.directory, now))
        key = str(call.id)
        where = (call.tenant_id, call.site_id, call.agent_id)
        ended = call.ended_at is not None
        self._publisher.put("calls", key, encoded(None) if ended else row, where)
        if ended:
            self._publisher.put("history", key, row, where, retain=False)

    def _show_agent(self, user_id: UUID, where: Where, now: float) -> None:
        agent = self._book.get(user_id)
        row = agent_row(agent, self.directory, now) if agent is not None else None
        self._publisher.put("agents", str(user_id), encoded(row), where)

    def _tell_soon(self) -> None:
        if not self._due:
            self._due = True
            loop = asyncio.get_running_loop()
            if loop.time() < self._next_at:
                loop.call_at(self._next_at, self.tell)
            else:
                loop.call_soon(self.tell)


def _told(call: Call) -> dict[str, str]:
    linkedid = call.legs[0].uniqueid if call.legs else ""
    return {"call": str(call.id), "linkedid": linkedid, "direction": call.direction, "outcome": call.outcome}
