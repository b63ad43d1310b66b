"""Opening hours, in their own zone, over changes of the clock."""

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.schedule import Opening, Schedule, SpecialDay, check_schedule, holiday_place_known
from hypothesis import given
from hypothesis import strategies as st

ZONES = frozenset(available_timezones())
PARIS = ZoneInfo("Europe/Paris")


def schedule(**other: object) -> Schedule:
    fields: dict[str, object] = {
        "id": UUID(int=1),
        "tenant_id": UUID(int=2),
        "name": "Day",
        "zone": "Europe/Paris",
        "holidays": "FR",
        "hours": tuple(Opening(day=day, opens="09:00", closes="18:00") for day in range(1, 6)),
    }
    return Schedule(**{**fields, **other})  # type: ignore[arg-type]


def at(*parts: int, zone: ZoneInfo = PARIS) -> float:
    return datetime(*parts, tzinfo=zone).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        (at(2026, 11, 20, 8, 59), False),
        (at(2026, 11, 20, 9, 0), True),
        (at(2026, 11, 20, 17, 59), True),
        (at(2026, 11, 20, 18, 0), False),
        (at(2026, 11, 21, 10, 0), False),  # Saturday
        (at(2026, 11, 11, 10, 0), False),  # Armistice
        (at(2026, 12, 24, 15, 0), False),  # an exception: until noon
        (at(2026, 12, 24, 11, 0), True),
        (at(2026, 12, 25, 11, 0), True),  # an exception wins over a holiday
        (at(2026, 12, 28, 11, 0), False),
    ],
)
def test_a_week_with_holidays_and_exceptions(instant: float, is_open: bool) -> None:
    special = (
        SpecialDay(date=date(2026, 12, 24), opens="09:00", closes="12:00"),
        SpecialDay(date=date(2026, 12, 25), opens="10:00", closes="12:00"),
        SpecialDay(date=date(2026, 12, 28)),
    )
    assert schedule(exceptions=special).is_open(instant) is is_open


def test_hours_are_local_when_the_clock_changes() -> None:
    night = schedule(holidays="", hours=(Opening(day=7, opens="01:00", closes="24:00"),))
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
    # 01:00 local is 00:00 UTC in winter time, and 23:00 UTC of Saturday in summer time.
    assert [night.is_open(spring.timestamp() + d) for d in (-1, 0, 3600)] == [False, True, True]
    assert [night.is_open(autumn.timestamp() + d) for d in (-3601, -3600, 23 * 3600 - 1)] == [
        False,
        True,
        True,
    ]
    assert not night.is_open(autumn.timestamp() + 23 * 3600)


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1)))  # noqa: DTZ001
def test_always_open_is_always_open(moment: datetime) -> None:
    always = schedule(
        holidays="", hours=tuple(Opening(day=day, opens="00:00", closes="24:00") for day in range(1, 8))
    )
    assert always.is_open(moment.replace(tzinfo=UTC).timestamp())


def test_holidays_of_a_part_of_a_country() -> None:
    good_friday = at(2026, 4, 3, 10, 0)
    assert schedule().is_open(good_friday)
    assert not schedule(holidays="FR-57").is_open(good_friday)
    assert [holiday_place_known(p) for p in ("", "FR", "FR-57", "FR-99", "XX")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"name": " "}, "name", "required"),
        ({"zone": "Mars"}, "zone", "zone_unknown"),
        ({"holidays": "XX"}, "holidays", "holidays_unknown"),
        ({"hours": (Opening(day=8, opens="09:00", closes="10:00"),)}, "hours[0].day", "weekday"),
        ({"hours": (Opening(day=1, opens="9h", closes="10:00"),)}, "hours[0].opens", "hour_format"),
        ({"hours": (Opening(day=1, opens="09:00", closes="25:00"),)}, "hours[0].closes", "hour_format"),
        ({"hours": (Opening(day=1, opens="10:00", closes="10:00"),)}, "hours[0].closes", "hours_order"),
        (
            {
                "hours": (
                    Opening(day=1, opens="09:00", closes="12:00"),
                    Opening(day=1, opens="11:59", closes="14:00"),
                )
            },
            "hours[1].opens",
            "hours_overlap",
        ),
        (
            {"exceptions": (SpecialDay(date=date(2026, 1, 1), opens="09:00"),)},
            "exceptions[0].closes",
            "hour_format",
        ),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_schedule(schedule(**fields), ZONES)
    assert [(e.field, e.code) for e in raised.value.errors] == [(field, code)]


def test_what_is_right_passes() -> None:
    check_schedule(schedule(exceptions=(SpecialDay(date=date(2026, 1, 1)),)), ZONES)
