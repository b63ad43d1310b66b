"""Trunks over TLS and TCP."""

import asyncio
import contextlib
import re
import ssl

import pytest

from tests.rig.asterisk import Central, end_all_calls
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk


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
