"""What the floors above the adapters rely on, as Protocols; each has a real and an in-memory adapter."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class BusMessage:
    """One message as published."""

    channel: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class BusGap:
    """Messages may have been lost before this point (the link was down): ask for a snapshot."""

    reason: str


class Subscription(Protocol):
    """Messages of some channels in order; a ``BusGap`` wherever continuity was lost."""

    def __aiter__(self) -> AsyncIterator[BusMessage | BusGap]: ...

    async def close(self) -> None: ...


class Bus(Protocol):
    """Publish and subscribe between processes. Never blocks the caller on a dead link.

    ``publish`` raises ``Unavailable`` when the link is down. ``subscribe`` returns once messages published
    afterwards are sure to arrive (or yields a gap first if the link is down at that moment).
    """

    @property
    def up(self) -> bool: ...

    @property
    def since(self) -> float:
        """Epoch seconds of the last change of ``up``."""
        ...

    async def start(self) -> None: ...

    async def publish(self, channel: str, payload: bytes) -> None: ...

    async def subscribe(self, *channels: str) -> Subscription: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The socket is connected and logged in. Everything of before may have changed: resync."""

    at: float


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The socket is gone, or half open; ``reason`` in words for logs and /health."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """One AMI event, headers as they came (repeated headers joined with newline), received at ``at``."""

    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class AriEvent:
    """One ARI event, parsed JSON, received at ``at``."""

    body: Mapping[str, Any]
    at: float


class Ami(Protocol):
    """The global eye. Events go to the sink given at construction, in order, from one place."""

    @property
    def up(self) -> bool: ...

    async def start(self) -> None: ...

    async def action(self, name: str, /, **headers: str) -> Mapping[str, str]:
        """Send one action, return its response's headers. Raises AmiError, Unavailable (down, deadline)."""
        ...

    async def action_list(self, name: str, /, **headers: str) -> list[Mapping[str, str]]:
        """Send an action whose answer is a list of events, return them without the final one."""
        ...

    async def close(self) -> None: ...


class ThrowAway(Protocol):
    """An Asterisk that was started to be looked at and killed."""

    async def running(self) -> bool: ...

    async def last_words(self) -> str:
        """What it said on its console; the only word of one that died before its log was open."""
        ...

    async def kill(self) -> None:
        """End it, whatever it does; safe to call twice."""
        ...


class AsteriskStarter(Protocol):
    """Boots throw-away Asterisks: on this machine, or by asking the container that has the program."""

    async def room(self) -> Path | None:
        """A new empty folder, short enough to hold a Unix socket, for one of them. None: there is no program."""
        ...

    async def start(self, etc: Path, seconds: float) -> ThrowAway:
        """Run ``etc``/asterisk.conf, for so long at most. Raises Unavailable."""
        ...
