"""Numbers that outside callers dial: list, create (ranges too), edit, delete; told to open pages and to telephony."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import DidRow, SiteRow
from ccserver.domain.dialling import allowed
from ccserver.domain.did import (
    MOST_AT_ONCE,
    check_destination,
    goes_round,
    read_range,
    read_span,
    sent_to,
    sought_digits,
)
from ccserver.domain.directory import RING_SECONDS, Destination, Site
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound
from ccserver.domain.numbers import to_e164
from ccserver.domain.site import site_of
from ccserver.domain.version import Versions, version_at
from ccserver.services import changes
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.storage import dids, schedules, sites
from ccserver.storage.pool import Connection, Database

NOWHERE = Destination()
_FIELDS = ("opened", "closed", "unanswered")
Ways = tuple[Destination, Destination, Destination]
"""Where a number's callers go, in the order of ``_FIELDS``."""
NAMED_TAKEN = 5
"""Of the numbers of a range that exist already, so many are named."""
_CURSOR = re.compile(r"\+[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DidDraft:
    """A number, or all from ``number`` to ``last``, as written in the site's country."""

    site_id: UUID
    number: str
    last: str = ""
    label: str = ""
    schedule_id: UUID | None = None
    opened: Destination = NOWHERE
    closed: Destination = NOWHERE
    unanswered: Destination = NOWHERE
    ring_seconds: int = RING_SECONDS

    @property
    def ways(self) -> Ways:
        """Its destinations."""
        return self.opened, self.closed, self.unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The numbers that a site has from ``number`` to ``last``, as written in its country."""

    site_id: UUID
    number: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPage:
    """One page of numbers; ``next`` is where the following one begins, "" at the end; ``total`` on all pages."""

    items: tuple[DidRow, ...]
    next: str
    total: int


class DidCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers each site has, and how many follow each schedule; those without any are left out."""

    sites: dict[UUID, int]
    schedules: dict[UUID, int]


class Dids:
    """Use cases of numbers; each needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock

    async def page(
        self, actor: Actor, *, text: str = "", site_id: UUID | None = None, after: str = "", limit: int = 50
    ) -> DidPage:
        """Numbers in their order. Raises Invalid for an ``after`` that is no number."""
        if after and not _CURSOR.fullmatch(after):
            raise Invalid(FieldError("after", "cursor"))
        text = text.strip()
        async with self._database.tenant(actor.tenant_id) as connection:
            rows, total = await dids.page_of_dids(
                connection,
                text=text,
                digits=sought_digits(text),
                site_id=site_id,
                after=after,
                limit=limit + 1,
            )
        more = len(rows) > limit
        rows = rows[:limit]
        return DidPage(items=tuple(rows), next=rows[-1].number if more else "", total=total)

    async def counts(self, actor: Actor) -> DidCounts:
        """How many numbers sites and schedules have; those without any are left out."""
        async with self._database.tenant(actor.tenant_id) as connection:
            found = await dids.count_dids(connection)
        places, hours = Counter[UUID](), Counter[UUID]()
        for site_id, schedule_id, count in found:
            places[site_id] += count
            if schedule_id is not None:
                hours[schedule_id] += count
        return DidCounts(sites=dict(places), schedules=dict(hours))

    async def get(self, actor: Actor, did_id: UUID) -> DidRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return await _found(connection, did_id)

    async def create(self, actor: Actor, draft: DidDraft) -> tuple[DidRow, ...]:
        """Make the number, or the whole range, or nothing.

        Raises Invalid, Conflict (number_taken; numbers_taken, which names the first few).
        """
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            site = await _site(connection, draft.site_id)
            numbers = (
                read_range(draft.number, draft.last, site.country)
                if draft.last
                else (to_e164(draft.number, site.country, short=False),)
            )
            opened, closed, unanswered = await _check_ways(connection, actor, site, draft.ways, numbers)
            await _check_schedule(connection, draft.schedule_id)
            made = tuple(
                DidRow(
                    id=new_id(now),
                    version=version_at(now),
                    site_id=site.id,
                    number=number,
                    user_id=opened.user_id,
                    label=draft.label.strip(),
                    schedule_id=draft.schedule_id,
                    opened=opened,
                    closed=closed,
                    unanswered=unanswered,
                    ring_seconds=draft.ring_seconds,
                )
                for number in numbers
            )
            free = await dids.insert_dids(connection, actor.tenant_id, made, now)
            _refuse_taken([did.number for did in made if did.number not in free], draft.last)
            for did in made:
                await changes.record(connection, actor, now, "did.create", did.id, {"number": did.number})
        await self._heralds.tell(actor, *(changes.put(actor, did) for did in made))
        return made

    async def edit(
        self, actor: Actor, did_id: UUID, edit: Mapping[str, Any], versions: Versions = None
    ) -> DidRow:
        """Change the fields that ``edit`` names: site_id, label, schedule_id, opened, closed, unanswered, ring_seconds.

        The number stays. Raises NotFound, ChangedMeanwhile, Invalid.
        """
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, did_id, lock=True)
            await changes.refuse_stale(connection, before, versions, "did")
            now = self._clock()
            [after] = await _change(connection, actor, [before], edit, now)
            await changes.record(
                connection, actor, now, "did.edit", did_id, changes.difference(before, after)
            )
        await self._heralds.tell(actor, *changes.moved(actor, before, after))
        return after

    async def edit_many(
        self, actor: Actor, which: Sequence[UUID] | Span, edit: Mapping[str, Any]
    ) -> tuple[DidRow, ...]:
        """Change the same fields of many numbers, of all of them or of none; the numbers in their order.

        Raises NotFound, Invalid, which names the first number that cannot be changed so.
        """
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _chosen(connection, which)
            now = self._clock()
            after = []
            for alike in _alike(before, edit):
                try:
                    after += await _change(connection, actor, alike, edit, now)
                except Invalid as error:
                    raise _named(error, alike[0].number) from None
            known = {did.id: did for did in before}
            changed = [(known[did.id], did) for did in after if did != known[did.id]]
            if changed:
                await changes.record(connection, actor, now, "did.edit_many", None, _said(changed))
        heralds = [change for pair in changed for change in changes.moved(actor, *pair)]
        if heralds:
            await self._heralds.tell(actor, *heralds)
        return tuple(sorted(after, key=lambda did: did.number))

    async def delete(self, actor: Actor, did_id: UUID, versions: Versions = None) -> None:
        """Its callers then hear that the number is not in service. Raises NotFound, ChangedMeanwhile."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            did = await _found(connection, did_id, lock=True)
            await changes.refuse_stale(connection, did, versions, "did")
            await dids.delete_did(connection, did_id)
            await changes.record(connection, actor, now, "did.delete", did_id, {"number": did.number})
        await self._heralds.tell(actor, changes.gone(actor, did))


async def _found(connection: Connection, did_id: UUID, *, lock: bool = False) -> DidRow:
    did = await dids.get_did(connection, did_id, lock=lock)
    if did is None:
        raise NotFound
    return did


async def _site(connection: Connection, site_id: UUID, field: str = "site_id") -> SiteRow:
    site = await sites.get_site(connection, site_id)
    if site is None:
        raise Invalid(FieldError(field, "unknown"))
    return site


async def _chosen(connection: Connection, which: Sequence[UUID] | Span) -> list[DidRow]:
    """The numbers that are meant, locked. Raises Invalid for one that is not there."""
    if isinstance(which, Span):
        site = await _site(connection, which.site_id, "range.site_id")
        first, last = read_span(which.number, which.last, site.country)
        ids: Sequence[UUID] = await dids.dids_of_range(connection, site.id, first, last, MOST_AT_ONCE + 1)
        if not ids:
            raise Invalid(FieldError("range", "unknown"))
        if len(ids) > MOST_AT_ONCE:
            raise Invalid(FieldError("range", "too_many", (("maximum", str(MOST_AT_ONCE)),)))
    else:
        ids = list(dict.fromkeys(which))
    found = await dids.lock_dids(connection, ids)
    if len(found) != len(ids):
        known = {did.id for did in found}
        missing = [f"ids[{index}]" for index, did_id in enumerate(ids) if did_id not in known]
        raise Invalid(*(FieldError(field, "unknown") for field in missing))
    return found


def _alike(found: Sequence[DidRow], edit: Mapping[str, Any]) -> list[list[DidRow]]:
    """Numbers of one site that will be the same but for number and label, and were sent to the same places before."""
    groups: dict[Any, list[DidRow]] = {}
    for did in sorted(found, key=lambda did: did.number):
        after = msgspec.structs.replace(did, **edit)
        key = (did.site_id, _ways(did), after.site_id, after.schedule_id, after.ring_seconds, _ways(after))
        groups.setdefault(key, []).append(did)
    return list(groups.values())


async def _change(
    connection: Connection, actor: Actor, alike: Sequence[DidRow], edit: Mapping[str, Any], now: datetime
) -> list[DidRow]:
    """The numbers as they are kept, those that ``edit`` changes written. Raises Invalid."""
    wanted = [msgspec.structs.replace(did, **edit) for did in alike]
    first = wanted[0]
    site = await _site(connection, first.site_id)
    opened, closed, unanswered = await _check_ways(
        connection, actor, site, _ways(first), [did.number for did in alike], alike[0]
    )
    await _check_schedule(connection, first.schedule_id)
    after = [
        msgspec.structs.replace(
            did,
            label=did.label.strip(),
            opened=opened,
            closed=closed,
            unanswered=unanswered,
            user_id=opened.user_id,
        )
        for did in wanted
    ]
    # What is so already keeps its version: nobody has to look at it again.
    new = [did for did, old in zip(after, alike, strict=True) if did != old]
    versions = await dids.update_dids(connection, new, now) if new else {}
    return [msgspec.structs.replace(did, version=versions.get(did.id, did.version)) for did in after]


def _named(error: Invalid, number: str) -> Invalid:
    """The error with the number because of which none was changed: its own, or the first that it is true of."""
    because = dict(error.errors[0].params).get("number", number)
    return Invalid(*error.errors, FieldError("ids", "none_changed", (("number", because),)))


def _said(changed: Sequence[tuple[DidRow, DidRow]]) -> dict[str, str]:
    """The line of the audit log for numbers that were changed together: which, and what of each."""
    told = {after.number: changes.difference(before, after) for before, after in changed}
    return {
        "ids": " ".join(str(after.id) for _, after in changed),
        "numbers": " ".join(told),
        "changes": msgspec.json.encode(told).decode(),
    }


async def _check_schedule(connection: Connection, schedule_id: UUID | None) -> None:
    if schedule_id is not None and await schedules.get_schedule(connection, schedule_id) is None:
        raise Invalid(FieldError("schedule_id", "unknown"))


async def _check_ways(
    connection: Connection,
    actor: Actor,
    site: SiteRow,
    wanted: Ways,
    numbers: Sequence[str],
    before: DidRow | None = None,
) -> Ways:
    """The destinations as they are kept. Raises Invalid naming what callers could not be sent to.

    What stays as it was ``before`` is not looked at again: an agent who has left must not stand in the way of a new
    label. Another site has other rules.
    """
    same = before is not None and before.site_id == site.id
    old = _ways(before) if before is not None and same else (None, None, None)
    place = site_of(actor.tenant_id, site)
    opened, closed, unanswered = [
        way if way == known else await _check_way(connection, place, way, field)
        for field, way, known in zip(_FIELDS, wanted, old, strict=True)
    ]
    ways = (opened, closed, unanswered)
    if ways != old and sent_to(*ways):
        forwards = {**await dids.forwards(connection, actor.tenant_id)}
        forwards |= {number: sent_to(*ways) for number in numbers}
        for field, way in zip(_FIELDS, ways, strict=True):
            circling = (n for n in numbers if way.forward_to and goes_round(n, way.forward_to, forwards))
            if number := next(circling, ""):
                raise Invalid(FieldError(f"{field}.forward_to", "forward_loop", (("number", number),)))
    return ways


def _ways(did: DidRow) -> Ways:
    return did.opened, did.closed, did.unanswered


async def _check_way(connection: Connection, site: Site, wanted: Destination, field: str) -> Destination:
    way = check_destination(wanted, field, site.country)
    if way.user_id is not None and (reason := await dids.why_not_ring(connection, way.user_id)):
        raise Invalid(FieldError(f"{field}.user_id", reason))
    if way.phone_id is not None and not await dids.is_physical_phone(connection, way.phone_id):
        raise Invalid(FieldError(f"{field}.phone_id", "unknown"))
    if way.forward_to and not allowed(site, way.forward_to):
        raise Invalid(FieldError(f"{field}.forward_to", "prefix_not_allowed"))
    return way


def _refuse_taken(taken: Sequence[str], last: str) -> None:
    if not taken:
        return
    if not last:
        raise Conflict("number_taken", field="number")
    named = ", ".join(taken[:NAMED_TAKEN]) + (", …" if len(taken) > NAMED_TAKEN else "")
    raise Conflict("numbers_taken", field="number", numbers=named, count=str(len(taken)))
