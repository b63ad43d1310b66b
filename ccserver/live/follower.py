"""Following the owner's numbering: what to apply, what to keep for later, and when a snapshot is needed."""

from dataclasses import dataclass, field

from ccserver.domain.stream import OwnerBatch, OwnerSnapshot

MAX_EARLY = 5_000
"""Batches kept while waiting for a snapshot; beyond it the oldest go, and another snapshot will be wanted."""


@dataclass(slots=True)
class Follower:
    """Pure state: the owner's ``epoch`` and the last ``seq`` applied. ``synced``: nothing is missing.

    ``newest`` is the owner that is believed: it may have spoken without having sent its snapshot yet.
    """

    epoch: str = ""
    seq: int = 0
    synced: bool = False
    newest: str = ""
    _early: list[OwnerBatch] = field(default_factory=list)

    def lost(self) -> None:
        """Messages may have been lost: only a snapshot makes the rows right again."""
        self.synced = False

    def is_older_owner(self, epoch: str) -> bool:
        """Whether ``epoch`` is of an owner that started before the one believed."""
        return epoch < self.newest

    def batch(self, batch: OwnerBatch) -> bool:
        """Whether to apply ``batch`` now. One that comes too early is kept; an old one is dropped."""
        if not self.synced or batch.epoch != self.epoch:
            self.newest = batch.epoch
            self.lost()
            self._keep(batch)
            return False
        if not batch.changes:
            if batch.seq > self.seq:
                self.lost()
            return self.synced
        if batch.seq == self.seq + 1:
            self.seq = batch.seq
            return True
        if batch.seq > self.seq:
            self.lost()
            self._keep(batch)
        return False

    def snapshot(self, snapshot: OwnerSnapshot) -> list[OwnerBatch] | None:
        """Take the snapshot's place in the order: the batches to apply after its rows, in order.

        None when the rows are as new already and the snapshot is to be ignored.
        """
        if self.synced and snapshot.epoch == self.epoch and snapshot.seq < self.seq:
            return None
        self.epoch, self.seq, self.synced = snapshot.epoch, snapshot.seq, True
        self.newest = snapshot.epoch
        early, self._early = self._early, []
        return [batch for batch in early if batch.epoch == self.epoch and self.batch(batch)]

    def _keep(self, batch: OwnerBatch) -> None:
        if batch.changes:
            self._early.append(batch)
            del self._early[:-MAX_EARLY]
