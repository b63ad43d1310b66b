"""Callers when the server is gone: colleagues ring, messages are left, hours are kept."""

import contextlib
from pathlib import Path

import pytest
from ccserver.stack.softphone import CLOSED, ESTABLISHED, INCOMING

from tests.rig.asterisk import PARIS_DID, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.full_pbx import CLOSED_DID
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk


async def test_a_colleague_rings_when_the_numbers_phone_is_away(
    asterisk: Central, phone: PhoneFactory, sipp: SippFactory
) -> None:
    colleague = await phone("1002")

    async def known() -> bool:
        return "(Not in use)" in await asterisk.process.rx("queue show fallback-paris")

    await until(known, "the queue has seen the colleague's phone")
    caller = await sipp("caller", number=PARIS_DID)
    await colleague.event(INCOMING)
    await colleague.answer()
    await colleague.event(ESTABLISHED)
    await colleague.hang_up()
    await colleague.event(CLOSED)
    assert await caller.wait() == 0


async def test_a_message_is_left_when_nobody_is_there_or_the_hours_are_over(asterisk: Central) -> None:
    inbox = Path(asterisk.model.directories.spool, "voicemail", "dids", CLOSED_DID[1:], "INBOX")
    await asterisk.process.rx(f"channel originate Local/{CLOSED_DID}@fallback/n extension speak@trial")
    await until(lambda: message_in(inbox), "a message in the box")


def message_in(inbox: Path) -> bool:
    """Whether one that says something lies there; while it is taken it has another name, and may vanish."""
    with contextlib.suppress(FileNotFoundError):
        return any(path.stat().st_size > 8000 for path in inbox.glob("msg*.wav"))
    return False


async def test_an_agent_hears_the_boxes_of_his_numbers(asterisk: Central, phone: PhoneFactory) -> None:
    agent = await phone("1001")
    for number in ("*98", "*980145670003"):
        since = agent.mark()
        await agent.dial(number)
        await agent.event(ESTABLISHED, since=since)
        await until(lambda: hears_boxes(asterisk), "the box is heard")
        await agent.hang_up()
        await agent.event(CLOSED, since=since)


async def hears_boxes(central: Central) -> bool:
    return "!VoiceMailMain!" in await central.process.rx("core show channels concise")


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2030-01-07 08:29:59", "closed"),
        ("2030-01-07 08:30:00", "open"),
        ("2030-01-07 11:59:59", "open"),
        ("2030-01-07 12:00:00", "closed"),
        ("2030-01-12 23:59:59", "open"),
        ("2030-01-13 00:00:00", "closed"),
    ],
)
async def test_opening_hours_are_those_of_their_own_zone(asterisk: Central, at: str, answer: str) -> None:
    name = at.replace("-", "").replace(" ", "").replace(":", "")
    ask = "Local/hours@trial/n application Wait 1"
    await asterisk.process.rx("dialplan set global ZONE America/Martinique")
    await asterisk.process.rx(f'dialplan set global AT "{at.replace("-", "/")}"')
    await asterisk.process.rx(f"dialplan set global NAME {name}")
    await asterisk.process.rx(f"channel originate {ask}")

    async def told() -> bool:
        return f"TRIAL_{name}={answer}" in await asterisk.process.rx("dialplan show globals")

    await until(told, f"{at} is {answer}")
