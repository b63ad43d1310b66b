"""What people enter in the database is in a running Asterisk a moment later, without a restart."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from ccserver.background import Supervisor
from ccserver.live.pbx_keeper import PbxKeeper
from ccserver.settings import Settings
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import default_cache, ensure_asterisk
from ccserver.stack.kept import AsteriskPorts, Secrets
from ccserver.stack.local_pbx import local_model
from ccserver.stack.ports import free_tcp_port, free_udp_port
from ccserver.stack.progress import QuietProgress
from ccserver.stack.rehearsal import LocalStarter
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.telephony.ami import AmiLink

from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(300)]

KEY = "a key for the secrets of this test alone"
NOW = datetime.now(tz=UTC)


@dataclass
class Rig:
    database: Database
    asterisk: AsteriskProcess
    keeper: PbxKeeper
    tenant = uuid4()
    site = uuid4()

    async def execute(self, sql: str, *values: object) -> None:
        async with self.database.system() as connection:
            await connection.execute(sql, *values)
        self.keeper.wake()

    async def add_organisation(self) -> None:
        await self.execute(
            "INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'acme', 'Acme', $2)",
            self.tenant,
            NOW,
        )
        await self.execute(
            "INSERT INTO sites (id, tenant_id, slug, name, caller_id, created_at, updated_at) "
            "VALUES ($1, $2, 'paris', 'Paris', '+33145678900', $3, $3)",
            self.site,
            self.tenant,
            NOW,
        )

    async def add_agent(self, extension: str) -> None:
        user = uuid4()
        await self.execute(
            "INSERT INTO users (id, tenant_id, login, role, site_id, password_hash, created_at, updated_at) "
            "VALUES ($1, $2, $3, 'AGENT', $4, 'x', $5, $5)",
            user,
            self.tenant,
            f"agent{extension}",
            self.site,
            NOW,
        )
        await self.execute(
            "INSERT INTO phones (id, tenant_id, user_id, extension, secret_encrypted, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $6)",
            uuid4(),
            self.tenant,
            user,
            extension,
            Vault(KEY).seal(f"secret-of-{extension}"),
            NOW,
        )

    async def knows(self, extension: str) -> bool:
        return "Unable to find" not in await self.asterisk.rx(f"pjsip show endpoint {extension}")


@pytest.fixture
async def rig(tmp_path: Path, database: Database, supervisor: Supervisor) -> AsyncIterator[Rig]:
    settings = Settings(
        data_dir=tmp_path,
        secrets_key=KEY,
        ami_secret="a" * 24,
        ari_secret="b" * 24,
        asterisk_apply="automatic",
    )
    binary = await asyncio.to_thread(ensure_asterisk, default_cache(), QuietProgress())
    ports = AsteriskPorts(sip=free_udp_port(), http=free_tcp_port(), ami=free_tcp_port())
    secrets = Secrets(
        jwt_secret="", secrets_key=KEY, ami_secret=settings.ami_secret, ari_secret=settings.ari_secret
    )
    model = await asyncio.to_thread(local_model, tmp_path / "asterisk", binary, ports, secrets, settings)
    asterisk = await asyncio.to_thread(AsteriskProcess.of, binary, model)
    ami = AmiLink(
        "127.0.0.1", ports.ami, settings.ami_user, settings.ami_secret, lambda item: None, lambda: 0.0
    )
    rows: dict[str, msgspec.Raw] = {}
    keeper = PbxKeeper(
        settings,
        database,
        ami,
        starter=LocalStarter(default_cache()),
        publish=lambda topic, key, row, where: rows.update({key: row}),
        supervisor=supervisor,
    )
    try:
        await asterisk.start()
        await ami.start()
        supervisor.spawn("keeper", keeper.run)
        yield Rig(database, asterisk, keeper)
    finally:
        await supervisor.stop("keeper")
        await ami.close()
        await asterisk.stop()


async def test_a_new_agents_phone_is_known_and_a_deactivated_ones_is_not(rig: Rig) -> None:
    await rig.add_organisation()
    await rig.add_agent("101")
    await until(lambda: rig.knows("101"), "phone 101")
    await rig.execute("UPDATE users SET active = false")

    async def forgotten() -> bool:
        return not await rig.knows("101")

    await until(forgotten, "phone 101 forgotten")


async def test_what_changed_while_asterisk_was_away_is_there_when_it_is_back(rig: Rig) -> None:
    await rig.add_organisation()
    await rig.asterisk.kill9()
    await rig.add_agent("102")
    await rig.asterisk.start()
    await until(lambda: rig.knows("102"), "phone 102")
