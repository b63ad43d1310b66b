"""ARI, the hand: a thin client in ari-py's words (docs/decisions/0003-ari-client.md).

``Ari`` sends commands, ``AriLink`` brings the events. They share nothing but the address: commands work while
the socket is away, and the socket outlives a failing command.
"""

from types import TracebackType
from typing import Self

from ccserver.telephony.ari_channels import Channels
from ccserver.telephony.ari_events import AriLink, AriTiming
from ccserver.telephony.ari_http import AriCaller, AriHttp
from ccserver.telephony.ari_resources import (
    Applications,
    Asterisk,
    Bridges,
    DeviceStates,
    Endpoints,
    Events,
    Playbacks,
    Recordings,
)

__all__ = ["Ari", "AriLink", "AriTiming"]


class Ari:
    """``ari.channels.originate(...)``, ``ari.bridges.add_channel(...)`` and so on.

    ``base_url`` ends with ``/ari``. Every call raises ``Invalid`` (text that must not reach Asterisk; nothing
    was sent), ``AriError`` and its kinds (Asterisk's refusal), or ``Unavailable`` (no answer, booting, 5xx).
    """

    def __init__(self, base_url: str, user: str, secret: str) -> None:
        self._http = AriHttp(base_url, user, secret)
        caller = AriCaller(self._http)
        self.applications = Applications(caller)
        self.asterisk = Asterisk(caller)
        self.bridges = Bridges(caller)
        self.channels = Channels(caller)
        self.device_states = DeviceStates(caller)
        self.endpoints = Endpoints(caller)
        self.events = Events(caller)
        self.playbacks = Playbacks(caller)
        self.recordings = Recordings(caller)

    async def close(self) -> None:
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
