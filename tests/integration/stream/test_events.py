"""The live stream as server-sent events."""

import asyncio
import json

import pytest
from ccserver.domain.access import Role

from tests.rig.node import DEADLINE, Node
from tests.rig.owner import FakeOwner, change
from tests.rig.stream import TENANT, actor
from tests.rig.wait import until


class Events:
    """Reads events of a response."""

    def __init__(self, response) -> None:
        self.response = response
        self.last_id = ""

    async def next(self) -> dict | None:
        """The next event's data, None at the end."""
        data = None
        async with asyncio.timeout(DEADLINE):
            while line := await self.response.content.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("id: "):
                    self.last_id = text[4:]
                elif text.startswith("data: "):
                    data = json.loads(text[6:])
                elif not text and data is not None:
                    return data
        return None

    async def until(self, kind: str) -> dict:
        while (event := await self.next())["type"] != kind:
            pass
        return event


def follow(node: Node, topics: str = "agents", **headers: str):
    return node.http.get(
        f"{node.url}/api/events/stream?topics={topics}", headers={"X-Who": "admin", **headers}
    )


async def test_snapshot_then_deltas_then_resume(node: Node, owner: FakeOwner):
    async with follow(node) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = Events(response)
        assert (await events.next())["type"] == "hello"
        assert (await events.until("snapshot"))["topics"] == {"agents": {}}
        await owner.put(change("agents", "a", {"v": 1}, tenant=TENANT))
        assert (await events.until("delta"))["changes"] == [["agents", "a", {"v": 1}]]
        place = events.last_id
    await until(lambda: node.hub.sessions == (), "nobody is connected")
    await owner.put(change("agents", "b", {"v": 1}, tenant=TENANT))
    await until(lambda: node.view.row("agents", "b") is not None, "the row is there")
    async with follow(node, **{"Last-Event-ID": place}) as response:
        events = Events(response)
        await events.next()
        event = await events.next()
        assert (event["type"], event["changes"]) == ("delta", [["agents", "b", {"v": 1}]])


@pytest.mark.parametrize("last", ["x", ":", "e:", "e:-1", "e:x", "e:999999999999999999", "a:b:c", "é:²"])
async def test_a_place_that_is_nonsense_gets_a_snapshot(node: Node, last: str):
    async with node.http.get(
        f"{node.url}/api/events/stream", params={"topics": "agents", "last": last}, headers={"X-Who": "admin"}
    ) as response:
        events = Events(response)
        await events.next()
        assert (await events.next())["type"] == "snapshot"


@pytest.mark.parametrize(
    ("topics", "who", "headers", "status"),
    [
        ("", "admin", {}, 422),
        (",,", "admin", {}, 422),
        ("what", "admin", {}, 422),
        ("users", "agent", {}, 403),
        ("agents", "nobody", {}, 401),
        ("agents", "admin", {"Origin": "https://evil.example"}, 403),
        ("agents", "admin", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_what_is_refused(node: Node, topics: str, who: str, headers: dict[str, str], status: int):
    node.actors["agent"] = actor(Role.AGENT)
    async with follow(node, topics, **{"X-Who": who, **headers}) as response:
        assert response.status == status
    assert node.hub.sessions == ()


async def test_an_old_client_is_told_what_it_needs(node: Node):
    host, port = node.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /api/events/stream?topics=agents HTTP/1.0\r\nHost: x\r\nX-Who: admin\r\n\r\n")
    assert b" 422 " in await reader.readline()
    writer.close()


async def test_the_end_of_a_session_ends_the_answer(node: Node):
    async with follow(node) as response:
        events = Events(response)
        await events.until("snapshot")
        node.hub.drop_session(node.actors["admin"].session_id, "session_ended")
        assert await events.until("bye") == {"type": "bye", "code": "session_ended"}
        assert await events.next() is None
