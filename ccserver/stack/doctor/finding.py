"""What a look at one precondition has found."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """Red stands in the way of a production start, amber is advice; unknown could not be looked at."""

    GOOD = "good"
    ADVICE = "advice"
    BAD = "bad"
    UNKNOWN = "unknown"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, what was found, and what to do about it."""

    name: str
    level: Level
    detail: str
    mend: str = ""


def good(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name=name, level=Level.GOOD, detail=detail)


def advice(name: str, detail: str, mend: str) -> Finding:
    """It works, and could be better."""
    return Finding(name=name, level=Level.ADVICE, detail=detail, mend=mend)


def bad(name: str, detail: str, mend: str) -> Finding:
    """Not fit for production."""
    return Finding(name=name, level=Level.BAD, detail=detail, mend=mend)


def unknown(name: str, why: str, mend: str = "") -> Finding:
    """Could not be looked at."""
    return Finding(name=name, level=Level.UNKNOWN, detail=f"not checked: {why}", mend=mend)


def exit_status(findings: Iterable[Finding]) -> int:
    """0: ready; 1: something is red; 2: nothing is red, but something could not be looked at."""
    levels = {finding.level for finding in findings}
    if Level.BAD in levels:
        return 1
    return 2 if Level.UNKNOWN in levels else 0
