"""Numbers that outside callers dial: list, create (ranges too), edit, delete; told to open pages and to telephony."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import DidRow, SiteRow
from ccserver.domain.dialling import allowed
from ccserver.domain.did import check_destination, goes_round, read_range, sent_to
from ccserver.domain.directory import RING_SECONDS, Destination, Site
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound
from ccserver.domain.numbers import to_e164
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


class Dids:
    """Use cases of numbers; each needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock

    async def list_dids(self, actor: Actor) -> tuple[DidRow, ...]:
        """The tenant's numbers."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await dids.list_dids(connection))

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

    async def edit(self, actor: Actor, did_id: UUID, edit: Mapping[str, Any]) -> DidRow:
        """Change the fields that ``edit`` names: site_id, label, schedule_id, opened, closed, unanswered, ring_seconds.

        The number stays.

        Raises NotFound, Invalid.
        """
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, did_id, lock=True)
            wanted = msgspec.structs.replace(before, **edit)
            site = await _site(connection, wanted.site_id)
            opened, closed, unanswered = await _check_ways(
                connection, actor, site, _ways(wanted), (before.number,), before
            )
            await _check_schedule(connection, wanted.schedule_id)
            after = msgspec.structs.replace(
                wanted,
                label=wanted.label.strip(),
                opened=opened,
                closed=closed,
                unanswered=unanswered,
                user_id=opened.user_id,
            )
            await dids.update_did(connection, after, now)
            await changes.record(
                connection, actor, now, "did.edit", did_id, changes.difference(before, after)
            )
        await self._heralds.tell(actor, *changes.moved(actor, before, after))
        return after

    async def delete(self, actor: Actor, did_id: UUID) -> None:
        """Its callers then hear that the number is not in service. Raises NotFound."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            did = await _found(connection, did_id, lock=True)
            await dids.delete_did(connection, did_id)
            await changes.record(connection, actor, now, "did.delete", did_id, {"number": did.number})
        await self._heralds.tell(actor, changes.gone(actor, did))


async def _found(connection: Connection, did_id: UUID, *, lock: bool = False) -> DidRow:
    did = await dids.get_did(connection, did_id, lock=lock)
    if did is None:
        raise NotFound
    return did


async def _site(connection: Connection, site_id: UUID) -> SiteRow:
    site = await sites.get_site(connection, site_id)
    if site is None:
        raise Invalid(FieldError("site_id", "unknown"))
    return site


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
    place = Site(tenant_id=actor.tenant_id, **msgspec.structs.asdict(site))
    opened, closed, unanswered = [
        way if way == known else await _check_way(connection, place, way, field)
        for field, way, known in zip(_FIELDS, wanted, old, strict=True)
    ]
    ways = (opened, closed, unanswered)
    if ways != old and sent_to(*ways):
        forwards = {**await dids.forwards(connection, actor.tenant_id)}
        forwards |= {number: sent_to(*ways) for number in numbers}
        for field, way in zip(_FIELDS, ways, strict=True):
            if way.forward_to and any(goes_round(number, way.forward_to, forwards) for number in numbers):
                raise Invalid(FieldError(f"{field}.forward_to", "forward_loop"))
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
