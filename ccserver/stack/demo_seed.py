"""Puts the demo organisation into the database, or brings what is there in line with the plan."""

from datetime import datetime
from uuid import UUID

import asyncpg

from ccserver.domain.access import Role
from ccserver.domain.account import DidRow, SiteRow, TrunkRow
from ccserver.domain.directory import Destination
from ccserver.services.base import new_id, utc_now
from ccserver.services.hashing import Hashing
from ccserver.stack.demo_plan import DemoAgent, DemoPlan, DemoSite
from ccserver.stack.problems import StackProblem
from ccserver.storage import dids, phones, sites, trunks, users
from ccserver.storage.vault import Vault


async def seed(database_url: str, secrets_key: str, plan: DemoPlan) -> None:
    """Make what is missing of the plan; an account or phone that is there gets the plan's secrets again.

    To be called while no server runs on this database: nobody is told of the change. Raises StackProblem when
    somebody else's rows are in the way.
    """
    hashing = Hashing()
    try:
        connection = await asyncpg.connect(database_url, timeout=10)
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL ROLE ccserver_system")
                await _Seed(connection, hashing, Vault(secrets_key), utc_now()).all(plan)
        finally:
            await connection.close()
    except asyncpg.UniqueViolationError as error:
        raise StackProblem(
            "The demo cannot be added to this database: another site, account, number or extension stands in "
            f"its way ({error.constraint_name}). Start without --demo, or set CCSERVER_DATA to a new folder."
        ) from error
    finally:
        hashing.close()


class _Seed:
    """One pass over the plan, in one transaction."""

    def __init__(self, connection: asyncpg.Connection, hashing: Hashing, vault: Vault, now: datetime) -> None:
        self._connection = connection
        self._hashing = hashing
        self._vault = vault
        self._now = now

    async def all(self, plan: DemoPlan) -> None:
        tenant = await self._tenant()
        site_ids = {site.slug: await self._site(tenant, site) for site in plan.sites}
        user_ids = {agent.login: await self._agent(tenant, site_ids, agent) for agent in plan.agents}
        await self._user(
            tenant, plan.supervisor, ("Démo", "Chef"), Role.SUPERVISOR, None, plan.supervisor_password
        )
        for agent in plan.agents:
            await self._did(tenant, site_ids[agent.site], plan.number_of(agent), user_ids[agent.login])

    async def _tenant(self) -> UUID:
        """The tenant that the server's first account will also belong to."""
        await users.lock_bootstrap(self._connection)
        tenant = await users.first_tenant(self._connection)
        if tenant is None:
            tenant = new_id(self._now)
            await users.insert_tenant(self._connection, tenant, "default", "Default", self._now)
        return tenant

    async def _site(self, tenant: UUID, site: DemoSite) -> UUID:
        found: UUID | None = await self._connection.fetchval(
            "SELECT id FROM sites WHERE tenant_id = $1 AND slug = $2", tenant, site.slug
        )
        if found is not None:
            await self._connection.execute(
                "UPDATE trunks SET host = $2, port = $3, updated_at = $4 WHERE site_id = $1 AND slug = $5",
                *(found, site.address, site.port, self._now, site.slug),
            )
            return found
        made = new_id(self._now)
        row = SiteRow(
            id=made,
            slug=site.slug,
            name=site.name,
            zone="Europe/Paris",
            country="FR",
            caller_id=site.caller_id,
        )
        await sites.insert_site(self._connection, tenant, row, self._now)
        trunk = TrunkRow(
            id=new_id(self._now),
            site_id=made,
            slug=site.slug,
            host=site.address,
            port=site.port,
            codecs=("alaw", "ulaw"),
            priority=1,
        )
        await trunks.insert_trunk(self._connection, tenant, trunk, self._now)
        return made

    async def _agent(self, tenant: UUID, site_ids: dict[str, UUID], agent: DemoAgent) -> UUID:
        user_id = await self._user(
            tenant,
            agent.login,
            (agent.first_name, agent.last_name),
            Role.AGENT,
            site_ids[agent.site],
            agent.password,
        )
        sealed = self._vault.seal(agent.sip_secret)
        has_phone = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM phones WHERE user_id = $1)", user_id
        )
        if has_phone:
            await phones.set_secret(self._connection, user_id, sealed, self._now)
        else:
            await phones.insert_phone(
                self._connection,
                phone_id=new_id(self._now),
                tenant_id=tenant,
                user_id=user_id,
                extension=agent.extension,
                sealed_secret=sealed,
                at=self._now,
            )
        return user_id

    async def _user(
        self, tenant: UUID, login: str, name: tuple[str, str], role: Role, site: UUID | None, password: str
    ) -> UUID:
        found = await users.credentials_by_login(self._connection, login)
        if found is not None and await self._hashing.verify(found.password_hash, password):
            return found.id
        password_hash = await self._hashing.hash(password)
        if found is not None:
            await users.set_password(self._connection, found.id, password_hash, False, self._now)
            return found.id
        user = users.NewUser(
            id=new_id(self._now),
            tenant_id=tenant,
            login=login,
            first_name=name[0],
            last_name=name[1],
            email="",
            role=role,
            site_id=site,
            locale="fr",
            password_hash=password_hash,
            must_change_password=False,
        )
        await users.insert_user(self._connection, user, self._now)
        return user.id

    async def _did(self, tenant: UUID, site_id: UUID, number: str, user_id: UUID) -> None:
        known = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM dids WHERE tenant_id = $1 AND number = $2)", tenant, number
        )
        if not known:
            row = DidRow(
                id=new_id(self._now),
                site_id=site_id,
                number=number,
                user_id=user_id,
                label="Démonstration",
                opened=Destination(target="agent", user_id=user_id),
            )
            await dids.insert_did(self._connection, tenant, row, self._now)
