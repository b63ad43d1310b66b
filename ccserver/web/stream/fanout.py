"""From changes to frames on sockets: routing, coalescing, and holding back those who do not read."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

from ccserver.live.view import Entry, LiveView
from ccserver.web.stream import codec, metrics
from ccserver.web.stream.codec import Frame, Pieces
from ccserver.web.stream.groups import PERSONAL_TOPICS, Group, piece_for, visibility
from ccserver.web.stream.protocol import HEARTBEAT_SECONDS, Blind, Heartbeat
from ccserver.web.stream.session import Client
from ccserver.web.stream.sinks import Scheduler

WINDOW_SECONDS = 0.04
"""After a frame a group gets no other for this long; what comes meanwhile is sent together at its end.

The first change goes at once, so a quiet board has no delay at all. 40 ms leaves 10 ms of the 50 ms promised
from event to browser for everything else, and makes at most 25 frames a second, whatever the traffic.
"""

HIGH_WATER_BYTES = 64 * 1024
"""More than this waiting in the transport: the client is held back, its changes coalesce."""
LOW_WATER_BYTES = 16 * 1024
"""A client held back goes on when no more than this waits."""
LOOK_SECONDS = 0.1
"""How often clients held back are looked at."""
STALLED_SECONDS = 10.0
"""A client whose backlog did not shrink for this long is too slow."""
HELD_SECONDS = 60.0
"""A client held back for this long is too slow even if it reads a little."""


class Fanout:
    """Groups of clients and what waits for them. ``on_too_slow`` is called for a client to be closed."""

    def __init__(
        self,
        view: LiveView,
        scheduler: Scheduler,
        on_too_slow: Callable[[Client], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._view = view
        self._scheduler = scheduler
        self._on_too_slow = on_too_slow
        self._clock = clock
        self._groups: dict[object, Group] = {}
        self._wide: dict[Group, None] = {}
        self._narrow: dict[UUID, dict[Group, None]] = {}
        self._group_of: dict[Client, Group] = {}
        self._personal: dict[UUID, dict[Client, None]] = {}
        self._held: dict[Client, None] = {}
        self._looking = False

    def join(self, client: Client, topics: frozenset[str], epoch: str | None, seq: int | None) -> None:
        """Subscribe ``client``: it gets what it missed since ``(epoch, seq)``, or a snapshot.

        Either is numbered as the group's last frame, so that the group's next one follows it for this client
        too. It may hold newer rows than that number says; they come again, which does no harm.
        """
        self.leave(client)
        client.topics = topics
        group = self._group_for(client, topics - PERSONAL_TOPICS)
        group.ready[client.sink] = client
        self._group_of[client] = group
        if topics & PERSONAL_TOPICS:
            self._personal.setdefault(client.actor.user_id, {})[client] = None
        client.pending.clear()
        client.behind = client.snapshot_due = client.blind_due = False
        missed = self._view.since(seq) if epoch == group.epoch and seq is not None else None
        if client.held_since is not None:
            client.snapshot_due = True
            self._put_behind(client, group, group.seq)
            self._held[client] = None
        elif missed is None:
            self._send_snapshot(client, group)
        else:
            self._send_missed(client, group, missed, seq or 0)

    def leave(self, client: Client) -> None:
        """Take ``client`` out of its group; nothing more is sent to it."""
        group = self._group_of.pop(client, None)
        if group is None:
            return
        group.ready.pop(client.sink, None)
        group.behind.pop(client, None)
        self._held.pop(client, None)
        mine = self._personal.get(client.actor.user_id)
        if mine is not None:
            mine.pop(client, None)
            if not mine:
                del self._personal[client.actor.user_id]
        if group.is_empty:
            self._dissolve(group)

    def changed(self, entries: Sequence[Entry]) -> None:
        """Route changes: groups in their window keep them, the others get them now."""
        touched: dict[Group, None] = {}
        for entry in entries:
            pieces = Pieces(entry.change)
            if entry.change.topic in PERSONAL_TOPICS:
                self._route_personal(entry, pieces, touched)
            else:
                for group in self._candidates(entry):
                    piece = group.piece(entry, pieces)
                    if piece is not None:
                        group.pending.add(entry, piece)
                        touched[group] = None
        for group in touched:
            if group.timer is None:
                self._flush(group)

    def blinded(self, since: float | None) -> None:
        """Tell everyone since when nothing is seen; after the changes that came before it."""
        frame = codec.message(Blind(since=since))
        for group in self._groups.values():
            self._send_pending(group)
            self._send(frame, group, group.seq)
            for client in group.behind:
                client.blind_due = True

    def heartbeat(self) -> None:
        """Give a sign of life to the groups that were sent nothing since the last call."""
        as_of = self._view.as_of
        for group in self._groups.values():
            if not group.spoke and group.timer is None:
                self._send(codec.message(Heartbeat(seq=group.seq, as_of=as_of)), group, group.seq)
            group.spoke = False

    def _group_for(self, client: Client, topics: frozenset[str]) -> Group:
        key = (visibility(client.actor), topics, client.sink.kind)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, client.actor, topics, self._view)
            metrics.GROUPS.set(len(self._groups))
            if group.user_id is None:
                self._wide[group] = None
            else:
                self._narrow.setdefault(group.user_id, {})[group] = None
        return group

    def _dissolve(self, group: Group) -> None:
        if group.timer is not None:
            group.timer.cancel()
        del self._groups[group.key]
        metrics.GROUPS.set(len(self._groups))
        self._wide.pop(group, None)
        if group.user_id is not None:
            of_user = self._narrow[group.user_id]
            del of_user[group]
            if not of_user:
                del self._narrow[group.user_id]

    def _candidates(self, entry: Entry) -> Iterator[Group]:
        """Every group that might see the entry: an agent's group sees only rows about itself or the system.

        This only spares work: what a group is told is decided by ``access.sees``.
        """
        scopes = [scope for scope in (entry.scope, entry.before) if scope is not None]
        if any(scope.tenant_id is None for scope in scopes):
            yield from self._groups.values()
            return
        yield from self._wide
        for user_id in {scope.user_id for scope in scopes if scope.user_id is not None}:
            yield from self._narrow.get(user_id, ())

    def _route_personal(self, entry: Entry, pieces: Pieces, touched: dict[Group, None]) -> None:
        scope = entry.scope or entry.before
        if scope is None or scope.user_id is None:
            return
        for client in self._personal.get(scope.user_id, ()):
            personal = entry.change.topic in client.topics
            piece = piece_for(client.actor, entry, pieces) if personal else None
            if piece is not None:
                group = self._group_of[client]
                client.pending.add(entry, piece)
                self._put_behind(client, group, group.seq)
                touched[group] = None

    def _flush(self, group: Group) -> None:
        """Send what waits and close the window."""
        group.timer = self._scheduler.call_later(WINDOW_SECONDS, lambda: self._open_window(group))
        self._send_pending(group)

    def _open_window(self, group: Group) -> None:
        group.timer = None
        if len(group.pending) or any(c.held_since is None for c in group.behind):
            self._flush(group)

    def _send_pending(self, group: Group) -> None:
        if len(group.pending):
            view = self._view
            before, group.seq = group.seq, view.seq
            frame = codec.delta(group.epoch, before, group.seq, view.as_of, group.pending.pieces())
            metrics.LATENCY.observe(max(0.0, self._clock() - group.pending.oldest_at))
            self._send(frame, group, before)
            for client in group.behind:
                client.pending.merge(group.pending)
            group.pending.clear()
        for client in [c for c in group.behind if c.held_since is None]:
            self._catch_up(client, group)

    def _send(self, frame: Frame, group: Group, before: int) -> None:
        """Send a frame to all who are ready; who cannot take it is put behind, having the frame ``before``."""
        ready = group.ready
        if not ready:
            return
        data = next(iter(ready)).render(frame)
        for sink in [sink for sink in ready if not sink.push(data)]:
            if sink.backlog() <= HIGH_WATER_BYTES:
                sink.write(data)
            else:
                client = ready[sink]
                self._put_behind(client, group, before)
                self._hold(client)
        group.spoke = True
        metrics.FRAMES.inc(len(ready))
        metrics.BYTES.inc(len(ready) * len(data))

    def _put_behind(self, client: Client, group: Group, seq: int) -> None:
        """From now on the client gets frames of its own, the first one after ``seq``."""
        if not client.behind:
            client.behind = True
            client.seq = seq
            del group.ready[client.sink]
            group.behind[client] = None

    def _send_alone(self, client: Client, frame: Frame) -> None:
        client.send(frame)
        metrics.FRAMES.inc()
        metrics.BYTES.inc(len(frame.payload))

    def _send_snapshot(self, client: Client, group: Group) -> None:
        self._send_alone(client, group.snapshot())
        metrics.SNAPSHOTS.inc()

    def _send_missed(self, client: Client, group: Group, missed: Iterable[Entry], seq: int) -> None:
        for entry in missed:
            if entry.change.topic in client.topics:
                piece = piece_for(client.actor, entry, Pieces(entry.change))
                if piece is not None:
                    client.pending.add(entry, piece)
        view = self._view
        frame = codec.delta(group.epoch, seq, group.seq, view.as_of, client.pending.pieces())
        client.pending.clear()
        self._send_alone(client, frame)
        self._send_alone(client, codec.message(Blind(since=view.blind_since)))
        metrics.RESUMES.inc()

    def _hold(self, client: Client) -> None:
        client.held_since = client.moved_since = self._scheduler.time()
        client.backlog = client.sink.backlog()
        self._held[client] = None
        metrics.HELD.inc()
        if not self._looking:
            self._looking = True
            self._scheduler.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """See which of those held back can go on, and which are beyond hope."""
        now = self._scheduler.time()
        for client in list(self._held):
            backlog = client.sink.backlog()
            if backlog < client.backlog:
                client.backlog = backlog
                client.moved_since = now
            if backlog <= LOW_WATER_BYTES:
                del self._held[client]
                client.held_since = None
                self._catch_up(client, self._group_of[client])
            elif (
                client.pending_too_much
                or now - client.moved_since > STALLED_SECONDS
                or now - (client.held_since or now) > HELD_SECONDS
            ):
                self._on_too_slow(client)
        self._looking = bool(self._held)
        if self._looking:
            self._scheduler.call_later(LOOK_SECONDS, self._look)

    def _catch_up(self, client: Client, group: Group) -> None:
        """Send what waits for this client alone; afterwards it shares the group's frames again."""
        if client.sink.backlog() > HIGH_WATER_BYTES:
            self._hold(client)
            return
        if client.snapshot_due:
            client.pending.clear()
            self._send_snapshot(client, group)
        elif len(client.pending):
            pieces = client.pending.pieces()
            as_of = self._view.as_of
            self._send_alone(client, codec.delta(group.epoch, client.seq, group.seq, as_of, pieces))
            client.pending.clear()
        if client.blind_due:
            self._send_alone(client, codec.message(Blind(since=self._view.blind_since)))
        client.behind = client.blind_due = client.snapshot_due = False
        del group.behind[client]
        group.ready[client.sink] = client


HEARTBEAT_LOOK_SECONDS = HEARTBEAT_SECONDS / 2
"""How often ``heartbeat`` is to be called: silence then lasts no longer than ``HEARTBEAT_SECONDS``."""
