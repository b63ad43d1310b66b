"""A public number as Asterisk knows it: where its callers go when no server says so, and when."""

from dataclasses import dataclass, field

from ccserver.domain.directory import RING_SECONDS, TRUNK_RING_SECONDS
from ccserver.domain.pbx_values import (
    DATE,
    E164,
    EXTENSION,
    IDENTIFIER,
    TIME,
    ZONE,
    PbxModelError,
    caller_name,
    check_choice,
    check_slug,
    check_unique,
    match,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationPbx:
    """``target``: phone (``extension``), number (``number``, E.164, by ``site``), voicemail, none or unanswered.

    ``colleagues``: when the phone does not answer, the site's other phones ring before the voicemail takes over.
    ``relieved``: the number is one of ours that has a third destination of its own. ``unanswered``: what was wanted
    cannot be carried, so that callers go at once where they go when nobody has answered.
    """

    target: str = "none"
    extension: str = ""
    colleagues: bool = False
    number: str = ""
    site: str = ""
    relieved: bool = False

    def __post_init__(self) -> None:
        check_choice(self.target, ("phone", "number", "voicemail", "none", "unanswered"), "destination")
        if self.target == "phone":
            match(EXTENSION, self.extension, "destination's extension", "two to six digits")
        if self.target == "number":
            match(E164, self.number, "destination's number", "an E.164 number with its '+'")
            check_slug(self.site, "destination's site")


def ring(extension: str) -> DestinationPbx:
    """The phone of an agent, then the colleagues'."""
    return DestinationPbx(target="phone", extension=extension, colleagues=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHoursPbx:
    """Open on ``day`` (1 = Monday) from ``opens`` up to but not including ``closes``, "HH:MM", local."""

    day: int
    opens: str
    closes: str

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 7:
            raise PbxModelError("opening hours", "a day between 1 and 7")
        match(TIME, self.opens, "opening hours", "HH:MM")
        match(TIME, self.closes, "opening hours", "HH:MM")
        if self.opens >= self.closes:
            raise PbxModelError("opening hours", "a beginning before the end")

    @property
    def last_minute(self) -> str:
        """The last minute that is still open: Asterisk counts the end of a range in."""
        hour, minute = divmod(int(self.closes[:2]) * 60 + int(self.closes[3:]) - 1, 60)
        return f"{hour:02}:{minute:02}"

    @property
    def day_name(self) -> str:
        """The day as Asterisk writes it."""
        return ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[self.day - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialDayPbx:
    """One ``date`` (YYYY-MM-DD) that differs from its weekday: ``hours`` are open, all the rest is closed."""

    date: str
    hours: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        match(DATE, self.date, "special day", "YYYY-MM-DD")
        for opens, closes in self.hours:
            WeeklyHoursPbx(day=1, opens=opens, closes=closes)

    @property
    def key(self) -> str:
        """The date as digits, the name of its extension."""
        return self.date.replace("-", "")

    @property
    def ranges(self) -> tuple[WeeklyHoursPbx, ...]:
        """The hours, on a day of no meaning."""
        return tuple(WeeklyHoursPbx(day=1, opens=opens, closes=closes) for opens, closes in self.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePbx:
    """Opening hours in their own zone. Holidays are special days, for as many years as were put in."""

    id: str
    zone: str
    hours: tuple[WeeklyHoursPbx, ...] = ()
    special_days: tuple[SpecialDayPbx, ...] = ()

    def __post_init__(self) -> None:
        match(IDENTIFIER, self.id, "schedule id", "letters, digits, '_ . -'")
        match(ZONE, self.zone, "schedule zone", "a zone such as Europe/Paris")
        check_unique((day.date for day in self.special_days), "schedule's special days")


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPbx:
    """A public number of a site: ``opened`` is where callers go while ``schedule`` is open or when there is none.

    ``unanswered``: where they go when nobody has answered after ``ring_seconds``; with its target none, where callers
    of a number whose phone nobody answers always went without the server: to the colleagues and to the voicemail.
    """

    number: str
    site: str
    label: str = ""
    opened: DestinationPbx = field(default_factory=DestinationPbx)
    closed: DestinationPbx = field(default_factory=DestinationPbx)
    schedule: str = ""
    unanswered: DestinationPbx = field(default_factory=DestinationPbx)
    ring_seconds: int = RING_SECONDS

    def __post_init__(self) -> None:
        match(E164, self.number, "number", "an E.164 number with its '+'")
        if not 5 <= self.ring_seconds <= 120:
            raise PbxModelError("number's ring seconds", "between 5 and 120")
        check_slug(self.site, "number's site")
        check_choice(self.unanswered.target, ("phone", "number", "voicemail", "none"), "destination")
        if self.schedule:
            match(IDENTIFIER, self.schedule, "number's schedule", "letters, digits, '_ . -'")

    @property
    def destinations(self) -> tuple[DestinationPbx, ...]:
        """Where callers may end up."""
        first = (self.opened, self.closed) if self.schedule else (self.opened,)
        return (*first, self.unanswered) if self.relieved else first

    @property
    def relieved(self) -> bool:
        """Whether somebody was chosen for callers whom nobody answers."""
        return self.unanswered.target != "none"

    @property
    def last_ring_seconds(self) -> int:
        """How long the one behind whom there is nobody is rung."""
        return max(self.ring_seconds, RING_SECONDS)

    @property
    def outside_ring_seconds(self) -> int:
        """How long who is called by a trunk is rung: time enough for the next trunk to be tried."""
        return max(self.ring_seconds, TRUNK_RING_SECONDS)

    @property
    def box(self) -> str:
        """The name of its mailbox, "" when nobody is ever sent there."""
        needed = any(d.target in ("phone", "voicemail") for d in self.destinations)
        return self.number.removeprefix("+") if needed else ""

    @property
    def box_name(self) -> str:
        """What the mailbox is called."""
        return caller_name(self.label) or self.box
