"""Progress lines for work that takes longer than a second.

One line a step: a spinner while it runs, then a tick and the time it took. Where output is not a
terminal (CI, a pipe) only the closing lines appear, so that logs stay readable.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.markup import escape


class Step(Protocol):
    """A step that is under way."""

    def detail(self, text: str) -> None:
        """Show `text` beside the step's title until the next call."""


class Progress(Protocol):
    """Where steps are told. `step` is used as `with progress.step("Starting PostgreSQL") as step:`."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Tell of one step; it is ticked when the block ends and crossed when it raises."""

    def say(self, text: str) -> None:
        """Print one plain line."""


class _QuietStep:
    def detail(self, text: str) -> None:
        """Nobody is watching."""


class QuietProgress:
    """Says nothing: for tests and for calls from other programs."""

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        yield _QuietStep()

    def say(self, text: str) -> None:
        """Nobody is watching."""


class _ConsoleStep:
    def __init__(self, console: Console, title: str) -> None:
        self._title = escape(title)
        self._last = ""
        self.status = console.status(f"{self._title}…")

    def detail(self, text: str) -> None:
        self._last = escape(text)
        self.status.update(f"{self._title}… [dim]{self._last}[/dim]")


class ConsoleProgress:
    """Progress on a terminal (or, without one, one line a step)."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        started_at = monotonic()
        step = _ConsoleStep(self._console, title)
        try:
            with step.status:
                yield step
        except BaseException:
            self._console.print(f"[red]✗[/red] {escape(title)}")
            raise
        self._console.print(f"[green]✓[/green] {escape(title)} [dim]({monotonic() - started_at:.1f} s)[/dim]")

    def say(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)
