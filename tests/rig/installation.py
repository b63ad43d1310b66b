"""A whole installation: PostgreSQL rows that match an Asterisk's model, and ``ccserver serve`` as processes."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from ccserver.domain.access import Role
from ccserver.domain.account import SiteRow
from ccserver.services.base import new_id, utc_now
from ccserver.services.hashing import Hashing
from ccserver.stack.ports import free_tcp_port
from ccserver.storage import sites as site_store
from ccserver.storage import users as user_store
from ccserver.storage.pool import Database

from tests.rig.api import Api
from tests.rig.asterisk import Central
from tests.rig.wait import PATIENCE_SECONDS, until

PASSWORD = "Correct-Horse-7"
CHIEF = "chief"
JWT_SECRET = "test-secret-of-more-than-thirty-two-bytes"
SECRETS_KEY = "0123456789abcdef0123456789abcdef-test"
_ONE_LOOK = aiohttp.ClientTimeout(total=20)


async def fill_database(database: Database, central: Central) -> dict[str, UUID]:
    """Users, sites, trunks and DIDs of the central's model; returns user ids by extension, and the tenant's."""
    now = utc_now()
    hashing = Hashing(memory_kib=64)
    secret = await hashing.hash(PASSWORD)
    hashing.close()
    tenant = new_id(now)
    ids: dict[str, UUID] = {"tenant": tenant}
    async with database.system() as connection:
        await user_store.insert_tenant(connection, tenant, "main", "Main", now)
        sites: dict[str, UUID] = {}
        for site in central.model.sites:
            sites[site.slug] = new_id(now)
            row = SiteRow(
                id=sites[site.slug],
                slug=site.slug,
                name=site.slug.capitalize(),
                zone="Europe/Paris",
                country="FR",
                caller_id=site.caller_id,
            )
            await site_store.insert_site(connection, tenant, row, now)
            ids[site.slug] = sites[site.slug]
        for trunk in central.model.trunks:
            await connection.execute(
                "INSERT INTO trunks (id, tenant_id, site_id, slug, host, port, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                *(new_id(now), tenant, sites[trunk.site], trunk.slug, trunk.host, trunk.port, now),
            )
        people = [(CHIEF, Role.ADMIN, None, "")]
        people += [
            (f"agent{p.extension}", Role.AGENT, sites[p.site], p.extension) for p in central.model.phones
        ]
        for login, role, site_id, extension in people:
            user = user_store.NewUser(
                id=new_id(now),
                tenant_id=tenant,
                login=login,
                first_name=login.capitalize(),
                last_name="Test",
                email="",
                role=role,
                site_id=site_id,
                locale="fr",
                password_hash=secret,
                must_change_password=False,
            )
            await user_store.insert_user(connection, user, now)
            ids[extension or login] = user.id
            if extension:
                await connection.execute(
                    "INSERT INTO phones (id, tenant_id, user_id, extension, secret_encrypted, created_at, updated_at)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $6)",
                    *(new_id(now), tenant, user.id, extension, b"x", now),
                )
        for did in central.model.dids:
            await connection.execute(
                "INSERT INTO dids (id, tenant_id, site_id, number, user_id, created_at, updated_at, target)"
                " VALUES ($1, $2, $3, $4, $5, $6, $6, CASE WHEN $5::uuid IS NULL THEN 'none' ELSE 'agent' END)",
                *(new_id(now), tenant, sites[did.site], did.number, ids.get(did.opened.extension), now),
            )
    return ids


@dataclass
class Node:
    """One ``ccserver serve`` process."""

    environment: dict[str, str]
    log: Path
    role: str = "all"
    port: int = field(default_factory=free_tcp_port)
    process: asyncio.subprocess.Process | None = None
    session: aiohttp.ClientSession | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> tuple[str, ...]:
        """How Python is started."""
        return (sys.executable,)

    async def start(self, *, ready: bool = True) -> None:
        """Start it; with ``ready`` wait until it reigns (or, a web node, until it is not blind)."""
        assert self.process is None or self.process.returncode is not None, "it runs already"
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.command, "-m", "ccserver", "serve", "--role", self.role),
                env={**os.environ, **self.environment, "CCSERVER_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        self.session = self.session or aiohttp.ClientSession()
        await until(
            lambda: self.healthy(ready), lambda: f"{self.role} healthy: {self.log.read_text()[-3000:]}", 90
        )

    async def healthy(self, ready: bool = True) -> bool:
        assert self.process is not None and self.session is not None
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        try:
            async with self.session.get(f"{self.base}/health", timeout=_ONE_LOOK) as response:
                state = await response.json()
        except (aiohttp.ClientError, TimeoutError):
            return False
        return response.status == 200 and (not ready or self.role == "telephony" or state["status"] == "ok")

    async def health(self) -> Any:
        assert self.session is not None
        async with self.session.get(f"{self.base}/health") as response:
            return await response.json()

    async def login(self, login: str) -> Api:
        assert self.session is not None
        nobody = Api(self.session, self.base, "")
        body = {"login": login, "password": PASSWORD}
        status, answer = await nobody.answered("POST", "/api/auth/login?bearer=1", body)
        assert status == 200, answer
        return Api(self.session, self.base, answer["access_token"])

    async def kill9(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    def suspend(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        if self.session is not None:
            await self.session.close()
            self.session = None
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
                raise AssertionError(f"{self.role} did not end: {self.log.read_text()[-3000:]}") from None


@dataclass
class Installation:
    """An Asterisk, a database, and as many ccserver processes as a test asks for."""

    central: Central
    database: Database
    database_url: str
    ids: dict[str, UUID]
    home: Path
    nodes: list[Node] = field(default_factory=list)

    def environment(self, name: str) -> dict[str, str]:
        model = self.central.model
        return {
            "DATABASE_URL": self.database_url,
            "JWT_SECRET": JWT_SECRET,
            "SECRETS_KEY": SECRETS_KEY,
            "CCSERVER_DATA": str(self.home / name),
            "CCSERVER_NODE": name,
            "AMI_PORT": str(model.ports.ami),
            "AMI_USER": model.ami.name,
            "AMI_SECRET": model.ami.secret,
            "ARI_URL": self.central.ari_url,
            "ARI_USER": model.ari.name,
            "ARI_SECRET": model.ari.secret,
            "ASTERISK_CEL_FILE": str(self.central.process.cel_file),
            "BOOTSTRAP_PASSWORD": PASSWORD,
        }

    async def node(self, name: str = "one", role: str = "all", *, ready: bool = True, **more: str) -> Node:
        """Start one more process."""
        made = Node({**self.environment(name), **more}, self.home / f"{name}.log", role)
        self.nodes.append(made)
        await made.start(ready=ready)
        return made

    async def change(self, sql: str, *values: Any) -> None:
        """Rows of the directory, before a node runs (or seen by it within ten seconds)."""
        async with self.database.system() as connection:
            await connection.execute(sql, *values)

    async def route(self, site: str, trunk: str, prefix: str = "", priority: int = 1) -> None:
        """Calls of a site to numbers with this prefix may leave by this trunk."""
        await self.change(
            "INSERT INTO routes (id, tenant_id, site_id, trunk_id, prefix, priority, created_at, updated_at)"
            " SELECT $1, t.tenant_id, $2, t.id, $4, $5, now(), now() FROM trunks t WHERE t.slug = $3",
            *(new_id(utc_now()), self.ids[site], trunk, prefix, priority),
        )

    async def did(self, number: str, side: str = "", **to: Any) -> None:
        """Where a number leads: ``target`` and its ``user_id``, ``phone_id`` or ``forward_to``.

        ``side`` "closed_": outside its hours.
        """
        row = {"target": "none", "user_id": None, "phone_id": None, "forward_to": "", **to}
        await self.change(
            f"UPDATE dids SET {side}target = $2, {side}user_id = $3, {side}phone_id = $4, {side}forward_to = $5"
            " WHERE number = $1",
            *(number, row["target"], row["user_id"], row["phone_id"], row["forward_to"]),
        )

    async def close(self, number: str) -> None:
        """A schedule that is never open, for this number."""
        schedule = new_id(utc_now())
        await self.change(
            "INSERT INTO schedules (id, tenant_id, name, created_at, updated_at) VALUES ($1, $2, $3, now(), now())",
            *(schedule, self.ids["tenant"], f"never {number}"),
        )
        await self.change("UPDATE dids SET schedule_id = $2 WHERE number = $1", number, schedule)

    async def physical(self, extension: str, label: str, site: str) -> UUID:
        """The phone of an agent is nobody's from now on, and stands at a site."""
        self.ids.pop(extension)
        await self.change(
            "UPDATE dids SET user_id = NULL, target = 'none' WHERE user_id ="
            " (SELECT user_id FROM phones WHERE extension = $1)",
            extension,
        )
        await self.change(
            "UPDATE phones SET user_id = NULL, kind = 'physical', site_id = $2, label = $3 WHERE extension = $1",
            *(extension, self.ids[site], label),
        )
        async with self.database.system() as connection:
            return UUID(
                str(await connection.fetchval("SELECT id FROM phones WHERE extension = $1", extension))
            )

    async def mobile(self, extension: str, number: str) -> None:
        """The agent of this extension works on his mobile."""
        await self.change(
            "UPDATE phones SET kind = 'mobile', mobile = $2 WHERE extension = $1", extension, number
        )

    async def stop(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for node in self.nodes:
                stack.push_async_callback(node.stop)
