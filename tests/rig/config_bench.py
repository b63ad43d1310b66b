"""An Asterisk whose configuration is ours to change, with a database behind it: for tests of applying."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from ccserver.domain.config import ConfigRun
from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.live import pbx_apply
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_run import Asker
from ccserver.ports import Ami, AsteriskStarter
from ccserver.settings import Settings
from ccserver.stack.asterisk_first import NotStarted
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary, default_cache
from ccserver.stack.ports import free_rtp_range, free_tcp_port, free_udp_port
from ccserver.stack.rehearsal import LocalStarter
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, write_layout
from ccserver.telephony.pbx_rehearsal import Rehearsal

from tests.rig.asterisk import PARIS_ADDRESS, Central, new_home, remove_home
from tests.rig.wait import PATIENCE_SECONDS, until

SECRETS_KEY = "0123456789abcdef0123456789abcdef-test"
ADMIN = Asker(who="chief", origin="page")
NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def _unrehearsed(*_: object) -> Rehearsal:
    return Rehearsal(seen="", seconds=0.0)


@dataclass
class ConfigBench:
    """Rows in, an apply, and an Asterisk to ask."""

    home: Path
    settings: Settings
    layout: PbxLayout
    database: Database
    database_url: str
    binary: AsteriskBinary
    ami: AmiLink
    process: AsteriskProcess | None = None
    tenant: UUID = field(default_factory=uuid4)
    site: UUID = field(default_factory=uuid4)
    told: list[ConfigRun] = field(default_factory=list)

    @property
    def etc(self) -> Path:
        return Path(self.layout.directories.etc)

    @property
    def state(self) -> Path:
        return self.etc / ".ccserver"

    @property
    def asterisk(self) -> AsteriskProcess:
        assert self.process is not None
        return self.process

    def engine(self, ami: Ami | None = None, starter: AsteriskStarter | None = None) -> PbxApply:
        """What applies; a new one sees what another process would."""
        return PbxApply(
            self.settings,
            self.database,
            self.layout,
            ami or self.ami,
            starter or LocalStarter(default_cache()),
            clock=time.time,
            tell=self.told.append,
            patience_seconds=4.0 if ami is None else 0.0,
        )

    async def apply(self, who: Asker = ADMIN, **more: Any) -> ConfigRun:
        return await self.engine().apply(str(uuid4()), who, **more)

    async def execute(self, sql: str, *values: object) -> None:
        async with self.database.system() as connection:
            await connection.execute(sql, *values)

    async def rows(self, sql: str, *values: object) -> list[Any]:
        async with self.database.system() as connection:
            return list(await connection.fetch(sql, *values))

    async def add_organisation(self) -> None:
        await self.execute(
            "INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'acme', 'Acme', $2)",
            self.tenant,
            NOW,
        )
        await self.execute(
            "INSERT INTO sites (id, tenant_id, slug, name, caller_id, created_at, updated_at) "
            "VALUES ($1, $2, 'paris', 'Paris', '+33145678900', $3, $3)",
            *(self.site, self.tenant, NOW),
        )

    async def add_phone(self, extension: str) -> None:
        sealed = Vault(SECRETS_KEY).seal(f"secret-of-{extension}")
        await self.execute(
            "INSERT INTO phones (id, tenant_id, site_id, kind, extension, secret_encrypted, created_at, updated_at) "
            "VALUES ($1, $2, $3, 'physical', $4, $5, $6, $6)",
            *(uuid4(), self.tenant, self.site, extension, sealed, NOW),
        )

    async def add_trunk(self, slug: str, host: str = PARIS_ADDRESS) -> None:
        await self.execute(
            "INSERT INTO trunks (id, tenant_id, site_id, slug, host, port, qualify_seconds, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)",
            *(uuid4(), self.tenant, self.site, slug, host, free_udp_port(host), NOW),
        )

    async def boot(self) -> None:
        """The first configuration, then Asterisk, then the link to it.

        It is put there without a rehearsal, which would take as long as the rest: the Asterisk that follows will tell.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pbx_apply, "rehearse", _unrehearsed)
            run = await self.engine(NotStarted()).apply(str(uuid4()), ADMIN)
        assert run.result == "applied", run
        model = (await self.engine().planner.plan()).model
        self.process = AsteriskProcess.of(self.binary, model, files={})
        await self.process.start()
        await self.ami.start()
        await until(lambda: self.ami.up, "the link to Asterisk")
        await self.engine().installer.settle()

    async def central(self) -> Central:
        """For SIPp."""
        return Central(process=self.asterisk, model=(await self.engine().planner.plan()).model)

    async def knows(self, extension: str) -> bool:
        return "Unable to find" not in await self.asterisk.rx(f"pjsip show endpoint {extension}")

    async def history(self) -> list[tuple[str, str, str]]:
        """Who, what and its result, oldest first."""
        rows = await self.rows("SELECT who, action, result FROM pbx_revisions ORDER BY id")
        return [(row["who"], row["action"], row["result"]) for row in rows]

    def files(self) -> dict[str, str]:
        """The configuration as it lies there."""
        return {path.name: path.read_text() for path in self.etc.glob("*.conf")}

    def journal(self) -> Any:
        path = self.state / "journal.json"
        return msgspec.json.decode(path.read_bytes()) if path.exists() else None

    def environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            "CCSERVER_DATA": str(self.home),
            "CCSERVER_CACHE": str(default_cache()),
            "DATABASE_URL": self.database_url,
            "SECRETS_KEY": SECRETS_KEY,
            "JWT_SECRET": "x" * 40,
            "AMI_PORT": str(settings.ami_port),
            "AMI_SECRET": settings.ami_secret,
            "ARI_SECRET": settings.ari_secret,
            "COLUMNS": "200",
        }

    async def command(self, *arguments: str, ami_port: int | None = None) -> asyncio.subprocess.Process:
        """``ccserver asterisk ...``, running."""
        more = {"AMI_PORT": str(ami_port)} if ami_port else {}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ccserver", "asterisk", *arguments),
            env=self.environment() | more,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output of ``ccserver asterisk ...``."""
        child = await self.command(*arguments)
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            output, _ = await child.communicate()
        assert child.returncode is not None
        return child.returncode, output.decode()


def bench_layout(home: Path, binary: AsteriskBinary) -> PbxLayout:
    first, last = free_rtp_range()
    return PbxLayout(
        ports=PbxPorts(
            sip=free_udp_port(), http=free_tcp_port(), ami=free_tcp_port(), rtp_first=first, rtp_last=last
        ),
        directories=PbxDirectories.under(
            str(home / "asterisk"), modules=str(binary.moddir), data=str(binary.datadir)
        ),
    )


@pytest.fixture
async def bench(
    database: Database, database_url: str, asterisk_binary: AsteriskBinary
) -> AsyncIterator[ConfigBench]:
    """A booted Asterisk with one site, phone 1001 and trunk paris, its configuration applied as revision 1."""
    home = await asyncio.to_thread(new_home)
    layout = await asyncio.to_thread(bench_layout, home, asterisk_binary)
    await asyncio.to_thread(write_layout, home / "asterisk" / FILE_NAME, layout)
    settings = Settings(
        data_dir=home,
        database_url=database_url,
        secrets_key=SECRETS_KEY,
        ami_port=layout.ports.ami,
        ami_secret="ami-secret-of-tests",
        ari_secret="ari-secret-of-tests",
    )
    ami = AmiLink(
        *("127.0.0.1", settings.ami_port, settings.ami_user, settings.ami_secret),
        *(lambda _item: None, time.time),
        wanted=frozenset(),
    )
    made = ConfigBench(
        home=home,
        settings=settings,
        layout=layout,
        database=database,
        database_url=database_url,
        binary=asterisk_binary,
        ami=ami,
    )
    try:
        await made.add_organisation()
        await made.add_phone("1001")
        await made.add_trunk("paris")
        await made.boot()
        yield made
    finally:
        await ami.close()
        if made.process is not None:
            await made.process.stop()
        await asyncio.to_thread(remove_home, home)
