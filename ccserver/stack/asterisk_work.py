"""Work on Asterisk's configuration from a terminal: the same transaction as the page's, with links of its own.

It needs no running ccserver. Where one runs on this machine, the lock decides whose turn it is, and the owner shows
this run on its pages.
"""

import asyncio
import contextlib
import getpass
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from ccserver.background import Supervisor
from ccserver.domain.config import ConfigRun
from ccserver.domain.errors import Unavailable
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_run import Asker
from ccserver.settings import Settings
from ccserver.stack.installation import as_installed, asterisk_layout
from ccserver.stack.kept import kept_secrets
from ccserver.stack.problems import StackProblem
from ccserver.stack.rehearsal import starter_for
from ccserver.storage.pool import Database
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout

T = TypeVar("T")
TOUCHING: Final = frozenset({"back_up", "install", "reload", "verify", "roll_back"})
"""Steps in which a Ctrl-C waits: half of them is worse than the seconds that they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The settings and the layout of the Asterisk that is to be worked on."""

    settings: Settings
    layout: PbxLayout


def machine(settings: Settings) -> Machine:
    """Everything that is known here. Raises StackProblem that says what is missing and how to mend it. Blocks."""
    installed = as_installed(settings)
    layout = asterisk_layout(installed)
    if layout is None:
        raise StackProblem(
            f"There is no {installed.data_dir / 'asterisk' / FILE_NAME}: it says where the Asterisk that ccserver "
            "configures keeps its files. `ccserver up` and the container write it; for an Asterisk of a package, "
            "run `ccserver asterisk adopt` once. Or set CCSERVER_DATA to the data folder."
        )
    kept = kept_secrets(installed.data_dir)
    if kept is not None and not installed.ami_secret:
        installed = replace(
            installed,
            ami_secret=kept.ami_secret,
            ari_secret=installed.ari_secret or kept.ari_secret,
            ami_port=layout.ports.ami,
        )
    for name, value in (("SECRETS_KEY", installed.secrets_key), ("AMI_SECRET", installed.ami_secret)):
        if not value:
            raise StackProblem(
                f"{name} is not set. Give this command the environment with which the server runs."
            )
    return Machine(settings=installed, layout=layout)


def me() -> Asker:
    """Who sits at this terminal."""
    name = os.environ.get("SUDO_USER") or getpass.getuser()
    return Asker(who=f"{name}@{socket.gethostname()}", origin="command")


@asynccontextmanager
async def opened(found: Machine, dsn: str, tell: Callable[[ConfigRun], None]) -> AsyncIterator[PbxApply]:
    """The engine, with a database and a link to Asterisk. Raises StackProblem, SchemaError."""
    settings = found.settings
    supervisor = Supervisor()
    database = Database(dsn, supervisor, pool_size=2)
    ami = AmiLink(
        settings.asterisk_host,
        settings.ami_port,
        settings.ami_user,
        settings.ami_secret,
        lambda _item: None,
        time.time,
        wanted=frozenset(),
    )
    await database.start()
    try:
        if not database.up:
            raise StackProblem("PostgreSQL does not answer. Start it, or mend DATABASE_URL.")
        await ami.start()
        starter = starter_for(settings.data_dir.absolute())
        yield PbxApply(settings, database, found.layout, ami, starter, clock=time.time, tell=tell)
    finally:
        await ami.close()
        await database.close()
        await supervisor.close()


class Patient:
    """Ctrl-C ends a run that has touched nothing, and waits for one that has."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.step = ""

    async def run(self, engine: PbxApply, work: Awaitable[T]) -> T:
        """The result of ``work``; a run that was cut off is undone. Raises CancelledError."""
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def asked() -> None:
            if self.step in TOUCHING:
                self._say("A moment: it is over, or undone, in a few seconds.")
            else:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked)
        try:
            return await task
        except asyncio.CancelledError:
            with contextlib.suppress(Unavailable, OSError):
                await engine.recover(me())
            raise
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
