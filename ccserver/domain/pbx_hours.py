"""Opening hours as Asterisk can be told them: weekly hours, and holidays written out as dates."""

from collections.abc import Iterable

from ccserver.domain.pbx_numbers import SchedulePbx, SpecialDayPbx, WeeklyHoursPbx
from ccserver.domain.schedule import Schedule, holidays_of


def hours_of(schedule: Schedule, years: Iterable[int]) -> SchedulePbx:
    """The schedule with the holidays and special days of ``years``. Raises PbxModelError."""
    wanted = tuple(years)
    days: dict[str, list[tuple[str, str]]] = {}
    if schedule.holidays:
        for year in wanted:
            days.update((day.isoformat(), []) for day in holidays_of(year, schedule.holidays))
    special: dict[str, list[tuple[str, str]]] = {}
    for exception in schedule.exceptions:
        if exception.date.year in wanted:
            hours = special.setdefault(exception.date.isoformat(), [])
            if not exception.closed:
                hours.append((exception.opens, exception.closes))
    days.update(special)  # an exception decides before a holiday
    return SchedulePbx(
        id=str(schedule.id),
        zone=schedule.zone,
        hours=tuple(WeeklyHoursPbx(day=h.day, opens=h.opens, closes=h.closes) for h in schedule.hours),
        special_days=tuple(SpecialDayPbx(date=d, hours=tuple(sorted(h))) for d, h in sorted(days.items())),
    )
