"""The hub: every client of this node's live stream, by session and by user.

It lives on the loop's thread; no method waits. ``ws.py`` and ``sse.py`` bring clients, the live view brings
changes, ``watch.py`` brings news about sessions.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import msgspec
import structlog

from ccserver.domain.access import TOPIC_ABILITY, Actor
from ccserver.domain.account import MeNotice
from ccserver.domain.errors import Throttled
from ccserver.domain.stream import RELOAD_KEY
from ccserver.live.view import Entry, LiveView
from ccserver.web.stream import codec, metrics
from ccserver.web.stream.fanout import HEARTBEAT_LOOK_SECONDS, Fanout
from ccserver.web.stream.groups import visibility
from ccserver.web.stream.protocol import HEARTBEAT_SECONDS, PROTOCOL, Bye, CloseCode, Hello
from ccserver.web.stream.session import Client
from ccserver.web.stream.sinks import Handle, Scheduler

MAX_CLIENTS_PER_SESSION = 24
"""Tabs and programs of one login; one more is refused, so that one user cannot take the node's sockets."""

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A client's message is not accepted; ``code`` is a key of ``protocol.SENTENCES``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Hub:
    """Clients, their sessions, and the fan-out of the live view to them."""

    def __init__(
        self,
        view: LiveView,
        scheduler: Scheduler,
        *,
        node: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``scheduler`` is the running loop; ``clock`` gives epoch seconds for the latency measured."""
        self.view = view
        self.node = node
        self.scheduler = scheduler
        self.on_suspect: Callable[[Iterable[UUID]], None] = lambda sessions: None
        """Called with sessions whose actor may have changed; the session watch puts itself here."""
        self._fanout = Fanout(view, scheduler, self._close_too_slow, clock=clock)
        self._sessions: dict[UUID, dict[Client, None]] = {}
        self._users: dict[UUID, dict[UUID, None]] = {}
        self._beat: Handle | None = None
        self._closed = False
        view.listen(self)

    def start(self) -> None:
        """Begin to send signs of life."""
        self._beat = self.scheduler.call_later(HEARTBEAT_LOOK_SECONDS, self._heartbeat)

    def close(self) -> None:
        """Tell every client that the server goes away; they come back to this or another node and resume."""
        self._closed = True
        if self._beat is not None:
            self._beat.cancel()
        for client in self._all():
            self.end(client, CloseCode.GOING_AWAY, "going away")

    @property
    def sessions(self) -> tuple[UUID, ...]:
        """Sessions with at least one client here."""
        return tuple(self._sessions)

    def admit(self, actor: Actor) -> None:
        """Raises Throttled when the session has too many clients already."""
        if len(self._sessions.get(actor.session_id, ())) >= MAX_CLIENTS_PER_SESSION:
            raise Throttled(60)

    def attach(self, client: Client) -> None:
        """Welcome a client that was admitted."""
        self._sessions.setdefault(client.actor.session_id, {})[client] = None
        self._users.setdefault(client.actor.user_id, {})[client.actor.session_id] = None
        metrics.CLIENTS.labels(kind=client.sink.kind).inc()
        hello = Hello(protocol=PROTOCOL, epoch=self.view.epoch, node=self.node, heartbeat=HEARTBEAT_SECONDS)
        client.send(codec.message(hello))
        if self._closed:  # it was shaking hands when the others were told
            self.end(client, CloseCode.GOING_AWAY, "going away")

    def detach(self, client: Client) -> None:
        """Forget a client, whoever closed. May be called twice."""
        if client.gone:
            return
        client.gone = True
        self._fanout.leave(client)
        metrics.CLIENTS.labels(kind=client.sink.kind).dec()
        session_id, user_id = client.actor.session_id, client.actor.user_id
        session = self._sessions[session_id]
        del session[client]
        if not session:
            del self._sessions[session_id]
            of_user = self._users[user_id]
            of_user.pop(session_id, None)
            if not of_user:
                del self._users[user_id]

    def subscribe(
        self, client: Client, topics: Iterable[str], epoch: str | None = None, seq: int | None = None
    ) -> None:
        """Give ``client`` these topics in place of its former ones. Raises Refused; nothing changes then."""
        wanted = frozenset(topics)
        check_topics(client.actor, wanted)
        if not client.gone:
            self._fanout.join(client, wanted, epoch, seq)

    def end(self, client: Client, code: CloseCode, reason: str) -> None:
        """Close one client with a named code and forget it."""
        if not client.gone:
            client.sink.close(code, reason)
            metrics.CLOSED.labels(code=str(code.value)).inc()
            self.detach(client)

    def drop_session(self, session_id: UUID, code: str) -> None:
        """Say bye with ``code`` to every client of a session and close them."""
        bye = codec.message(Bye(code=code))
        for client in list(self._sessions.get(session_id, ())):
            client.send(bye)
            self.end(client, CloseCode.ENDED, code)

    def refresh_actor(self, actor: Actor) -> None:
        """The session's user is now ``actor``: whoever sees other rows than before is told and closed."""
        clients = list(self._sessions.get(actor.session_id, ()))
        if any(visibility(client.actor) != visibility(actor) for client in clients):
            self.drop_session(actor.session_id, "role_changed")
            return
        for client in clients:
            client.actor = actor

    def changed(self, entries: Sequence[Entry]) -> None:
        """Called by the live view."""
        self._fanout.changed(entries)
        for entry in entries:
            if entry.change.key == RELOAD_KEY:  # the end of a session may be among what was missed
                self.on_suspect(self.sessions)
                break
        for entry in entries:
            if entry.change.topic == "me" and entry.scope is not None and entry.scope.user_id is not None:
                self._notice(entry, entry.scope.user_id)

    def blinded(self, since: float | None) -> None:
        """Called by the live view."""
        self._fanout.blinded(since)

    def _notice(self, entry: Entry, user_id: UUID) -> None:
        try:
            notice = msgspec.json.decode(entry.change.row, type=MeNotice)
        except msgspec.MsgspecError:
            return  # another kind of row on the same topic
        concerned = [s for s in self._users.get(user_id, ()) if notice.session_id in (None, s)]
        if notice.kind == "profile":
            self.on_suspect(concerned)
        elif notice.kind == "session_ended":
            for session_id in concerned:
                self.drop_session(session_id, notice.reason or "session_ended")

    def _close_too_slow(self, client: Client) -> None:
        log.info("stream client is too slow", login=client.actor.login, waiting=len(client.pending))
        self.end(client, CloseCode.TOO_SLOW, "too slow")

    def _heartbeat(self) -> None:
        self._beat = self.scheduler.call_later(HEARTBEAT_LOOK_SECONDS, self._heartbeat)
        self._fanout.heartbeat()

    def _all(self) -> list[Client]:
        return [client for session in self._sessions.values() for client in session]


def check_topics(actor: Actor, topics: Iterable[str]) -> None:
    """Raises Refused for a topic that is unknown, or not for this actor."""
    for topic in sorted(topics):
        ability = TOPIC_ABILITY.get(topic)
        if ability is None:
            raise Refused("topic_unknown")
        if not actor.may(ability):
            raise Refused("topic_forbidden")
