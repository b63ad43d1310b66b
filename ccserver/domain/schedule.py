"""Opening hours: is a place open at an instant? In the schedule's own zone, holidays and exceptions included."""

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
import msgspec

from ccserver.domain.errors import FieldError, Invalid


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Open on ``day`` (1 = Monday to 7 = Sunday) from ``opens`` up to but not including ``closes``.

    Local "HH:MM"; "24:00" closes at midnight. A night shift is two openings, one on each day.
    """

    day: int
    opens: str
    closes: str


class SpecialDay(msgspec.Struct, frozen=True, kw_only=True):
    """One date that differs from its weekday and from the holidays: closed, or open from ``opens`` to ``closes``."""

    date: date
    opens: str = ""
    closes: str = ""
    label: str = ""

    @property
    def closed(self) -> bool:
        """No hours: nobody is there that day."""
        return not self.opens


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """``holidays``: "" to work through them, else whose days are closed: a country ("FR") or its part ("FR-57")."""

    id: UUID
    tenant_id: UUID
    name: str
    zone: str
    holidays: str = ""
    hours: tuple[Opening, ...] = ()
    exceptions: tuple[SpecialDay, ...] = ()
    version: str = ""

    def is_open(self, at: float) -> bool:
        """Whether it is open at ``at`` (epoch seconds): an exception decides first, then holidays, then the week."""
        local = datetime.fromtimestamp(at, _zone(self.zone))
        minute = local.hour * 60 + local.minute
        today = [day for day in self.exceptions if day.date == local.date()]
        if today:
            return any(not d.closed and minutes(d.opens) <= minute < minutes(d.closes) for d in today)
        if self.holidays and is_holiday(local.date(), self.holidays):
            return False
        weekday = local.isoweekday()
        return any(h.day == weekday and minutes(h.opens) <= minute < minutes(h.closes) for h in self.hours)


def minutes(text: str) -> int:
    """Minutes since midnight of a local "HH:MM", 1440 for "24:00". Raises ValueError."""
    if text == "24:00":
        return 1440
    if len(text) != 5 or text[2] != ":":  # "T0900" is ISO too
        raise ValueError(text)
    parsed = time.fromisoformat(text)
    return parsed.hour * 60 + parsed.minute


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def prepare(schedules: Iterable[Schedule], at: float) -> None:
    """Reads from disk what the schedules need (zones, holidays of this year and the next): ``is_open`` then does not.

    Blocking: call it in a thread.
    """
    for schedule in schedules:
        year = datetime.fromtimestamp(at, _zone(schedule.zone)).year
        if schedule.holidays:
            holidays_of(year, schedule.holidays)
            holidays_of(year + 1, schedule.holidays)


@lru_cache(maxsize=256)
def holidays_of(year: int, place: str) -> frozenset[date]:
    """The public holidays of ``place`` ("FR", "FR-57") in a year."""
    country, _, part = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def is_holiday(day: date, place: str) -> bool:
    """Whether ``day`` is a public holiday of ``place`` ("FR", "FR-57")."""
    return day in holidays_of(day.year, place)


def holiday_place_known(place: str) -> bool:
    """Whether the holidays of ``place`` are known; "" (no holidays) is."""
    if not place:
        return True
    country, _, part = place.partition("-")
    known = holidays.list_supported_countries()
    return country in known and (not part or part in known[country])


def check_schedule(schedule: Schedule, zones: frozenset[str]) -> None:
    """Raises Invalid naming each field: an unknown zone or holidays, an hour that is none, hours that overlap."""
    errors: list[FieldError] = []
    if not schedule.name.strip():
        errors.append(FieldError("name", "required"))
    if schedule.zone not in zones:
        errors.append(FieldError("zone", "zone_unknown"))
    if not holiday_place_known(schedule.holidays):
        errors.append(FieldError("holidays", "holidays_unknown"))
    spans: dict[str, list[tuple[int, int]]] = {}
    rows: list[tuple[str, str, str, str]] = []
    for index, hour in enumerate(schedule.hours):
        if not 1 <= hour.day <= 7:
            errors.append(FieldError(f"hours[{index}].day", "weekday"))
        rows.append((f"hours[{index}]", f"d{hour.day}", hour.opens, hour.closes))
    for index, special in enumerate(schedule.exceptions):
        if special.closed and not special.closes:
            continue
        rows.append((f"exceptions[{index}]", special.date.isoformat(), special.opens, special.closes))
    for field, day, opens, closes in rows:
        code = _span_error(opens, closes, spans.setdefault(day, []))
        if code:
            errors.append(FieldError(f"{field}.{code[0]}", code[1]))
    if errors:
        raise Invalid(*errors)


def _span_error(opens: str, closes: str, taken: list[tuple[int, int]]) -> tuple[str, str] | None:
    try:
        start = minutes(opens)
    except ValueError:
        return "opens", "hour_format"
    try:
        end = minutes(closes)
    except ValueError:
        return "closes", "hour_format"
    if start >= end:
        return "closes", "hours_order"
    if any(start < other_end and other_start < end for other_start, other_end in taken):
        return "opens", "hours_overlap"
    taken.append((start, end))
    return None
