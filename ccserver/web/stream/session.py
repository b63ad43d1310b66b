"""One client of the stream: who it is, what it asked for, what it has, and what waits for it."""

from dataclasses import dataclass, field

from ccserver.domain.access import Actor
from ccserver.web.stream.codec import Frame
from ccserver.web.stream.pending import Pending
from ccserver.web.stream.sinks import Sink

MAX_PENDING_ROWS = 5_000
MAX_PENDING_BYTES = 4 * 1024 * 1024
"""More than this does not wait for one client: it is closed and comes back for a snapshot."""

MESSAGES_BURST = 40
MESSAGES_PER_SECOND = 4.0
"""What a client may send: a page subscribes a few times when it opens and pings now and then."""


@dataclass(slots=True, eq=False)
class Client:
    """The state of one connection; only the hub changes it.

    ``behind``: what is in ``pending`` is sent to it alone, following the frame ``seq``; a client that is not
    behind has its group's ``seq``. ``held_since`` (scheduler's time): it does not read fast enough, nothing is
    written until it does. ``moved_since``: when its backlog was last seen to shrink.
    """

    actor: Actor
    sink: Sink
    topics: frozenset[str] = frozenset()
    seq: int = 0
    pending: Pending = field(default_factory=Pending)
    behind: bool = False
    held_since: float | None = None
    moved_since: float = 0.0
    backlog: int = 0
    blind_due: bool = False
    snapshot_due: bool = False
    gone: bool = False

    def send(self, frame: Frame) -> None:
        """Write one frame that is for this client alone."""
        self.sink.write(self.sink.render(frame))

    @property
    def pending_too_much(self) -> bool:
        """Whether more waits than may."""
        return len(self.pending) > MAX_PENDING_ROWS or self.pending.size > MAX_PENDING_BYTES


@dataclass(slots=True)
class Allowance:
    """A token bucket over the messages of one client; ``at`` is the time of the last one, in seconds."""

    at: float
    left: float = MESSAGES_BURST

    def take(self, now: float) -> bool:
        """Whether one more message may come at ``now``."""
        self.left = min(MESSAGES_BURST, self.left + (now - self.at) * MESSAGES_PER_SECOND)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
