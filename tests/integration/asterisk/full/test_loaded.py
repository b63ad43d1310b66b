"""One of everything: it loads without a word, and listens where it should."""

import asyncio
import contextlib
import ssl
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.telephony.render import fingerprint, render

from tests.integration.asterisk.full_central import complaints, full_central
from tests.rig.asterisk import Central
from tests.rig.wait import PATIENCE_SECONDS

pytestmark = pytest.mark.asterisk


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
        async with asyncio.timeout(PATIENCE_SECONDS):
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
