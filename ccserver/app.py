"""The composition root: the only place that constructs. One process does it all, or one role of it."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiohttp import web

from ccserver.background import Supervisor
from ccserver.bus.memory import MemoryBus
from ccserver.bus.redis import RedisBus
from ccserver.domain.access import Actor
from ccserver.live.commands import Commands
from ccserver.live.feed import LiveFeed
from ccserver.live.owner import Owner
from ccserver.live.view import Entry, LiveView
from ccserver.ports import AsteriskStarter, Bus
from ccserver.services.accounts import Accounts
from ccserver.services.base import Heralds, utc_now
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
from ccserver.settings import Settings, SettingsError
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.web import keys, pages
from ccserver.web.address import Addresses
from ccserver.web.api import agents, calls, config, health, metrics
from ccserver.web.auth import authenticate, revalidate
from ccserver.web.i18n import Catalogues
from ccserver.web.pages import setup_pages
from ccserver.web.routing import register
from ccserver.web.server import WebParts, make_app
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.routes import stream_routes
from ccserver.web.stream.watch import SessionWatch

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS = 3.0
MINIMUM_SECRET = 32


def check_settings(settings: Settings) -> None:
    """Refuses to start on settings that could only lead to harm. Raises SettingsError."""
    if not settings.database_url:
        raise SettingsError("DATABASE_URL is not set. `scripts/up` runs a PostgreSQL of its own.")
    for name, value in (("JWT_SECRET", settings.jwt_secret), ("SECRETS_KEY", settings.secrets_key)):
        if len(value) < MINIMUM_SECRET:
            raise SettingsError(
                f"{name} must be a secret of at least {MINIMUM_SECRET} characters (openssl rand -hex 32)."
            )
    if settings.role != "all" and not settings.redis_url:
        raise SettingsError(f"The role {settings.role} needs REDIS_URL: several processes share one bus.")
    if settings.role != "web" and not settings.ami_secret:
        raise SettingsError(
            "AMI_SECRET and ARI_SECRET are not set: the telephony owner cannot log in to Asterisk."
        )


@dataclass(frozen=True, slots=True)
class Base:
    """What every role stands on."""

    settings: Settings
    node: str
    supervisor: Supervisor
    database: Database
    bus: Bus
    health: HealthRegistry


@asynccontextmanager
async def open_base(settings: Settings) -> AsyncIterator[Base]:
    """Database, bus and supervisor, started; closed again in reverse. Raises SettingsError, SchemaError."""
    check_settings(settings)
    node = settings.node or f"{socket.gethostname()}-{os.getpid()}"
    supervisor = Supervisor()
    database = Database(settings.database_url, supervisor=supervisor)
    bus: Bus = RedisBus(settings.redis_url, supervisor) if settings.redis_url else MemoryBus()
    registry = HealthRegistry(node)
    async with AsyncExitStack() as exits:
        exits.push_async_callback(supervisor.close)
        await database.start()
        exits.push_async_callback(database.close)
        await bus.start()
        exits.push_async_callback(bus.close)
        registry.add(
            "postgresql",
            # Not required: without it boards and calls go on, and a balancer must leave this node in place.
            lambda: PartHealth(up=database.up, since=database.since, detail=database.detail),
        )
        registry.add("bus", lambda: PartHealth(up=bus.up, since=bus.since))
        registry.add("tasks", lambda: _tasks(supervisor))
        yield Base(settings, node, supervisor, database, bus, registry)


def _tasks(supervisor: Supervisor) -> PartHealth:
    dead = [status.name for status in supervisor.status() if status.state in ("waiting", "failed")]
    return PartHealth(up=supervisor.healthy, since=0.0, detail=", ".join(dead))


def add_owner(base: Base, starter: AsteriskStarter | None = None) -> Owner:
    """The telephony owner, or its standby, under the supervisor. ``starter`` boots its rehearsals of Asterisk."""
    owner = Owner(base.settings, base.database, base.bus, starter=starter)
    base.supervisor.spawn("telephony owner", owner.run)

    def look() -> PartHealth:
        reign = owner.reign
        if reign is None:
            return PartHealth(up=owner.state == "standby", since=owner.since, detail=owner.state)
        blind = reign.publisher.blind_since
        links = [f"{name}: {row.detail}" for name, row in reign.engine.links.items() if not row.up]
        return PartHealth(
            up=blind is None,
            since=blind if blind is not None else owner.since,
            lag=float(reign.journal.backlog_bytes > 0),
            detail="; ".join(links) or owner.state,
        )

    base.health.add("telephony", look)
    return owner


class SessionNews:
    """Every node's changes about users reach the cache of sessions before anybody is served again."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def changed(self, entries: Sequence[Entry]) -> None:
        self._sessions.observe([entry.change for entry in entries])

    def blinded(self, since: float | None) -> None:
        """Of no concern here."""


@dataclass(frozen=True, slots=True)
class Live:
    """This node's copy of the live rows, how it hears and asks the owner, and who it tells."""

    view: LiveView
    feed: LiveFeed
    hub: Hub
    commands: Commands


def _live(base: Base) -> Live:
    """Made and not started yet: the feed must not hear anything before its listeners are there."""
    view = LiveView(f"{base.node}-{secrets.token_hex(6)}")
    feed = LiveFeed(base.bus, view, base.supervisor, node=base.node)
    base.health.add(
        "board",
        lambda: PartHealth(
            up=view.blind_since is None,
            since=view.blind_since or 0.0,
            lag=max(0.0, time.time() - feed.heard_at),
        ),
    )
    return Live(
        view=view,
        feed=feed,
        hub=Hub(view, asyncio.get_running_loop(), node=base.node),
        commands=Commands(base.bus, base.node, time.time),
    )


async def build_web(base: Base) -> web.Application:
    """Everything that serves browsers and API clients, started."""
    settings, database, supervisor = base.settings, base.database, base.supervisor
    live = _live(base)
    supervisor.spawn("command replies", live.commands.run)
    hashing = Hashing()
    sessions = Sessions(
        database,
        live.feed.announce,
        clock=utc_now,
        monotonic=time.monotonic,
        lifetime=timedelta(hours=settings.session_hours),
        heard_since=live.feed.unbroken_since,
        outage_seconds=settings.session_outage_minutes * 60.0,
    )
    throttle = Throttle(database, clock=utc_now)
    accounts = Accounts(database, sessions, hashing, throttle, clock=utc_now)
    live.view.listen(SessionNews(sessions))
    await live.feed.start()
    live.hub.start()
    app = make_app(_parts(base, live, accounts, sessions, hashing, throttle))
    SessionWatch(live.hub, lambda session_ids: revalidate(app, session_ids)).start(supervisor)
    supervisor.spawn("old sessions", accounts.keep_tidy)
    supervisor.spawn("sessions kept", sessions.keep_books)
    app.on_cleanup.append(_closing(hashing))
    supervisor.spawn("first account", lambda: _bootstrap(accounts, settings))
    return app


def _parts(
    base: Base, live: Live, accounts: Accounts, sessions: Sessions, hashing: Hashing, throttle: Throttle
) -> WebParts:
    database, commands = base.database, live.commands
    vault = Vault(base.settings.secrets_key)
    catalogues = Catalogues()

    async def directory_changed(actor: Actor) -> None:
        await commands.ask("directory.changed", actor=actor.user_id, tenant_id=actor.tenant_id)

    async def stop_stream(_app: web.Application) -> None:
        live.hub.close()

    def setup(app: web.Application) -> None:
        app[keys.CALLS] = Calls(database, commands)
        app[keys.CONFIG] = Config(database, commands, live.view)
        app[keys.LIVE] = live.view
        setup_pages(app, catalogues, development=base.settings.development)
        app.on_shutdown.append(stop_stream)

    heralds = Heralds(live.feed.announce, directory_changed)
    return WebParts(
        settings=base.settings,
        accounts=accounts,
        sessions=sessions,
        users=Users(database, sessions, hashing, vault, heralds, clock=utc_now),
        phones=Phones(database, vault, heralds, throttle, clock=utc_now),
        imports=Imports(database, hashing, vault, heralds, clock=utc_now),
        sites=Sites(database, heralds, clock=utc_now),
        trunks=Trunks(database, vault, heralds, clock=utc_now),
        dids=Dids(database, heralds, clock=utc_now),
        schedules=Schedules(database, heralds, clock=utc_now),
        outgoing_routes=Routes(database, heralds, live.view, clock=utc_now),
        health=base.health,
        catalogues=catalogues,
        routes=(
            *calls.ROUTES,
            *agents.ROUTES,
            *config.ROUTES,
            *stream_routes(live.hub, authenticate),
            *pages.ROUTES,
        ),
        setups=(setup,),
    )


def _closing(hashing: Hashing) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_app: web.Application) -> None:
        hashing.close()

    return close


async def _bootstrap(accounts: Accounts, settings: Settings) -> None:
    """Makes the first account (tried again until there is a database); prints a made-up password, once."""
    made = await accounts.bootstrap(password=settings.bootstrap_password, loopback=settings.is_loopback)
    if made is not None and made.generated:
        # The one place where a password is shown: nobody could log in otherwise.
        told = f"First account: {made.login} / {made.password} (to be changed at the first login)"
        print(told, flush=True)  # noqa: T201 - not through the logs


async def serve(settings: Settings, starter: AsteriskStarter | None = None) -> None:
    """Runs this process's role until SIGTERM or SIGINT. Raises SettingsError, SchemaError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_base(settings) as base:
        if settings.role in ("all", "telephony"):
            add_owner(base, starter)
        app = await build_web(base) if settings.role != "telephony" else _health_only(base)
        async with _listening(app, settings):
            log.info("ccserver serves", role=settings.role, host=settings.host, port=settings.port)
            await stop.wait()
        log.info("ccserver stops")


def _health_only(base: Base) -> web.Application:
    """A telephony process tells how it is, and serves nobody else."""
    app = web.Application()
    app[keys.HEALTH] = base.health
    app[keys.ADDRESSES] = Addresses(base.settings.trusted_proxies, base.settings.public_url)
    register(app, (*health.ROUTES, *metrics.ROUTES))
    return app


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}. "
                "Stop what uses it, or set CCSERVER_PORT."
            ) from error
        yield
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await runner.cleanup()
