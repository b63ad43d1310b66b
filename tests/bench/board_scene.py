"""A large call centre for the board's benchmark: its agents, its calls, and changes at a steady pace."""

import asyncio
import itertools
import random
import time
from typing import Any

from tests.browser import scenes
from tests.browser.harness import Harness

Row = dict[str, Any]

CALL_STATES = ("talking", "talking", "talking", "ringing", "on_hold")
AGENT_STATES = ("on_call", "on_call", "on_call", "available", "paused", "wrap_up", "ringing", "offline")
FIRST = ("Camille", "Hélène", "Karim", "Sophie", "Awa", "Thomas", "Inès", "Nicolas", "Léa", "Mehdi")


class BigScene:
    """Rows of ``agents`` agents and ``calls`` calls on a harness; the same ones each time."""

    def __init__(self, harness: Harness, *, agents: int, calls: int) -> None:
        self.harness = harness
        self.agents = agents
        self.calls = calls
        self._random = random.Random(20)
        self._numbers = itertools.count()
        now = time.time()
        harness.topics["agents"] = {row["id"]: row for row in (self._agent(n, now) for n in range(agents))}
        harness.topics["calls"] = {row["id"]: row for row in (self._call(now - n) for n in range(calls))}

    async def change(self, per_second: float, seconds: float) -> int:
        """Change rows evenly for so long; returns how many changes were sent: fewer when the page does not read.

        Of four changes two are an agent's state, one a call's, and one is a call that ends while another begins.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        sent = 0
        while loop.time() < started + seconds:
            await asyncio.sleep(max(0.0, started + sent / per_second - loop.time()))
            await self._change(sent)
            sent += 1
        return sent

    async def last(self) -> tuple[str, str]:
        """One change more; returns the agent's key and the name that is shown when all changes are."""
        key, row = next(iter(self.harness.topics["agents"].items()))
        name = f"Last {next(self._numbers)}"
        await self.harness.put("agents", key, {**row, "name": name})
        return key, name

    async def _change(self, number: int) -> None:
        now = time.time()
        if number % 2 == 0:
            row = self._agent(self._random.randrange(self.agents), now)
            await self.harness.put("agents", row["id"], {**row, "since": now})
            return
        key = self._random.choice(list(self.harness.topics["calls"]))
        if number % 4 == 1:
            row = self.harness.topics["calls"][key]
            state = self._random.choice(CALL_STATES)
            held = now if state == "on_hold" else None
            await self.harness.put("calls", key, {**row, "state": state, "held_since": held, "as_of": now})
            return
        await self.harness.put("calls", key, None)
        row = self._call(now, state="ringing")
        await self.harness.put("calls", row["id"], row)

    def _agent(self, number: int, now: float) -> Row:
        state = self._random.choice(AGENT_STATES)
        name = f"{FIRST[number % len(FIRST)]} Agent {number:03}"
        return scenes.agent(
            number % len(scenes.NAMES),
            now,
            id=scenes.uid(f"agent {number}"),
            name=name,
            extension=str(1000 + number),
            state=state,
            reason="lunch" if state == "paused" else "",
            phone="registered",
            since=now - self._random.randrange(1, 3600),
        )

    def _call(self, started: float, **changes: Any) -> Row:
        number = next(self._numbers)
        state = self._random.choice(CALL_STATES)
        return scenes.call(
            f"call {number}",
            time.time(),
            **{
                "state": state,
                "number": f"+336{number % 10**8:08}",
                "agent": f"{FIRST[number % len(FIRST)]} Agent {number % self.agents:03}",
                "started_at": started,
                "ringing_at": started,
                "answered_at": None if state == "ringing" else started,
                "held_since": started if state == "on_hold" else None,
                **changes,
            },
        )
