"""The half of an apply that touches the running configuration: it ends with the new files in force, or the old ones."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec.structs import replace

from ccserver.domain.config import UNDO_STEP, ConfigRun
from ccserver.domain.config_words import of_error, say
from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx_change import file_hash
from ccserver.domain.pbx_expected import expected_of, gone
from ccserver.live.pbx_plan import Objects
from ccserver.live.pbx_run import RunLog
from ccserver.live.pbx_trials import may_pass
from ccserver.ports import Ami
from ccserver.telephony import pbx_install
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_install import Difference
from ccserver.telephony.pbx_rehearsal import complaints_of
from ccserver.telephony.pbx_reload import reload, still_unread, unread
from ccserver.telephony.pbx_store import Applied, Journal, Manifest, Notes, PbxStore, Unread, read_files
from ccserver.telephony.pbx_verify import VERIFY_SECONDS, Mismatch, started_at, verify

log = structlog.get_logger(__name__)
T = TypeVar("T")

UP_SECONDS = 4.0
"""So long Asterisk's manager interface is waited for before it counts as not running."""
NOT_RUNNING = say("not_running")
_FAULTS = (OSError, AmiError, Unavailable, Mismatch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tree to be put in force: all of its files, and what tells it apart from the one that is."""

    revision: int
    files: dict[str, str]
    difference: Difference
    fingerprint: str
    machine: str
    objects: Objects
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: a revision's result, and why in words. ``passing``: why it failed may pass."""

    result: str
    message: str
    passing: bool = False


class PbxInstaller:
    """Backs up, installs, reloads, verifies; undoes it all when one of these fails."""

    def __init__(
        self,
        store: PbxStore,
        ami: Ami,
        log_folder: Path,
        clock: Callable[[], float],
        patience_seconds: float = UP_SECONDS,
    ) -> None:
        self._patience = patience_seconds
        self.verify_seconds = VERIFY_SECONDS
        self._store = store
        self._ami = ami
        self._log = log_folder / "messages.log"
        self._clock = clock

    async def note(self, journal: Journal) -> Journal:
        """The journal has this on the disk. Raises OSError."""
        await whole(self._store.put_journal, journal)
        return journal

    async def put(self, run: RunLog, journal: Journal, target: Target) -> Outcome:
        """Returns applied, refused (nothing was touched), rolled_back, or failed (Asterisk needs a person)."""
        difference = target.difference
        try:
            async with run.step("back_up"):
                before, created = await whole(
                    pbx_install.back_up, self._store, target.revision, difference.names
                )
                await whole(
                    self._store.put_revision, self._manifest(run, target, before, created), target.files
                )
                journal = replace(journal, phase="installing", before=before, created=created)

                async def keep(state: ConfigRun) -> None:
                    with contextlib.suppress(OSError):  # only how far it went: what to undo is on the disk
                        await self.note(replace(journal, run=state))

                await self.note(replace(journal, run=run.state))
                run.keep = keep
        except OSError as error:
            return Outcome("refused", pbx_install.disk_words(error, self._store.etc), passing=True)
        mark = await asyncio.to_thread(_size, self._log)
        notes = await asyncio.to_thread(self._store.notes)
        try:
            message = await self._install(run, target)
            await self._kept(run, journal, target)
        except _FAULTS as error:
            said = await asyncio.to_thread(_said_since, self._log, mark)
            reason = "\n".join([self._words(error), *said[:5]])
            # What is not there though Asterisk has no word against it may only have come too late.
            passing = not said if isinstance(error, Mismatch) else may_pass(error)
            outcome = await self._undo(run, journal, target, notes, reason)
            return dataclasses.replace(outcome, passing=passing and outcome.result == "rolled_back")
        return Outcome("applied", message)

    async def _install(self, run: RunLog, target: Target) -> str:
        difference, store = target.difference, self._store
        was_up = self._ami.up
        async with run.step("install"):
            written = await whole(
                pbx_install.install, store, difference.changed, difference.removed, self._clock
            )
            run.say(", ".join(difference.names) or say("nothing_to_install"))
        async with run.step("reload"):
            if not await self.up():
                await self._note_unread(difference.to_read, at=written)
                run.say(NOT_RUNNING, "skipped")
            else:
                told = await reload(self._ami, difference.to_read, difference.now, target.files)
                restart = told.restart
                if not was_up and (await started_at(self._ami))[1] >= int(written):
                    restart = ()  # it has started on these files: a first Asterisk waits for them
                await self._note_unread(restart, set(difference.to_read) - set(restart))
                words = ", ".join(told.modules) or say("nothing_to_reload")
                if restart:
                    words = say("needs_restart", modules=words, files=", ".join(restart))
                run.say(words)
        async with run.step("verify"):
            if not self._ami.up:
                run.say(NOT_RUNNING, "skipped")
                return NOT_RUNNING
            expected = expected_of(target.files)
            left = gone(expected_of(difference.now), expected)
            seen = await verify(self._ami, expected, left, self.verify_seconds)
            run.say(seen)
        return seen

    async def _note_unread(
        self, names: tuple[str, ...], read: Collection[str] = (), at: float | None = None
    ) -> None:
        """Asterisk has yet to read ``names``, and has read ``read`` just now. ``at``: written then, it was away."""
        notes = await asyncio.to_thread(self._store.notes)
        if at is None:
            left = await unread(self._ami, names, self._clock(), notes.unread, read)
        else:
            # It did not answer: whether the one that will has started since then shows when it does.
            left = notes.unread | {name: Unread(at=at, startup="") for name in names}
        await whole(self._store.put_notes, replace(notes, unread=left))

    async def _kept(self, run: RunLog, journal: Journal, target: Target) -> None:
        """From here on a killed run counts as applied."""
        await self.note(replace(journal, phase="kept", run=run.state))
        await whole(self.finish, target.revision)

    def finish(self, revision: int) -> Applied | None:
        """The revision is what is applied now. Blocks; may be done again after a kill."""
        manifest = self._store.manifest(revision)
        if manifest is None:
            return None
        applied = Applied(
            revision=manifest.revision,
            at=manifest.at,
            who=manifest.who,
            fingerprint=manifest.fingerprint,
            machine=manifest.machine,
            files=manifest.files,
            objects=manifest.objects,
            extras=manifest.extras,
        )
        self._store.put_applied(applied)
        return applied

    async def _undo(
        self, run: RunLog, journal: Journal, target: Target, notes: Notes, reason: str
    ) -> Outcome:
        store, difference = self._store, target.difference
        log.warning("asterisk configuration is rolled back", revision=target.revision, reason=reason)
        try:
            async with run.step(UNDO_STEP):
                await whole(store.use_reserve)
                await whole(pbx_install.restore, store, target.revision, journal.before, journal.created)
                if await self.up():
                    await reload(self._ami, difference.to_read, target.files, difference.now)
                    with contextlib.suppress(OSError):
                        await whole(store.put_notes, notes)
                    old = await asyncio.to_thread(read_files, store.etc, target.files)
                    run.say(await verify(self._ami, expected_of(old)))
                else:
                    await self._note_unread(difference.to_read)
                    run.say(NOT_RUNNING)
        except _FAULTS as error:
            words = f"{reason}\n{say('undo_failed', why=self._words(error))}"
            return Outcome("failed", words)
        return Outcome("rolled_back", reason)

    def _manifest(
        self, run: RunLog, target: Target, before: tuple[str, ...], created: tuple[str, ...]
    ) -> Manifest:
        return Manifest(
            revision=target.revision,
            at=self._clock(),
            who=run.asker.who,
            fingerprint=target.fingerprint,
            machine=target.machine,
            files={name: file_hash(text) for name, text in target.files.items()},
            before=before,
            created=created,
            objects=target.objects,
            left_out=target.left_out,
            extras=dict(target.difference.extras_then),
        )

    def _words(self, error: Exception) -> str:
        return (
            pbx_install.disk_words(error, self._store.etc) if isinstance(error, OSError) else of_error(error)
        )

    async def up(self) -> bool:
        """Whether Asterisk answers, now or in a moment."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while not self._ami.up and loop.time() < deadline:  # noqa: ASYNC110 - a link has no event to wait for
            await asyncio.sleep(0.05)
        return self._ami.up

    async def must_read(self, names: tuple[str, ...]) -> None:
        """Whatever Asterisk has read of these files, it must read them again. Raises OSError."""
        notes = await asyncio.to_thread(self._store.notes)
        fresh = {name: Unread(at=self._clock(), startup="") for name in names}
        await whole(self._store.put_notes, replace(notes, unread=notes.unread | fresh))

    async def settle(self) -> tuple[str, ...]:
        """Reload what Asterisk has not read yet, once it answers; returns what was read.

        Files that only a restart makes effective stay noted until it has restarted. Raises Unavailable, AmiError.
        """
        notes = await asyncio.to_thread(self._store.notes)
        if not notes.unread or not self._ami.up:
            return ()
        left, doubtful = await still_unread(self._ami, notes.unread)
        remaining = left
        if again := left | doubtful:
            text = await asyncio.to_thread(read_files, self._store.etc, again)
            told = await reload(self._ami, again, text, text)
            # A reload too many costs nothing. To a first Asterisk, which starts as soon as its files are there, a
            # restart too many would be said for ever.
            remaining = {name: one for name, one in left.items() if name in told.restart}
        await whole(self._store.put_notes, replace(notes, unread=remaining))
        return tuple(sorted(set(notes.unread) - set(remaining)))


async def whole(work: Callable[..., T], *values: object) -> T:
    """``work`` in a thread, to its end even when we are cancelled meanwhile: nobody comes after half of it."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *values))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _said_since(path: Path, mark: int) -> list[str]:
    """What Asterisk complained of since its log was so long."""
    try:
        with path.open("rb") as file:
            file.seek(mark)
            return complaints_of(file.read(200_000).decode(errors="replace"))
    except OSError:
        return []
