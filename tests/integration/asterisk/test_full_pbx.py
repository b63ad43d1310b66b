"""One of everything on a real Asterisk: it loads without a word, and each thing does what it is there for."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import CLOSED, ESTABLISHED, INCOMING
from ccserver.telephony.render import fingerprint, render

from tests.integration.asterisk.full_central import complaints, full_central
from tests.rig.asterisk import PARIS_DID, Central, end_all_calls, make_gateway, new_home, remove_home
from tests.rig.carrier import Carrier
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.full_pbx import CLOSED_DID, INSIDE, OUTSIDE, PROVIDER_ADDRESS, PROVIDER_SECRETS, VOICEMAIL_DID
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk

CarrierFactory = Callable[..., Awaitable[Carrier]]


@pytest.fixture(scope="module")
def _full(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    with full_central(asterisk_binary) as central:
        assert complaints(central) == []
        yield central


@pytest.fixture
def asterisk(_full: Central) -> Iterator[Central]:
    yield _full
    end_all_calls(_full)


@pytest.fixture
async def carrier(asterisk: Central) -> AsyncIterator[CarrierFactory]:
    """``await carrier("paris", status="500 Server Error")``: the other side of a trunk, known to be reachable."""
    made: list[Carrier] = []

    async def start(slug: str, status: str = "486 Busy Here", **options: object) -> Carrier:
        trunk = asterisk.model.trunk(slug)
        one = Carrier(trunk.host, trunk.port, status, **options)  # type: ignore[arg-type]
        await one.start()
        made.append(one)
        await reachable(asterisk, slug)
        return one

    yield start
    for one in made:
        one.stop()
    for slug in ("paris", "paris-backup", "lyon"):
        await asterisk.process.rx(f"pjsip qualify trunk-{slug}")


async def reachable(central: Central, slug: str) -> None:
    if central.model.trunk(slug).qualify_seconds:
        await central.process.rx(f"pjsip qualify trunk-{slug}")
        await until(lambda: state_is(central, slug, "Avail"), f"trunk {slug} reachable")


async def state_is(central: Central, slug: str, word: str) -> bool:
    shown = await central.process.rx("pjsip show contacts")
    return any(f" trunk-{slug}/" in line and f" {word} " in line for line in shown.splitlines())


@pytest.fixture
def backup(asterisk_binary: AsteriskBinary, asterisk: Central) -> Iterator[GatewayProcess]:
    home = new_home()
    gateway = make_gateway(asterisk_binary, home, asterisk, "paris-backup")
    try:
        gateway.start_now()
        yield gateway
    finally:
        gateway.stop_now()
        remove_home(home)


# ---- rendered and loaded


async def test_the_dialplan_in_memory_is_the_one_of_the_file(asterisk: Central) -> None:
    text = (await asyncio.to_thread(render, asterisk.model))["extensions.conf"]
    shown = await asterisk.process.rx("dialplan show globals")
    mark = next(line.split("=")[1] for line in shown.splitlines() if "CC_FINGERPRINT=" in line)
    assert f"CC_FINGERPRINT = {mark.strip()}\n" in text
    assert mark.strip() != "0" * 16


async def test_hand_written_files_are_read_and_others_are_not(asterisk: Central) -> None:
    assert "SendDTMF(#)" in await asterisk.process.rx("dialplan show trial")
    assert "res_clioriginate.so" in await asterisk.process.rx("module show like clioriginate")


def test_a_rehearsal_loads_without_a_word_and_keeps_to_itself(asterisk_binary: AsteriskBinary) -> None:
    with full_central(asterisk_binary, lambda model: replace(model, rehearsal=True)) as central:
        assert complaints(central) == []
        bound = central.process.rx_now("pjsip show transports")
        assert "0.0.0.0" not in bound and "127.0.0.1" in bound
        assert "Registered" not in central.process.rx_now("pjsip show registrations").replace(
            "Unregistered", ""
        )
        text = Path(central.model.directories.etc, "pjsip.conf").read_text()
        settings = [line for line in text.splitlines() if line.startswith("qualify_frequency")]
        assert settings and set(settings) == {"qualify_frequency = 0"}
        other = render(replace(central.model, rehearsal=False))
        assert fingerprint({"x": other["extensions.conf"]}) == fingerprint(
            {"x": Path(central.model.directories.etc, "extensions.conf").read_text()}
        )


async def test_sip_over_tls_and_tcp_answers(asterisk: Central) -> None:
    tls = asterisk.model.tls
    trusted = await asyncio.to_thread(ssl.create_default_context, cafile=tls.certificate)
    trusted.check_hostname = False  # the certificate names an address the old way
    for port, context in ((asterisk.model.ports.sip_tls, trusted), (asterisk.model.ports.sip_tcp, None)):
        name = "TLS" if context else "TCP"
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(
                f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{name} 127.0.0.1:1;branch=z9hG4bKx;rport\r\n"
                "Max-Forwards: 70\r\nFrom: <sip:1001@127.0.0.1>;tag=x\r\nTo: <sip:127.0.0.1>\r\nCall-ID: x\r\n"
                "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode()
            )
            assert (await reader.readline()).startswith(b"SIP/2.0 401")
            writer.transport.abort()  # a polite end of TLS would wait for the other side
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def test_browsers_reach_the_websocket_by_tls_and_commands_stay_local(asterisk: Central) -> None:
    trusted = await asyncio.to_thread(ssl.create_default_context, cafile=asterisk.model.tls.certificate)
    trusted.check_hostname = False
    base = f"https://127.0.0.1:{asterisk.model.ports.https}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{base}/ws", ssl=trusted, protocols=("sip",)) as socket,
    ):
        assert socket.protocol == "sip"
    shown = await asterisk.process.rx("http show status")
    restriction = shown[shown.index("Path: /ari") :]
    assert "deny - 0.0.0.0/0.0.0.0" in restriction and "allow - 127.0.0.0/255.0.0.0" in restriction


# ---- who may come in


async def test_a_phone_registers_from_its_sites_networks_only(asterisk: Central, sipp: SippFactory) -> None:
    await sipp("phone_answers", extension="400", address=INSIDE)
    with pytest.raises(AssertionError, match="could not register 400"):
        await sipp("phone_answers", extension="400", address=OUTSIDE)
    shown = await asterisk.process.rx("pjsip show contacts")
    assert f"@{INSIDE}:" in shown and f"@{OUTSIDE}:" not in shown


async def test_a_site_without_networks_registers_from_anywhere(sipp: SippFactory) -> None:
    phone = await sipp("phone_answers", extension="300", address=OUTSIDE)
    assert phone.extension == "300"


async def test_two_accounts_at_one_provider_are_told_apart(asterisk: Central) -> None:
    """Both register with their own secret; what the provider then calls comes back by the right one."""
    one, two = asterisk.model.trunk("lyon-one"), asterisk.model.trunk("lyon-two")
    accounts = dict(zip((one.username, two.username), PROVIDER_SECRETS, strict=True))
    provider = Carrier(PROVIDER_ADDRESS, one.port, accounts=accounts)
    await provider.start()
    try:
        for trunk in (one, two):
            await asterisk.process.rx(f"pjsip send register trunk-{trunk.slug}")
        await until(lambda: set(provider.contacts) == set(accounts), "both accounts registered")
        assert provider.refused == []
        assert all(f"sip:{name}@" in uri and ";line=" in uri for name, uri in provider.contacts.items())
        for trunk in (one, two):
            call = provider.call(trunk.username, VOICEMAIL_DID, asterisk.sip)
            await until(
                partial(entered, asterisk, f"PJSIP/trunk-{trunk.slug}-", VOICEMAIL_DID),
                f"a call of {trunk.slug}",
            )
            assert 401 not in provider.answers[call]
            await asyncio.to_thread(end_all_calls, asterisk)
        stranger = provider.invite(f"sip:{VOICEMAIL_DID}@127.0.0.1", VOICEMAIL_DID, asterisk.sip)
        await until(lambda: 401 in provider.answers[stranger], "a call along no registration is refused")
    finally:
        provider.stop()


async def entered(central: Central, channel: str, number: str) -> bool:
    """Whether a call that came by this channel has reached the number's destination."""
    rows = (await asyncio.to_thread(central.process.cel_file.read_text)).splitlines()
    return any(channel in row and f'"{number}","voicemail"' in row for row in rows)


# ---- calls that leave without the server


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("0145671230", "0145671230"),
        ("+33145671230", "0145671230"),
        ("0033145671230", "0145671230"),
        ("45671230", "0145671230"),
        ("3639", "3639"),
        ("112", "112"),
    ],
)
async def test_a_typed_number_is_sent_as_the_gateway_wants_it(
    carrier: CarrierFactory, phone: PhoneFactory, typed: str, sent: str
) -> None:
    # An emergency call goes on to the other trunk when the first is busy; all others do not.
    paris, _ = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial(typed)
    await paris.called()
    assert paris.dialled == [sent]


async def test_the_longest_route_decides_and_then_the_sites_own_trunks(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    lyon = await carrier("lyon", "503 Service Unavailable")
    paris, backup = await carrier("paris", "503 Service Unavailable"), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial("00442079460000")
    await backup.called()
    assert lyon.dialled == ["+442079460000"], "the route names this one, and it wants E.164"
    assert paris.dialled == ["00442079460000"], "then the site's first trunk, in national form"
    assert backup.dialled == ["9442079460000"], "then its second, with a prefix and bare digits"


async def test_a_number_that_the_site_may_not_call_does_not_leave(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    async with asyncio.timeout(15):
        for number in ("+88213000000", "0088213000000"):
            since = agent.mark()
            await agent.dial(number)
            assert "403" in (await agent.event(CLOSED, since=since)).detail
    assert paris.dialled == backup.dialled == []


async def test_no_number_of_the_country_becomes_a_call_abroad(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    """+33 0 0442079... is allowed by its beginning, and 0 0442079... would be what the gateway reads as 00 44."""
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    async with asyncio.timeout(15):
        since = agent.mark()
        await agent.dial("+330442079460000")
        assert "484" in (await agent.event(CLOSED, since=since)).detail
    assert paris.dialled == backup.dialled == []


@pytest.mark.parametrize("status", ["500 Server Error", "502 Bad Gateway", "503 Service Unavailable"])
async def test_the_backup_takes_over_when_the_first_trunk_fails(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial("0145671230")
    await backup.called()
    assert (paris.dialled, backup.dialled) == (["0145671230"], ["933145671230"])


async def test_the_backup_takes_over_when_the_first_trunk_is_down(
    asterisk: Central, backup: GatewayProcess, phone: PhoneFactory
) -> None:
    await asterisk.process.rx("pjsip qualify trunk-paris")
    await until(lambda: state_is(asterisk, "paris", "Unavail"), "trunk paris known to be down")
    await reachable(asterisk, "paris-backup")
    agent = await phone("1001")
    async with asyncio.timeout(15):
        await agent.dial("0145671230")
        await agent.event(ESTABLISHED)
    assert "PJSIP/trunk-paris-backup-" in await asterisk.process.rx("core show channels concise")
    await agent.hang_up()


@pytest.mark.parametrize(
    "status", ["486 Busy Here", "404 Not Found", "603 Decline", "480 Temporarily Unavailable"]
)
async def test_what_the_called_party_says_is_not_tried_elsewhere(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    async with asyncio.timeout(15):
        await agent.dial("0145671230")
        await agent.event(CLOSED)
    assert (paris.dialled, backup.dialled) == (["0145671230"], [])


async def test_an_agent_with_a_mobile_is_reached_at_it(carrier: CarrierFactory, phone: PhoneFactory) -> None:
    lyon = await carrier("lyon")
    agent = await phone("1001")
    await agent.dial("1009")
    await lyon.called()
    assert lyon.dialled == ["+33612345670"]


@pytest.mark.parametrize(
    ("slug", "sent", "sound"),
    [("over-tls", "0145671230", "RTP/SAVP"), ("over-tcp", "*1%230145671230", "RTP/AVP")],
)
async def test_a_trunk_over_a_stream_is_dialled_by_it_and_its_sound_is_as_closed(
    asterisk: Central, slug: str, sent: str, sound: str
) -> None:
    """The other side shows its certificate, which leads to the authority that was entered."""
    trunk, tls = asterisk.model.trunk(slug), asterisk.model.tls
    context = None
    if trunk.transport == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        await asyncio.to_thread(context.load_cert_chain, tls.certificate, tls.key)
    invites: list[str] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = re.search(r"Content-Length: +(\d+)", head)
                body = await reader.readexactly(int(length.group(1)) if length else 0)
                if head.startswith("INVITE"):
                    invites.append(head + body.decode())

    server = await asyncio.start_server(serve, trunk.host, trunk.port, ssl=context)
    try:
        await asterisk.process.rx(f"channel originate Local/+33145671230@way-{slug}/n application Wait 3")
        await until(lambda: bool(invites), f"a call over {trunk.transport}")
        assert invites[0].startswith(f"INVITE sip:{sent}@{trunk.host}:{trunk.port}")
        assert f" {sound} " in invites[0]
        # Emergency calls name the address, as it stands in the dialplan.
        shown = await asterisk.process.rx("dialplan show 112@emergency-lyon")
        found = re.search(rf"Dial\((PJSIP/trunk-{slug}/sip:[^)]*)\)", shown)
        assert found
        assert found.group(1).endswith(f"@{trunk.host}:{trunk.port};transport={trunk.transport}")
        await asterisk.process.rx(f"channel originate {found.group(1)} application Wait 3")
        await until(lambda: len(invites) > 1, f"an emergency call over {trunk.transport}")
        assert "112@" in invites[1].split("\r\n")[0]
    finally:
        server.close()
        await asyncio.to_thread(end_all_calls, asterisk)
        for writer in writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


# ---- emergency


@pytest.mark.parametrize("status", ["486 Busy Here", "503 Service Unavailable", "404 Not Found"])
async def test_an_emergency_call_tries_every_trunk_of_its_site_and_no_other(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup, lyon = await carrier("paris", status), await carrier("paris-backup"), await carrier("lyon")
    agent = await phone("1001")
    await agent.dial("112")
    await backup.called()
    assert (paris.dialled, backup.dialled) == (["112"], ["9112"])
    await agent.hang_up()
    assert lyon.dialled == []


async def test_an_emergency_call_does_not_wait_for_a_trunk_that_is_known_to_be_down(
    asterisk: Central, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    await asterisk.process.rx("pjsip qualify trunk-paris")
    await until(lambda: state_is(asterisk, "paris", "Unavail"), "trunk paris known to be down")
    backup = await carrier("paris-backup", "503 Service Unavailable")
    agent = await phone("1001")
    await agent.dial("15")
    await backup.called()
    late = Carrier(asterisk.model.trunk("paris").host, asterisk.model.trunk("paris").port, "486 Busy Here")
    await late.start()
    try:
        await late.called()
        assert late.dialled == ["15"], "and it is tried in the end all the same"
    finally:
        late.stop()


async def test_a_trunk_that_died_a_moment_ago_is_given_up_soon(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    paris.stop()
    agent = await phone("1001")
    await agent.dial("112")
    await until(lambda: backup.dialled == ["9112"], "the other trunk, long before the 32 seconds of old", 20)


async def test_a_site_without_a_way_says_so_and_rings_nobody_elses_rescuers(
    asterisk: Central, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, lyon = await carrier("paris"), await carrier("lyon")
    agent = await phone("300")
    await agent.dial("112")
    await until(lambda: channel_plays(asterisk, "cannot-complete-as-dialed"), "the announcement")
    assert paris.dialled == lyon.dialled == []


async def channel_plays(central: Central, what: str) -> bool:
    return f"!Playback!{what}" in await central.process.rx("core show channels concise")


# ---- callers when the server is gone


async def test_a_colleague_rings_when_the_numbers_phone_is_away(
    asterisk: Central, phone: PhoneFactory, sipp: SippFactory
) -> None:
    colleague = await phone("1002")

    async def known() -> bool:
        return "(Not in use)" in await asterisk.process.rx("queue show fallback-paris")

    await until(known, "the queue has seen the colleague's phone")
    caller = await sipp("caller", number=PARIS_DID)
    async with asyncio.timeout(20):
        await colleague.event(INCOMING)
        await colleague.answer()
        await colleague.event(ESTABLISHED)
        await colleague.hang_up()
        await colleague.event(CLOSED)
    assert await caller.wait() == 0


async def test_a_message_is_left_when_nobody_is_there_or_the_hours_are_over(asterisk: Central) -> None:
    inbox = Path(asterisk.model.directories.spool, "voicemail", "dids", CLOSED_DID[1:], "INBOX")
    await asterisk.process.rx(f"channel originate Local/{CLOSED_DID}@fallback/n extension speak@trial")
    await until(lambda: message_in(inbox), "a message in the box", 30)


def message_in(inbox: Path) -> bool:
    return any(path.stat().st_size > 8000 for path in inbox.glob("msg*.wav"))


async def test_an_agent_hears_the_boxes_of_his_numbers(asterisk: Central, phone: PhoneFactory) -> None:
    agent = await phone("1001")
    for number in ("*98", "*980145670003"):
        since = agent.mark()
        async with asyncio.timeout(15):
            await agent.dial(number)
            await agent.event(ESTABLISHED, since=since)
            assert "!VoiceMailMain!" in await asterisk.process.rx("core show channels concise")
            await agent.hang_up()
            await agent.event(CLOSED, since=since)


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2030-01-07 08:29:59", "closed"),
        ("2030-01-07 08:30:00", "open"),
        ("2030-01-07 11:59:59", "open"),
        ("2030-01-07 12:00:00", "closed"),
        ("2030-01-12 23:59:59", "open"),
        ("2030-01-13 00:00:00", "closed"),
    ],
)
async def test_opening_hours_are_those_of_their_own_zone(asterisk: Central, at: str, answer: str) -> None:
    name = at.replace("-", "").replace(" ", "").replace(":", "")
    ask = "Local/hours@trial/n application Wait 1"
    await asterisk.process.rx("dialplan set global ZONE America/Martinique")
    await asterisk.process.rx(f'dialplan set global AT "{at.replace("-", "/")}"')
    await asterisk.process.rx(f"dialplan set global NAME {name}")
    await asterisk.process.rx(f"channel originate {ask}")

    async def told() -> bool:
        return f"TRIAL_{name}={answer}" in await asterisk.process.rx("dialplan show globals")

    await until(told, f"{at} is {answer}: {await asterisk.process.rx('dialplan show globals')}")
