"""All agents as the owner knows them: choices, calls and phones in; states, intervals out. No I/O."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from msgspec.structs import replace

from ccserver.domain.agent import Agent, AgentStep, Interval, call_state, choose, phone_changed, settle, shows
from ccserver.domain.call import Call
from ccserver.domain.directory import Directory


class AgentBook:
    """Agents by user id. ``new_id(at)`` makes the id of an interval that begins at ``at``."""

    def __init__(self, new_id: Callable[[float], UUID]) -> None:
        self._new_id = new_id
        self._agents: dict[UUID, Agent] = {}
        self._calls: dict[UUID, dict[UUID, Call]] = {}
        self._parties: dict[UUID, set[UUID]] = {}

    def __iter__(self) -> Iterator[Agent]:
        return iter(tuple(self._agents.values()))

    def get(self, user_id: UUID) -> Agent | None:
        """The agent with this user id."""
        return self._agents.get(user_id)

    def follow(self, directory: Directory, now: float) -> list[AgentStep]:
        """Takes up new agents of the directory, and logs out those who are no longer active in it."""
        steps: list[AgentStep] = []
        for listed in directory.agents:
            known = self._agents.get(listed.id)
            if known is None:
                self._agents[listed.id] = Agent(user_id=listed.id, tenant_id=listed.tenant_id, since=now)
            elif not listed.active and known.chosen != "offline":
                steps.append(self.chose(known.user_id, "offline", "", None, now))
        present = {listed.id for listed in directory.agents}
        for user_id in [user_id for user_id in self._agents if user_id not in present]:
            steps.append(self.chose(user_id, "offline", "", None, now))
            del self._agents[user_id]
            for call_id in self._calls.pop(user_id, ()):
                self._parties[call_id].discard(user_id)
        return steps

    def restore(self, intervals: Iterable[Interval]) -> list[Interval]:
        """Takes up the open intervals of an earlier run; returns those of agents unknown now."""
        strangers: list[Interval] = []
        for interval in intervals:
            agent = self._agents.get(interval.user_id)
            if agent is None or agent.interval is not None:
                strangers.append(interval)
                continue
            paused = interval.state == "paused"
            self._agents[agent.user_id] = replace(
                agent,
                state=interval.state,
                reason=interval.reason,
                since=interval.begun_at,
                call_id=interval.call_id,
                chosen="paused" if paused else "available",
                chosen_reason=interval.reason if paused else "",
                interval=interval,
            )
        return strangers

    def chose(self, user_id: UUID, state: str, reason: str, session_id: UUID | None, now: float) -> AgentStep:
        """The agent logged in or out, paused or came back. KeyError for an unknown agent."""
        return self._settle(choose(self._agents[user_id], state, reason, session_id), now)

    def call_changed(self, call: Call, now: float) -> list[AgentStep]:
        """A call changed: what that changes for its agents (two, if it is internal) and for those it left."""
        before_now = self._parties.pop(call.id, set())
        parties: set[UUID] = set()
        if call.ended_at is None:
            parties = {leg.agent_id for leg in call.legs if leg.alive and leg.agent_id is not None}
            parties = (
                {call.agent_id} | parties if call.agent_id is not None else parties
            ) & self._agents.keys()
        if parties:
            self._parties[call.id] = parties
        for user_id in parties:
            self._calls.setdefault(user_id, {})[call.id] = call
        for user_id in before_now - parties:
            self._calls.get(user_id, {}).pop(call.id, None)
        steps: list[AgentStep] = []
        for user_id in before_now | parties:
            before = self._agents.get(user_id)
            if before is not None:
                step = self._settle(before, now)
                if step.agent is not before:
                    steps.append(step)
        return steps

    def phone_changed(self, user_id: UUID, status: str, source: str, at: float) -> Agent | None:
        """The phone's reachability changed; None when that is not news."""
        agent = self._agents.get(user_id)
        if agent is None:
            return None
        changed = phone_changed(agent, status, source, at)
        if changed is agent:
            return None
        self._agents[user_id] = changed
        return changed

    def busy(self, user_id: UUID) -> bool:
        """Whether a call holds this agent now."""
        agent = self._agents.get(user_id)
        return agent is not None and agent.call_id is not None

    def _settle(self, agent: Agent, now: float) -> AgentStep:
        # An agent has one call at a time; if Asterisk says two (a phone with two lines), the older one shows.
        calls = self._calls.get(agent.user_id, {}).values()
        holding = [call for call in calls if call_state(call, agent.user_id)]
        call = min(holding, key=lambda c: c.started_at) if holding else None
        if shows(agent, call):
            # Nearly every change of a call: no id is made for an interval that does not begin.
            self._agents[agent.user_id] = agent
            return AgentStep(agent)
        step = settle(agent, call, now, self._new_id(now))
        self._agents[agent.user_id] = step.agent
        return step
