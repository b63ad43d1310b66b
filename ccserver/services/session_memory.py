"""What this process remembers of sessions: to answer quickly, and to go on while PostgreSQL is away.

What is remembered never opens anything that PostgreSQL did not: it says what was true when PostgreSQL was last asked,
less everything that has been heard since. Somebody of whom there was news is not vouched for until PostgreSQL has been
asked again, and nobody is while announcements of other nodes may have been missed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec

from ccserver.domain.account import MeNotice
from ccserver.domain.stream import Change
from ccserver.services.base import Clock
from ccserver.storage.sessions import SessionState

CACHE_SECONDS = 5.0
"""A session is looked up again after this long; a notice on topic ``me`` has it looked up at once."""
STALE_SECONDS = 1800.0
"""While PostgreSQL is away, who was known this recently is still known, whatever was announced or missed."""
OUTAGE_SECONDS = 4 * 3600.0
"""While PostgreSQL is away, a session that can be vouched for is kept this long after it was last looked up."""
ENTRIES = 20_000

_NOTICE = msgspec.json.Decoder(MeNotice)


def never_interrupted() -> float:
    """For a process that is alone: it hears of every change, because it makes them all."""
    return float("-inf")


@dataclass(frozen=True, slots=True)
class Known:
    """A session as PostgreSQL told it, None when there is no such session.

    ``at``: when PostgreSQL was asked, monotonic seconds. ``doubted``: there was news of its user since.
    """

    state: SessionState | None
    at: float
    doubted: bool = False

    @property
    def ended(self) -> bool:
        """Whether it is over for good: sessions never begin again."""
        return self.state is None or bool(self.state.end_reason)


@dataclass(frozen=True, slots=True)
class Issued:
    """A refresh token that this process handed out ``at`` an instant and has not seen again."""

    session_id: UUID
    at: datetime


class SessionMemory:
    """Sessions and the newest refresh tokens (their hashes) of this process.

    ``heard_since``: the monotonic instant since which no announcement of another node can have been missed,
    infinity while some may be missed now. ``outage_seconds`` 0: nobody is kept beyond STALE_SECONDS.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        heard_since: Callable[[], float],
        outage_seconds: float,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._heard_since = heard_since
        self._outage_seconds = outage_seconds
        self._known: dict[UUID, Known] = {}
        self._issued: dict[bytes, Issued] = {}
        self.news = 0
        """Counts what was heard: an answer of PostgreSQL that news overtook may be of before."""

    def get(self, session_id: UUID) -> Known | None:
        """The session as it was last told, None when it never was."""
        return self._known.get(session_id)

    def is_fresh(self, known: Known) -> bool:
        """Whether it can be taken as it is without asking PostgreSQL."""
        return not known.doubted and self._age(known) <= CACHE_SECONDS

    def serves(self, known: Known) -> bool:
        """Whether it can be taken as it is because PostgreSQL is away."""
        if known.ended or self._age(known) <= STALE_SECONDS:
            return True
        return self._is_vouched_for(known)

    def kept(self, token_hash: bytes) -> Known | None:
        """The session whose newest refresh token this is, None when that cannot be vouched for; ended ones too."""
        issued = self._issued.get(token_hash)
        known = self._known.get(issued.session_id) if issued else None
        if issued is None or known is None or known.state is None:
            return None
        if not known.ended and not self._is_vouched_for(known):
            return None
        # Refreshed since by another node: this token is an old one.
        return known if known.state.refreshed_at <= issued.at else None

    def kept_until(self, known: Known) -> float:
        """Epoch seconds until which the session can be kept without PostgreSQL."""
        left = self._outage_seconds - self._age(known)
        end = self._clock().timestamp() + left
        return min(end, known.state.expires_at.timestamp()) if known.state else end

    def looked_up(
        self, session_ids: Sequence[UUID], states: Mapping[UUID, SessionState], asked_at: float, news: int
    ) -> None:
        """Remember what PostgreSQL told of these sessions; ``news`` as it stood when it was asked."""
        if len(self._known) + len(session_ids) > ENTRIES:
            self._known.clear()
        for session_id in session_ids:
            self._known[session_id] = Known(states.get(session_id), asked_at, doubted=news != self.news)

    def issue(self, token_hash: bytes, session_id: UUID, at: datetime, *, instead_of: bytes = b"") -> None:
        """Remember the session's newest refresh token; the one that it was swapped for is forgotten."""
        self._issued.pop(instead_of, None)
        while len(self._issued) >= ENTRIES:
            del self._issued[next(iter(self._issued))]
        self._issued[token_hash] = Issued(session_id, at)

    def forget(self, session_ids: Iterable[UUID]) -> None:
        """These sessions were ended here: PostgreSQL is asked before anything is said of them."""
        self.news += 1
        for session_id in session_ids:
            self._known.pop(session_id, None)

    def observe(self, changes: Sequence[Change]) -> None:
        """Take in what any node announced: ends count at once, other news of a user is doubt."""
        told = [change for change in changes if change.topic in ("me", "users") and change.user_id]
        if not told:
            return
        self.news += 1
        users = {change.user_id for change in told}
        for session_id, known in list(self._known.items()):
            if known.state is not None and known.state.actor.user_id in users:
                self._known[session_id] = replace(known, doubted=True)
        for change in told:
            if change.topic == "me" and not change.deleted:
                self._end(change)

    def _end(self, change: Change) -> None:
        try:
            notice = _NOTICE.decode(change.row)
        except msgspec.MsgspecError:
            return  # Of another release, perhaps: its user is in doubt already.
        known = self._known.get(notice.session_id) if notice.session_id else None
        if notice.kind == "session_ended" and notice.session_id and known and known.state:
            state = replace(known.state, end_reason=notice.reason or "session_ended")
            self._known[notice.session_id] = replace(known, state=state)

    def _is_vouched_for(self, known: Known) -> bool:
        heard_all = not known.doubted and known.at >= self._heard_since()
        return heard_all and self._age(known) <= self._outage_seconds

    def _age(self, known: Known) -> float:
        return self._monotonic() - known.at
