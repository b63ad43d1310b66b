"""Sessions are checked while their sockets live."""

import asyncio
from uuid import UUID

from ccserver.background import Supervisor
from ccserver.domain.access import Actor, Role
from ccserver.domain.errors import Unavailable
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.watch import SessionWatch

from tests.rig.stream import PARIS, Page, actor


class Truth:
    """Sessions as the database knows them."""

    def __init__(self) -> None:
        self.actors: dict[UUID, Actor | None] = {}
        self.asked: list[tuple[UUID, ...]] = []
        self.down = False
        self.told = asyncio.Event()

    async def __call__(self, sessions) -> dict[UUID, Actor | None]:
        self.asked.append(tuple(sessions))
        self.told.set()
        if self.down:
            raise Unavailable
        return {s: self.actors[s] for s in sessions if s in self.actors}


async def test_ended_sessions_are_closed_and_the_others_stay(hub: Hub):
    truth = Truth()
    watch = SessionWatch(hub, truth)
    stays, ended, gone, narrowed = (Page(hub, actor(Role.SUPERVISOR)) for _ in range(4))
    truth.actors[stays.client.actor.session_id] = stays.client.actor
    truth.actors[ended.client.actor.session_id] = None
    was = narrowed.client.actor
    truth.actors[was.session_id] = actor(
        Role.SUPERVISOR, user_id=was.user_id, session_id=was.session_id, site_ids=frozenset([PARIS])
    )
    await watch.check(hub.sessions)
    assert len(truth.asked) == 1 and len(truth.asked[0]) == 4, "one batch for all"
    assert stays.sink.closed is None
    assert ended.read().byes == gone.read().byes == ["session_ended"]
    assert narrowed.read().byes == ["role_changed"]


async def test_when_nobody_can_tell_the_sockets_stay(hub: Hub):
    truth = Truth()
    truth.down = True
    page = Page(hub, actor())
    await SessionWatch(hub, truth).check(hub.sessions)
    assert truth.asked and page.sink.closed is None


async def test_suspects_are_checked_at_once(hub: Hub):
    truth, supervisor = Truth(), Supervisor()
    watch = SessionWatch(hub, truth)
    watch.start(supervisor)
    pages = [Page(hub, actor()) for _ in range(2)]
    hub.on_suspect([pages[0].client.actor.session_id])
    await asyncio.wait_for(truth.told.wait(), 30)
    assert truth.asked == [(pages[0].client.actor.session_id,)]
    await supervisor.close()


async def test_all_are_checked_again_and_again(hub: Hub):
    truth, supervisor = Truth(), Supervisor()
    SessionWatch(hub, truth, every_seconds=0.01).start(supervisor)
    page = Page(hub, actor())
    truth.actors[page.client.actor.session_id] = page.client.actor
    for _ in range(3):
        truth.told.clear()
        await asyncio.wait_for(truth.told.wait(), 30)
    assert page.sink.closed is None
    await supervisor.close()
