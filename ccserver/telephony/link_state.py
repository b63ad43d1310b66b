"""Whether a link is up, since when and why not; tells the sink once per change, in order with the events."""

from collections.abc import Callable

from ccserver.ports import AmiEvent, AriEvent, LinkDown, LinkUp

AmiSink = Callable[[LinkUp | LinkDown | AmiEvent], None]
AriSink = Callable[[LinkUp | LinkDown | AriEvent], None]


class LinkState:
    """Up or down, with the instant (epoch seconds) and the reason.

    A link starts down with nothing said. Each fall is told once; a new reason while still down is told again
    with the instant of the first, so that "blind since" never moves forward.
    """

    def __init__(self, tell: Callable[[LinkUp | LinkDown], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self.up = False
        self.since = clock()
        self.reason = ""

    def rise(self) -> None:
        if self.up:
            return
        self.up = True
        self.since = self._clock()
        self.reason = ""
        self._tell(LinkUp(self.since))

    def fall(self, reason: str) -> None:
        if self.up:
            self.up = False
            self.since = self._clock()
        elif reason == self.reason:
            return
        self.reason = reason
        self._tell(LinkDown(self.since, reason))
