"""/api/schedules."""

from datetime import date
from typing import Annotated, Any

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from ccserver.domain.access import Ability, Actor
from ccserver.domain.account import ScheduleRow
from ccserver.domain.schedule import Opening, SpecialDay
from ccserver.services.schedules import ScheduleDraft
from ccserver.web import keys
from ccserver.web.api.sites import Name, Zone
from ccserver.web.decoding import Body, given
from ccserver.web.route import Route
from ccserver.web.routing import path_id
from ccserver.web.versions import versions_of

Hour = Annotated[str, Meta(max_length=5)]
HolidayPlace = Annotated[str, Meta(max_length=10)]


class WeeklyHours(Body, frozen=True, kw_only=True):
    """Open on ``day`` (1 = Monday to 7 = Sunday) from ``opens`` up to ``closes``: "09:00", "24:00" for midnight."""

    day: int
    opens: Hour
    closes: Hour


class SpecialHours(Body, frozen=True, kw_only=True):
    """One date that differs from its weekday and from the holidays; without hours it is closed."""

    date: date
    opens: Hour = ""
    closes: Hour = ""
    label: Annotated[str, Meta(max_length=80)] = ""


Hours = Annotated[tuple[WeeklyHours, ...], Meta(max_length=100)]
Exceptions = Annotated[tuple[SpecialHours, ...], Meta(max_length=400)]


class NewSchedule(Body, frozen=True, kw_only=True):
    """Opening hours. ``holidays``: whose public holidays are closed: "FR", "FR-57"; "" for none."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    zone: Zone = "Europe/Paris"
    holidays: HolidayPlace = ""
    hours: Hours = ()
    exceptions: Exceptions = ()


class ScheduleChanges(Body, frozen=True, kw_only=True):
    """Only what is given changes; a list is replaced as a whole."""

    name: Name | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    holidays: HolidayPlace | UnsetType = UNSET
    hours: Hours | UnsetType = UNSET
    exceptions: Exceptions | UnsetType = UNSET


class ScheduleList(Struct, frozen=True, kw_only=True):
    items: tuple[ScheduleRow, ...]


async def list_schedules(request: web.Request, actor: Actor) -> ScheduleList:
    return ScheduleList(items=await request.app[keys.SCHEDULES].list_schedules(actor))


async def get_schedule(request: web.Request, actor: Actor) -> ScheduleRow:
    return await request.app[keys.SCHEDULES].get(actor, path_id(request))


async def create_schedule(request: web.Request, actor: Actor, body: NewSchedule) -> ScheduleRow:
    return await request.app[keys.SCHEDULES].create(actor, ScheduleDraft(**_values(body)))


async def edit_schedule(request: web.Request, actor: Actor, body: ScheduleChanges) -> ScheduleRow:
    return await request.app[keys.SCHEDULES].edit(
        actor, path_id(request), _values(body), versions_of(request)
    )


async def delete_schedule(request: web.Request, actor: Actor) -> None:
    await request.app[keys.SCHEDULES].delete(actor, path_id(request), versions_of(request))


def _values(body: NewSchedule | ScheduleChanges) -> dict[str, Any]:
    values = given(body)
    if "hours" in values:
        values["hours"] = tuple(Opening(**structs.asdict(row)) for row in values["hours"])
    if "exceptions" in values:
        values["exceptions"] = tuple(SpecialDay(**structs.asdict(row)) for row in values["exceptions"])
    return values


ROUTES = (
    Route(
        "GET",
        "/api/schedules",
        list_schedules,
        ability=Ability.MANAGE_SITES,
        returns=ScheduleList,
        summary="Opening schedules of the tenant, and whether each is open now",
    ),
    Route(
        "POST",
        "/api/schedules",
        create_schedule,
        ability=Ability.MANAGE_SITES,
        body=NewSchedule,
        returns=ScheduleRow,
        status=201,
        summary="Create an opening schedule",
    ),
    Route(
        "GET",
        "/api/schedules/{id}",
        get_schedule,
        ability=Ability.MANAGE_SITES,
        returns=ScheduleRow,
        versioned=ScheduleRow,
        summary="One opening schedule",
    ),
    Route(
        "PATCH",
        "/api/schedules/{id}",
        edit_schedule,
        ability=Ability.MANAGE_SITES,
        body=ScheduleChanges,
        returns=ScheduleRow,
        versioned=ScheduleRow,
        summary="Edit an opening schedule",
    ),
    Route(
        "DELETE",
        "/api/schedules/{id}",
        delete_schedule,
        ability=Ability.MANAGE_SITES,
        status=204,
        versioned=ScheduleRow,
        summary="Delete an opening schedule that no number follows",
    ),
)
