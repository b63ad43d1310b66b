"""Two web nodes on a real Redis: the same board on both, blind while it is away, right again after."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from ccserver.background import Backoff, Supervisor
from ccserver.bus.redis import RedisBus, Timings
from ccserver.stack.redis_server import RedisServer

from tests.rig.node import Node, running
from tests.rig.owner import FakeOwner, change
from tests.rig.stream import TENANT
from tests.rig.wait import until

pytestmark = pytest.mark.redis


@dataclass
class Rig:
    server: RedisServer
    owner: FakeOwner
    one: Node
    two: Node


@pytest.fixture
async def rig(tmp_path: Path):
    server = RedisServer(tmp_path)
    await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop, at_once=True)

        async def bus() -> RedisBus:
            supervisor = Supervisor()
            made = RedisBus(
                server.url,
                supervisor,
                timings=Timings(connect=20, publish=20, silence=20),
                backoff=Backoff((0.1, 0.2, 0.4)),
            )
            await made.start()
            stack.push_async_callback(supervisor.close)
            stack.push_async_callback(made.close)
            return made

        owner = FakeOwner(await bus())
        await owner.serve()
        stack.push_async_callback(owner.stop)
        one = await stack.enter_async_context(running(await bus(), "n1"))
        two = await stack.enter_async_context(running(await bus(), "n2"))
        await until(lambda: one.feed.synced and two.feed.synced, "both feeds are in step")
        yield Rig(server, owner, one, two)


def agent(key: str, **row):
    return change("agents", key, row, tenant=TENANT)


async def test_both_nodes_show_the_same(rig: Rig):
    boards = [await node.board() for node in (rig.one, rig.two)]
    for i in range(30):
        await rig.owner.put(agent(str(i % 7), v=i))
    await rig.owner.put(change("agents", "3"))
    expected = {("agents", key): row for key, row in boards_rows(rig.owner).items()}
    for board in boards:
        await board.until_rows(lambda rows: rows == expected)


def boards_rows(owner: FakeOwner) -> dict[str, dict]:
    """The owner's rows as a board should have them."""
    return {key: {"v": int(bytes(c.row)[5:-1])} for (_, key), c in owner.rows.items()}


async def test_an_announcement_on_one_node_is_seen_on_the_other(rig: Rig):
    board = await rig.two.board("users")
    await rig.one.feed.announce(change("users", "u", {"login": "x"}, tenant=TENANT))
    assert (await board.until("delta"))["changes"] == [["users", "u", {"login": "x"}]]


async def test_killing_redis_blinds_and_its_return_heals_without_a_new_snapshot_for_browsers(rig: Rig):
    boards = [await node.board() for node in (rig.one, rig.two)]
    await rig.owner.put(agent("stays", v=1), agent("changes", v=1), agent("goes", v=1))
    for board in boards:
        await board.until_rows(lambda rows: len(rows) == 3)
    await rig.server.stop(at_once=True)
    for board in boards:
        await board.until_blind(True)
    for change_ in (agent("changes", v=2), change("agents", "goes"), agent("comes", v=1)):
        await rig.owner.put(change_)
    heard = [len(board.frames) for board in boards]
    await rig.server.start()
    for board in boards:
        await board.until_blind(False)
    for board, already in zip(boards, heard, strict=True):
        await board.until_rows(lambda rows: ("agents", "comes") in rows)
        assert board.rows == {
            ("agents", "stays"): {"v": 1},
            ("agents", "changes"): {"v": 2},
            ("agents", "comes"): {"v": 1},
        }
        after = board.frames[already:]
        told = [key for frame in after if frame["type"] == "delta" for _, key, _ in frame["changes"]]
        assert sorted(told) == ["changes", "comes", "goes"], "the differences and nothing else"
        assert "snapshot" not in [frame["type"] for frame in after]
        kinds = [f["type"] for f in after if f["type"] in ("delta", "blind")]
        assert kinds[-1] == "blind", "the rows are right before the page is told that it sees again"


async def test_an_owner_that_is_killed_and_its_successor(rig: Rig):
    board = await rig.one.board()
    await rig.owner.put(agent("old", v=1))
    await board.until_rows(lambda rows: rows)
    await rig.owner.stop()
    await board.until_blind(True)
    successor = FakeOwner(rig.owner.bus)
    await successor.put(agent("new", v=1))
    await successor.serve()
    await board.until_rows(lambda rows: set(rows) == {("agents", "new")})
    await board.until_blind(False)
    await successor.stop()
