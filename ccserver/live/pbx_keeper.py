"""The owner's side of Asterisk's configuration: knows what is pending, applies it when asked or by itself."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec.structs import replace

from ccserver.background import Supervisor
from ccserver.domain.config import (
    STATE_KEY,
    TOPIC,
    AppliedRevision,
    ConfigRun,
    ConfigState,
    Mode,
    RunAction,
)
from ccserver.domain.config_words import of_error, say, worded_state
from ccserver.domain.errors import Conflict, DomainError, FieldError, Invalid, Unavailable
from ccserver.domain.stream import Command
from ccserver.live.commands import Value
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_history import PbxHistory
from ccserver.live.pbx_installer import whole
from ccserver.live.pbx_plan import PlanFailed, Planned, diff_of
from ccserver.live.pbx_run import Asker
from ccserver.live.pbx_trials import Trials, wish_of
from ccserver.live.rows import encoded
from ccserver.ports import Ami, AsteriskStarter
from ccserver.settings import Settings
from ccserver.storage.pool import Database
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_install import LAST
from ccserver.telephony.pbx_layout import FILE_NAME, LayoutError, PbxLayout, read_layout
from ccserver.telephony.pbx_store import Signature, is_locked, who_holds

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0
"""How often the database is looked at without being told: a change that was announced to nobody is still found."""
RETRY_SECONDS = 2.0
TICK_SECONDS = 1.0
"""How often the folder is looked at for what others do there (the command line)."""
COALESCE_SECONDS = 0.2
"""A change seldom comes alone: those that follow within this time are applied with it."""
NOBODY: Final = UUID(int=0)
"""The tenant of rows that only a SUPER_ADMIN sees: several tenants share this Asterisk."""
AUTOMATIC: Final = Asker(who="ccserver", origin="automatic")
_AWAY = (Unavailable, AmiError, OSError)


class Publish(Protocol):
    """``Publisher.put``."""

    def __call__(
        self, topic: str, key: str, row: msgspec.Raw, where: tuple[UUID | None, UUID | None, UUID | None]
    ) -> None: ...


class PbxKeeper:
    """Knows what is pending, applies it by itself in automatic mode, and carries out what people ask.

    Does nothing where no layout file says that this Asterisk is ours to configure.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        ami: Ami,
        *,
        starter: AsteriskStarter | None,
        publish: Publish,
        supervisor: Supervisor,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._database = database
        self._ami = ami
        self._starter = starter
        self._publish = publish
        self._supervisor = supervisor
        self._clock = clock
        self._mode: Mode = "automatic" if settings.asterisk_apply == "automatic" else "manual"
        self._woken = asyncio.Event()
        self._was_up = False
        self._engine: PbxApply | None = None
        self._ready = asyncio.Event()
        self._trials = Trials(clock)
        self._tenant = NOBODY
        self._running = ""
        self._told: tuple[ConfigState, UUID] | None = None
        self.state = ConfigState(mode=self._mode)

    def wake(self) -> None:
        """Something that Asterisk must know has changed."""
        self._woken.set()

    async def run(self) -> None:
        """For ever, under a supervisor; returns only where there is nothing to configure."""
        try:
            layout = await self._layout()
            if layout is None:
                log.info("asterisk is configured by somebody else")
                self._show(ConfigState(mode=self._mode))
                return
            self._engine = PbxApply(
                self._settings,
                self._database,
                layout,
                self._ami,
                self._starter,
                clock=self._clock,
                tell=self._hear,
            )
        finally:
            self._ready.set()
        engine = self._engine
        while True:
            self._woken.clear()
            self._was_up = self._ami.up
            pause = LOOK_SECONDS
            try:
                await self._look(engine)
            except _AWAY as error:
                log.warning("asterisk configuration cannot be looked at", reason=str(error))
                pause = RETRY_SECONDS
            except Conflict:
                pause = RETRY_SECONDS
            seen = await asyncio.to_thread(engine.store.signature)
            await self._wait(engine, pause, seen)

    async def _layout(self) -> PbxLayout | None:
        """The layout as soon as it can be used; until then what is wrong with it is told."""
        path = self._settings.data_dir.absolute() / "asterisk" / FILE_NAME
        while True:
            try:
                return await asyncio.to_thread(read_layout, path)
            except LayoutError as error:
                if self.state.problem != str(error):
                    log.error("asterisk cannot be configured", reason=str(error))
                with contextlib.suppress(Unavailable):
                    self._tenant = await PbxHistory(self._database, self._clock).sole_tenant() or NOBODY
                self._show(replace(self.state, configured=True, problem=str(error)))
                self._ready.set()
            await asyncio.sleep(RETRY_SECONDS)

    # ---- looking

    async def _look(self, engine: PbxApply) -> None:
        """Finish what was interrupted, see what is pending, apply it where that is our part."""
        if not self._running and not await asyncio.to_thread(is_locked, engine.store):
            await engine.recover(AUTOMATIC)
            with contextlib.suppress(AmiError):
                await engine.installer.settle()
        self._tenant = await engine.history.sole_tenant() or NOBODY
        planned = await self._plan(engine)
        if planned is None or not await self._wants_itself(engine, planned):
            return
        await self._automatically(engine, planned)
        await self._plan(engine)

    async def _automatically(self, engine: PbxApply, planned: Planned) -> None:
        """Raises what kept it from beginning: somebody else is at it, or a part is away for a moment."""
        run = await engine.apply(str(uuid4()), AUTOMATIC)
        self._trials.ended(wish_of(planned), run)

    async def _wants_itself(self, engine: PbxApply, planned: Planned) -> bool:
        if planned.nothing_to_do or self._running:
            return False
        return self._trials.may_try(wish_of(planned)) and await self._is_our_part(engine)

    async def _is_our_part(self, engine: PbxApply) -> bool:
        """Whether what waits is applied without anybody's asking."""
        if not await asyncio.to_thread((engine.planner.etc / LAST).exists):
            return True  # Asterisk waits for its first configuration, whatever the mode
        notes = await asyncio.to_thread(engine.store.notes)
        return self._mode == "automatic" and not notes.held

    async def _plan(self, engine: PbxApply) -> Planned | None:
        """What is pending, shown. None when nothing can be planned. Raises Unavailable, OSError."""
        seen = await asyncio.to_thread(engine.store.signature)
        try:
            planned = await engine.planner.plan()
        except PlanFailed as error:
            log.warning("asterisk configuration cannot be planned", reason=str(error))
            self._show(replace(await self._picture(engine), stuck=False, retry_at=None, problem=str(error)))
            return None
        for sentence in sorted(set(planned.left_out) - set(self.state.left_out)):
            log.warning("row left out of asterisk", reason=sentence)
        if planned.nothing_to_do:
            self._trials.forget()
            await self._end_hold(engine, seen)
        stuck = self._trials.in_vain(wish_of(planned)) and await self._is_our_part(engine)
        self._show(
            replace(
                await self._picture(engine),
                stuck=stuck,
                retry_at=self._trials.retry_at if stuck else None,
                changes=len(planned.changes),
                fingerprint=planned.fingerprint,
                edited=planned.difference.edited,
                left_out=planned.left_out,
                problem="",
            )
        )
        return planned

    async def _end_hold(self, engine: PbxApply, seen: Signature) -> None:
        """What somebody went back from is not there any more: nothing is held, and nothing says so."""
        notes = await asyncio.to_thread(engine.store.notes)
        if notes.held and not self._running:
            with contextlib.suppress(Conflict):  # somebody is at it: the next look tells
                await engine.end_hold(AUTOMATIC, seen)

    async def _picture(self, engine: PbxApply) -> ConfigState:
        """The state as far as the folder tells it."""
        applied = await asyncio.to_thread(engine.store.applied)
        notes = await asyncio.to_thread(engine.store.notes)
        return replace(
            self.state,
            configured=True,
            mode=self._mode,
            held=notes.held,
            restart_needed=tuple(sorted(notes.unread)),
            applied=AppliedRevision(
                revision=applied.revision, at=applied.at, who=applied.who, fingerprint=applied.fingerprint
            )
            if applied
            else None,
            blind=not self._ami.up,
        )

    def _show(self, state: ConfigState) -> None:
        told, self.state = (state, self._tenant), state
        if told != self._told:
            self._told = told
            self._publish(TOPIC, STATE_KEY, encoded(worded_state(state)), (self._tenant, None, None))

    def _hear(self, run: ConfigRun) -> None:
        """A run of ours has come further."""
        self._show(replace(self.state, run=run))

    async def _wait(self, engine: PbxApply, seconds: float, seen: Signature) -> None:
        """Until woken, until Asterisk has come back, until the folder changes, or until the time is over."""
        loop = asyncio.get_running_loop()
        due = self._trials.seconds_left or seconds
        deadline = loop.time() + min(seconds, due)
        while not self._woken.is_set() and loop.time() < deadline:
            if self._ami.up != self._was_up:
                self._was_up = self._ami.up
                if self._was_up:
                    self._trials.again()
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()
            if not self._running:
                await self._follow(engine)
            if not self._running and await self._left_changed(engine, seen):
                return
        if self._woken.is_set():
            await asyncio.sleep(COALESCE_SECONDS)

    async def _left_changed(self, engine: PbxApply, seen: Signature) -> bool:
        """Whether somebody else has worked in the folder, and is done."""
        if await asyncio.to_thread(engine.store.signature) == seen:
            return False
        return not await asyncio.to_thread(is_locked, engine.store)

    async def _follow(self, engine: PbxApply) -> None:
        """Show a run of another process (the command line): by its journal while it goes, then as it ended."""
        journal = await asyncio.to_thread(engine.store.journal)
        run = journal.run if journal is not None else await asyncio.to_thread(engine.store.last_run)
        if run is not None and run != self.state.run:
            self._show(replace(self.state, run=run))

    # ---- what people ask

    async def handle(self, command: Command) -> dict[str, Value]:
        """Carries out a ``config.*`` command. Raises domain errors, which travel back to who asked."""
        await self._ready.wait()
        engine = self._engine
        if engine is None and self.state.problem:
            raise Conflict("config_unplanned", reason=self.state.problem)
        if engine is None:
            raise Conflict("pbx_not_ours")
        if command.name == "config.diff":
            return {"diff": await self._diff(engine)}
        asker = Asker(
            who=str(command.body.get("who") or ""),
            origin="page",
            user_id=command.actor,
            tenant_id=command.tenant_id,
        )
        run_id = str(uuid4())
        await self._refuse_when_busy(engine)
        match command.name:
            case "config.check":
                self._begin(run_id, "check", asker, engine.check(run_id, asker))
            case "config.apply":
                wanted = str(command.body.get("fingerprint") or "")
                if (await self._planned(engine)).fingerprint != wanted:
                    raise Conflict("config_changed")
                self._begin(run_id, "apply", asker, engine.apply(run_id, asker, wanted))
            case "config.rollback":
                revision = _whole_number(command.body.get("revision"))
                await asyncio.to_thread(engine.target_of, revision)
                self._begin(run_id, "rollback", asker, engine.rollback(run_id, asker, revision))
            case _:
                raise Invalid(FieldError("name", "unknown_command"))
        return {"id": run_id}

    async def _diff(self, engine: PbxApply) -> str:
        planned = await self._planned(engine)
        return await asyncio.to_thread(lambda: msgspec.json.encode(diff_of(planned)).decode())

    async def _planned(self, engine: PbxApply) -> Planned:
        try:
            return await engine.planner.plan()
        except PlanFailed as error:
            raise Conflict("config_unplanned", reason=str(error)) from error

    async def _refuse_when_busy(self, engine: PbxApply) -> None:
        if self._running != "" or await asyncio.to_thread(is_locked, engine.store):
            raise Conflict("config_busy", who=await asyncio.to_thread(lambda: who_holds(engine.store)))

    def _begin(
        self, run_id: str, action: RunAction, asker: Asker, work: Coroutine[Any, Any, ConfigRun]
    ) -> None:
        if self._running:
            work.close()
            raise Conflict("config_busy", who=self.state.run.who if self.state.run else "?")
        self._running = run_id
        # What is told of it when it never comes to its first step: who asked waits for an end.
        begun = ConfigRun(
            id=run_id,
            action=action,
            step="plan",
            steps=(),
            who=asker.who,
            origin=asker.origin,
            started_at=self._clock(),
        )

        async def to_its_end() -> None:
            try:
                await work
            except (DomainError, OSError) as error:
                # It had not begun: somebody else was faster, or a part went away.
                seen = self.state.run
                ours = seen if seen is not None and seen.id == run_id else begun
                await self._refuse(replace(ours, message=_words(error)))
            finally:
                self._running = ""
                self.wake()

        self._supervisor.once("config run", to_its_end)

    async def _refuse(self, run: ConfigRun) -> None:
        """Tell who asked that it came to nothing; kept, or the run of before would be shown again."""
        over = replace(run, result="refused", ended_at=self._clock())
        self._hear(over)
        if self._engine is not None:
            with contextlib.suppress(OSError):
                await whole(self._engine.store.put_last_run, over)


def _words(error: DomainError | OSError) -> str:
    if isinstance(error, OSError):
        return str(error)
    if error.code == "config_busy":
        return say("config_busy", who=error.params.get("who", "?"))
    return of_error(error)


def _whole_number(value: Value) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise Invalid(FieldError("revision", "wrong_type", (("expected", "int"),)))
