"""A caller on his way to the voicemail: no resync takes him back, and none of ours is rung for him again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.directory import Destination
from ccserver.domain.telephony import CallRouted, Fact
from ccserver.live import hand as module
from ccserver.live.control import agent_channel
from ccserver.live.reach import Reachability
from ccserver.live.resync import Resync
from ccserver.live.router import Router
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AriConflict

from tests.rig.wait import until
from tests.unit.domain.book import ALICE, T0
from tests.unit.domain.test_relay import FIRST, did, directory
from tests.unit.live.test_control import Scene

ORIGIN = "1790000000.7"
WAITING = {"id": ORIGIN, "state": "Ring", "dialplan": {"app_name": "Stasis", "app_data": ""}}
KNOWN = directory(did(FIRST, Destination(target="agent", user_id=ALICE), Destination(target="voicemail")))
RECORDED = {"id": ORIGIN, "state": "Up", "dialplan": {"app_name": "VoiceMail", "app_data": ""}}


class Handed(Scene):
    """A caller for whom a phone rang in vain: the router has just sent him to the voicemail."""

    def __init__(self) -> None:
        super().__init__()
        self.play.channel(0, ORIGIN, "trunk-paris", exten=FIRST, caller="0612345678")
        self.call_id = self.play.call.id
        phone = agent_channel(self.call_id)
        self.play.channel(0.1, phone, "1001", linkedid=ORIGIN).gone(5, phone, 19)
        self.listed: list[dict[str, Any]] = [WAITING]
        self.router = Router(
            book=self.play.book,
            agents=AgentBook(lambda at: ALICE),
            reach=cast(Reachability, None),
            directory=lambda: KNOWN,
            apply=self.apply,
            changed=self.play.changes.append,
            clock=lambda: T0 + 5,
        )

    def apply(self, fact: Fact) -> None:
        self.play.feed(fact)

    def leaves(self) -> None:
        self.router.unanswered(self.control, self.call_id, ORIGIN)

    async def resync(self) -> None:
        async def channels() -> list[dict[str, Any]]:
            return self.listed

        async def bridges() -> list[dict[str, Any]]:
            return []

        ari = SimpleNamespace(channels=SimpleNamespace(list=channels), bridges=SimpleNamespace(list=bridges))
        engine = SimpleNamespace(book=self.play.book, router=self.router, arrived=self.arrived)
        made = Resync(
            engine=cast(Any, engine),
            ami=cast(Any, None),
            ari=cast(Ari, ari),
            control=self.control,
            links_up=lambda: True,
            cel_file=None,
            clock=lambda: T0 + 6,
            cel_from=0.0,
        )
        await made._adopt()

    def arrived(self, channel: str, args: list[str]) -> None:
        self.router.inbound(self.control, channel, FIRST)


@pytest.fixture
async def handed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Handed]:
    monkeypatch.setattr(module, "AGAIN_SECONDS", (0.001, 0.001, 0.001))
    made = Handed()
    yield made
    await made.supervisor.close()


async def settled(handed: Handed, done: Callable[[], bool]) -> None:
    await until(lambda: done() and not handed.supervisor.status(), "it is done, and no task is left")


async def test_a_resync_during_the_hand_over_rings_nobody_and_hands_over_once(handed: Handed) -> None:
    handed.asterisk.slow.clear()
    handed.leaves()
    await asyncio.sleep(0)
    await handed.resync()
    assert len(handed.control) == 0, "no phone is to be rung for him"
    handed.asterisk.slow.set()
    await settled(handed, lambda: "continue_in_dialplan" in handed.asterisk.done)
    assert handed.asterisk.done == ["set_variable", "continue_in_dialplan"]
    assert handed.asterisk.endpoints == []


@pytest.mark.parametrize("agent", [True, False], ids=["an agent's", "a physical phone's"])
async def test_who_was_not_handed_over_is_handed_over_by_the_resync(handed: Handed, agent: bool) -> None:
    """A restarted server knows the outcome, and of no relay that has no leg."""
    sent = CallRouted(at=T0 + 5, call_id=handed.call_id, target="voicemail", to="", outcome="voicemail")
    handed.play.feed(sent)
    if not agent:
        handed.play.book.assign(handed.call_id, None)
    await handed.resync()
    await settled(handed, lambda: "continue_in_dialplan" in handed.asterisk.done)
    assert handed.asterisk.endpoints == [] and len(handed.control) == 0


async def test_who_leaves_his_message_already_is_let_alone(handed: Handed) -> None:
    handed.leaves()
    await settled(handed, lambda: "continue_in_dialplan" in handed.asterisk.done)
    handed.asterisk.done.clear()
    handed.listed = [RECORDED]
    await handed.resync()
    assert handed.supervisor.status() == () and handed.asterisk.done == []


async def test_a_hand_over_whose_answer_got_lost_does_not_cut_the_caller_off(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def left(*_args: object, **_named: object) -> None:
        handed.asterisk.done.append("refused")
        raise AriConflict("continue", 409, "Channel not in Stasis application")

    monkeypatch.setattr(handed.asterisk, "continue_in_dialplan", left, raising=False)
    handed.leaves()
    await settled(handed, lambda: "refused" in handed.asterisk.done)
    assert "hangup" not in handed.asterisk.done
