"""What this process remembers of sessions: to answer quickly, and to go on while PostgreSQL is away.

What is remembered never opens anything that PostgreSQL did not: it says what was true when PostgreSQL was last asked,
less everything that has been heard since. Somebody of whom there was news is not vouched for until PostgreSQL has been
asked again, and nobody is while announcements of other nodes may have been missed. An end that was heard of stays: no
answer that was under way meanwhile opens a session again.
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
SWAP_SECONDS = 60.0
"""Nodes do not announce the refresh tokens that they swap: to take one for the newest, PostgreSQL may have been there
for no longer than this since it was last asked of the session. Those with an open page are asked about every 30 s."""
ENTRIES = 20_000

_NOTICE = msgspec.json.Decoder(MeNotice)


def never_interrupted() -> float:
    """For a process that is alone: it hears of every change, because it makes them all."""
    return float("-inf")


@dataclass(frozen=True, slots=True)
class Asked:
    """When PostgreSQL was asked: ``at`` in monotonic seconds, ``there`` in seconds that it had been there, all told.

    ``news``: how much had been heard by then.
    """

    at: float
    there: float
    news: int


@dataclass(frozen=True, slots=True)
class Known:
    """A session as PostgreSQL told it, None when there is no such session.

    ``doubted``: there was news of its user since.
    """

    state: SessionState | None
    asked: Asked
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
    infinity while some may be missed now. ``there_seconds``: how long PostgreSQL has been there, all told; it stands
    still while PostgreSQL is away. ``outage_seconds`` 0: nobody is kept beyond STALE_SECONDS.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        heard_since: Callable[[], float],
        there_seconds: Callable[[], float],
        outage_seconds: float,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._heard_since = heard_since
        self._there_seconds = there_seconds
        self._outage_seconds = outage_seconds
        self._known: dict[UUID, Known] = {}
        self._issued: dict[bytes, Issued] = {}
        self._ended: dict[UUID, str] = {}
        # Counts what was heard: an answer of PostgreSQL that news overtook may be of before.
        self._news = 0

    def asking(self) -> Asked:
        """To be taken before PostgreSQL is asked, and given with its answer."""
        return Asked(self._monotonic(), self._there_seconds(), self._news)

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
        if not known.ended and not (self._is_vouched_for(known) and self._is_newest(known)):
            return None
        # Refreshed since by another node: this token is an old one.
        return known if known.state.refreshed_at <= issued.at else None

    def kept_until(self, known: Known) -> float:
        """Epoch seconds until which the session can be kept without PostgreSQL."""
        left = self._outage_seconds - self._age(known)
        end = self._clock().timestamp() + left
        return min(end, known.state.expires_at.timestamp()) if known.state else end

    def looked_up(
        self, session_ids: Sequence[UUID], states: Mapping[UUID, SessionState], asked: Asked
    ) -> None:
        """Remember what PostgreSQL told of these sessions."""
        if len(self._known) + len(session_ids) > ENTRIES:
            self._known.clear()
        for session_id in session_ids:
            state, reason = states.get(session_id), self._ended.get(session_id)
            if state is not None and reason and not state.end_reason:
                state = replace(state, end_reason=reason)  # Read before the end that was heard of.
            self._known[session_id] = Known(state, asked, doubted=asked.news != self._news)

    def issue(self, token_hash: bytes, session_id: UUID, at: datetime, *, instead_of: bytes = b"") -> None:
        """Remember the session's newest refresh token; the one that it was swapped for is forgotten."""
        self._issued.pop(instead_of, None)
        while len(self._issued) >= ENTRIES:
            del self._issued[next(iter(self._issued))]
        self._issued[token_hash] = Issued(session_id, at)

    def end(self, session_ids: Iterable[UUID], reason: str) -> None:
        """These sessions are over, by a transaction that was committed: whatever was read before counts no more."""
        self._news += 1
        for session_id in session_ids:
            while len(self._ended) >= ENTRIES:
                del self._ended[next(iter(self._ended))]
            self._ended[session_id] = reason
            known = self._known.get(session_id)
            if known and known.state and not known.state.end_reason:
                self._known[session_id] = replace(known, state=replace(known.state, end_reason=reason))

    def observe(self, changes: Sequence[Change]) -> None:
        """Take in what any node announced: ends count at once, other news of a user is doubt."""
        told = [change for change in changes if change.topic in ("me", "users") and change.user_id]
        if not told:
            return
        self._news += 1
        users = {change.user_id for change in told}
        for session_id, known in list(self._known.items()):
            if known.state is not None and known.state.actor.user_id in users:
                self._known[session_id] = replace(known, doubted=True)
        for change in told:
            if change.topic == "me" and not change.deleted:
                self._hear_end(change)

    def _hear_end(self, change: Change) -> None:
        try:
            notice = _NOTICE.decode(change.row)
        except msgspec.MsgspecError:
            return  # Of another release, perhaps: its user is in doubt already.
        if notice.kind == "session_ended" and notice.session_id:
            self.end([notice.session_id], notice.reason or "session_ended")

    def _is_vouched_for(self, known: Known) -> bool:
        heard_all = not known.doubted and known.asked.at >= self._heard_since()
        return heard_all and self._age(known) <= self._outage_seconds

    def _is_newest(self, known: Known) -> bool:
        return self._there_seconds() - known.asked.there <= SWAP_SECONDS

    def _age(self, known: Known) -> float:
        return self._monotonic() - known.asked.at
