"""The programming interface as a test uses it: patient with a server that is alone for a moment."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.rig.wait import PATIENCE_SECONDS, until

_NOTHING_DONE = frozenset({"telephony_blind", "bus_unavailable", "database_away", "busy"})
"""Refusals of a server that stands without one of the others for a moment. After ``telephony_away`` nobody knows."""


@dataclass
class Api:
    """A program that is logged in; without a ``token``, one that is about to."""

    session: aiohttp.ClientSession
    base: str
    token: str

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Accept-Language": "en"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        async with self.session.request(method, self.base + path, json=body, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def answered(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """As ``send``, asked again as long as the server is without Asterisk, PostgreSQL or its bus.

        On a busy machine each of them may miss a deadline. A test that wants to see a 503 says ``send``.
        """
        answer: list[tuple[int, Any]] = []

        async def there() -> bool:
            answer[:] = [await self.send(method, path, body)]
            status, said = answer[0]
            return status != 503 or not (method == "GET" or said["code"] in _NOTHING_DONE)

        await until(there, lambda: f"{method} {path} answered, but {answer}")
        return answer[0]

    async def get(self, path: str) -> Any:
        status, body = await self.answered("GET", path)
        assert status == 200, (status, body)
        return body

    async def call(self, number: str, agent_id: str | None = None) -> str:
        """Click-to-call, once the server has heard that the agent's phone is there; the call's id."""
        answer: dict[str, Any] = {}
        wanted = {"number": number, **({"agent_id": agent_id} if agent_id else {})}

        async def taken() -> bool:
            answer["status"], answer["body"] = await self.answered("POST", "/api/calls", wanted)
            return answer["status"] != 409 or bool(answer["body"]["code"] != "phone_unreachable")

        await until(taken, "the agent's phone is known to be there")
        assert answer["status"] == 202, answer
        return str(answer["body"]["id"])

    async def hang_up(self, call_id: str, *, may_be_over: bool = False) -> None:
        """The order to end a call, taken. Said again whatever the 503: a second order changes nothing."""
        statuses: list[int] = []

        async def taken() -> bool:
            statuses.append((await self.send("POST", f"/api/calls/{call_id}/hangup"))[0])
            return statuses[-1] != 503

        await until(taken, lambda: f"the end of call {call_id} taken, but {statuses}")
        # Unheard of us, an earlier order may have been carried out.
        is_over = statuses[-1] == 404 and (may_be_over or len(statuses) > 1)
        assert statuses[-1] == 202 or is_over, statuses

    async def agent(self, extension: str) -> Any:
        """The live row of the agent with this extension."""
        found: list[Any] = []

        async def is_there() -> bool:
            rows = (await self.get("/api/agents"))["items"]
            found[:] = [row for row in rows if row["extension"] == extension]
            return bool(found)

        await until(is_there, f"agent {extension} on the board")
        return found[0]

    async def phone(self, extension: str, *statuses: str) -> None:
        """Return when the phone of an agent is registered, or as given, to the server's knowledge."""

        async def is_so() -> bool:
            return (await self.agent(extension))["phone"] in (statuses or ("registered",))

        await until(is_so, f"phone {extension} {statuses}")

    async def link(self, name: str) -> Any:
        """The row of a link on the board (``trunk:paris``, ``site:lyon``...), None while there is none."""
        links = (await self.get("/api/status"))["links"]
        return next((row for row in links if row["id"] == name), None)

    async def linked(self, name: str, up: bool) -> Any:
        """The row of a link, once it is up or down."""
        found: dict[str, Any] = {}

        async def is_so() -> bool:
            found["row"] = await self.link(name)
            return found["row"] is not None and found["row"]["up"] is up

        await until(is_so, lambda: f"{name} {'up' if up else 'down'}, is {found['row']}")
        return found["row"]

    async def ended(self, call_id: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """The journey of a call, once the history has its end."""
        found: dict[str, Any] = {}

        async def is_there() -> bool:
            status, body = await self.send("GET", f"/api/calls/{call_id}")
            found["journey"] = body
            return status == 200 and body["call"]["ended_at"] is not None

        await until(is_there, lambda: f"call {call_id} ended in the history, is {found['journey']}", seconds)
        return found["journey"]

    async def live(self, call_id: str, *states: str) -> Any:
        """The live row of a call, once it is in one of these states."""
        found: dict[str, Any] = {}

        async def is_so() -> bool:
            found["calls"] = (await self.get("/api/status"))["calls"]
            rows = [row for row in found["calls"] if row["id"] == call_id]
            if not rows:
                status, journey = await self.send("GET", f"/api/calls/{call_id}")
                over = status == 200 and journey["call"]["ended_at"] is not None
                assert not over, f"call {call_id} should be {states}, it is over: {journey}"
            found["row"] = rows[0] if rows and rows[0]["state"] in states else None
            return found["row"] is not None

        await until(is_so, lambda: f"call {call_id} {states}, there are {found['calls']}")
        return found["row"]
