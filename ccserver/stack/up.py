"""`ccserver up`: everything on this machine, in order, and all of it stopped again by a Ctrl-C.

PostgreSQL (unless `DATABASE_URL` is set), the schema, Asterisk on loopback (unless `AMI_SECRET` is set:
then there is one elsewhere), and the server itself as a child. What is started is noted in the data
folder, so that the next start finds and stops what a killed one left behind.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import msgspec

from ccserver.domain.errors import Unavailable
from ccserver.settings import Settings
from ccserver.stack.asterisk_first import prepare
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary, default_cache, ensure_asterisk
from ccserver.stack.closing import Facts, closing_words, web_url
from ccserver.stack.demo import DemoTraffic
from ccserver.stack.demo_plan import DemoPlan, keep_plan
from ccserver.stack.demo_seed import seed
from ccserver.stack.interrupts import finish, first_of, stop_requested
from ccserver.stack.kept import AsteriskPorts, Secrets, keep_ports, keep_secrets
from ccserver.stack.local_pbx import local_model
from ccserver.stack.locks import sole_owner
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.preflight import check_data_folder, check_web_port
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import Child, PidFile, identify, spawn, stop_process
from ccserver.stack.progress import Progress
from ccserver.storage import migrate

HEALTHY_SECONDS = 60.0
POLL_SECONDS = 0.1
WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What `ccserver up` was asked for."""

    settings: Settings
    demo: bool = False
    cache: Path = field(default_factory=default_cache)
    server: tuple[str, ...] = (sys.executable, "-m", "ccserver", "serve")

    @property
    def data(self) -> Path:
        return self.settings.data_dir.absolute()


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs: its name, whether it still does, and where it writes what it does."""

    name: str
    running: Callable[[], bool]
    log: Path


@dataclass(frozen=True, slots=True)
class LocalPbx:
    """The Asterisk that runs here."""

    binary: AsteriskBinary
    process: AsteriskProcess
    ports: AsteriskPorts


class Stack:
    """The parts of one `up`, started in order; stopped in reverse order by the exit stack."""

    def __init__(self, options: UpOptions, progress: Progress, exits: AsyncExitStack) -> None:
        self._options = options
        self._settings = options.settings
        self._data = options.data
        self._progress = progress
        self._exits = exits
        self._pbx: LocalPbx | None = None
        self.parts: list[Part] = []
        self.words: list[str] = []
        self.facts = Facts(url=web_url(options.settings), log=options.data / "log" / "ccserver.log")

    async def start(self) -> None:
        """Start everything. Raises `StackProblem`; what was started by then is on the exit stack."""
        await self._stop_leftovers()
        await asyncio.to_thread(check_web_port, self._settings.host, self._settings.port)
        secrets = await asyncio.to_thread(keep_secrets, self._data)
        environment = {
            **os.environ,
            "CCSERVER_DATA": str(self._data),
            "JWT_SECRET": self._settings.jwt_secret or secrets.jwt_secret,
            "SECRETS_KEY": self._settings.secrets_key or secrets.secrets_key,
        }
        environment["DATABASE_URL"] = await self._database()
        self.facts = replace(self.facts, database_url=environment["DATABASE_URL"])
        plan = await self._demo_plan(environment) if self._options.demo else None
        if self._settings.ami_secret:
            self._progress.say("Asterisk: the one that AMI_SECRET and ASTERISK_HOST name")
        else:
            environment |= await self._asterisk(secrets)
        await self._server(environment)
        if plan:
            await self._demo_traffic(plan)

    async def _stop_leftovers(self) -> None:
        files = await asyncio.to_thread(lambda: sorted((self._data / "run").glob("*.pid"), reverse=True))
        for file in files:
            left = await asyncio.to_thread(PidFile(file).live)
            if left:
                with self._progress.step(
                    f"Stopping {file.stem} (process {left.pid}), left by an earlier run"
                ):
                    await stop_process(left)
            file.unlink(missing_ok=True)
            if file.stem == "asterisk":
                # Its control socket outlives it when it is killed; nobody answers there any more.
                (self._data / "asterisk" / "run" / "asterisk.ctl").unlink(missing_ok=True)

    async def _database(self) -> str:
        url = self._settings.database_url
        if not url:
            with self._progress.step("Starting PostgreSQL"):
                server = EmbeddedPostgres(self._data / "postgres")
                self._stopping("PostgreSQL", server.stop)
                url = await finish(server.start())
                self.parts.append(Part("PostgreSQL", lambda: server.running, server.log))
        with self._progress.step("Bringing the schema up to date") as step:
            try:
                applied = await finish(asyncio.to_thread(migrate.apply, url))
            except migrate.SchemaError as error:
                raise StackProblem(str(error)) from error
            except Unavailable as error:
                raise StackProblem(
                    "PostgreSQL does not answer at DATABASE_URL. Start it, mend the address, or unset "
                    "DATABASE_URL to use the embedded one."
                ) from error
            step.detail(f"{len(applied)} migrations applied" if applied else "it was")
        return url

    async def _asterisk(self, secrets: Secrets) -> Mapping[str, str]:
        binary = await finish(asyncio.to_thread(ensure_asterisk, self._options.cache, self._progress))
        ports, moved = await asyncio.to_thread(keep_ports, self._data)
        if moved:
            self._progress.say(f"Asterisk's ports were taken and have moved: SIP is now {ports.sip}")
        with self._progress.step(f"Starting Asterisk {binary.version}"):
            process = await self._boot(binary, ports, secrets)
        self.facts = replace(self.facts, sip_port=ports.sip)
        self._pbx = LocalPbx(binary, process, ports)
        self.parts.append(Part("Asterisk", lambda: process.running, process.log_file))
        return {
            "ASTERISK_HOST": "127.0.0.1",
            "AMI_PORT": str(ports.ami),
            "AMI_USER": self._settings.ami_user,
            "AMI_SECRET": secrets.ami_secret,
            "ARI_URL": f"http://127.0.0.1:{ports.http}/ari",
            "ARI_USER": self._settings.ari_user,
            "ARI_SECRET": secrets.ari_secret,
            "ASTERISK_CEL_FILE": str(process.cel_file),
            "ASTERISK_APPLY": "automatic" if self._automatic else "manual",
        }

    async def _boot(self, binary: AsteriskBinary, ports: AsteriskPorts, secrets: Secrets) -> AsteriskProcess:
        folder = self._data / "asterisk"
        model = await asyncio.to_thread(local_model, folder, binary, ports, secrets, self._settings)
        told = await finish(prepare(self._settings_of(secrets), self.facts.database_url, self._automatic))
        if told:
            self._progress.say(told)
        process = AsteriskProcess.of(binary, model, files={})
        pid_file = PidFile(self._data / "run" / "asterisk.pid")

        async def stop() -> None:
            await process.stop()
            pid_file.remove()

        self._stopping("Asterisk", stop)
        await finish(process.start())
        identity = identify(process.pid) if process.pid else None
        if identity:
            await asyncio.to_thread(pid_file.write, identity)
        return process

    @property
    def _automatic(self) -> bool:
        """Whether changes reach Asterisk by themselves; here they do unless the operator says otherwise."""
        return os.environ.get("ASTERISK_APPLY", "automatic") != "manual"

    def _settings_of(self, secrets: Secrets) -> Settings:
        return replace(
            self._settings,
            data_dir=self._data,
            secrets_key=self._settings.secrets_key or secrets.secrets_key,
            ami_secret=secrets.ami_secret,
            ari_secret=secrets.ari_secret,
        )

    async def _server(self, environment: Mapping[str, str]) -> None:
        with self._progress.step("Starting ccserver") as step:
            child = await spawn(
                "ccserver",
                self._options.server,
                log=self.facts.log,
                pid_file=self._data / "run" / "ccserver.pid",
                env=environment,
            )
            self._stopping("ccserver", child.stop)
            self.parts.append(Part("ccserver", lambda: child.running, child.log))
            away = await wait_healthy(self._settings, child, step.detail)
        if away:
            self._progress.say(f"It runs without: {', '.join(away)}. It connects by itself when they come.")

    async def _demo_plan(self, environment: Mapping[str, str]) -> DemoPlan:
        if self._settings.ami_secret:
            raise StackProblem(
                "The demo needs an Asterisk of its own: unset AMI_SECRET, or leave out --demo."
            )
        with self._progress.step("Making the demo organisation"):
            plan = await asyncio.to_thread(keep_plan, self._data)
            await finish(seed(environment["DATABASE_URL"], environment["SECRETS_KEY"], plan))
        return plan

    async def _demo_traffic(self, plan: DemoPlan) -> None:
        if self._pbx is None:
            return
        traffic = DemoTraffic(
            plan,
            binary=self._pbx.binary,
            central=self._pbx.process,
            sip=("127.0.0.1", self._pbx.ports.sip),
            folder=self._data / "demo",
            pid_folder=self._data / "run",
            server_url=web_url(self._settings),
        )
        self._stopping("the demo", traffic.stop)
        with self._progress.step("Starting the demo's gateways, phones and callers") as step:
            await finish(traffic.start(step.detail))
        self.words = plan.words()

    def _stopping(self, name: str, stop: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            with self._progress.step(f"Stopping {name}"):
                await stop()

        self._exits.push_async_callback(told)


async def up(options: UpOptions, progress: Progress) -> None:
    """Start everything, say how to use it, and stay until a signal or until a part ends by itself.

    Raises `StackProblem` when something cannot be started or has ended; everything is stopped by then.
    """
    await asyncio.to_thread(check_data_folder, options.data)
    refusal = (
        f"ccserver runs already from {options.data} (process {{pid}}), on {web_url(options.settings)}. "
        "Stop that one with Ctrl-C first, or set CCSERVER_DATA and CCSERVER_PORT to run a second one."
    )
    async with stop_requested() as stop, AsyncExitStack() as exits:
        exits.enter_context(sole_owner(options.data / "up.lock", refusal))
        stack = Stack(options, progress, exits)
        starting = asyncio.create_task(stack.start(), name="start")
        await first_of(starting, stop)
        if stop.is_set():
            return
        await starting
        for line in await closing_words(options.settings, stack.facts, stack.words):
            progress.say(line)
        watching = asyncio.create_task(watch(stack.parts), name="watch")
        await first_of(watching, stop)


async def watch(parts: list[Part]) -> None:
    """Return never; raises `StackProblem` when a part has ended by itself."""
    while True:
        for part in parts:
            if not part.running():
                raise StackProblem(
                    f"{part.name} has ended by itself; everything is stopped. Its log: {part.log}"
                )
        await asyncio.sleep(WATCH_SECONDS)


async def wait_healthy(settings: Settings, child: Child, detail: Callable[[str], None]) -> list[str]:
    """Wait until /health says that every part is up.

    Returns the parts that are still away after `HEALTHY_SECONDS` when the server can serve without them.
    Raises `StackProblem` when it cannot, or has ended.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HEALTHY_SECONDS
    health = Health()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        while health.status != "ok":
            if not child.running:
                raise StackProblem(f"ccserver ended while starting. {child.log} ends:\n{child.last_words()}")
            if loop.time() > deadline:
                if health.status == "degraded":
                    return health.away()
                raise StackProblem(
                    f"ccserver is not healthy after a minute: {', '.join(health.away()) or 'no answer'}. "
                    f"Log: {child.log}"
                )
            await asyncio.sleep(POLL_SECONDS)
            with suppress(aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
                async with session.get(f"{web_url(settings)}/health") as response:
                    health = msgspec.json.decode(await response.read(), type=Health)
                    detail(f"waiting for {', '.join(health.away())}" if health.away() else "")
    return []


class HealthPart(msgspec.Struct, frozen=True):
    """What is read of one part of /health."""

    up: bool
    detail: str = ""


class Health(msgspec.Struct, frozen=True):
    """What is read of /health. Before the first answer: nothing is known."""

    status: str = "down"
    parts: dict[str, HealthPart] = {}

    def away(self) -> list[str]:
        """The parts that are not up, with their reasons."""
        return [
            f"{name} ({part.detail})" if part.detail else name
            for name, part in self.parts.items()
            if not part.up
        ]
