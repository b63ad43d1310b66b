"""The owner's desk and engine: who may ask for what, and what becomes of channels that enter our application."""

from typing import Any, cast
from uuid import UUID

import pytest
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.callbook import CallBook
from ccserver.domain.directory import Agent, Did, Directory, Site, Trunk
from ccserver.domain.errors import DomainError, NotFound
from ccserver.domain.stream import Command
from ccserver.domain.telephony import ChannelCreated, ChannelGone
from ccserver.live.control import Control
from ccserver.live.desk import Desk
from ccserver.live.engine import Engine
from ccserver.live.journal import Journal
from ccserver.live.owner import new_id
from ccserver.live.publisher import Publisher
from ccserver.ports import AriEvent

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
    def get(self, _call_id: UUID) -> None:
        return None

    def knows(self, _channel: str) -> bool:
        return False

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
