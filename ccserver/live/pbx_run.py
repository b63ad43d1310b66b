"""One run (check, apply, rollback) as it goes: its steps, told at each turn to whoever shows them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from ccserver.domain.config import ConfigRun, ConfigStep, Origin, RunAction, StepState

Tell = Callable[[ConfigRun], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants it. ``user_id`` and ``tenant_id`` of a person of ours."""

    who: str
    origin: Origin
    user_id: UUID | None = None
    tenant_id: UUID | None = None


class RunLog:
    """The state of a run; ``tell`` is called after each change of it."""

    def __init__(
        self,
        run_id: str,
        action: RunAction,
        steps: Sequence[str],
        asker: Asker,
        *,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._clock = clock
        self._tell = tell
        self.keep: Callable[[ConfigRun], Awaitable[None]] = _nowhere
        """Called at each turn of a step, where somebody writes down how far it went."""
        self.asker = asker
        self.state = ConfigRun(
            id=run_id,
            action=action,
            step=steps[0],
            steps=tuple(ConfigStep(name=name) for name in steps),
            who=asker.who,
            origin=asker.origin,
            started_at=clock(),
        )

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator["RunLog"]:
        """The block is that step; what it raises is the step's failure."""
        self._put(name, "running")
        await self.keep(self.state)
        try:
            yield self
        except BaseException as error:
            self._put(name, "failed", self._of(name).message or str(error) or type(error).__name__)
            raise
        if self._of(name).state == "running":
            self._put(name, "done", self._of(name).message)
        await self.keep(self.state)

    def say(self, message: str, state: StepState | None = None) -> None:
        """A word about the step that runs."""
        name = self.state.step
        self._put(name, state or self._of(name).state, message)

    def end(self, result: str, message: str, *, passing: bool = False) -> ConfigRun:
        """It is over. ``passing``: why it failed may pass."""
        self._change(
            replace(self.state, result=result, message=message, passing=passing, ended_at=self._clock())
        )
        return self.state

    def revision(self, revision: int) -> None:
        """It has a number in the history."""
        self._change(replace(self.state, revision=revision))

    def _of(self, name: str) -> ConfigStep:
        return next((step for step in self.state.steps if step.name == name), ConfigStep(name=name))

    def _put(self, name: str, state: StepState, message: str = "") -> None:
        made = ConfigStep(name=name, state=state, at=self._clock(), message=message)
        known = any(step.name == name for step in self.state.steps)
        steps = [made if step.name == name else step for step in self.state.steps] + ([] if known else [made])
        self._change(replace(self.state, step=name, steps=tuple(steps)))

    def _change(self, state: ConfigRun) -> None:
        self.state = state
        self._tell(state)


async def _nowhere(_run: ConfigRun) -> None:
    """Nobody writes it down."""
