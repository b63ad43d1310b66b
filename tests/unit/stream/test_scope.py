"""Whoever looks, whatever changes: nobody gets a row that ``access.sees`` refuses, and nobody misses one."""

import random
from dataclasses import replace
from uuid import UUID

from ccserver.domain.access import TOPIC_ABILITY, Actor, Role, Scope, sees
from ccserver.live.view import LiveView
from ccserver.web.stream.groups import PERSONAL_TOPICS, visibility
from ccserver.web.stream.hub import Hub
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rig.owner import change
from tests.rig.stream import LYON, OTHER_TENANT, PARIS, TENANT, FakeScheduler, Page

USERS = [UUID(int=100 + i) for i in range(2)]
HELD = ("agents", "calls", "links", "config")
TOPICS = sorted(TOPIC_ABILITY)

sessions = iter(UUID(int=n) for n in range(10_000, 10_000_000))
actors = st.builds(
    Actor,
    user_id=st.sampled_from(USERS),
    tenant_id=st.sampled_from([TENANT] * 5 + [OTHER_TENANT]),
    role=st.sampled_from(
        [Role.AGENT, Role.AGENT, Role.SUPERVISOR, Role.SUPERVISOR, Role.ADMIN, Role.SUPER_ADMIN]
    ),
    login=st.just("x"),
    session_id=st.builds(lambda: next(sessions)),
    site_ids=st.sampled_from([None, frozenset(), frozenset([PARIS]), frozenset([PARIS, LYON])]),
    must_change_password=st.sampled_from([False] * 6 + [True]),
)
scopes = st.builds(
    Scope,
    tenant_id=st.sampled_from([TENANT] * 5 + [OTHER_TENANT, None]),
    site_id=st.sampled_from([None, PARIS, PARIS, LYON]),
    user_id=st.sampled_from([None, *USERS, *USERS]),
)


@given(actors, st.sampled_from(USERS), scopes, st.sampled_from(TOPICS))
def test_equal_visibility_is_equal_sight(one: Actor, user: UUID, scope: Scope, topic: str):
    two = replace(one, user_id=user, session_id=next(sessions), login="y", locale="en")
    if visibility(one) == visibility(two) and topic not in PERSONAL_TOPICS:
        assert sees(one, topic, scope) == sees(two, topic, scope)


changes = st.tuples(st.sampled_from(TOPICS), st.sampled_from("abc"), scopes, st.booleans() | st.just(True))


def row_of(scope: Scope, n: int) -> dict:
    """A row that tells its own scope, so that whoever gets it can be judged."""
    return {"n": n, "scope": [str(x) if x else None for x in (scope.tenant_id, scope.site_id, scope.user_id)]}


def scope_of(row: dict) -> Scope:
    tenant, site, user = (UUID(x) if x else None for x in row["scope"])
    return Scope(tenant_id=tenant, site_id=site, user_id=user)


def check_sight(page: Page, view: LiveView) -> None:
    """Every row ever sent was allowed; the rows held are exactly those allowed now."""
    who = page.client.actor
    page.read()
    for frame in page.sink.frames:
        rows = []
        if frame["type"] == "snapshot":
            rows = [(t, row) for t, table in frame["topics"].items() for row in table.values()]
        elif frame["type"] == "delta":
            rows = [(t, row) for t, _, row in frame["changes"] if row is not None]
        for topic, row in rows:
            assert topic in page.client.topics
            assert sees(who, topic, scope_of(row)), (who, topic, row)
    allowed = {
        (topic, c.key)
        for topic in page.client.topics & set(HELD)
        for c, scope in view.rows(topic)
        if sees(who, topic, scope)
    }
    assert {key for key in page.rows if key[0] in HELD} == allowed


@settings(max_examples=150, deadline=None)
@given(
    st.lists(actors, min_size=2, max_size=8),
    st.lists(
        st.tuples(st.sampled_from(TOPICS), st.sampled_from("abc"), scopes, st.booleans() | st.just(True)),
        min_size=5,
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
def test_nobody_gets_what_is_refused_and_nobody_misses_what_is_allowed(who, changes, rnd: random.Random):
    scheduler, view = FakeScheduler(), LiveView("node", ring_entries=15)
    hub = Hub(view, scheduler, node="n")
    pages: list[Page] = []

    def topics_of(a: Actor) -> list[str]:
        return [t for t in TOPICS if a.may(TOPIC_ABILITY[t]) and rnd.random() < 0.8]

    for n, (topic, key, scope, put) in enumerate(changes):
        if who and rnd.random() < 0.5:
            page = Page(hub, who.pop())
            pages.append(page.subscribe(*topics_of(page.client.actor)))
        if pages and rnd.random() < 0.15:
            at = rnd.randrange(len(pages))
            topics = pages[at].client.topics
            pages[at] = pages[at].reconnect().subscribe(*topics, resume=True)
        if pages and rnd.random() < 0.1:
            sink = rnd.choice(pages).sink
            sink.stuck = not sink.stuck
            sink.waiting = 100_000 if sink.stuck else 0
        made = change(
            topic,
            key,
            row_of(scope, n) if put else None,
            tenant=scope.tenant_id,
            site=scope.site_id,
            user=scope.user_id,
            retain=rnd.random() < 0.9 or topic in HELD,
        )
        if rnd.random() < 0.1:
            view.reconcile([made], 1.0)
        else:
            view.apply([made], 1.0, rnd.choice(["owner", "node"]))
        scheduler.advance(rnd.choice([0, 0.01, 0.05]))
    for page in pages:
        page.sink.stuck, page.sink.waiting = False, 0
    scheduler.advance(2)
    for page in pages:
        assert page.sink.closed is None
        check_sight(page, view)


@settings(max_examples=100, deadline=None)
@given(actors, st.lists(st.tuples(st.sampled_from(TOPICS), scopes), max_size=20))
def test_announcements_reach_exactly_those_who_see_them(who: Actor, announced):
    scheduler, view = FakeScheduler(), LiveView("node")
    hub = Hub(view, scheduler, node="n")
    topics = [t for t in TOPICS if who.may(TOPIC_ABILITY[t])]
    page = Page(hub, who).subscribe(*topics)
    for n, (topic, scope) in enumerate(announced):
        view.apply(
            [
                change(
                    topic,
                    "k",
                    row_of(scope, n),
                    tenant=scope.tenant_id,
                    site=scope.site_id,
                    user=scope.user_id,
                    retain=False,
                )
            ],
            1.0,
        )
    scheduler.advance(1)
    expected = sorted(n for n, (topic, scope) in enumerate(announced) if sees(who, topic, scope))
    assert sorted(row["n"] for _, _, row in page.read().announced) == expected
