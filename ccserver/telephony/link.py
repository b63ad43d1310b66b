"""What the links to AMI and ARI have in common: their state as others see it, their totals, the hand to the sink."""

import collections
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from prometheus_client import Counter

from ccserver.ports import LinkDown, LinkUp
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.link_state import LinkState

_log = logging.getLogger(__name__)


INCIDENTS = Counter(
    "ccserver_link_incidents_total",
    "On a link to Asterisk: connections, falls, malformed messages, late answers, early events, sink errors",
    ["link", "kind"],
)

Incident = Literal[
    "connections", "falls", "malformed_messages", "late_answers", "early_events", "sink_errors"
]


@dataclass(slots=True)
class LinkCounters:
    """Totals of one link. What is rare is noted, so that /metrics tells it too."""

    link: str
    events: int = 0
    noted: collections.Counter[Incident] = field(default_factory=collections.Counter)

    def note(self, kind: Incident) -> None:
        self.noted[kind] += 1
        INCIDENTS.labels(self.link, kind).inc()


Event = TypeVar("Event")
Counters = TypeVar("Counters", bound=LinkCounters)


class Link(Generic[Event, Counters]):
    """A socket to Asterisk that is opened again for ever, as those see it who wait for its events.

    ``sink`` is called synchronously from the event loop, never from two places at once; it must be quick and
    should not raise (it is counted if it does). ``clock`` gives epoch seconds.
    """

    def __init__(
        self,
        sink: Callable[[LinkUp | LinkDown | Event], None],
        clock: Callable[[], float],
        counters: Counters,
        backoff: LinkBackoff | None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._backoff = backoff or LinkBackoff()
        self._state = LinkState(self._hand, clock)
        self.counters = counters

    @property
    def up(self) -> bool:
        return self._state.up

    @property
    def since(self) -> float:
        """Epoch seconds of the last change of ``up``."""
        return self._state.since

    @property
    def reason(self) -> str:
        """Why the link is down, in words; empty while it is up."""
        return self._state.reason

    def _hand(self, item: LinkUp | LinkDown | Event) -> None:
        """The one place that calls the sink; its faults are its own and never cost us the connection."""
        try:
            self._sink(item)
        except Exception:
            self.counters.note("sink_errors")
            _log.exception("%s link: the sink failed", self.counters.link)
