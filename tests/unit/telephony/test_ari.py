"""The ARI client against scripted answers: what is written, and what each failure becomes."""

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ccserver.domain.errors import DomainError, Invalid, NotFound, Unavailable
from ccserver.ports import AriEvent, LinkDown, LinkUp
from ccserver.telephony import ari_http
from ccserver.telephony.ari import Ari, AriLink, AriTiming
from ccserver.telephony.ari_operations import OPERATIONS, Operation
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import (
    AriAllocationFailed,
    AriConflict,
    AriNotFound,
    AriRefused,
    AriUnprocessable,
)

from tests.unit.telephony.fake_ari import SECRET, FakeAri, basic, fake_ari
from tests.unit.telephony.sinks import Sink, nobody_there


def answering(status: int, body: bytes = b'{"message": "Said so"}', **headers: str) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return answer


async def test_parts_of_the_path_cannot_leave_their_place() -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        await ari.channels.answer("a/b?c=d#é %2e+")
        assert fake.requests == [
            ("POST", "/ari/channels/a%2Fb%3Fc%3Dd%23%C3%A9%20%252e%2B/answer", b""),
        ]


async def test_parameters_arrive_as_they_were() -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        await ari.channels.originate(
            endpoint="PJSIP/+33 1&2@trunk",
            app="cc",
            app_args=["agent", "é"],
            timeout=30,
            variables={"CC_CALL": "a&b=c"},
        )
        method, target, body = fake.requests[0]
        assert (method, target) == (
            "POST",
            "/ari/channels?endpoint=PJSIP%2F%2B33%201%262%40trunk&app=cc&appArgs=agent%2C%C3%A9&timeout=30",
        )
        assert json.loads(body) == {"variables": {"CC_CALL": "a&b=c"}}


async def test_no_and_false_and_zero_are_different() -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        await ari.bridges.add_channel("b", ["x", "y"], mute=False)
        await ari.channels.dial("x", timeout=0)
        assert [target for _, target, _ in fake.requests] == [
            "/ari/bridges/b/addChannel?channel=x%2Cy&mute=false",
            "/ari/channels/x/dial?timeout=0",
        ]


@pytest.mark.parametrize("bad", ["", ".", "..", "a\r\nb", "a\x00", "\udcff", "a\u2028"])
async def test_an_id_that_is_none_is_refused_before_anything_is_sent(bad: str) -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        with pytest.raises(Invalid):
            await ari.channels.get(bad)
        assert fake.requests == []


async def test_control_characters_are_refused_everywhere() -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        for attempt in (
            ari.channels.originate(endpoint="PJSIP/a\r\n", app="cc"),
            ari.channels.originate(endpoint="PJSIP/a", app="cc", variables={"A": "b\nc"}),
            ari.channels.originate(endpoint="PJSIP/a", app="cc", variables={"A\n": "b"}),
            ari.channels.originate(endpoint="PJSIP/a", app="cc", app_args=["a,b"]),
            ari.channels.set_variable("x", "CALLERID(name)", "a\tb"),
            ari.channels.set_variables("x", {"A": "\x7f"}),
            ari.applications.set_event_filter("cc", ["\x1b"]),
        ):
            with pytest.raises(Invalid):
                await attempt
        assert fake.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, AriRefused),
        (401, AriRefused),
        (403, AriRefused),
        (404, AriNotFound),
        (409, AriConflict),
        (412, AriConflict),
        (422, AriUnprocessable),
        (418, AriRefused),
        (302, AriRefused),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_each_status_has_its_error(status: int, kind: type[DomainError]) -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        fake.answer = answering(status, Location="http://127.0.0.1:1/steal")
        with pytest.raises(kind) as caught:
            await ari.channels.answer("x")
        assert not isinstance(caught.value, NotFound)
        assert len(fake.requests) == 1


async def test_an_endpoint_that_cannot_be_dialled_is_not_our_outage() -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        fake.answer = answering(500, b'{"message": "Allocation failed"}')
        with pytest.raises(AriAllocationFailed, match="Allocation failed"):
            await ari.channels.originate(endpoint="PJSIP/nobody", app="cc")


@pytest.mark.parametrize("body", [b"<html>Not Found</html>", b"", b"[]"])
async def test_a_404_without_a_message_means_that_ari_is_not_there_yet(body: bytes) -> None:
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        fake.answer = answering(404, body)
        with pytest.raises(Unavailable) as caught:
            await ari.asterisk.ping()
        assert caught.value.params["why"] == "booting"


async def test_silence_ends_by_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Operation("channels.answer", "POST", "/channels/{channelId}/answer", seconds=0.05)
    monkeypatch.setitem(OPERATIONS, "channels.answer", quick)

    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:

        async def silent(_request: web.Request) -> web.Response:
            await fake.ended.wait()
            return web.Response()

        fake.answer = silent
        with pytest.raises(Unavailable) as caught:
            await ari.channels.answer("x")
        assert caught.value.params == {"part": "ari", "why": "deadline"}


async def test_nobody_there_is_unavailable() -> None:
    with nobody_there() as port:
        async with Ari(f"http://127.0.0.1:{port}/ari", "cc", SECRET) as ari:
            with pytest.raises(Unavailable):
                await ari.asterisk.ping()


async def test_the_secret_travels_in_the_header_and_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with fake_ari() as fake, Ari(fake.url, "cc", SECRET) as ari:
        await ari.asterisk.ping()
        sink = Sink()
        link = AriLink(fake.url, "cc", "cc", SECRET, sink, time.time)
        await link.start()
        await sink.up()
        await link.close()
        assert fake.authorizations == {basic("cc", SECRET)}
        said = f"{caplog.text} {ari._http!r} {fake.requests} {sink.items}"
        assert SECRET not in said
        assert basic("cc", SECRET) not in said


@pytest.mark.parametrize("url", ["ftp://a/ari", "http://u:p@a/ari", "/ari"])
def test_an_address_with_a_secret_in_it_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ARI address"):
        ari_http.AriHttp(url, "cc", SECRET)


# The event link


def link_to(fake: FakeAri, sink: Sink, **more: Any) -> AriLink:
    more.setdefault("backoff", LinkBackoff((0.01,), chance=lambda: 0.0))
    link = AriLink(fake.url, "cc", "cc", SECRET, sink, time.time, **more)
    fake.links.append(link)
    return link


async def test_the_filter_is_told_before_up_on_each_connect() -> None:
    async with fake_ari() as fake:
        sink = Sink()
        link = link_to(fake, sink, allowed=["StasisStart"])
        await link.start()
        await sink.up()
        socket = await fake.sockets.get()
        await socket.close()
        await sink.down()
        await sink.up()
        puts = [(target, json.loads(body)) for method, target, body in fake.requests if method == "PUT"]
        types = ("StasisStart", "ApplicationReplaced", "RESTResponse")
        wanted = ("/ari/applications/cc/eventFilter", {"allowed": [{"type": name} for name in types]})
        assert puts == [wanted, wanted]
        await link.close()


async def test_a_refused_filter_is_a_reason_not_a_crash() -> None:
    async with fake_ari() as fake:
        fake.answer = answering(400)
        sink = Sink()
        link = link_to(fake, sink, allowed=["Nonsense"])
        await link.start()
        assert (await sink.down()).reason == "the event filter was refused: Said so"
        await link.close()
        assert sink.links() == ["down", "down"]


async def test_unknown_events_pass_and_garbage_is_counted() -> None:
    async with fake_ari() as fake:
        sink = Sink()
        link = link_to(fake, sink)
        await link.start()
        await sink.up()
        socket = await fake.sockets.get()
        await socket.send_str("{not json")
        await socket.send_str("[1]")
        await socket.send_str('{"type": 7}')
        await socket.send_str("[" * 50_000)
        await socket.send_bytes(b"\x00\xff")
        await socket.send_str('{"type": "NeverHeardOf", "new": {"field": ["é"]}}')
        event = await sink.next()
        assert isinstance(event, AriEvent)
        assert event.body == {"type": "NeverHeardOf", "new": {"field": ["é"]}}
        assert link.counters.noted["malformed_messages"] == 5
        assert link.up
        await link.close()


async def test_being_replaced_ends_it_until_started_again() -> None:
    async with fake_ari() as fake:
        sink = Sink()
        link = link_to(fake, sink)
        await link.start()
        await sink.up()
        socket = await fake.sockets.get()
        await socket.send_json({"type": "ApplicationReplaced", "application": "cc"})
        assert (await sink.event("ApplicationReplaced"))["application"] == "cc"
        assert (await sink.down()).reason == "replaced by another client"
        assert link.replaced
        assert not link.up
        await asyncio.wait_for(link._task or asyncio.sleep(0), 30)
        assert fake.sockets.empty()
        await link.start()
        await sink.up()
        assert not link.replaced
        await link.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "booting"),
        (503, "booting"),
        (401, "refused (401)"),
        (500, "refused (500)"),
        (302, "refused (302)"),
    ],
)
async def test_a_refused_handshake_says_why(status: int, words: str) -> None:
    async with fake_ari() as fake:
        fake.handshake_status = status
        sink = Sink()
        link = link_to(fake, sink, backoff=LinkBackoff((0.01, 3600.0)))
        await link.start()
        assert words in (await sink.down()).reason
        await link.close()
        assert "/elsewhere" not in [target for _, target, _ in fake.requests]


async def test_a_wrong_secret_waits_long() -> None:
    async with fake_ari() as fake:
        fake.handshake_status = 401
        backoff = LinkBackoff()
        sink = Sink()
        link = link_to(fake, sink, backoff=backoff)
        await link.start()
        await sink.down()
        assert backoff.next() >= 30
        await link.close()


async def test_a_silent_socket_is_found_by_its_ping() -> None:
    async with fake_ari() as fake:
        fake.answers_pings = False  # and closes nothing
        sink = Sink()
        link = link_to(fake, sink, timing=AriTiming(heartbeat=0.1))
        await link.start()
        await sink.up()
        assert (await sink.down()).reason == "no answer to ping"
        fake.answers_pings = True
        await sink.up()
        await link.close()


async def test_default_timing_finds_a_silent_socket_within_ten_seconds() -> None:
    assert AriTiming().heartbeat * 1.5 < 10


async def test_close_ends_the_socket_and_says_so() -> None:
    async with fake_ari() as fake:
        sink = Sink()
        link = link_to(fake, sink)
        await link.start()
        assert isinstance(await sink.next(), LinkUp)
        socket = await fake.sockets.get()
        await link.close()
        await link.close()
        assert sink.links() == ["up", "down"]
        assert isinstance(sink.items[-1], LinkDown)
        assert sink.items[-1].reason == "closed"
        async with asyncio.timeout(30):
            while not socket.closed:
                await asyncio.sleep(0)


def test_every_operation_of_the_table_has_its_method() -> None:
    source = "".join(
        path.read_text()
        for path in Path(ari_http.__file__).parent.glob("ari_*.py")
        if path.stem != "ari_operations"
    )
    assert [name for name in OPERATIONS if f'"{name}"' not in source] == []
