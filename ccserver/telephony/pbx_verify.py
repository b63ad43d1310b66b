"""Asks an Asterisk over AMI whether it has read what it was given."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from ccserver.domain.config_words import say
from ccserver.domain.pbx_expected import FINGERPRINT_GLOBAL, Expected, Gone
from ccserver.ports import Ami

VERIFY_SECONDS: Final = 8.0
"""A reload answers before all of it has taken effect; a registration or an endpoint may come a moment later."""
_POLL_SECONDS: Final = 0.1
_NAMED: Final = 5
"""So many missing names are said; the rest is counted."""


class Mismatch(Exception):
    """Asterisk does not run what was installed; the message says what is missing."""


async def verify(
    ami: Ami,
    expected: Expected,
    gone: Gone | None = None,
    seconds: float = VERIFY_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """What was seen, in words, once all is as expected. Raises Mismatch after ``seconds``, Unavailable, AmiError."""
    deadline = clock() + seconds
    while True:
        wrong = await _differences(ami, expected, gone or Gone())
        if not wrong:
            return say(
                "seen",
                endpoints=len(expected.endpoints),
                registrations=len(expected.registrations),
                contexts=len(expected.contexts),
            )
        if clock() > deadline:
            raise Mismatch("\n".join(wrong))
        await asyncio.sleep(_POLL_SECONDS)


async def _differences(ami: Ami, expected: Expected, gone: Gone) -> list[str]:
    wrong: list[str] = []
    endpoints = await _names(ami, "PJSIPShowEndpoints")
    _compare(wrong, "endpoint", expected.endpoints, gone.endpoints, endpoints)
    if expected.registrations or gone.registrations:
        registrations = await _names(ami, "PJSIPShowRegistrationsOutbound")
        _compare(wrong, "registration", expected.registrations, gone.registrations, registrations)
    if expected.queues or gone.queues:
        queues = {row.get("Queue", "") for row in await ami.action_list("QueueSummary")}
        _compare(wrong, "queue", expected.queues, gone.queues, queues)
    contexts = {name for name in expected.contexts | gone.contexts if await _has_context(ami, name)}
    _compare(wrong, "context", expected.contexts, gone.contexts, contexts)
    if expected.fingerprint:
        answer = await ami.action("Getvar", Variable=FINGERPRINT_GLOBAL)
        if answer.get("Value") != expected.fingerprint:
            wrong.append(say("dialplan_other"))
    return wrong


async def _names(ami: Ami, action: str) -> set[str]:
    return {row.get("ObjectName", "") for row in await ami.action_list(action)}


async def _has_context(ami: Ami, name: str) -> bool:
    answer = await ami.action("Getvar", Variable=f"DIALPLAN_EXISTS({name})")
    return answer.get("Value") == "1"


def _compare(wrong: list[str], kind: str, wanted: Iterable[str], gone: Iterable[str], seen: set[str]) -> None:
    missing = sorted(set(wanted) - seen)
    left = sorted(set(gone) & seen)
    if missing:
        wrong.append(say(f"{kind}_missing", names=_some(missing)))
    if left:
        wrong.append(say(f"{kind}_left", names=_some(left)))


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" (+{more})" if more > 0 else "")


async def started_at(ami: Ami) -> tuple[str, float]:
    """When the Asterisk that answers had started: its own words, and epoch seconds. Raises Unavailable, AmiError."""
    answer = await ami.action("CoreStatus")
    words = f"{answer.get('CoreStartupDate', '')} {answer.get('CoreStartupTime', '')}".strip()
    try:
        # Asterisk tells its local time, which is ours: we write files on its machine.
        at = time.mktime(time.strptime(words, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        at = 0.0
    return words, at
