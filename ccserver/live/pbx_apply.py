"""The one way by which a configuration reaches Asterisk: plan, stage, rehearse, back up, install, reload, verify.

The page, the command line and the automatic mode all go through here. A run that fails puts everything back by
itself; one that is killed is undone by whoever comes next, from its journal. One at a time: a lock of the kernel
on this machine, and one of PostgreSQL between machines.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec.structs import replace

from ccserver.domain.config import APPLY_STEPS, CHECK_STEPS, ROLLBACK_STEPS, ConfigRun, ObjectChange
from ccserver.domain.config_words import of_error, say
from ccserver.domain.errors import Conflict, NotFound, Unavailable
from ccserver.domain.pbx_change import compare
from ccserver.live.pbx_history import INTERRUPTED, PbxHistory
from ccserver.live.pbx_installer import UP_SECONDS, Outcome, PbxInstaller, Target, whole
from ccserver.live.pbx_plan import PbxPlanner, PlanFailed, Planned, diff_of, diff_text
from ccserver.live.pbx_run import Asker, RunLog, Tell
from ccserver.live.pbx_trials import may_pass
from ccserver.ports import Ami, AsteriskStarter
from ccserver.settings import Settings
from ccserver.storage.pool import Database
from ccserver.telephony import pbx_install
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_install import difference
from ccserver.telephony.pbx_layout import PbxLayout
from ccserver.telephony.pbx_rehearsal import RehearsalFailed, rehearse
from ccserver.telephony.pbx_store import Journal, PbxLock, Signature

log = structlog.get_logger(__name__)

NOTHING = say("nothing_changed")
NO_PROGRAM = say("no_program")
_NOT_READY = (PlanFailed, RehearsalFailed, Unavailable, OSError)


class PbxApply:
    """Checks, applies and rolls back. Each raises Conflict config_busy, config_changed, Unavailable before it begins.

    ``starter`` boots throw-away Asterisks; without one nothing is applied, for nothing can be rehearsed.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        layout: PbxLayout,
        ami: Ami,
        starter: AsteriskStarter | None,
        *,
        clock: Callable[[], float],
        tell: Tell,
        patience_seconds: float = UP_SECONDS,
    ) -> None:
        self.planner = PbxPlanner(settings, database, layout, clock)
        self.store = self.planner.store
        self.history = PbxHistory(database, clock)
        self.installer = PbxInstaller(self.store, ami, Path(layout.directories.log), clock, patience_seconds)
        self._starter = starter
        self._clock = clock
        self._tell = tell

    # ---- the three things that can be asked

    async def check(self, run_id: str, asker: Asker) -> ConfigRun:
        """Plan, stage and rehearse; nothing is touched. Ends as checked, unchanged or refused."""
        run = RunLog(run_id, "check", CHECK_STEPS, asker, clock=self._clock, tell=self._tell)
        async with self.history.turn(self.store, asker):
            await self._recover()
            try:
                planned = await self._plan(run, "")
                await self._try_out(run, planned, planned.files)
            except _NOT_READY as error:
                return await self._ended(run, self._refused(error))
            finally:
                await whole(pbx_install.clear, self.store)
            if planned.nothing_to_do:
                return await self._ended(run, Outcome("unchanged", NOTHING))
            files = len(planned.difference.to_read)
            return await self._ended(run, Outcome("checked", say("files_would_change", files=files)))

    async def apply(self, run_id: str, asker: Asker, fingerprint: str = "") -> ConfigRun:
        """Bring Asterisk to what the database says. ``fingerprint``: what the asker saw, "" for anything."""
        run = RunLog(run_id, "apply", APPLY_STEPS, asker, clock=self._clock, tell=self._tell)
        async with self.history.turn(self.store, asker):
            await self._recover()
            try:
                planned = await self._plan(run, fingerprint)
            except PlanFailed as error:
                return await self._ended(run, self._refused(error))
            if planned.nothing_to_do:
                await self._end_hold()
                return await self._ended(run, Outcome("unchanged", NOTHING))
            journal = await self._begin(run, planned)
            try:
                files = await self.planner.files(planned, journal.revision)
                await self._try_out(run, planned, files)
            except _NOT_READY as error:
                await whole(pbx_install.clear, self.store)
                return await self._over(run, journal, self._refused(error))
            target = Target(
                revision=journal.revision,
                files=files,
                difference=planned.difference,
                fingerprint=planned.fingerprint,
                machine=planned.machine,
                objects=planned.objects,
                left_out=planned.left_out,
            )
            outcome = await self.installer.put(run, journal, target)
            if outcome.result == "applied":
                await self._end_hold()
            return await self._over(run, journal, outcome)

    async def rollback(self, run_id: str, asker: Asker, revision: int) -> ConfigRun:
        """Bring back the files of an older revision; automatic mode is held until somebody applies, or the
        database says the same.

        Held from the beginning, so that a kill half way is not undone by automatic mode; a rollback that did not come
        about leaves the mode as it was.

        Raises NotFound revision_unknown, Conflict revision_other_machine.
        """
        run = RunLog(run_id, "rollback", ROLLBACK_STEPS, asker, clock=self._clock, tell=self._tell)
        async with self.history.turn(self.store, asker):
            await self._recover()
            target = await asyncio.to_thread(self.target_of, revision)
            held = (await asyncio.to_thread(self.store.notes)).held
            await whole(self.store.set_held, True)
            if not target.difference.to_read:
                return await self._ended(run, Outcome("unchanged", NOTHING))
            journal = await self._begin_rollback(run, target)
            target = dataclasses.replace(target, revision=journal.revision)
            try:
                names = target.difference.changed
                await whole(pbx_install.stage, self.store, {name: target.files[name] for name in names})
            except OSError as error:
                await whole(pbx_install.clear, self.store)
                outcome = self._refused(error)
            else:
                outcome = await self.installer.put(run, journal, target)
            if outcome.result != "applied":
                await whole(self.store.set_held, held)
            return await self._over(run, journal, outcome)

    async def recover(self, asker: Asker) -> None:
        """Undo what a killed run left, and tell the history. Raises Conflict config_busy, Unavailable, OSError."""
        if await asyncio.to_thread(self.store.journal) is None:
            return
        lock = PbxLock(self.store, asker.who, asker.origin)
        try:
            await whole(lock.acquire)
            # The files first: that needs no database.
            await self._put_back()
        finally:
            await asyncio.to_thread(lock.release)
        async with self.history.turn(self.store, asker):
            await self._recover()

    def target_of(self, revision: int) -> Target:
        """An older revision's tree as a target. Raises NotFound, Conflict. Blocks."""
        manifest, files = self.store.manifest(revision), self.store.tree(revision)
        if manifest is None or not files:
            raise NotFound("revision_unknown")
        if manifest.machine != self.planner.machine:
            raise Conflict("revision_other_machine")
        return Target(
            revision=revision,
            files=files,
            difference=difference(self.planner.etc, self.store.applied(), files),
            fingerprint=manifest.fingerprint,
            machine=manifest.machine,
            objects=manifest.objects,
            left_out=manifest.left_out,
        )

    # ---- the half that touches nothing

    async def _plan(self, run: RunLog, fingerprint: str) -> Planned:
        async with run.step("plan"):
            planned = await self.planner.plan()
            if fingerprint and planned.fingerprint != fingerprint:
                raise Conflict("config_changed")
            run.say(say("planned", changes=len(planned.changes), files=len(planned.difference.to_read)))
        return planned

    async def _try_out(self, run: RunLog, planned: Planned, files: dict[str, str]) -> None:
        async with run.step("stage"):
            changed = {name: files[name] for name in planned.difference.changed}
            try:
                await whole(self.store.reserve)
                await whole(pbx_install.stage, self.store, changed)
            except OSError as error:
                run.say(self._words(error))
                raise
        async with run.step("rehearse"):
            report = await rehearse(planned.model, self._starter) if self._starter else None
            if report is None:
                raise RehearsalFailed(NO_PROGRAM, passing=True)
            run.say(f"{report.seen}, {report.seconds:.1f} s")  # the sentence "rehearsed"

    async def _begin(self, run: RunLog, planned: Planned) -> Journal:
        text = await asyncio.to_thread(diff_of, planned)
        revision = await self.history.begin(
            run,
            fingerprint=planned.fingerprint,
            files=(*planned.difference.names, *planned.difference.extras),
            objects=planned.changes,
            left_out=planned.left_out,
            diff="\n".join(file.diff for file in text.files),
        )
        return await self._open_journal(run, revision)

    async def _begin_rollback(self, run: RunLog, target: Target) -> Journal:
        applied = await asyncio.to_thread(self.store.applied)
        changes: tuple[ObjectChange, ...] = compare(applied.objects if applied else {}, target.objects)
        text = await asyncio.to_thread(diff_text, target.difference)
        revision = await self.history.begin(
            run,
            fingerprint=target.fingerprint,
            files=target.difference.names,
            objects=changes,
            left_out=target.left_out,
            diff=text,
        )
        return await self._open_journal(run, revision)

    async def _open_journal(self, run: RunLog, revision: int) -> Journal:
        run.revision(revision)
        asker = run.asker
        journal = Journal(
            phase="begun",
            run=run.state,
            revision=revision,
            user_id=str(asker.user_id or ""),
            tenant_id=str(asker.tenant_id or ""),
        )

        async def keep(state: ConfigRun) -> None:
            with contextlib.suppress(OSError):
                await self.installer.note(replace(journal, run=state))

        run.keep = keep
        await keep(run.state)
        return journal

    # ---- the end

    async def _ended(self, run: RunLog, outcome: Outcome) -> ConfigRun:
        state = run.end(outcome.result, outcome.message, passing=outcome.passing)
        with contextlib.suppress(OSError):
            await whole(self.store.put_last_run, state)
        return state

    async def _over(self, run: RunLog, journal: Journal, outcome: Outcome) -> ConfigRun:
        """Told to the journal first, then to PostgreSQL: what it does not take now, it gets later."""
        state = await self._ended(run, outcome)
        done = replace(journal, phase="over", run=state)
        with contextlib.suppress(OSError):
            await self.installer.note(done)
        with contextlib.suppress(Unavailable):
            await self.history.end(done)
            await whole(self.store.end_journal)
        with contextlib.suppress(OSError):
            await whole(pbx_install.clear, self.store)
            if outcome.result in ("refused", "rolled_back"):
                await whole(self.store.forget, journal.revision)
            await whole(self.store.prune)
        words = {"action": state.action, "revision": journal.revision, "who": state.who}
        log.info("asterisk configuration", result=outcome.result, reason=outcome.message, **words)
        return state

    async def _recover(self) -> None:
        """Under the lock. Raises Unavailable (what was restored stays so, the row comes later), OSError."""
        await self._put_back()
        journal = await asyncio.to_thread(self.store.journal)
        if journal is not None:
            await self.history.end(journal)
            await whole(self.store.end_journal)
            if journal.run.result not in (
                "applied",
                "failed",
            ):  # of a failed one, only its folder has the old files
                await whole(self.store.forget, journal.revision)
        await self.history.end_lost()
        with contextlib.suppress(AmiError, Unavailable):
            # What Asterisk has not read of earlier revisions: most often it has restarted since, and has.
            if (await asyncio.to_thread(self.store.notes)).unread and await self.installer.up():
                await self.installer.settle()

    async def _put_back(self) -> None:
        """Ends what a killed run left half done; its journal then has a result. Raises OSError."""
        await whole(pbx_install.clear, self.store)
        journal = await asyncio.to_thread(self.store.journal)
        if journal is None or journal.phase == "over":
            return
        state = replace(journal.run, result="interrupted", message=INTERRUPTED, ended_at=self._clock())
        if journal.phase == "installing":
            log.warning("an interrupted apply is undone", revision=journal.revision, who=state.who)
            await whole(pbx_install.restore, self.store, journal.revision, journal.before, journal.created)
            await self.installer.must_read((*journal.before, *journal.created))
            if await self.installer.up():
                with contextlib.suppress(AmiError, Unavailable):
                    await self.installer.settle()
        elif journal.phase == "kept":
            await whole(self.installer.finish, journal.revision)
            state = replace(state, result="applied", message="")
        await self.installer.note(replace(journal, phase="over", run=state))

    async def end_hold(self, asker: Asker, seen: Signature) -> None:
        """Automatic mode goes on: Asterisk was seen to run on what the database says, nothing is held back any more.

        ``seen``: the folder of then; when somebody has worked there since, nothing is done.
        Raises Conflict config_busy, OSError.
        """

        def end() -> None:
            with PbxLock(self.store, asker.who, asker.origin):
                if self.store.signature() == seen:
                    self.store.set_held(False)

        await whole(end)

    async def _end_hold(self) -> None:
        await whole(self.store.set_held, False)

    def _refused(self, error: Exception) -> Outcome:
        return Outcome("refused", self._words(error), passing=may_pass(error))

    def _words(self, error: Exception) -> str:
        return (
            pbx_install.disk_words(error, self.planner.etc) if isinstance(error, OSError) else of_error(error)
        )
