"""The doctor's lines on a terminal, and as JSON."""

from collections.abc import Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.markup import escape

from ccserver.stack.doctor.finding import Finding, Level, exit_status

_SIGNS: Final = {
    Level.GOOD: "[green]✓[/green]",
    Level.ADVICE: "[yellow]![/yellow]",
    Level.BAD: "[red]✗[/red]",
    Level.UNKNOWN: "[yellow]?[/yellow]",
}
_NAME_WIDTH: Final = 26


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, for programs."""

    status: int
    findings: tuple[Finding, ...]


def print_finding(console: Console, finding: Finding) -> None:
    """One line: sign, name, what was found, and the mend behind an arrow."""
    mend = f" [bold]→[/bold] {escape(finding.mend)}" if finding.mend else ""
    line = f"{_SIGNS[finding.level]} {escape(finding.name):<{_NAME_WIDTH}} {escape(finding.detail)}{mend}"
    console.print(line, soft_wrap=True, highlight=False)


def closing_line(findings: Sequence[Finding]) -> str:
    """How many of each."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    words = f"{counts[Level.GOOD]} good, {counts[Level.ADVICE]} to improve, {counts[Level.BAD]} red"
    if counts[Level.UNKNOWN]:
        words += f", {counts[Level.UNKNOWN]} not checked"
    return words


def as_json(findings: Sequence[Finding]) -> str:
    """The report for other programs."""
    report = Report(status=exit_status(findings), findings=tuple(findings))
    return msgspec.json.format(msgspec.json.encode(report)).decode()
