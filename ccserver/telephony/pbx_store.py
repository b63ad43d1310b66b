"""The folder ``.ccserver`` inside Asterisk's configuration folder: lock, journal, what was applied, old revisions.

It lies inside because only there are renames and hard links to and from the configuration sure to work: one
file system. A run that dies half-way is found by its journal; the kernel frees its lock. Everything here blocks.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

import msgspec

from ccserver.domain.config import ConfigRun
from ccserver.domain.errors import Conflict

FOLDER: Final = ".ccserver"
KEPT_REVISIONS: Final = 20
_RESERVE_BYTES: Final = 128 * 1024
"""Set aside at the begin of a run, so that a disk that fills up meanwhile still takes the journal's last words."""

_NAME_ATTEMPTS, _NAME_SECONDS = 25, 0.02
_LOCK_ATTEMPTS = 250
"""Who only looks is waited out for so many times ``_NAME_SECONDS``: a busy machine may stop him in the middle."""

Stored = TypeVar("Stored", bound=msgspec.Struct)
Signature = tuple[int, ...]
"""When the small files were written last."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied last. ``machine`` names ports, folders and accounts; ``objects`` holds no secret; ``extras``
    are the hand-written files of then, by hash.
    """

    revision: int
    at: float
    who: str
    fingerprint: str
    machine: str
    files: dict[str, str]
    objects: dict[str, dict[str, dict[str, str]]]
    extras: dict[str, str] = {}


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A file that Asterisk has not read since ``at``. ``startup``: when the Asterisk of that moment had started."""

    at: float
    startup: str


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What must be remembered between runs. ``held``: automatic mode waits for a person."""

    held: bool = False
    unread: dict[str, Unread] = {}


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come.

    ``phase``: begun (nothing touched), installing (files may be half replaced), kept (verified; to be finished),
    over (``run.result`` is final; its row may be unwritten). ``before``: files as they were are in the revision's
    folder; ``created`` had not been there.
    """

    phase: str
    run: ConfigRun
    revision: int
    user_id: str = ""
    tenant_id: str = ""
    before: tuple[str, ...] = ()
    created: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a revision's folder holds: ``tree`` (our files as installed) and ``before`` (what they replaced)."""

    revision: int
    at: float
    who: str
    fingerprint: str
    machine: str
    files: dict[str, str]
    before: tuple[str, ...]
    created: tuple[str, ...]
    objects: dict[str, dict[str, dict[str, str]]]
    left_out: tuple[str, ...] = ()
    extras: dict[str, str] = {}


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the lock, or had it last and has ``released`` it."""

    who: str
    origin: str
    pid: int
    since: float
    released: bool = False


class PbxStore:
    """Paths and small files of one configuration folder."""

    def __init__(self, etc: Path) -> None:
        self.etc = etc
        self.root = etc / FOLDER
        self.staged = self.root / "staged"

    # ---- small files

    def applied(self) -> Applied | None:
        return self._read("applied.json", Applied)

    def put_applied(self, applied: Applied) -> None:
        self._write("applied.json", applied)

    def notes(self) -> Notes:
        return self._read("notes.json", Notes) or Notes()

    def put_notes(self, notes: Notes) -> None:
        if notes != self.notes():
            self._write("notes.json", notes)

    def set_held(self, held: bool) -> None:
        """Whether automatic mode waits for a person."""
        self.put_notes(msgspec.structs.replace(self.notes(), held=held))

    def journal(self) -> Journal | None:
        return self._read("journal.json", Journal)

    def put_journal(self, journal: Journal) -> None:
        self._write("journal.json", journal)

    def last_run(self) -> ConfigRun | None:
        """The run that ended last, whoever's it was."""
        return self._read("last.json", ConfigRun)

    def put_last_run(self, run: ConfigRun) -> None:
        self._write("last.json", run)

    def end_journal(self) -> None:
        """Nothing is left to be done or told."""
        (self.root / "journal.json").unlink(missing_ok=True)
        (self.root / "reserve").unlink(missing_ok=True)
        fsync_folder(self.root)

    def signature(self) -> Signature:
        """Changes whenever another process has written here."""
        return tuple(
            _changed_at(self.root / name)
            for name in ("journal.json", "applied.json", "notes.json", "last.json")
        )

    def reserve(self) -> None:
        """Room for the last words. Raises OSError when the disk is full now."""
        self.make()
        path = self.root / "reserve"
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)
        self.own(path, 0o600)

    def use_reserve(self) -> None:
        """Something went wrong, a full disk perhaps: what was set aside is for now."""
        (self.root / "reserve").unlink(missing_ok=True)

    # ---- revisions

    def folder(self, revision: int) -> Path:
        return self.root / "revisions" / str(revision)

    def manifest(self, revision: int) -> Manifest | None:
        return self._read(f"revisions/{revision}/manifest.json", Manifest)

    def revisions(self) -> tuple[int, ...]:
        """Those that can be gone back to, newest first."""
        root = self.root / "revisions"
        found = [int(path.parent.name) for path in root.glob("*/manifest.json") if path.parent.name.isdigit()]
        return tuple(sorted(found, reverse=True))

    def tree(self, revision: int) -> dict[str, str]:
        """The files of a revision as they were installed. Empty when they are not kept any more."""
        return read_files(self.folder(revision) / "tree")

    def put_revision(self, manifest: Manifest, files: Mapping[str, str]) -> None:
        """Keep a revision's tree. Raises OSError."""
        folder = self.folder(manifest.revision)
        tree = folder / "tree"
        self._mkdir(tree)
        for name, text in files.items():
            self.write(tree / name, text, 0o600)
        self._write(f"revisions/{manifest.revision}/manifest.json", manifest)
        fsync_folder(tree)

    def forget(self, revision: int) -> None:
        """A revision that was not applied leaves nothing behind."""
        shutil.rmtree(self.folder(revision), ignore_errors=True)

    def prune(self) -> None:
        """Keep the last revisions, and the first: what was there before us. Of those that failed, nothing."""
        root = self.root / "revisions"
        if not root.is_dir():
            return
        folders = sorted((int(path.name) for path in root.iterdir() if path.name.isdigit()), reverse=True)
        whole = [number for number in folders if (root / str(number) / "manifest.json").exists()]
        for number in set(folders) - {*whole[:KEPT_REVISIONS], *whole[-1:]}:
            shutil.rmtree(root / str(number), ignore_errors=True)

    # ---- writing

    def make(self) -> None:
        """The folders; readable by the owner only, for what they hold is secret."""
        if not self.etc.is_dir():
            self.etc.mkdir(parents=True, mode=0o700)
        self._mkdir(self.root / "revisions")

    def write(self, path: Path, text: str, mode: int) -> None:
        """A new file, on the disk when this returns. Raises OSError."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        self.own(path, mode)

    def own(self, path: Path, mode: int) -> None:
        """Root leaves nothing behind that the owner of the configuration could not use."""
        path.chmod(mode)
        if os.geteuid() == 0:
            folder = self.etc.stat()
            os.chown(path, folder.st_uid, folder.st_gid)

    def _mkdir(self, path: Path) -> None:
        if path.is_dir():
            return
        if path != self.etc:
            self._mkdir(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        self.own(path, 0o700)

    def _read(self, name: str, kind: type[Stored]) -> Stored | None:
        try:
            return msgspec.json.decode((self.root / name).read_bytes(), type=kind)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            # Written whole or not at all; what cannot be read is of another version, and as good as none.
            return None

    def _write(self, name: str, value: msgspec.Struct) -> None:
        try:
            self._put(name, value)
        except OSError as error:
            reserve = self.root / "reserve"
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not reserve.exists():
                raise
            reserve.unlink()
            self._put(name, value)

    def _put(self, name: str, value: msgspec.Struct) -> None:
        self.make()
        path = self.root / name
        aside = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            self.write(aside, msgspec.json.format(msgspec.json.encode(value)).decode() + "\n", 0o600)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        fsync_folder(path.parent)


class PbxLock:
    """One change at a time: an advisory lock of the kernel on ``.ccserver/lock``, free again when its holder dies."""

    def __init__(self, store: PbxStore, who: str, origin: str) -> None:
        self._store = store
        self._holder = Holder(who=who, origin=origin, pid=os.getpid(), since=time.time())
        self._handle: int | None = None

    def acquire(self) -> None:
        """Raises Conflict config_busy, which names the holder."""
        self._store.make()
        path = self._store.root / "lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(handle):
            os.close(handle)
            raise Conflict("config_busy", who=who_holds(self._store))
        self._handle = handle
        # A full disk must not keep anybody from repairing: the lock itself holds, only the name is missing.
        with contextlib.suppress(OSError):
            self._store.own(path, 0o600)
            _sign(handle, self._holder)

    def release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                _sign(handle, msgspec.structs.replace(self._holder, released=True))
            os.close(handle)

    def __enter__(self) -> "PbxLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked(handle: int) -> bool:
    """Whether the lock is ours now. Who only looks (``_held``) shares it for a moment: that is waited out."""
    for _attempt in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _held(handle):
                return False
            time.sleep(_NAME_SECONDS)
        else:
            return True
    return False


def _held(handle: int) -> bool:
    """Whether somebody else has the lock for himself. Any number may look at once: a look shares it for a moment."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def _sign(handle: int, holder: Holder) -> None:
    name = msgspec.json.encode(holder)
    os.pwrite(handle, name, 0)
    os.ftruncate(handle, len(name))


def who_holds(store: PbxStore) -> str:
    """The name of who holds the lock now, or held it last. Blocks, for the moment that he needs to write it."""
    for _attempt in range(_NAME_ATTEMPTS):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            holder = msgspec.json.decode((store.root / "lock").read_bytes(), type=Holder)
            if not holder.released or not is_locked(store):
                return holder.who
        time.sleep(_NAME_SECONDS)
    return "?"


def is_locked(store: PbxStore) -> bool:
    """Whether somebody is at it."""
    try:
        handle = os.open(store.root / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _held(handle)
    finally:
        os.close(handle)


def read_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Plain files of a folder by name, or those of ``names`` that are there."""
    if names is None:
        names = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = (folder / name).read_text(errors="replace")
        except (FileNotFoundError, IsADirectoryError):
            continue
    return found


def fsync_folder(folder: Path) -> None:
    """What was renamed, made or removed in it is so after a power cut too."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
