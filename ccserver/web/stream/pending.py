"""Changes that wait to be sent: the latest row of each key, and every announcement."""

from collections.abc import Iterable

from ccserver.live.view import Entry

_Key = tuple[str, str, int]


class Pending:
    """Pieces in the order of their latest change, bounded by whoever looks at ``len`` and ``size``."""

    __slots__ = ("_pieces", "oldest_at", "size")

    def __init__(self) -> None:
        self._pieces: dict[_Key, bytes] = {}
        self.size = 0
        self.oldest_at = 0.0
        """``at`` of the first change that waits: how long the pages have not known."""

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, entry: Entry, piece: bytes) -> None:
        """Put one piece in; it takes the place of an earlier one of its key, unless it is an announcement."""
        change = entry.change
        self._put((change.topic, change.key, 0 if change.retain else entry.seq), piece, entry.at)

    def merge(self, later: "Pending") -> None:
        """Put in all that waits in ``later``."""
        for key, piece in later._pieces.items():
            self._put(key, piece, later.oldest_at)

    def pieces(self) -> Iterable[bytes]:
        """What waits, oldest first."""
        return self._pieces.values()

    def clear(self) -> None:
        """All has been sent."""
        self._pieces.clear()
        self.size = 0

    def _put(self, key: _Key, piece: bytes, at: float) -> None:
        if not self._pieces:
            self.oldest_at = at
        before = self._pieces.pop(key, None)
        if before is not None:
            self.size -= len(before)
        self._pieces[key] = piece
        self.size += len(piece)
