"""Clients that may see the same rows share frames: equal ``visibility`` and topics, equal bytes."""

import hashlib
from collections.abc import Hashable, Iterator
from uuid import UUID

from ccserver.domain.access import Actor, Role, sees
from ccserver.domain.stream import ANNOUNCED_TOPICS, Change
from ccserver.live.view import Entry, LiveView
from ccserver.web.stream import codec
from ccserver.web.stream.codec import Frame, Pieces
from ccserver.web.stream.pending import Pending
from ccserver.web.stream.session import Client
from ccserver.web.stream.sinks import Handle, Sink

PERSONAL_TOPICS = frozenset({"me"})
"""Topics whose rows go to one user: they ride in that client's own frames and split no group."""


def visibility(actor: Actor) -> Hashable:
    """Equal values see equal rows of every topic that is not personal (``access.sees`` uses nothing else)."""
    sites = None if actor.site_ids is None else tuple(sorted(actor.site_ids))
    narrow = actor.user_id if actor.role is Role.AGENT else None
    return (actor.tenant_id, actor.role.value, sites, actor.must_change_password, narrow)


class Group:
    """Clients of one visibility, one set of shared topics and one kind of connection, and what waits for them.

    ``ready``: clients by their sink, that get the group's frames; ``behind``: those that get frames of their own.
    ``seq``: of the last frame that all got. ``timer``: runs while the window after a frame is closed.
    ``epoch`` names the node's run and what this group sees: a client whose rights or topics have changed
    cannot resume, because the changes since would not tell it what else it sees now.
    """

    def __init__(self, key: Hashable, actor: Actor, topics: frozenset[str], view: LiveView) -> None:
        self.key = key
        self.actor = actor
        self.topics = topics
        digest = hashlib.blake2s(repr((visibility(actor), sorted(topics))).encode(), digest_size=6)
        self.epoch = f"{view.epoch}.{digest.hexdigest()}"
        self.ready: dict[Sink, Client] = {}
        self.behind: dict[Client, None] = {}
        self.pending = Pending()
        self.seq = view.seq
        self.timer: Handle | None = None
        self.spoke = False
        self._view = view
        self._snapshot: tuple[Hashable, Frame] = ((), Frame(b""))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left in it."""
        return not self.ready and not self.behind

    @property
    def user_id(self) -> UUID | None:
        """The one user whose rows this group sees, None for a group that sees rows of many."""
        return self.actor.user_id if self.actor.role is Role.AGENT else None

    def piece(self, entry: Entry, pieces: Pieces) -> bytes | None:
        """What this group is told of the entry: the row, its deletion, or nothing (None)."""
        return piece_for(self.actor, entry, pieces) if entry.change.topic in self.topics else None

    def snapshot(self) -> Frame:
        """The rows as this group sees them now; one frame for all who ask at the same time."""
        view = self._view
        state = (view.seq, self.seq, view.as_of, view.blind_since)
        if self._snapshot[0] != state:
            frame = codec.snapshot(
                self.epoch, self.seq, view.as_of, view.blind_since, self._tables(), sorted(self.announced)
            )
            self._snapshot = (state, frame)
        return self._snapshot[1]

    @property
    def announced(self) -> frozenset[str]:
        """Topics of the group that are never in a snapshot."""
        return self.topics & ANNOUNCED_TOPICS

    def _tables(self) -> Iterator[tuple[str, Iterator[Change]]]:
        for topic in sorted(self.topics - ANNOUNCED_TOPICS):
            rows = self._view.rows(topic)
            yield topic, (change for change, scope in rows if sees(self.actor, topic, scope))


def piece_for(actor: Actor, entry: Entry, pieces: Pieces) -> bytes | None:
    """What ``actor`` is told of the entry. Everything that leaves the hub passes here or ``Group.snapshot``."""
    topic = entry.change.topic
    if entry.scope is not None and sees(actor, topic, entry.scope):
        return pieces.row
    if entry.before is not None and sees(actor, topic, entry.before):
        return pieces.gone
    return None
