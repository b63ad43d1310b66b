"""The hand under faults: nobody is called twice, nobody is left alone, one task for each call."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import pytest
from ccserver.background import Supervisor
from ccserver.domain.call import Call
from ccserver.domain.connect import Kind, Stage
from ccserver.domain.errors import Unavailable
from ccserver.live import asking
from ccserver.live import hand as module
from ccserver.live.control import Control, agent_channel, customer_channel
from ccserver.live.resync import connection_of, left_alone
from ccserver.live.ways import Reach
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AriAllocationFailed

from tests.rig.wait import until
from tests.unit.domain.book import AGENT_LEG, CALL, CUSTOMER_LEG, Play

STASIS = {"state": "Up", "dialplan": {"app_name": "Stasis"}}


class Asterisk:
    """Takes every command; those named in ``away`` fail so many times."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.endpoints: list[str] = []
        self.unknown: set[object] = set()
        self.away: dict[str, int] = {}
        self.slow = asyncio.Event()
        self.slow.set()
        self.channels = self.bridges = self.playbacks = self

    def __getattr__(self, name: str) -> Any:
        async def act(*_args: object, **named: object) -> None:
            await self.slow.wait()
            if named.get("endpoint") in self.unknown:
                raise AriAllocationFailed(name, 500, "Allocation failed")
            if "endpoint" in named:
                self.endpoints.append(str(named["endpoint"]))
            if self.away.get(name, 0) > 0:
                self.away[name] -= 1
                raise Unavailable("ari")
            self.done.append(name)

        return act


class Way:
    def __init__(self) -> None:
        self.trunks: tuple[str, ...] = ()
        self.mobile = False
        self.somebody_else = False

    def agent_ways(self, call: Call) -> tuple[str, ...]:
        return self.trunks if self.mobile else ()

    def customer_ways(self, call: Call) -> tuple[str, ...]:
        return self.trunks

    def agent(self, call: Call, way: str) -> Reach | None:
        return Reach("PJSIP/1001", "")

    def customer(self, call: Call, way: str) -> Reach | None:
        if not self.trunks:
            raise ValueError("a fault of ours")
        return Reach(f"PJSIP/0145000001@trunk-{way}", "")

    def must_confirm(self, call: Call) -> bool:
        return self.mobile

    def urgent(self, call: Call) -> bool:
        return False

    def relieved(self, call: Call) -> bool:
        return self.somebody_else

    def ring_seconds(self, call: Call) -> int:
        return 30


class Scene:
    def __init__(self) -> None:
        self.asterisk = Asterisk()
        self.supervisor = Supervisor()
        self.failures: list[tuple[UUID, str]] = []
        self.ways: list[str] = []
        self.confirmed: list[str] = []
        self.relayed: list[tuple[UUID, str]] = []
        self.way = Way()
        self.play = Play().placed()
        self.control = Control(
            cast(Ari, self.asterisk),
            "ccserver",
            self.way,
            self.supervisor,
            self.play.book.get,
            self,
        )

    def leg_refused(self, call_id: UUID, outcome: str) -> None:
        self.failures.append((call_id, outcome))

    def way_failed(self, call_id: UUID, trunk: str, cause: int | None, sip: int | None) -> None:
        self.ways.append(trunk)

    def leg_confirmed(self, channel: str) -> None:
        self.confirmed.append(channel)

    def unanswered(self, call_id: UUID, channel: str) -> None:
        self.relayed.append((call_id, channel))

    def begin(self) -> None:
        self.control.begin(self.play.call, Kind.CLICK_TO_CALL, AGENT_LEG, CUSTOMER_LEG)

    async def mobile_picked_up(self) -> None:
        """Who answers there is to press a key; that he has entered is not told yet."""
        self.way.trunks, self.way.mobile = ("paris",), True
        self.begin()
        self.play.channel(0.1, AGENT_LEG, "trunk-paris").up(1, AGENT_LEG)
        await self.idle()

    async def idle(self) -> None:
        """All that needs nobody else is done: turns of the loop, with the retries' own steps; no time is waited for."""
        for _ in range(50):
            await asyncio.sleep(0.001)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(module, "AGAIN_SECONDS", (0.001, 0.001, 0.001))
    made = Scene()
    yield made
    await made.supervisor.close()


async def test_a_resync_while_an_action_is_slow_starts_no_second_task(scene: Scene) -> None:
    scene.asterisk.slow.clear()
    scene.begin()
    await scene.idle()
    scene.control.forget_all()
    connection = connection_of(scene.play.agent(0.1).call, {AGENT_LEG: STASIS, CUSTOMER_LEG: STASIS}, set())
    assert connection is not None
    scene.control.adopt(connection)
    scene.asterisk.slow.set()
    await scene.idle()
    assert scene.asterisk.done[0] == "originate" and scene.asterisk.done[-1] == "add_channel"


async def test_a_hang_up_is_tried_again_and_asking_twice_is_no_fault(scene: Scene) -> None:
    scene.asterisk.away["hangup"] = 2
    call = scene.play.agent(0.1).call
    scene.control.hang_up(call)
    scene.control.hang_up(call)
    await scene.idle()
    assert scene.asterisk.done == ["hangup"]


async def test_a_fault_of_ours_lets_the_agent_go(scene: Scene) -> None:
    scene.begin()
    scene.play.agent(0.1).up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    await scene.idle()
    assert scene.failures == [(CALL, "trunk_down")]
    assert scene.asterisk.done == ["originate", "hangup"]


async def test_a_leg_that_is_not_made_because_the_call_is_over_leaves_nothing_behind(scene: Scene) -> None:
    scene.begin()
    scene.play.agent(0.1).up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    scene.play.gone(2, AGENT_LEG)
    scene.control.gone(AGENT_LEG, 16)
    await scene.idle()
    assert len(scene.control) == 0


def test_a_customer_who_hung_up_while_we_were_away_is_not_called_again() -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).up(2, CUSTOMER_LEG).gone(3, CUSTOMER_LEG)
    connection = connection_of(play.call, {AGENT_LEG: STASIS}, set())
    assert connection is not None and connection.b is Stage.GONE


def test_an_internal_call_is_taken_up_again() -> None:
    play = Play().channel(0, "1790000000.2", "1001", exten="1002", caller="1001")
    phone = customer_channel(play.call.id)
    play.channel(0.1, phone, "1002", linkedid="1790000000.2")
    connection = connection_of(play.call, {"1790000000.2": STASIS, phone: STASIS}, {"1790000000.2", phone})
    assert connection is not None and connection.bridged and connection.kind is Kind.KEYPAD


def test_a_caller_whose_phone_refused_meanwhile_is_not_rung_for_again() -> None:
    play = Play().channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    phone = agent_channel(play.call.id)
    play.channel(0.1, phone, "1001", linkedid="1790000000.7").gone(1, phone, 17)
    waiting = {"state": "Ring", "dialplan": {"app_name": "Stasis"}}
    connection = connection_of(play.call, {"1790000000.7": waiting}, set())
    assert connection is not None and left_alone(connection)
    relayed = play.channel(2, agent_channel(play.call.id, 1), "1002", linkedid="1790000000.7").call
    channels = {"1790000000.7": waiting, agent_channel(play.call.id, 1): STASIS}
    connection = connection_of(relayed, channels, set())
    assert connection is not None and not left_alone(connection)
    assert (connection.b_id, connection.b) == (agent_channel(play.call.id, 1), Stage.UP)


async def test_a_trunk_that_asterisk_refuses_is_followed_by_the_next_and_the_last_says_so(
    scene: Scene,
) -> None:
    scene.way.trunks = ("paris", "lyon")
    scene.asterisk.unknown = {"PJSIP/0145000001@trunk-paris"}
    scene.begin()
    scene.play.agent(0.1).up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    await scene.idle()
    assert scene.asterisk.endpoints == ["PJSIP/1001", "PJSIP/0145000001@trunk-lyon"]
    assert (scene.ways, scene.failures) == (["paris"], [])
    second = f"{CUSTOMER_LEG}-2"
    assert scene.control.knows(second) and not scene.control.knows(CUSTOMER_LEG)
    assert not scene.control.goes_on(second, 34, 503)
    scene.control.gone(second, 34, 503)
    await scene.idle()
    assert scene.asterisk.done[-1] == "hangup" and scene.ways == ["paris"]


async def test_a_trunk_found_dead_is_left_by_who_waits_for_it(scene: Scene) -> None:
    scene.way.trunks = ("paris", "lyon")
    scene.begin()
    scene.play.agent(0.1).up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    scene.control.trunk_lost("lyon")
    await scene.idle()
    scene.control.trunk_lost("paris")
    await scene.idle()
    assert scene.asterisk.done == ["originate", "create", "hangup", "create"] and scene.ways == ["paris"]


async def test_the_end_of_a_mobile_left_for_another_trunk_does_not_end_the_call(scene: Scene) -> None:
    scene.way.trunks, scene.way.mobile = ("paris", "lyon"), True
    scene.begin()
    await scene.idle()
    scene.control.trunk_lost("paris")
    await scene.idle()
    assert scene.asterisk.done == ["originate", "hangup", "originate"]
    assert scene.control.goes_on(AGENT_LEG, 16, None), "its successor is on its way"
    assert not scene.control.goes_on(f"{AGENT_LEG}-2", 16, None)
    scene.control.hang_up(scene.play.call)
    assert not scene.control.goes_on(AGENT_LEG, 16, None)


async def test_a_mobile_that_presses_one_is_answered_and_another_key_is_none(scene: Scene) -> None:
    scene.way.trunks, scene.way.mobile = ("paris",), True
    scene.begin()
    scene.play.channel(0.1, AGENT_LEG, "trunk-paris").up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    await scene.idle()
    assert scene.control.asks(AGENT_LEG) and scene.asterisk.done == ["originate", "play"]
    scene.control.pressed(AGENT_LEG, "2")
    await scene.idle()
    assert scene.confirmed == []
    scene.control.pressed(AGENT_LEG, "1")
    await scene.idle()
    assert scene.confirmed == [AGENT_LEG]
    assert scene.asterisk.endpoints[-1] == "PJSIP/0145000001@trunk-paris"


async def test_a_key_that_comes_with_the_answer_itself_counts(scene: Scene) -> None:
    """After a stall both are read in one go: nothing of ours has run between them."""
    await scene.mobile_picked_up()
    scene.control.entered(AGENT_LEG)
    scene.control.pressed(AGENT_LEG, "1")
    await scene.idle()
    assert scene.confirmed == [AGENT_LEG]
    assert "play" not in scene.asterisk.done, "who has answered is not asked"


async def test_who_leaves_with_the_answer_itself_is_not_asked(scene: Scene) -> None:
    await scene.mobile_picked_up()
    scene.control.entered(AGENT_LEG)
    scene.control.gone(AGENT_LEG, 16, None)
    await scene.idle()
    assert scene.confirmed == [] and "play" not in scene.asterisk.done
    assert scene.supervisor.healthy


async def test_a_key_pressed_while_asterisk_is_slow_to_ask_counts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.02)
    await scene.mobile_picked_up()
    scene.asterisk.slow.clear()
    scene.control.entered(AGENT_LEG)
    await asyncio.sleep(0)
    scene.control.pressed(AGENT_LEG, "1")
    await scene.idle()
    scene.asterisk.slow.set()
    await scene.idle()
    assert scene.confirmed == [AGENT_LEG] and scene.failures == []


async def test_a_mobile_where_nobody_presses_is_let_go(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.02)
    scene.way.trunks, scene.way.mobile = ("paris",), True
    scene.begin()
    scene.play.channel(0.1, AGENT_LEG, "trunk-paris").up(1, AGENT_LEG)
    scene.control.entered(AGENT_LEG)
    await scene.idle()
    assert scene.failures == [(CALL, "agent_no_answer")] and scene.confirmed == []
    assert "create" not in scene.asterisk.done and scene.asterisk.done[-1] == "hangup"


def test_the_second_attempt_is_taken_up_again() -> None:
    second = f"{CUSTOMER_LEG}-2"
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).gone(2, CUSTOMER_LEG, 34, 503)
    play.channel(2.1, second, "trunk-paris", linkedid=AGENT_LEG)
    ringing = {"state": "Ringing", "dialplan": {"app_name": "Stasis"}}
    connection = connection_of(play.call, {AGENT_LEG: STASIS, second: ringing}, set())
    assert connection is not None and (connection.b_id, connection.b) == (second, Stage.RINGING)


def test_an_attempt_that_failed_while_nobody_looked_is_followed_by_the_next() -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).gone(2, CUSTOMER_LEG, 34)
    connection = connection_of(play.call, {AGENT_LEG: STASIS}, set())
    assert connection is not None and (connection.b_id, connection.b) == (f"{CUSTOMER_LEG}-2", Stage.ABSENT)


@pytest.mark.parametrize(("trunks", "seconds"), [((), 5), (("paris", "lyon"), 12)])
async def test_a_short_ringing_leaves_time_for_the_next_trunk(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, trunks: tuple[str, ...], seconds: int
) -> None:
    """Asterisk says after eight seconds that a trunk is silent: whom we gave up before would never be called."""
    scene.way.trunks, scene.way.mobile = trunks, bool(trunks)
    monkeypatch.setattr(scene.way, "ring_seconds", lambda call: 5)
    play = scene.play.channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    asked: list[object] = []

    async def originate(**named: object) -> None:
        asked.append(named["timeout"])

    monkeypatch.setattr(scene.asterisk, "originate", originate, raising=False)
    scene.control.begin(play.call, Kind.INBOUND, "1790000000.7", agent_channel(play.call.id))
    await until(lambda: bool(asked), "the leg is asked for")
    assert asked == [seconds]
