"""A test's patience with a server that is alone for a moment, and where it ends."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.rig.api import Api


class Scripted:
    """Answers one after another; the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked = 0

    def says(self, *answers: tuple[int, str]) -> None:
        self.answers = [(status, {"code": word, "id": word}) for status, word in answers]

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)


@pytest.fixture
async def server() -> Scripted:
    return Scripted()


@pytest.fixture
async def api(server: Scripted) -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        yield Api(session, f"http://{host}:{port}", "token")
    await runner.cleanup()


async def test_what_is_only_read_is_read_again(api: Api, server: Scripted) -> None:
    server.says((503, "database_away"), (503, "telephony_away"), (200, "there"))
    assert (await api.get("/api/status"))["id"] == "there"
    server.says((404, "call_unknown"))
    with pytest.raises(AssertionError, match="404"):
        await api.get("/api/calls/1")


async def test_a_call_is_placed_again_only_when_nothing_was_done(api: Api, server: Scripted) -> None:
    server.says(
        (503, "telephony_blind"), (409, "phone_unreachable"), (503, "bus_unavailable"), (202, "the-call")
    )
    assert await api.call("0145000001") == "the-call"
    server.says((503, "telephony_away"))
    server.asked = 0
    with pytest.raises(AssertionError, match="telephony_away"):
        await api.call("0145000001")
    assert server.asked == 1


async def test_the_end_of_a_call_is_ordered_until_it_is_heard(api: Api, server: Scripted) -> None:
    server.says((503, "telephony_away"), (404, "call_unknown"))
    await api.hang_up("1")
    server.says((404, "call_unknown"))
    with pytest.raises(AssertionError, match="404"):
        await api.hang_up("1")
    await api.hang_up("1", may_be_over=True)
    server.says((403, "forbidden"))
    with pytest.raises(AssertionError, match="403"):
        await api.hang_up("1", may_be_over=True)


async def test_who_wants_to_see_a_refusal_sees_it(api: Api, server: Scripted) -> None:
    server.says((503, "telephony_blind"), (202, "the-call"))
    assert (await api.send("POST", "/api/calls"))[0] == 503
