"""Logs trunks in again at once when their provider comes back.

A registrar that was restarted has forgotten us, and calls do not come until Asterisk asks again: up to ten minutes
later, by the expiry it was given. That its keep-alive is answered again is the only sign there is.
"""

import asyncio

import structlog

from ccserver.domain.errors import DomainError
from ccserver.live.reach import TRUNK
from ccserver.telephony.ami import AmiLink

log = structlog.get_logger(__name__)


class Logins:
    """Takes names of trunks that came back, from the engine; ``run`` has each of them logged in."""

    def __init__(self, ami: AmiLink) -> None:
        self._ami = ami
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()

    def again(self, slug: str) -> None:
        """This trunk's provider may have forgotten us. Never waits; once is enough for each, however often said."""
        self._waiting[slug] = None
        self._wake.set()

    async def run(self) -> None:
        """One trunk after the other, until cancelled. Who cannot be asked is left to Asterisk's own next time."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                slug = next(iter(self._waiting))
                del self._waiting[slug]
                try:
                    await self._ami.action("PJSIPRegister", Registration=TRUNK + slug)
                except DomainError as error:
                    log.warning("a trunk could not be logged in again", trunk=slug, why=str(error))
                else:
                    log.info("a trunk is logged in again", trunk=slug)
