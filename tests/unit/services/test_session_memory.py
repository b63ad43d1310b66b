"""What a process remembers of sessions: whose token it takes for the newest, and that an end stays an end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ccserver.domain.access import Actor, Role
from ccserver.services.session_memory import SWAP_SECONDS, SessionMemory
from ccserver.services.sessions import ended_notice
from ccserver.storage.sessions import SessionState

TENANT, USER, SESSION = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = b"newest"


@dataclass
class Times:
    """How late it is, and for how long of that PostgreSQL was there."""

    now: float = 1000.0
    there: float = 1000.0
    memory: SessionMemory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = SessionMemory(
            clock=lambda: NOW + timedelta(seconds=self.now),
            monotonic=lambda: self.now,
            heard_since=lambda: 0.0,
            there_seconds=lambda: self.there,
            outage_seconds=4 * 3600.0,
        )
        self.memory.issue(TOKEN, SESSION, NOW)

    def passes(self, seconds: float, *, there: bool) -> None:
        self.now += seconds
        self.there += seconds if there else 0.0

    def looked_up(self) -> None:
        self.memory.looked_up([SESSION], {SESSION: state()}, self.memory.asking())


def state() -> SessionState:
    return SessionState(
        actor=Actor(
            user_id=USER,
            tenant_id=TENANT,
            role=Role.SUPERVISOR,
            login="sam",
            session_id=SESSION,
            site_ids=None,
            must_change_password=False,
            locale="fr",
        ),
        expires_at=NOW + timedelta(hours=16),
        refreshed_at=NOW,
        end_reason="",
    )


def reason(times: Times) -> str:
    known = times.memory.get(SESSION)
    assert known is not None and known.state is not None
    return known.state.end_reason


def test_a_token_is_taken_for_the_newest_only_shortly_after_the_session_was_looked_up() -> None:
    """Its user went on at another node, which swapped it: nobody told this one, and then PostgreSQL went."""
    times = Times()
    times.looked_up()
    times.passes(SWAP_SECONDS - 1, there=True)
    times.passes(3 * 3600, there=False)
    assert times.memory.kept(TOKEN) is not None
    times.passes(2, there=True)  # It came back for a moment: the two are counted together.
    assert times.memory.kept(TOKEN) is None
    times.looked_up()
    assert times.memory.kept(TOKEN) is not None


def test_an_end_is_not_overwritten_by_an_answer_that_was_under_way() -> None:
    times = Times()
    times.looked_up()
    asked = times.memory.asking()
    times.memory.observe([ended_notice(TENANT, USER, SESSION, "deactivated", 0.0)])
    times.memory.looked_up([SESSION], {SESSION: state()}, asked)
    assert reason(times) == "deactivated"
    times.passes(60, there=False)
    known = times.memory.kept(TOKEN)
    assert known is not None and known.ended


def test_an_end_counts_though_nothing_was_known_of_the_session_yet() -> None:
    times = Times()
    asked = times.memory.asking()
    times.memory.observe([ended_notice(TENANT, USER, SESSION, "session_replaced", 0.0)])
    times.memory.looked_up([SESSION], {SESSION: state()}, asked)
    assert reason(times) == "session_replaced"


def test_what_was_ended_here_is_over_at_once() -> None:
    times = Times()
    times.looked_up()
    asked = times.memory.asking()
    times.memory.end([SESSION], "signed_out")
    assert reason(times) == "signed_out"
    times.memory.looked_up([SESSION], {SESSION: state()}, asked)
    assert reason(times) == "signed_out"
