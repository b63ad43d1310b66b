"""A whole web floor on a real PostgreSQL, with people to log in as: for tests over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from ccserver.domain.access import Actor, Role
from ccserver.domain.account import SiteRow
from ccserver.domain.errors import Unavailable
from ccserver.domain.stream import Change
from ccserver.live.view import LiveView
from ccserver.services.accounts import Accounts
from ccserver.services.base import Heralds, new_id, utc_now
from ccserver.services.calls import Calls
from ccserver.services.config import Config
from ccserver.services.dids import Dids
from ccserver.services.hashing import Hashing
from ccserver.services.health import HealthRegistry, PartHealth
from ccserver.services.imports import Imports
from ccserver.services.phones import Phones
from ccserver.services.routes import Routes
from ccserver.services.schedules import Schedules
from ccserver.services.sessions import Sessions
from ccserver.services.sites import Sites
from ccserver.services.throttle import Throttle
from ccserver.services.trunks import Trunks
from ccserver.services.users import Users
from ccserver.settings import Settings
from ccserver.storage import sites as site_store
from ccserver.storage import users as user_store
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.web import keys, pages
from ccserver.web.api import agents, calls, config
from ccserver.web.assets import Assets
from ccserver.web.auth import authenticate
from ccserver.web.i18n import Catalogues
from ccserver.web.pages.renderer import Pages
from ccserver.web.rendering import Renderer
from ccserver.web.server import WebParts, make_app
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.routes import stream_routes

from tests.rig.contract import Contract

PASSWORD = "Correct-Horse-7"
SECRETS_KEY = "0123456789abcdef0123456789abcdef-test"
JWT_SECRET = "test-secret-of-more-than-thirty-two-bytes"


class ShiftedClock:
    """The real time, moved forward at will."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._stopped: datetime | None = None

    def __call__(self) -> datetime:
        return (self._stopped or utc_now()) + self.ahead

    def stop(self) -> None:
        """From now on time passes by ``pass_seconds`` only: a wait of one second outlasts any slow machine."""
        self._stopped = utc_now()

    def monotonic(self) -> float:
        return self().timestamp()

    def pass_seconds(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


def unversioned(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its version, which every edit changes."""
    return {name: value for name, value in row.items() if name != "version"}


@dataclass
class Answer:
    """One HTTP answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.json["code"])

    @property
    def fields(self) -> dict[str, str]:
        """The problem's wrong fields with their codes."""
        return {error["field"]: error["code"] for error in self.json["errors"]}


class Caller:
    """A browser (cookies, CSRF token) or, with ``bearer``, a program. Every answer is checked by the contract."""

    def __init__(self, client: TestClient[Any, Any], contract: Contract | None) -> None:
        self.client = client
        self.contract = contract
        self.bearer = ""
        self.headers: dict[str, str] = {}

    def cookie(self, name: str) -> str:
        found = [cookie.value for cookie in self.client.session.cookie_jar if cookie.key == name]
        return found[0] if found else ""

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(self.headers)
        if self.bearer:
            sent["Authorization"] = f"Bearer {self.bearer}"
        elif method != "GET" and self.cookie("ccs_csrf"):
            sent["X-CSRF-Token"] = self.cookie("ccs_csrf")
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        async with self.client.request(
            method, path, data=data, headers=sent, allow_redirects=False
        ) as response:
            answer = Answer(response.status, response.headers, await response.read())
            if self.contract:
                self.contract.check(
                    method, path.partition("?")[0], answer.status, response.content_type, answer.body
                )
        return answer

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.send("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.send("POST", path, body, **more)

    async def patch(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.send("PATCH", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.send("PUT", path, body, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.send("DELETE", path, **more)

    async def login(self, login: str, password: str = PASSWORD) -> Answer:
        """Log in as a browser."""
        return await self.post("/api/auth/login", {"login": login, "password": password})

    async def login_as_program(self, login: str, password: str = PASSWORD) -> Answer:
        answer = await self.post("/api/auth/login?bearer=1", {"login": login, "password": password})
        if answer.status == 200:
            self.bearer = answer.json["access_token"]
        return answer


@dataclass
class Person:
    """A user that is in the database, with the password PASSWORD."""

    id: UUID
    tenant_id: UUID
    login: str
    role: Role


@dataclass
class Office:
    """Everything, in one place, for a test to reach into."""

    database: Database
    clock: ShiftedClock
    hashing: Hashing
    vault: Vault
    accounts: Accounts
    sessions: Sessions
    users: Users
    sites: Sites
    health: HealthRegistry
    server: TestServer
    view: LiveView
    announced: list[Change]
    directory_changes: list[Actor]
    tenant_id: UUID
    site: SiteRow
    callers: list[Caller] = field(default_factory=list)
    contract: Contract | None = None
    _hash: str = ""

    async def caller(self) -> Caller:
        """A new browser, not logged in."""
        # Every test is at 127.0.0.1, for which a jar keeps no cookie unless it is told to.
        client: TestClient[Any, Any] = TestClient(self.server, cookie_jar=CookieJar(unsafe=True))
        made = Caller(client, self.contract)
        self.callers.append(made)
        return made

    async def browser(self, person: Person) -> Caller:
        """A new browser, logged in."""
        made = await self.caller()
        answer = await made.login(person.login)
        assert answer.status == 200, answer.body
        return made

    async def person(
        self,
        login: str,
        role: Role = Role.AGENT,
        *,
        must_change: bool = False,
        tenant_id: UUID | None = None,
        site_id: UUID | None = None,
    ) -> Person:
        """Put a user into the database."""
        now = self.clock()
        self._hash = self._hash or await self.hashing.hash(PASSWORD)
        tenant = tenant_id or self.tenant_id
        made = user_store.NewUser(
            id=new_id(now),
            tenant_id=tenant,
            login=login,
            first_name=login.capitalize(),
            last_name="Test",
            email="",
            role=role,
            site_id=site_id or (self.site.id if tenant == self.tenant_id else None),
            locale="fr",
            password_hash=self._hash,
            must_change_password=must_change,
        )
        async with self.database.system() as connection:
            await user_store.insert_user(connection, made, now)
        return Person(made.id, tenant, login, role)

    async def tenant(self, slug: str) -> UUID:
        """Put another organisation into the database."""
        now = self.clock()
        tenant_id = new_id(now)
        async with self.database.system() as connection:
            await user_store.insert_tenant(connection, tenant_id, slug, slug.capitalize(), now)
        return tenant_id

    async def site_of(self, tenant_id: UUID, slug: str) -> SiteRow:
        """Put a site into the database."""
        now = self.clock()
        site = SiteRow(
            id=new_id(now),
            slug=slug,
            name=slug.capitalize(),
            zone="Europe/Paris",
            country="FR",
            caller_id="",
        )
        async with self.database.tenant(tenant_id) as connection:
            await site_store.insert_site(connection, tenant_id, site, now)
        return site

    def notices(self) -> list[dict[str, Any]]:
        """Sessions that were announced as ended."""
        rows = [msgspec.json.decode(c.row) for c in self.announced if c.topic == "me" and c.row is not None]
        return [row for row in rows if row["kind"] == "session_ended"]


def office_settings() -> Settings:
    """Settings of the office's server."""
    return Settings(jwt_secret=JWT_SECRET, secrets_key=SECRETS_KEY)


class NoOwner:
    """Commands while no telephony owner runs."""

    async def ask(self, name: str, **_: Any) -> Any:
        raise Unavailable("telephony_away")


@pytest.fixture(scope="session")
def catalogues() -> Catalogues:
    """The languages, read before any loop runs, as the server does."""
    return Catalogues()


@pytest.fixture(scope="session")
def renderer(catalogues: Catalogues) -> Pages:
    """The pages' templates and static files, read before any loop runs."""
    return Pages(Renderer(Assets(), catalogues))


@pytest.fixture
async def office(database: Database, catalogues: Catalogues, renderer: Pages) -> AsyncIterator[Office]:
    """A web floor with one tenant and one site (paris), nobody in it yet."""
    clock = ShiftedClock()
    announced: list[Change] = []
    directory_changes: list[Actor] = []
    hashing = Hashing(memory_kib=64, passes=1)
    vault = Vault(SECRETS_KEY)

    async def announce(*changes: Change) -> None:
        announced.extend(changes)
        sessions.observe(changes)

    async def directory_changed(actor: Actor) -> None:
        directory_changes.append(actor)

    heralds = Heralds(announce, directory_changed)
    sessions = Sessions(
        database, announce, clock=clock, monotonic=clock.monotonic, lifetime=timedelta(hours=16)
    )
    throttle = Throttle(database, clock=clock)
    accounts = Accounts(database, sessions, hashing, throttle, clock=clock)
    users = Users(database, sessions, hashing, vault, heralds, clock=clock)
    sites = Sites(database, heralds, clock=clock)
    health = HealthRegistry("test")
    health.add("postgresql", lambda: PartHealth(up=database.up, since=database.since), required=True)

    view = LiveView("test")
    hub = Hub(view, asyncio.get_running_loop(), node="test")
    hub.start()

    def setup(app: Application) -> None:
        app[keys.CALLS] = Calls(database, NoOwner())  # type: ignore[arg-type]
        app[keys.CONFIG] = Config(database, NoOwner(), view)  # type: ignore[arg-type]
        app[keys.LIVE] = view
        app[keys.RENDERER] = renderer

    app = make_app(
        WebParts(
            settings=office_settings(),
            accounts=accounts,
            sessions=sessions,
            users=users,
            phones=Phones(database, vault, heralds, throttle, clock=clock),
            imports=Imports(database, hashing, vault, heralds, clock=clock),
            sites=sites,
            trunks=Trunks(database, vault, heralds, clock=clock),
            dids=Dids(database, heralds, clock=clock),
            schedules=Schedules(database, heralds, clock=clock),
            outgoing_routes=Routes(database, heralds, view, clock=clock),
            health=health,
            catalogues=catalogues,
            routes=(
                *calls.ROUTES,
                *agents.ROUTES,
                *config.ROUTES,
                *stream_routes(hub, authenticate),
                *pages.ROUTES,
            ),
            setups=(setup,),
        )
    )
    server = TestServer(app)
    await server.start_server()
    made = Office(
        database=database,
        clock=clock,
        hashing=hashing,
        vault=vault,
        accounts=accounts,
        sessions=sessions,
        users=users,
        sites=sites,
        health=health,
        server=server,
        view=view,
        announced=announced,
        directory_changes=directory_changes,
        tenant_id=UUID(int=0),
        site=None,  # type: ignore[arg-type]
    )
    made.tenant_id = await made.tenant("default")
    made.site = await made.site_of(made.tenant_id, "paris")
    made.contract = Contract((await (await made.caller()).get("/api/openapi.json")).json)
    yield made
    for caller in made.callers:
        await caller.client.close()
    hub.close()
    await server.close()
    hashing.close()
