"""The hub: snapshots, deltas, coalescing, resuming, sessions, those who do not read."""

from uuid import UUID

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.domain.account import MeNotice
from ccserver.domain.errors import Throttled
from ccserver.domain.stream import RELOAD_KEY
from ccserver.live.view import LiveView
from ccserver.web.stream.fanout import (
    HELD_SECONDS,
    HIGH_WATER_BYTES,
    LOOK_SECONDS,
    STALLED_SECONDS,
    WINDOW_SECONDS,
)
from ccserver.web.stream.hub import MAX_CLIENTS_PER_SESSION, Hub, Refused
from ccserver.web.stream.protocol import HEARTBEAT_SECONDS, CloseCode
from ccserver.web.stream.session import MAX_PENDING_ROWS

from tests.rig.owner import change
from tests.rig.stream import LYON, PARIS, TENANT, FakeScheduler, Page, actor


def put(view: LiveView, *keys: str, topic: str = "agents", **options) -> None:
    view.apply([change(topic, k, {"v": view.seq}, tenant=TENANT, **options) for k in keys], 1.0)


def test_hello_comes_first_then_the_snapshot_of_the_topics_asked_for(hub: Hub, view: LiveView):
    put(view, "a", "b")
    put(view, "c", topic="calls")
    page = Page(hub, actor()).subscribe("agents", "history").read()
    hello, snapshot = page.sink.frames
    assert hello == {"type": "hello", "protocol": 1, "epoch": "node", "node": "n1", "heartbeat": 5.0}
    assert set(snapshot["topics"]) == {"agents"} and set(snapshot["topics"]["agents"]) == {"a", "b"}
    assert snapshot["reload"] == ["history"]


def test_the_first_change_goes_at_once_and_the_next_together_at_the_end_of_the_window(
    hub: Hub, view: LiveView, scheduler: FakeScheduler
):
    page = Page(hub, actor()).subscribe("agents").read()
    put(view, "a")
    assert page.types() == ["hello", "snapshot", "delta"]
    for _ in range(5):
        put(view, "a", "b")
    assert len(page.sink.frames) == 3
    scheduler.advance(WINDOW_SECONDS)
    last = page.sink.frames[-1]
    assert len(page.sink.frames) == 4
    assert [(key, row["v"]) for _, key, row in last["changes"]] == [("a", 9), ("b", 9)]
    scheduler.advance(WINDOW_SECONDS * 3)
    put(view, "a")
    assert len(page.read().sink.frames) == 5


def test_a_busy_board_gets_at_most_25_frames_a_second(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    page = Page(hub, actor()).subscribe("agents")
    before = len(page.sink.frames)
    for i in range(1000):
        put(view, str(i % 40))
        scheduler.advance(0.001)
    assert 20 <= len(page.sink.frames) - before <= 26
    scheduler.advance(1)
    assert len(page.read().rows) == 40


def test_announcements_are_never_merged(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    page = Page(hub, actor()).subscribe("users", "agents")
    for _ in range(3):
        put(view, "u", topic="users", retain=False)
        put(view, "a")
    scheduler.advance(1)
    assert [topic for topic, _, _ in page.read().announced].count("users") == 3
    assert ("agents", "a") in page.rows


def test_one_frame_is_made_for_all_who_see_the_same(hub: Hub, view: LiveView):
    pages = [Page(hub, actor()).subscribe("agents") for _ in range(5)]
    put(view, "a")
    assert len({id(page.sink.raw[-1]) for page in pages}) == 1


def test_who_comes_within_a_window_misses_nothing(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    first = Page(hub, actor()).subscribe("agents")
    put(view, "a")
    put(view, "b")
    second = Page(hub, actor()).subscribe("agents").read()
    assert set(second.rows) == {("agents", "a"), ("agents", "b")}
    put(view, "c")
    scheduler.advance(1)
    put(view, "d")
    assert first.read().rows == second.read().rows
    assert len(first.rows) == 4


def test_resuming_gives_what_was_missed_and_no_snapshot(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    put(view, "a", "b")
    page = Page(hub, actor()).subscribe("agents").read()
    old = page.reconnect()
    put(view, "a", "c")
    view.apply([change("agents", "b")], 1.0)
    old.subscribe("agents", resume=True)
    assert old.types() == ["hello", "delta", "blind"]
    assert set(old.read().rows) == {("agents", "a"), ("agents", "c")}
    scheduler.advance(1)
    put(view, "d")
    assert ("agents", "d") in old.read().rows


@pytest.mark.parametrize("lie", ["epoch", "future", "topics", "rights"])
def test_who_cannot_resume_gets_a_snapshot(hub: Hub, view: LiveView, lie: str):
    put(view, "a", site=PARIS)
    page = Page(hub, actor(Role.SUPERVISOR, site_ids=frozenset([LYON]))).subscribe("agents").read()
    assert page.rows == {}
    again = page.reconnect()
    topics = ("agents",)
    if lie == "epoch":
        again.epoch = "another"
    elif lie == "future":
        again.seq = 99
    elif lie == "topics":
        topics = ("agents", "calls")
    else:
        again = Page(hub, actor(Role.SUPERVISOR, site_ids=frozenset([PARIS])))
        again.epoch, again.seq = page.epoch, page.seq
    again.subscribe(*topics, resume=True).read()
    assert "snapshot" in again.types()
    assert (lie == "rights") == (("agents", "a") in again.rows)


def test_a_row_that_moves_away_is_deleted_for_those_it_leaves(
    hub: Hub, view: LiveView, scheduler: FakeScheduler
):
    paris, lyon = (Page(hub, actor(Role.SUPERVISOR, site_ids=frozenset([s]))) for s in (PARIS, LYON))
    for page in (paris, lyon):
        page.subscribe("agents")
    put(view, "a", site=PARIS)
    assert ("agents", "a") in paris.read().rows and not lyon.read().rows
    scheduler.advance(1)
    put(view, "a", site=LYON)
    assert not paris.read().rows and ("agents", "a") in lyon.read().rows


def test_blindness_follows_the_changes_before_it(hub: Hub, view: LiveView):
    page = Page(hub, actor()).subscribe("agents")
    put(view, "a")
    put(view, "b")  # waits for the window
    view.set_blind(5.0)
    assert page.types()[-3:] == ["delta", "delta", "blind"]
    assert page.read().blind == 5.0
    assert Page(hub, actor()).subscribe("agents").read().blind == 5.0
    view.set_blind(None)
    assert page.read().blind is None


def test_silence_is_broken_by_heartbeats(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    page = Page(hub, actor()).subscribe("agents")
    scheduler.advance(HEARTBEAT_SECONDS * 4)
    assert page.read().types().count("heartbeat") >= 4
    page.sink.frames.clear()
    page._read = 0
    for _ in range(50):
        put(view, "a")
        scheduler.advance(0.2)
    assert "heartbeat" not in page.read().types()


def test_me_reaches_only_its_user_and_splits_no_group(hub: Hub, view: LiveView, scheduler: FakeScheduler):
    mine, other = (Page(hub, actor()).subscribe("agents", "me") for _ in range(2))
    user = mine.client.actor.user_id
    view.apply([change("me", "x", {"hello": 1}, tenant=TENANT, user=user, retain=False)], 1.0)
    put(view, "a")
    scheduler.advance(1)
    put(view, "b")
    scheduler.advance(1)
    assert ("me", "x", {"hello": 1}) in mine.read().announced
    assert not any(topic == "me" for topic, _, _ in other.read().announced)
    assert mine.sink.raw[-1] is other.sink.raw[-1]
    assert {k for k in mine.rows if k[0] == "agents"} == set(other.rows)


def test_missed_announcements_are_told_to_everybody_and_sessions_are_asked_about(hub: Hub, view: LiveView):
    agent, admin = (
        Page(hub, actor(Role.AGENT)).subscribe("history"),
        Page(hub, actor()).subscribe("history", "users"),
    )
    asked: list[UUID] = []
    hub.on_suspect = asked.extend
    view.apply([change(topic, RELOAD_KEY, retain=False) for topic in ("history", "users")], 1.0)
    assert agent.read().announced == [("history", "*", None)]
    assert admin.read().announced == [("history", "*", None), ("users", "*", None)]
    assert sorted(asked) == sorted(hub.sessions)


def test_unknown_and_forbidden_topics_change_nothing(hub: Hub, view: LiveView):
    page = Page(hub, actor(Role.AGENT)).subscribe("agents")
    with pytest.raises(Refused, match="topic_unknown"):
        page.subscribe("agents", "secrets")
    with pytest.raises(Refused, match="topic_forbidden"):
        page.subscribe("users")
    put(view, "a", user=page.client.actor.user_id)
    assert page.sink.frames[-1]["type"] == "delta"


def test_who_must_change_the_password_sees_only_me(hub: Hub):
    page = Page(hub, actor(must_change_password=True))
    with pytest.raises(Refused, match="topic_forbidden"):
        page.subscribe("agents")
    page.subscribe("me")


class TestSlow:
    @pytest.fixture
    def pages(self, hub: Hub) -> tuple[Page, Page]:
        slow, quick = (Page(hub, actor()).subscribe("agents") for _ in range(2))
        slow.sink.stuck = True
        slow.sink.waiting = HIGH_WATER_BYTES + 1
        return slow, quick

    def test_it_is_held_back_and_coalesced_while_others_go_on(self, pages, view, scheduler):
        slow, quick = pages
        written = len(slow.sink.frames)
        for i in range(50):
            put(view, str(i % 3))
            scheduler.advance(0.1)
        assert len(slow.sink.frames) == written
        assert len(quick.read().sink.frames) > 50
        slow.sink.stuck, slow.sink.waiting = False, 0
        scheduler.advance(LOOK_SECONDS)
        assert len(slow.sink.frames) == written + 1, "all of it in one frame"
        assert len(slow.sink.frames[-1]["changes"]) == 3
        assert slow.read().rows == quick.rows
        scheduler.advance(1)
        put(view, "z")
        assert slow.read().rows == quick.read().rows
        assert slow.sink.raw[-1] is quick.sink.raw[-1], "it shares the frames again"

    def test_blindness_is_told_when_it_reads_again(self, pages, view, scheduler):
        slow, _ = pages
        put(view, "a")
        view.set_blind(7.0)
        slow.sink.stuck, slow.sink.waiting = False, 0
        scheduler.advance(LOOK_SECONDS)
        assert slow.read().blind == 7.0

    def test_it_is_closed_when_it_does_not_read_at_all(self, pages, view, scheduler):
        slow, quick = pages
        put(view, "a")
        scheduler.advance(STALLED_SECONDS + 1)
        assert slow.sink.closed == (CloseCode.TOO_SLOW, "too slow")
        put(view, "b")
        scheduler.advance(1)
        assert len(quick.read().rows) == 2

    def test_a_little_reading_buys_a_minute(self, pages, view, scheduler):
        slow, _ = pages
        slow.sink.waiting = 10_000_000
        put(view, "a")
        for _ in range(int(HELD_SECONDS) - 1):
            slow.sink.waiting -= 1
            scheduler.advance(1)
        assert slow.sink.closed is None
        for _ in range(3):
            slow.sink.waiting -= 1
            scheduler.advance(1)
        assert slow.sink.closed is not None

    def test_it_is_closed_when_too_much_waits(self, pages, view, scheduler):
        slow, _ = pages
        put(view, *map(str, range(MAX_PENDING_ROWS + 1)))
        scheduler.advance(LOOK_SECONDS)
        assert slow.sink.closed is not None

    def test_subscribing_while_held_waits_for_the_socket_too(self, pages, view, scheduler):
        slow, quick = pages
        put(view, "a")
        written = len(slow.sink.frames)
        slow.subscribe("agents", "calls")
        assert len(slow.sink.frames) == written
        slow.sink.stuck, slow.sink.waiting = False, 0
        scheduler.advance(LOOK_SECONDS)
        assert slow.types()[-1] == "snapshot"
        scheduler.advance(1)
        put(view, "b")
        assert slow.read().rows == quick.read().rows

    def test_leaving_while_held_leaves_nothing(self, pages, hub, view, scheduler):
        slow, _ = pages
        put(view, "a")
        hub.detach(slow.client)
        hub.detach(slow.client)
        scheduler.advance(30)
        assert slow.sink.closed is None


class TestSessions:
    def notice(
        self, view: LiveView, page: Page, kind: str, reason: str = "", session: UUID | None = None
    ) -> None:
        user = page.client.actor.user_id
        row = msgspec.to_builtins(
            MeNotice(kind=kind, user_id=user, session_id=session, reason=reason, at=1.0)
        )
        view.apply([change("me", str(user), row, tenant=TENANT, user=user, retain=False)], 1.0)

    def test_a_replaced_session_is_told_and_closed(self, hub: Hub, view: LiveView):
        old = Page(hub, actor()).subscribe("agents")
        new = Page(hub, actor(user_id=old.client.actor.user_id)).subscribe("agents")
        self.notice(view, old, "session_ended", "session_replaced", old.client.actor.session_id)
        assert old.read().byes == ["session_replaced"]
        assert old.sink.closed == (CloseCode.ENDED, "session_replaced")
        assert new.sink.closed is None

    def test_all_sessions_of_a_user(self, hub: Hub, view: LiveView):
        here = Page(hub, actor())
        there = Page(hub, actor(user_id=here.client.actor.user_id))
        someone = Page(hub, actor())
        self.notice(view, here, "session_ended", "deactivated")
        assert here.read().byes == there.read().byes == ["deactivated"]
        assert someone.sink.closed is None

    def test_a_notice_ends_sessions_of_its_own_user_only(self, hub: Hub, view: LiveView):
        one, other = Page(hub, actor()), Page(hub, actor())
        self.notice(view, one, "session_ended", "signed_out", other.client.actor.session_id)
        assert one.sink.closed is None and other.sink.closed is None

    def test_a_change_of_profile_is_asked_about_at_once(self, hub: Hub, view: LiveView):
        page = Page(hub, actor())
        asked: list[UUID] = []
        hub.on_suspect = asked.extend
        self.notice(view, page, "profile")
        assert asked == [page.client.actor.session_id]

    def test_other_rows_of_me_close_nothing(self, hub: Hub, view: LiveView):
        page = Page(hub, actor()).subscribe("me")
        view.apply([change("me", "x", {"event": "what"}, tenant=TENANT, user=page.client.actor.user_id)], 1.0)
        assert page.sink.closed is None and page.read().announced

    def test_new_rights_close_and_a_new_language_does_not(self, hub: Hub):
        page = Page(hub, actor(Role.SUPERVISOR))
        was = page.client.actor
        same = {"user_id": was.user_id, "session_id": was.session_id}
        hub.refresh_actor(actor(Role.SUPERVISOR, locale="en", **same))
        assert page.sink.closed is None and page.client.actor.locale == "en"
        hub.refresh_actor(actor(Role.SUPERVISOR, site_ids=frozenset([PARIS]), **same))
        assert page.read().byes == ["role_changed"]
        assert hub.sessions == ()

    def test_one_session_cannot_take_all_sockets(self, hub: Hub):
        who = actor()
        for _ in range(MAX_CLIENTS_PER_SESSION):
            hub.admit(who)
            Page(hub, who)
        with pytest.raises(Throttled):
            hub.admit(who)
        hub.admit(actor())

    def test_closing_the_hub_says_that_the_server_goes_away(self, hub: Hub):
        pages = [Page(hub, actor()) for _ in range(3)]
        hub.close()
        late = Page(hub, actor()).subscribe("agents")
        for page in (*pages, late):
            assert page.sink.closed == (CloseCode.GOING_AWAY, "going away")
        assert late.types() == ["hello"]
        assert hub.sessions == ()
