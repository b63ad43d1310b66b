"""A real Asterisk of one's own for the tests of the links: they kill it and freeze it, so nobody shares it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxPorts, PbxUser
from ccserver.stack.asterisk_process import AsteriskProcess, HttpProbe
from ccserver.stack.asterisk_root import default_cache, ensure_asterisk
from ccserver.stack.ports import free_rtp_range, free_tcp_port, free_udp_port
from ccserver.stack.progress import QuietProgress
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.ari import AriLink
from ccserver.telephony.render import render

AMI = PbxUser(name="ccserver", secret="ami-secret-of-tests")
ARI = PbxUser(name="ccserver", secret="ari-secret-of-tests")

EXTENSIONS = """
[trial]
exten => talk,1,Answer()
 same => n,Wait(3600)
exten => ring,1,Ringing()
 same => n,Wait(3600)
exten => gone,1,Hangup(17)
"""

QUEUES = """
[trial]
strategy = ringall
"""

MODULES = """
load = res_manager_devicestate.so
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksPbx:
    """A prepared Asterisk, not yet running, and its addresses."""

    process: AsteriskProcess
    ami_port: int
    ari_url: str


async def links_pbx(base: Path) -> LinksPbx:
    """Rendered as in production, with a few extensions and a queue of the tests beside it."""
    return await asyncio.to_thread(_prepare, base)


def _prepare(base: Path) -> LinksPbx:
    binary = ensure_asterisk(default_cache(), QuietProgress())
    first, last = free_rtp_range(100)
    ports = PbxPorts(
        sip=free_udp_port(), http=free_tcp_port(), ami=free_tcp_port(), rtp_first=first, rtp_last=last
    )
    directories = PbxDirectories.under(str(base), modules=str(binary.moddir), data=str(binary.datadir))
    model = PbxModel(revision=1, tenant="trial", ports=ports, directories=directories, ami=AMI, ari=ARI)
    files = dict(render(model))
    files["extensions.conf"] += EXTENSIONS
    files["queues.conf"] += QUEUES
    files["modules.conf"] += MODULES
    probe = HttpProbe(host="127.0.0.1", port=ports.http, user=ARI.name, secret=ARI.secret)
    return LinksPbx(
        process=AsteriskProcess(binary, directories, files, probe=probe, name="links"),
        ami_port=ports.ami,
        ari_url=f"http://127.0.0.1:{ports.http}/ari",
    )


@asynccontextmanager
async def running_pbx(base: Path) -> AsyncIterator[LinksPbx]:
    pbx = await links_pbx(base)
    try:
        await pbx.process.start()
        yield pbx
    finally:
        # Its directories go too: nothing needs an orderly end.
        await pbx.process.kill9()


@asynccontextmanager
async def started(link: AmiLink | AriLink) -> AsyncIterator[None]:
    """It connects and reconnects meanwhile."""
    await link.start()
    try:
        yield
    finally:
        await link.close()
