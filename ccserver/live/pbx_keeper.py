"""Keeps the configuration of our Asterisk true to the database, for as long as this process is the owner."""

import asyncio
import time
from collections.abc import Callable

import structlog

from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx import PbxModel, PbxUser
from ccserver.domain.pbx_directory import plan
from ccserver.ports import Ami
from ccserver.settings import Settings
from ccserver.storage.directory import load_directory, load_phone_secrets
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_files import PbxFiles
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, read_layout

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0
"""How often the database is looked at without being told: a change that was announced to nobody is still found."""
RETRY_SECONDS = 2.0


class PbxKeeper:
    """Renders, writes and reloads when woken, after each reconnect, and now and then.

    Does nothing where no layout file says that this Asterisk is ours to configure.
    """

    def __init__(
        self, settings: Settings, database: Database, ami: Ami, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._database = database
        self._ami = ami
        self._clock = clock
        self._files = PbxFiles(ami)
        self._woken = asyncio.Event()
        self._left_out: tuple[str, ...] = ()
        self._was_up = False

    def wake(self) -> None:
        """Something that Asterisk must know has changed."""
        self._woken.set()

    async def run(self) -> None:
        """For ever, under a supervisor; returns only where there is nothing to configure."""
        layout = await asyncio.to_thread(read_layout, self._settings.data_dir / "asterisk" / FILE_NAME)
        if layout is None:
            log.info("asterisk is configured by somebody else")
            return
        base = self._base(layout)
        while True:
            self._woken.clear()
            self._was_up = self._ami.up
            try:
                await self._apply(base)
            except (Unavailable, AmiError, OSError) as error:
                log.warning("asterisk configuration not applied", reason=str(error))
                await self._wait(RETRY_SECONDS)
            else:
                await self._wait(LOOK_SECONDS)

    async def _apply(self, base: PbxModel) -> None:
        vault = Vault(self._settings.secrets_key)
        async with self._database.system() as connection:
            directory = await load_directory(connection)
            secrets = await load_phone_secrets(connection, vault)
        planned = plan(base, directory, secrets, int(self._clock()))
        for sentence in sorted(set(planned.left_out) - set(self._left_out)):
            log.warning("row left out of asterisk", reason=sentence)
        self._left_out = planned.left_out
        read = await self._files.apply(planned.model)
        if read:
            log.info("asterisk configuration applied", files=read)

    async def _wait(self, seconds: float) -> None:
        """Until woken, until Asterisk has come back, or until the time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self._woken.is_set() and asyncio.get_running_loop().time() < deadline:
            if self._ami.up and not self._was_up:
                return
            self._was_up = self._ami.up
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _base(self, layout: PbxLayout) -> PbxModel:
        settings = self._settings
        return PbxModel(
            revision=0,
            tenant="main",
            ports=layout.ports,
            directories=layout.directories,
            ami=PbxUser(name=settings.ami_user, secret=settings.ami_secret),
            ari=PbxUser(name=settings.ari_user, secret=settings.ari_secret),
            application=settings.ari_app,
        )
