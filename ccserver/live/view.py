"""A web node's copy of the live rows, numbered by the node itself.

Pure bookkeeping: no clock and no I/O. Listeners are called in the same step as the rows change, so whoever
reads the view in between sees rows and numbers that belong together.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol

import msgspec

from ccserver.domain.access import Scope
from ccserver.domain.stream import ANNOUNCED_TOPICS, Change

RING_ENTRIES = 20_000
RING_BYTES = 16 * 1024 * 1024
"""How far back a browser may resume: about five minutes at 40 calls/s, or less if the rows are large."""

Origin = Literal["owner", "node"]
"""Who made a row: the owner's snapshot replaces the owner's rows only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change as this node numbered it. ``at``: epoch seconds when its author made it.

    ``scope`` is where the row belongs now, None when it is gone; ``before`` where the row that it replaces
    belonged, None when there was none. Who saw ``before`` and does not see ``scope`` is told of a deletion.
    """

    seq: int
    at: float
    change: Change
    scope: Scope | None
    before: Scope | None


class Listener(Protocol):
    """Told of everything that happens to a view, in order. Must not block and must not raise."""

    def changed(self, entries: Sequence[Entry]) -> None: ...

    def blinded(self, since: float | None) -> None: ...


@dataclass(frozen=True, slots=True)
class _Held:
    change: Change
    scope: Scope
    origin: Origin


class LiveView:
    """Rows by topic and key, the last ``seq`` of this node's ``epoch``, and the recent past for resuming."""

    def __init__(self, epoch: str, *, ring_entries: int = RING_ENTRIES, ring_bytes: int = RING_BYTES) -> None:
        """``epoch`` must never have been used by an earlier run of any node."""
        self.epoch = epoch
        self.seq = 0
        self.as_of = 0.0
        self.blind_since: float | None = None
        self._rows: dict[str, dict[str, _Held]] = {}
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._max_entries = ring_entries
        self._max_bytes = ring_bytes
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of everything from now on."""
        self._listeners.append(listener)

    def rows(self, topic: str) -> Iterable[tuple[Change, Scope]]:
        """The rows of a topic as they stand."""
        return ((held.change, held.scope) for held in self._rows.get(topic, {}).values())

    def row(self, topic: str, key: str) -> Change | None:
        """One row as it stands."""
        held = self._rows.get(topic, {}).get(key)
        return held.change if held else None

    def counts(self) -> Mapping[str, int]:
        """Number of rows per topic, for /health and metrics."""
        return {topic: len(rows) for topic, rows in self._rows.items()}

    def since(self, seq: int) -> Iterable[Entry] | None:
        """Everything after ``seq``, or None when that is too long ago or has not happened."""
        oldest = self._ring[0].seq if self._ring else self.seq + 1
        if not oldest - 1 <= seq <= self.seq:
            return None
        return islice(self._ring, seq - oldest + 1, None)

    def apply(self, changes: Iterable[Change], at: float, origin: Origin = "node") -> None:
        """Number the changes, keep what is to be kept, and tell the listeners once for all of them."""
        entries = [entry for change in changes if (entry := self._take(change, at, origin)) is not None]
        self.touch(at)
        if entries:
            self._remember(entries)
            for listener in self._listeners:
                listener.changed(entries)

    def reconcile(self, changes: Iterable[Change], at: float) -> int:
        """Make the owner's rows equal to ``changes``; returns the number of differences, each an entry."""
        wanted = {(c.topic, c.key): c for c in changes if not c.deleted and _is_held(c)}
        gone = [
            Change(topic=topic, key=key, tenant_id=held.scope.tenant_id)
            for topic, rows in self._rows.items()
            for key, held in rows.items()
            if held.origin == "owner" and (topic, key) not in wanted
        ]
        differing = [c for c in wanted.values() if self._differs(c)]
        self.apply([*gone, *differing], at, "owner")
        return len(gone) + len(differing)

    def touch(self, at: float) -> None:
        """The rows are known to be right as of ``at`` (epoch seconds, the owner's clock)."""
        self.as_of = max(self.as_of, at)

    def set_blind(self, since: float | None) -> None:
        """Note since when what the rows tell of has not been seen; listeners hear of a change only."""
        if since != self.blind_since:
            self.blind_since = since
            for listener in self._listeners:
                listener.blinded(since)

    def _take(self, change: Change, at: float, origin: Origin) -> Entry | None:
        scope = None if change.deleted else change.scope
        if scope is not None:  # a slice of a large message would keep all of the message in memory
            change = msgspec.structs.replace(change, row=change.row.copy())
        if not _is_held(change):
            self.seq += 1
            return Entry(self.seq, at, change, scope, before=change.scope if scope is None else None)
        rows = self._rows.setdefault(change.topic, {})
        held = rows.pop(change.key, None)
        if scope is None:
            if held is None:
                return None  # nobody has ever seen it
        else:
            rows[change.key] = _Held(change, scope, origin)
        self.seq += 1
        return Entry(self.seq, at, change, scope, before=held.scope if held else None)

    def _differs(self, change: Change) -> bool:
        held = self._rows.get(change.topic, {}).get(change.key)
        return held is None or held.change != change

    def _remember(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._ring.append(entry)
            self._ring_bytes += _weight(entry)
        while len(self._ring) > self._max_entries or self._ring_bytes > self._max_bytes:
            self._ring_bytes -= _weight(self._ring.popleft())


def _is_held(change: Change) -> bool:
    return (change.retain or change.deleted) and change.topic not in ANNOUNCED_TOPICS


def _weight(entry: Entry) -> int:
    return 200 + len(memoryview(entry.change.row))
