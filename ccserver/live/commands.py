"""Requests to the telephony owner, by the bus: the same from the owner's own process and from another."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog

from ccserver.domain.errors import (
    Conflict,
    DomainError,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
)
from ccserver.domain.stream import COMMANDS_CHANNEL, Command, CommandReply, ReplyKind
from ccserver.ports import Bus, BusMessage

log = structlog.get_logger(__name__)
_ENCODER = msgspec.json.Encoder()
_COMMAND: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_REPLY: msgspec.json.Decoder[CommandReply] = msgspec.json.Decoder(CommandReply)

DEADLINE_SECONDS = 5.0
AT_ONCE = 256
"""Calls, agents and kinds that may have a command under way at once."""
Value = str | int | float | bool | None
Handler = Callable[[Command], Awaitable[dict[str, Value]]]
_KINDS: dict[ReplyKind, type[DomainError]] = {
    "conflict": Conflict,
    "not_found": NotFound,
    "forbidden": Forbidden,
    "unavailable": Unavailable,
}


class Commands:
    """Asks the owner and waits for its answer. ``run`` must be running (it takes the replies)."""

    def __init__(self, bus: Bus, node: str, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._node = node
        self._clock = clock
        self._waiting: dict[str, asyncio.Future[CommandReply]] = {}

    async def run(self) -> None:
        """Takes replies until cancelled."""
        subscription = await self._bus.subscribe(f"replies.{self._node}")
        try:
            async for message in subscription:
                if not isinstance(message, BusMessage):
                    continue
                with contextlib.suppress(msgspec.DecodeError):
                    reply = _REPLY.decode(message.payload)
                    waiting = self._waiting.get(reply.id)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(reply)
        finally:
            await subscription.close()

    async def ask(self, name: str, *, actor: UUID, tenant_id: UUID, **body: Value) -> dict[str, Value]:
        """The owner's answer. Raises the domain error it answered, or Unavailable when nobody answered."""
        command = Command(
            id=str(uuid4()),
            node=self._node,
            name=name,
            actor=actor,
            tenant_id=tenant_id,
            deadline=self._clock() + DEADLINE_SECONDS,
            body=body,
        )
        waiting: asyncio.Future[CommandReply] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = waiting
        try:
            await self._bus.publish(COMMANDS_CHANNEL, _ENCODER.encode(command))
            async with asyncio.timeout(DEADLINE_SECONDS):
                reply = await waiting
        except TimeoutError:
            raise Unavailable("telephony_away") from None
        finally:
            del self._waiting[command.id]
        if reply.error is None:
            return dict(reply.body)
        raise _error(reply)


def _error(reply: CommandReply) -> DomainError:
    code = reply.error or "error"
    if reply.kind == "invalid":
        return Invalid(FieldError(reply.field, code, tuple(reply.params.items())))
    return _KINDS.get(reply.kind, Unavailable)(code, **reply.params)


class CommandServer:
    """The owner's side: hands commands to ``handler`` and answers.

    Those about one call (or one agent) are handled one after another, in the order in which they came; others do not
    wait for them: neither a slow reload of the directory nor an apply of the configuration delays a hang-up.
    """

    def __init__(self, bus: Bus, handler: Handler, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._handler = handler
        self._clock = clock
        self._lanes: dict[str, deque[Command]] = {}

    async def run(self) -> None:
        """Serves until cancelled; what is being handled then is cancelled too."""
        subscription = await self._bus.subscribe(COMMANDS_CHANNEL)
        try:
            async with asyncio.TaskGroup() as tasks:
                async for message in subscription:
                    if isinstance(message, BusMessage):
                        self._take(message.payload, tasks)
        finally:
            self._lanes.clear()
            await subscription.close()

    def _take(self, payload: bytes, tasks: asyncio.TaskGroup) -> None:
        try:
            command = _COMMAND.decode(payload)
        except msgspec.DecodeError:
            log.error("command cannot be read", size=len(payload))
            return
        lane = _lane(command)
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(command)
        elif len(self._lanes) >= AT_ONCE:
            # Nobody waits in vain: who asked is told at once and may ask again.
            tasks.create_task(
                self._answer(command, CommandReply(id=command.id, error="busy", kind="unavailable"))
            )
        else:
            todo = self._lanes[lane] = deque((command,))
            tasks.create_task(self._work(lane, todo))

    async def _work(self, lane: str, todo: deque[Command]) -> None:
        while todo:
            await self._serve(todo[0])
            todo.popleft()
        if self._lanes.get(lane) is todo:
            del self._lanes[lane]

    async def _serve(self, command: Command) -> None:
        if command.deadline < self._clock():
            return
        try:
            body = await self._handler(command)
            reply = CommandReply(id=command.id, body=body)
        except DomainError as error:
            reply = _refusal(command, error)
        except Exception:
            log.exception("command failed", command=command.name)
            reply = CommandReply(id=command.id, error="internal", kind="unavailable")
        await self._answer(command, reply)

    async def _answer(self, command: Command, reply: CommandReply) -> None:
        with contextlib.suppress(Unavailable):
            await self._bus.publish(f"replies.{command.node}", _ENCODER.encode(reply))


def _lane(command: Command) -> str:
    """What a command is about: its call, its agent, or the directory; the configuration keeps its own order."""
    for key in ("call_id", "agent_id"):
        if value := command.body.get(key):
            return f"{key} {value}"
    return "directory" if command.name == "directory.changed" else command.id


def _refusal(command: Command, error: DomainError) -> CommandReply:
    if isinstance(error, Invalid):
        first: Any = error.errors[0]
        return CommandReply(
            id=command.id, error=first.code, kind="invalid", field=first.field, params=dict(first.params)
        )
    for kind, cls in _KINDS.items():
        if isinstance(error, cls):
            return CommandReply(id=command.id, error=error.code, kind=kind, params=error.params)
    return CommandReply(id=command.id, error=error.code, kind="unavailable", params=error.params)
