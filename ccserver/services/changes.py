"""What a change leaves behind: an audit line for every noun, and an announcement for those of the topic ``sites``."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import DidRow, RouteRow, ScheduleRow, SiteRow, TrunkRow
from ccserver.domain.errors import ChangedMeanwhile
from ccserver.domain.ids import floor_id
from ccserver.domain.stream import Change
from ccserver.domain.version import Versioned, Versions, changed_at, is_stale
from ccserver.services.base import new_id
from ccserver.storage import audit
from ccserver.storage.pool import Connection

TOPIC = "sites"

PlaceRow = SiteRow | TrunkRow | DidRow | ScheduleRow | RouteRow
"""Rows of the topic ``sites``; the key of each is its kind and its id."""

_KINDS = {SiteRow: "site", TrunkRow: "trunk", DidRow: "did", ScheduleRow: "schedule", RouteRow: "route"}


def put(actor: Actor, row: PlaceRow) -> Change:
    """The announcement of a row that is new or changed."""
    return Change(
        topic=TOPIC,
        key=_key(row),
        row=msgspec.Raw(msgspec.json.encode(row)),
        tenant_id=actor.tenant_id,
        site_id=_site_of(row),
        retain=False,
    )


def gone(actor: Actor, row: PlaceRow) -> Change:
    """The announcement of a row that is no more."""
    return Change(topic=TOPIC, key=_key(row), tenant_id=actor.tenant_id, site_id=_site_of(row), retain=False)


def moved(actor: Actor, before: PlaceRow, after: PlaceRow) -> tuple[Change, ...]:
    """The announcement of an edited row; who sees only the site that it left is told that it is gone there."""
    if _site_of(before) == _site_of(after):
        return (put(actor, after),)
    return gone(actor, before), put(actor, after)


def difference(before: PlaceRow, after: PlaceRow) -> dict[str, str]:
    """The fields that differ, for the audit log; rows hold no secrets."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    changed = (name for name in new if old[name] != new[name] and name != "version")
    return {name: f"{_said(old[name])} -> {_said(new[name])}" for name in changed}


async def refuse_stale(connection: Connection, row: Versioned, versions: Versions, noun: str) -> None:
    """Raises ChangedMeanwhile unless ``row`` is one of ``versions``; it must be locked, so that it stays so.

    ``noun``: the first part of the actions of its audit lines, which tell who it was. They do because whoever changes a
    row looks at the clock once the row is locked: lines of one row are in the order of its changes.
    """
    if not is_stale(row.version, versions):
        return
    try:
        at = changed_at(row.version)
        since = floor_id(at)
    except ValueError:
        # A list's version holds no instant, only the audit log knows it.
        at, since = None, UUID(int=0)
    last = await audit.last_change(connection, str(row.id), noun, since)
    instant = at or (last.at if last else None)
    raise ChangedMeanwhile(
        row,
        who=last.name if last else "",
        who_id=last.user_id if last else None,
        at=instant.timestamp() if instant else None,
    )


async def record(
    connection: Connection,
    actor: Actor,
    now: datetime,
    action: str,
    target: UUID | None,
    detail: Mapping[str, str],
) -> None:
    """One line of the audit log, in the transaction of the change. ``detail`` must hold no secret.

    No ``target``: several things, whose ids are in ``detail["ids"]``.
    """
    await record_by(connection, actor.tenant_id, actor.user_id, now, action, target, detail)


async def record_by(
    connection: Connection,
    tenant_id: UUID,
    user_id: UUID | None,
    now: datetime,
    action: str,
    target: UUID | None,
    detail: Mapping[str, str],
) -> None:
    """As ``record``, where nobody is logged in (yet): ``user_id`` is who it was, None for a device or the server."""
    await audit.record(
        connection,
        entry_id=new_id(now),
        tenant_id=tenant_id,
        at=now,
        user_id=user_id,
        action=action,
        target="" if target is None else str(target),
        detail=detail,
    )


def _key(row: PlaceRow) -> str:
    return f"{_KINDS[type(row)]}:{row.id}"


def _site_of(row: PlaceRow) -> UUID | None:
    if isinstance(row, SiteRow):
        return row.id
    return None if isinstance(row, ScheduleRow) else row.site_id


def _said(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
