"""What travels from the telephony owner to the live views, and from the hub to browsers.

A topic is a table of rows by key. A change replaces or deletes one row. The owner numbers its batches with
``(epoch, seq)``: epoch names one run of one owner, seq has no holes. Each web node numbers the frames that it
sends to browsers with an epoch and seq of its own, so that what a node adds (users, sites, sessions) takes
part in the same order.
"""

from typing import Literal
from uuid import UUID

import msgspec

from ccserver.domain.access import Scope

OWNER_CHANNEL = "live"
"""Bus channel of the telephony owner's batches and heartbeats."""
CHANGES_CHANNEL = "changes"
"""Bus channel of changes that any node makes (users, sites, sessions): ``NodeChanges``."""
COMMANDS_CHANNEL = "commands"
"""Bus channel of requests to the telephony owner."""

HEARTBEAT_SECONDS = 1.0
"""The owner publishes at least this often, a batch or an empty one."""
BLIND_AFTER_SECONDS = 4.0
"""A node that heard nothing from the owner for this long says that it is blind."""

ANNOUNCED_TOPICS = frozenset({"history", "users", "sites", "phones", "me"})
"""Topics whose truth is PostgreSQL: the stream tells of changes and never holds the table.

A page that gets a snapshot reads these tables again over HTTP (the snapshot lists them in ``reload``).
"""
RELOAD_KEY = "*"
"""Deleting this key of an announced topic says that announcements may have been missed, or that the table was written
long after them: read the table again."""

DELETED = msgspec.Raw(b"null")
"""The row of a change that deletes: msgspec cannot decode ``Raw | None``, and on the wire it is null."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row put (``row`` is its JSON) or deleted (``row`` left out).

    ``retain`` False: an announcement that goes to whoever listens now and is not part of snapshots; it is
    never merged with a later one of the same key. Topics of ``ANNOUNCED_TOPICS`` are never held either way.
    """

    topic: str
    key: str
    row: msgspec.Raw = DELETED
    tenant_id: UUID | None = None
    site_id: UUID | None = None
    user_id: UUID | None = None
    retain: bool = True

    @property
    def deleted(self) -> bool:
        """Whether this change deletes the row."""
        return not self.row or self.row == DELETED

    @property
    def scope(self) -> Scope:
        """Where the row belongs, for ``access.sees``."""
        return Scope(tenant_id=self.tenant_id, site_id=self.site_id, user_id=self.user_id)


class OwnerBatch(msgspec.Struct, frozen=True, kw_only=True, tag="batch"):
    """Changes ``seq`` of ``epoch``; empty as a heartbeat (then seq repeats the last one).

    ``epoch`` sorts by the owner's start (a UUIDv7): while two owners talk, nodes believe the later one.
    ``blind_since``: epoch seconds since which the owner itself has not seen Asterisk, None when it sees.
    """

    epoch: str
    seq: int
    at: float
    changes: tuple[Change, ...] = ()
    blind_since: float | None = None


class OwnerSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """All retained rows of the owner as they stand after batch ``seq``."""

    epoch: str
    seq: int
    at: float
    changes: tuple[Change, ...]
    blind_since: float | None = None


class SnapshotWanted(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot_wanted"):
    """A node asks the owner to publish an ``OwnerSnapshot`` on the owner channel."""

    node: str


OwnerMessage = OwnerBatch | OwnerSnapshot | SnapshotWanted


class NodeChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that a node made; every node, the sender included, applies them in order of arrival."""

    node: str
    changes: tuple[Change, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A request to the telephony owner. ``deadline`` (epoch seconds): not begun after it.

    ``epoch``: the owner the sender believes in, or "" for any; an owner of another epoch answers ``stale``.
    """

    id: str
    node: str
    name: str
    actor: UUID
    tenant_id: UUID
    deadline: float
    epoch: str = ""
    body: dict[str, str | int | float | bool | None] = {}


ReplyKind = Literal["", "invalid", "conflict", "not_found", "forbidden", "unavailable"]
"""Of what kind a refusal is; "" for none."""


class CommandReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, published on ``replies.<node>``. ``error`` is a domain error's code, None when done."""

    id: str
    error: str | None = None
    kind: ReplyKind = ""
    field: str = ""
    params: dict[str, str] = {}
    body: dict[str, str | int | float | bool | None] = {}
