"""The owner's desk and engine: who may ask for what, and what becomes of channels that enter our application."""

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.call import Call
from ccserver.domain.callbook import CallBook
from ccserver.domain.directory import Agent, Destination, Did, Directory, Phone, Site, Trunk
from ccserver.domain.errors import DomainError, Invalid, NotFound
from ccserver.domain.schedule import Schedule, prepare
from ccserver.domain.stream import Command
from ccserver.domain.telephony import ChannelCreated, ChannelGone
from ccserver.live.control import Control
from ccserver.live.desk import Desk
from ccserver.live.engine import Engine
from ccserver.live.journal import Journal
from ccserver.live.owner import new_id
from ccserver.live.publisher import Publisher
from ccserver.live.rows import call_row
from ccserver.live.ways import Reach
from ccserver.ports import AriEvent
from msgspec.structs import replace

from tests.unit.domain.book import ALICE, BOB, CALL, PARIS, T0, TENANT

LYON = UUID("01900000-0000-7000-8000-0000000000a2")
CHIEF = UUID("01900000-0000-7000-8000-0000000000f1")


class Told:
    """A stand-in that notes every call made to it."""

    blind_since = None

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def note(*args: Any, **_named: Any) -> None:
            self.calls.append((name, *args))

        return note

    def did(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


class Hand(Told):
    def __init__(self) -> None:
        super().__init__()
        self.parties: set[str] = set()

    def get(self, _call_id: UUID) -> None:
        return None

    def knows(self, channel: str) -> bool:
        return channel in self.parties

    def asks(self, _channel: str) -> bool:
        return False

    def goes_on(self, *_end: object) -> bool:
        return False


def agent(user_id: UUID, extension: str, site_id: UUID) -> Agent:
    return Agent(
        id=user_id,
        tenant_id=TENANT,
        login=extension,
        name=extension,
        site_id=site_id,
        extension=extension,
        active=True,
    )


def site(site_id: UUID, slug: str) -> Site:
    return Site(
        id=site_id, tenant_id=TENANT, slug=slug, name=slug, zone="Europe/Paris", country="FR", caller_id=""
    )


def trunk(number: int, site_id: UUID, slug: str) -> Trunk:
    return Trunk(
        id=UUID(int=number),
        tenant_id=TENANT,
        site_id=site_id,
        slug=slug,
        host=slug,
        port=5060,
        codecs=(),
        priority=1,
    )


DIRECTORY = Directory(
    agents=[agent(ALICE, "1001", PARIS), agent(BOB, "1002", LYON)],
    sites=[site(PARIS, "paris"), site(LYON, "lyon")],
    trunks=[trunk(1, PARIS, "paris"), trunk(2, LYON, "lyon")],
    dids=[
        Did(id=UUID(int=3), tenant_id=TENANT, number="+33162000010", site_id=PARIS, user_id=ALICE, label="")
    ],
)


class Scene:
    def __init__(self) -> None:
        self.hand, told = Hand(), Told()
        self.book = CallBook(
            "test", lambda name: self.engine.resolve(name), lambda raw, at: self.engine.clean(raw, at)
        )
        self.engine = Engine(
            epoch="e",
            book=self.book,
            agents=AgentBook(lambda at: new_id(at)),
            journal=cast(Journal, told),
            publisher=cast(Publisher, told),
            clock=lambda: T0,
        )
        self.engine.control = cast(Control, self.hand)
        self.engine.set_directory(DIRECTORY)

        async def reload() -> None:
            """Never asked for here."""

        self.desk = Desk(self.engine, reload, lambda: T0)

    async def place(self, user_id: UUID, scope: str, number: str = "0145000001") -> None:
        body: dict[str, Any] = {
            "agent_id": str(user_id),
            "call_id": str(CALL),
            "number": number,
            "scope": scope,
        }
        command = Command(
            id="1", node="n", name="call.place", actor=CHIEF, tenant_id=TENANT, deadline=T0, body=body
        )
        await self.desk.handle(command)

    def channel(self, uniqueid: str, name: str, linkedid: str, exten: str = "") -> None:
        self.engine.apply(
            ChannelCreated(
                at=T0,
                uniqueid=uniqueid,
                linkedid=linkedid,
                channel=f"PJSIP/{name}-00000001",
                endpoint=name,
                context="",
                exten=exten,
                caller="0612345678",
            )
        )

    def enters(self, channel: str, *args: str) -> None:
        body = {"type": "StasisStart", "channel": {"id": channel}, "args": list(args)}
        self.engine.take_ari(AriEvent(at=T0, body=body))

    def presses(self, channel: str, key: str) -> None:
        body = {"type": "ChannelDtmfReceived", "channel": {"id": channel}, "digit": key}
        self.engine.take_ari(AriEvent(at=T0, body=body))


async def test_a_supervisor_of_one_site_rings_no_phone_of_another() -> None:
    scene = Scene()
    with pytest.raises(NotFound):
        await scene.place(BOB, str(PARIS))
    await scene.place(ALICE, str(PARIS))
    with pytest.raises(DomainError):
        await scene.place(ALICE, "all")
    assert len(scene.hand.did("begin")) == 1


@pytest.mark.parametrize(
    ("number", "endpoint"),
    [("112", "PJSIP/trunk-paris/sip:112@paris:5060"), ("01 45 00 00 01", "PJSIP/0145000001@trunk-paris")],
)
async def test_an_emergency_call_does_not_depend_on_the_gateways_keep_alive(
    number: str, endpoint: str
) -> None:
    scene = Scene()
    await scene.place(ALICE, "all", number)
    call = scene.book.get(CALL)
    reach = scene.desk.ways.customer(call, "paris") if call is not None else None
    assert reach is not None and reach.endpoint == endpoint


async def test_a_caller_is_routed_whatever_form_his_number_has() -> None:
    scene = Scene()
    scene.channel("1790000000.7", "trunk-paris", "1790000000.7", exten="0162000010")
    scene.engine.arrived("1790000000.7", ["inbound", "paris", "0162000010"])
    assert len(scene.hand.did("begin")) == 1
    assert scene.engine.agents.busy(ALICE)
    # The next caller for the same phone, before it rings, is told that it is busy.
    scene.channel("1790000000.8", "trunk-paris", "1790000000.8", exten="0162000010")
    scene.engine.arrived("1790000000.8", ["inbound", "paris", "+33162000010"])
    assert scene.hand.did("let_go") == [("1790000000.8", 17)]


async def test_a_leg_whose_call_is_over_is_let_go() -> None:
    scene = Scene()
    await scene.place(ALICE, "all")
    leg = f"cc-{CALL}-agent"
    scene.channel(leg, "1001", leg)
    scene.engine.apply(ChannelGone(at=T0 + 1, uniqueid=leg, cause=16, sip=None))
    scene.enters(leg, "agent", str(CALL))
    await scene.engine._turn()
    assert (leg, 16) in scene.hand.did("let_go")


async def test_a_key_that_ari_tells_before_ami_told_of_the_channel_comes_after_its_answer() -> None:
    scene = Scene()
    await scene.place(ALICE, "all")
    leg = f"cc-{CALL}-agent"
    scene.hand.parties.add(leg)
    scene.enters(leg, "agent", str(CALL))
    scene.presses(leg, "1")
    await scene.engine._turn()
    assert scene.hand.did("pressed") == []
    scene.channel(leg, "trunk-paris", leg)
    scene.presses(leg, "2")
    await scene.engine._turn()
    heard = [call for call in scene.hand.calls if call[0] in ("entered", "pressed")]
    assert heard == [("entered", leg), ("pressed", leg, "1"), ("pressed", leg, "2")]


FORWARD, RECEPTION, CLOSED_BOX = "+33162000011", "+33162000012", "+33162000013"


def wider(**paris: Any) -> Directory:
    """The same with a physical phone, an agent on his mobile, and numbers for each kind of destination."""
    never = Schedule(id=UUID(int=40), tenant_id=TENANT, name="never", zone="Europe/Paris")
    phone = Phone(id=UUID(int=41), tenant_id=TENANT, site_id=PARIS, extension="2001", label="Accueil")

    def did(number: str, opened: Destination, closed: Destination, schedule: UUID | None = None) -> Did:
        return Did(
            id=UUID(int=int(number[1:])),
            tenant_id=TENANT,
            number=number,
            site_id=PARIS,
            user_id=None,
            label="",
            schedule_id=schedule,
            opened=opened,
            closed=closed,
        )

    nobody = Destination()
    return Directory(
        agents=[
            agent(ALICE, "1001", PARIS),
            replace(agent(BOB, "1002", LYON), station="mobile", mobile="+33698000001"),
        ],
        sites=[replace(site(PARIS, "paris"), **paris), site(LYON, "lyon")],
        trunks=[trunk(1, PARIS, "paris"), trunk(2, LYON, "lyon")],
        phones=[phone],
        schedules=[never],
        dids=[
            did(FORWARD, Destination(target="number", forward_to="+33612345678"), nobody),
            did(RECEPTION, Destination(target="phone", phone_id=phone.id), nobody),
            did(CLOSED_BOX, nobody, Destination(target="voicemail"), never.id),
        ],
    )


def arrive(scene: Scene, number: str) -> Call:
    channel = "1790000000.7"
    scene.channel(channel, "trunk-paris", channel, exten=number)
    scene.engine.arrived(channel, ["inbound", "paris", number])
    call = scene.book.get(scene.book.call_id_of(channel) or CALL)
    assert call is not None
    return call


async def test_callers_go_where_their_number_leads() -> None:
    await asyncio.to_thread(prepare, wider().schedules, T0)
    scene = Scene()
    scene.engine.set_directory(wider())
    call = arrive(scene, FORWARD)
    assert scene.desk.ways.agent_ways(call) == ("paris",)
    assert scene.desk.ways.agent(call, "paris") == Reach("PJSIP/0612345678@trunk-paris", "0162000011")
    assert not scene.desk.ways.must_confirm(call)
    scene = Scene()
    scene.engine.set_directory(wider())
    call = arrive(scene, RECEPTION)
    assert scene.desk.ways.agent(call, "") == Reach("PJSIP/2001", "+33612345678")
    scene = Scene()
    scene.engine.set_directory(wider())
    call = arrive(scene, CLOSED_BOX)
    assert (call.outcome, call.state) == ("voicemail", "voicemail")
    assert scene.hand.did("send_to") == [("1790000000.7", "voicemail", CLOSED_BOX)]


async def test_a_forward_that_the_rules_forbid_rings_nobody() -> None:
    scene = Scene()
    scene.engine.set_directory(wider(allowed_prefixes=("+331",)))
    call = arrive(scene, FORWARD)
    assert call.outcome == "not_allowed"
    assert scene.hand.did("let_go") == [("1790000000.7", 21)] and not scene.hand.did("begin")


async def test_a_number_that_the_site_may_not_call_is_refused_and_an_emergency_never() -> None:
    scene = Scene()
    scene.engine.set_directory(wider(allowed_prefixes=("+331",)))
    with pytest.raises(Invalid) as refused:
        await scene.place(ALICE, "all", "0612345678")
    assert refused.value.errors[0].code == "number_not_allowed"
    await scene.place(ALICE, "all", "112")
    assert len(scene.hand.did("begin")) == 1


async def test_a_mobile_is_reached_by_its_site_and_shows_as_such() -> None:
    scene = Scene()
    scene.engine.set_directory(wider())
    bob = scene.engine.agents.get(BOB)
    assert bob is not None and bob.phone == "mobile"
    await scene.place(BOB, "all")
    call = scene.book.get(CALL)
    assert call is not None and call.party == "+33698000001"
    assert scene.desk.ways.agent_ways(call) == ("lyon",)
    reach = scene.desk.ways.agent(call, "lyon")
    assert reach is not None and reach.endpoint == "PJSIP/0698000001@trunk-lyon"
    assert scene.desk.ways.must_confirm(call)
    scene.channel(f"cc-{CALL}-agent", "trunk-lyon", f"cc-{CALL}-agent")
    leg = scene.book.get(CALL).legs[0]  # type: ignore[union-attr]
    assert (leg.role, leg.agent_id, leg.number) == ("agent", BOB, "+33698000001")
    scene.engine.set_directory(DIRECTORY)
    bob = scene.engine.agents.get(BOB)
    assert bob is not None and bob.phone == "unknown", "back at his softphone, of which nobody spoke yet"


async def test_a_physical_phone_dials_for_its_site() -> None:
    scene = Scene()
    scene.engine.set_directory(wider())
    channel = "1790000000.9"
    scene.channel(channel, "2001", channel, exten="0145000001")
    scene.engine.arrived(channel, ["outbound", "2001", "0145000001"])
    call = scene.book.get(scene.book.call_id_of(channel) or CALL)
    assert call is not None and (call.direction, call.agent_id, call.site_id) == ("outbound", None, PARIS)
    assert scene.desk.ways.customer(call, "paris") == Reach("PJSIP/0145000001@trunk-paris", "0162000011")
    assert call_row(call, scene.engine.directory, T0).party == "Accueil (2001)"


async def test_a_colleague_on_his_mobile_is_rung_there() -> None:
    scene = Scene()
    scene.engine.set_directory(wider())
    channel = "1790000000.9"
    scene.channel(channel, "1001", channel, exten="1002")
    scene.engine.arrived(channel, ["outbound", "1001", "1002"])
    call = scene.book.get(scene.book.call_id_of(channel) or CALL)
    assert call is not None and call.direction == "internal"
    assert scene.desk.ways.customer_ways(call) == ("lyon",)
    scene.channel(f"cc-{call.id}-customer", "trunk-lyon", channel)
    assert scene.engine.agents.busy(ALICE) and scene.engine.agents.busy(BOB)
