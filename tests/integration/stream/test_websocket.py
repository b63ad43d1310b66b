"""The live stream on real sockets."""

import asyncio
import base64
import itertools
import math
import os

import aiohttp
import msgspec
import pytest
from ccserver.bus.memory import MemoryBus
from ccserver.domain.access import Role
from ccserver.domain.account import MeNotice
from ccserver.web.stream import fanout, ws
from ccserver.web.stream.hub import MAX_CLIENTS_PER_SESSION
from ccserver.web.stream.protocol import MAX_BAD_MESSAGES, CloseCode
from prometheus_client import REGISTRY

from tests.rig.node import Node
from tests.rig.owner import FakeOwner, change
from tests.rig.stream import PARIS, TENANT, actor
from tests.rig.wait import until


def agent(key: str, **row):
    return change("agents", key, row, tenant=TENANT, site=PARIS)


async def test_from_the_owner_to_the_browser(node: Node, owner: FakeOwner):
    await owner.put(agent("a", v=1))
    board = await node.board("agents", "links")
    await board.until_rows(lambda rows: ("agents", "a") in rows)
    await owner.put(agent("a", v=2), agent("b", v=1))
    await board.until_rows(lambda rows: rows.get(("agents", "a")) == {"v": 2} and ("agents", "b") in rows)
    await owner.put(change("agents", "a"))
    await board.until_rows(lambda rows: ("agents", "a") not in rows)


async def test_a_broken_connection_resumes_without_a_snapshot(node: Node, owner: FakeOwner):
    await owner.put(agent("a", v=1))
    board = await node.board()
    await board.until_rows(lambda rows: ("agents", "a") in rows)
    await board.socket.close()
    await owner.put(agent("b", v=1))
    await until(lambda: node.view.row("agents", "b") is not None, "the row is there")
    again = await node.open()
    again.rows, again.epoch, again.seq = board.rows, board.epoch, board.seq
    await again.say(type="subscribe", topics=["agents"], epoch=board.epoch, seq=board.seq)
    await again.until("delta")
    assert [f["type"] for f in again.frames] == ["hello", "delta"]
    assert set(again.rows) == {("agents", "a"), ("agents", "b")}


async def test_large_rows_and_many_of_them_arrive_whole(node: Node, owner: FakeOwner):
    await owner.put(*(agent(str(i), text="é" * 1_000) for i in range(500)))
    await until(lambda: node.view.counts().get("agents") == 500, "all rows are there")
    board = await node.board()
    assert len(board.rows) == 500
    assert all(row == {"text": "é" * 1_000} for row in board.rows.values())


async def test_blind_and_seeing_again(node: Node, owner: FakeOwner, bus: MemoryBus):
    board = await node.board()
    await board.until_blind(False)
    bus.cut()
    await board.until_blind(True)
    while board.blind != node.feed.heard_at:  # since the owner's last word, which may have been on its way
        await board.hear()
    bus.mend()
    await board.until_blind(False)


@pytest.mark.parametrize(
    ("who", "headers", "status"),
    [
        ("nobody", {}, 401),
        ("admin", {"Origin": "https://evil.example"}, 403),
        ("admin", {"Origin": "null"}, 403),
        ("admin", {"Origin": ""}, 403),
    ],
)
async def test_who_may_not_come_in(node: Node, who: str, headers: dict[str, str], status: int):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await node.open(who, headers=headers)
    assert refused.value.status == status
    assert node.hub.sessions == ()


async def test_a_program_with_a_token_needs_no_origin(node: Node):
    headers = {"X-Who": "admin", "Authorization": "Bearer x"}
    async with node.http.ws_connect(f"{node.url}/ws", headers=headers) as socket:
        assert (await socket.receive_json())["type"] == "hello"


async def test_a_browser_without_origin_is_refused(node: Node):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await node.http.ws_connect(f"{node.url}/ws", headers={"X-Who": "admin"})
    assert refused.value.status == 403


async def test_a_session_has_a_bounded_number_of_sockets(node: Node):
    boards = [await node.open() for _ in range(MAX_CLIENTS_PER_SESSION)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await node.open()
    assert refused.value.status == 429
    await boards[0].socket.close()
    await until(
        lambda: len(node.hub._sessions[node.actors["admin"].session_id]) < MAX_CLIENTS_PER_SESSION,
        "one client is gone",
    )
    assert (await (await node.open()).hear())["type"] == "hello"


async def test_an_oversized_message_closes_with_1009(node: Node):
    board = await node.open()
    await board.socket.send_str("x" * 17_000)
    assert await board.closed() == CloseCode.TOO_BIG
    await until(lambda: node.hub.sessions == (), "nobody is connected")


async def test_bad_messages_are_answered_then_closed_with_4002(node: Node):
    board = await node.open()
    for i in range(MAX_BAD_MESSAGES):
        await (board.socket.send_bytes(b"\x00") if i % 2 else board.socket.send_str("?"))
    assert await board.closed() == CloseCode.BAD_MESSAGES
    assert [f["type"] for f in board.frames] == ["hello"] + ["error"] * MAX_BAD_MESSAGES


async def test_the_client_closes_politely(node: Node):
    board = await node.board()
    await board.socket.close()
    assert board.socket.close_code == 1000
    await until(lambda: node.hub.sessions == (), "nobody is connected")


async def test_the_end_of_a_session_is_said_before_the_close(node: Node):
    board = await node.board()
    node.hub.drop_session(node.actors["admin"].session_id, "session_replaced")
    assert await board.closed() == CloseCode.ENDED
    assert board.frames[-1] == {"type": "bye", "code": "session_replaced"}


async def test_a_server_that_stops_says_so(node: Node):
    boards = [await node.board() for _ in range(3)]
    node.hub.close()
    assert [await board.closed() for board in boards] == [CloseCode.GOING_AWAY] * 3


async def test_an_announcement_closes_sessions_on_every_node(node: Node):
    board = await node.board()
    who = node.actors["admin"]
    notice = MeNotice(
        kind="session_ended",
        user_id=who.user_id,
        session_id=who.session_id,
        reason="password_changed",
        at=1.0,
    )
    row = msgspec.to_builtins(notice)
    await node.feed.announce(change("me", "x", row, tenant=TENANT, user=who.user_id, retain=False))
    assert await board.closed() == CloseCode.ENDED


async def test_an_agent_sees_only_what_is_about_it(node: Node, owner: FakeOwner):
    node.actors["agent"] = me = actor(Role.AGENT)
    agent_page, board = await node.board(who="agent"), await node.board()
    await owner.put(agent("other", v=1), change("agents", "mine", {"v": 1}, tenant=TENANT, user=me.user_id))
    await board.until_rows(lambda rows: len(rows) == 2)
    await agent_page.until_rows(lambda rows: rows)
    assert set(agent_page.rows) == {("agents", "mine")}
    await agent_page.say(type="subscribe", topics=["users"])
    assert (await agent_page.until("error"))["code"] == "topic_forbidden"


class Mute:
    """A raw client that shakes hands, subscribes, and never reads again."""

    async def connect(self, node: Node) -> None:
        host, port = node.url.removeprefix("http://").split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port), limit=2**14)
        self.writer.write(
            b"GET /ws HTTP/1.1\r\nHost: %s:%s\r\nX-Who: mute\r\nOrigin: %s\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
            % (host.encode(), port.encode(), node.url.encode(), base64.b64encode(os.urandom(16)))
        )
        await self.reader.readuntil(b"\r\n\r\n")
        self.writer.transport.pause_reading()
        text = b'{"type":"subscribe","topics":["agents"]}'
        self.writer.write(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)  # masked with zeros

    def close(self) -> None:
        self.writer.transport.abort()


def has(key: str, n: float):
    return lambda rows: rows.get(("agents", key), {}).get("n") == n


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"ccserver_stream_{name}_total", labels) or 0.0


async def test_clients_that_never_read_delay_nobody_and_are_dropped(
    node: Node, owner: FakeOwner, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fanout, "STALLED_SECONDS", math.inf)
    monkeypatch.setattr(fanout, "HELD_SECONDS", math.inf)
    monkeypatch.setattr(ws, "PING_SECONDS", 600)
    node.actors.update({name: actor() for name in ("mute", "one", "two", "three")})
    boards = [await node.board(who=who) for who in ("one", "two", "three") for _ in range(17)]
    held, dropped = counted("held"), counted("closed", code="4008")
    numbers = itertools.count()

    async def all_boards_follow() -> None:
        """One change, and every board knows of it."""
        n = next(numbers)
        await owner.put(agent("a", n=n, text="x" * 50_000))
        await asyncio.gather(*(b.until_rows(has("a", n)) for b in boards))

    mutes = [Mute() for _ in range(5)]
    try:
        for mute in mutes:
            await mute.connect(node)
        session = node.actors["mute"].session_id
        await until(lambda: len(node.hub._sessions.get(session, ())) == 5, "five clients are connected")
        async with asyncio.timeout(90):
            while counted("held") < held + 5:
                await all_boards_follow()
        # The mutes are borne with for ever, and nobody waits for them.
        for _ in range(20):
            await all_boards_follow()
        assert len(node.hub._sessions[session]) == 5
        monkeypatch.setattr(fanout, "STALLED_SECONDS", 0.2)
        await until(lambda: session not in node.hub._sessions, "no client of the session is connected")
    finally:
        for mute in mutes:
            mute.close()
    assert counted("closed", code="4008") == dropped + 5
    await all_boards_follow()
    assert all(board.socket.close_code is None for board in boards)
