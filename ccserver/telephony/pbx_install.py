"""Puts a rendered tree in the place of the old one, file by file, so that any moment of it can be undone.

New files are written aside on the same file system first (a full disk is met there, with nothing touched), old
ones are kept under a second name (a hard link needs no room), then each file is renamed into its place.
Everything here blocks.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ccserver.domain.config_words import say
from ccserver.domain.pbx_change import differing_files, file_hash, is_ours
from ccserver.telephony.pbx_store import Applied, PbxStore, fsync_folder, read_files

LAST: Final = "asterisk.conf"
"""Who waits for a first configuration may wait for this file."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an install would do. ``edited``: files of ours that somebody changed or removed since they were applied.

    ``extras``: hand-written files (``pjsip.d/mine.conf``...) that are not as when Asterisk was last told to read;
    ``extras_then`` are all of them with their hashes. They are never written, only read again.
    """

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    edited: tuple[str, ...]
    now: Mapping[str, str]
    then: Mapping[str, str]
    extras: tuple[str, ...] = ()
    extras_then: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Files to be replaced, made or removed."""
        return tuple(sorted((*self.changed, *self.removed)))

    @property
    def to_read(self) -> tuple[str, ...]:
        """Files that Asterisk must read again: those, and the ones that include hand-written ones."""
        owners = {f"{name.partition('/')[0].removesuffix('.d')}.conf" for name in self.extras}
        return tuple(sorted({*self.names, *owners}))


def difference(etc: Path, applied: Applied | None, files: Mapping[str, str]) -> Difference:
    """What is installed now against ``files``."""
    known = applied.files if applied else {}
    now = read_files(etc, {*files, *known})
    # A file of an earlier revision that is no longer made goes, unless somebody has made it his own.
    removed = tuple(sorted(name for name in now.keys() - files.keys() if is_ours(now[name])))
    changed = differing_files({name: now[name] for name in now if name in files}, files)
    touched = {name for name, hash_ in known.items() if name not in now or file_hash(now[name]) != hash_}
    edited = tuple(sorted(touched & {*changed, *removed}))
    extras = extras_of(etc, files)
    before = applied.extras if applied else {}
    return Difference(
        changed=changed,
        removed=removed,
        edited=edited,
        now=now,
        then=files,
        extras=tuple(sorted(n for n in {*extras, *before} if extras.get(n) != before.get(n))),
        extras_then=extras,
    )


def extras_of(etc: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Hand-written files that ours include, by hash."""
    found: dict[str, str] = {}
    for name in files:
        folder = etc / f"{name.removesuffix('.conf')}.d"
        if folder.is_dir():
            texts = read_files(folder)
            found |= {f"{folder.name}/{n}": file_hash(t) for n, t in texts.items() if n.endswith(".conf")}
    return found


def stage(store: PbxStore, files: Mapping[str, str]) -> None:
    """Write the files aside, with the owner and mode that they will have. Raises OSError (disk full...)."""
    shutil.rmtree(store.staged, ignore_errors=True)
    store.make()
    store.staged.mkdir(mode=0o700)
    store.own(store.staged, 0o700)
    for name, text in files.items():
        path = store.staged / name
        store.write(path, text, 0o600)
        _dress(path, store.etc / name, store.etc)
    fsync_folder(store.staged)


def back_up(
    store: PbxStore, revision: int, names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep what ``names`` are now; returns those kept and those that are not there yet. Raises OSError."""
    folder = store.folder(revision) / "before"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store.own(folder.parent, 0o700)
    store.own(folder, 0o700)
    kept, created = [], []
    for name in names:
        if (store.etc / name).exists():
            _twin(store.etc / name, folder / name)
            kept.append(name)
        else:
            created.append(name)
    fsync_folder(folder)
    return tuple(kept), tuple(created)


def install(
    store: PbxStore, changed: tuple[str, ...], removed: tuple[str, ...], clock: Callable[[], float]
) -> float:
    """Rename the staged files into their places. Raises OSError, in the middle as may be.

    Returns the moment since when an Asterisk that starts reads all of them. Without ``LAST`` none could start before:
    then it is told from just before that file appears, for who waits for it starts at once, and the disk may be slow.
    """
    waited_for = LAST in changed and not (store.etc / LAST).exists()
    for name in sorted(changed):
        if name != LAST:
            (store.staged / name).replace(store.etc / name)
    for name in removed:
        (store.etc / name).unlink(missing_ok=True)
    since = clock()
    if LAST in changed:
        (store.staged / LAST).replace(store.etc / LAST)
    fsync_folder(store.etc)
    return since if waited_for else clock()


def restore(
    store: PbxStore, revision: int, kept: tuple[str, ...], created: tuple[str, ...]
) -> tuple[str, ...]:
    """Put everything back as ``back_up`` found it; returns the files that had to be. Needs no room, and may be done
    again after a kill. Raises OSError.
    """
    folder = store.folder(revision) / "before"
    back = []
    for name in kept:
        # By its own name, not by one more link: on a full disk a new entry of a folder may be one too many.
        if (folder / name).exists() and not _same(store.etc / name, folder / name):
            (folder / name).replace(store.etc / name)
            back.append(name)
    for name in created:
        if (store.etc / name).exists():
            (store.etc / name).unlink()
            back.append(name)
    fsync_folder(store.etc)
    return tuple(back)


def clear(store: PbxStore) -> None:
    """Remove what was staged and not installed."""
    shutil.rmtree(store.staged, ignore_errors=True)


def disk_words(error: OSError, etc: Path) -> str:
    """An error of the disk as a sentence for people."""
    if error.errno in _NO_ROOM:
        return say("disk_full", folder=etc)
    return f"{error.filename or etc}: {error.strerror or error}"


def _twin(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system knows no links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        shutil.copy2(source, target)
        with contextlib.suppress(PermissionError):
            shutil.chown(target, source.stat().st_uid, source.stat().st_gid)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or one.read_bytes() == other.read_bytes()
    except FileNotFoundError:
        return False


def _dress(path: Path, there: Path, etc: Path) -> None:
    """Owner and mode of the file that it replaces; else of its neighbours. Never readable by everybody."""
    model = next((one for one in (there, etc / LAST) if one.exists()), None)
    if model is not None:
        seen = model.stat()
        mode, uid, gid = stat.S_IMODE(seen.st_mode) & 0o660, seen.st_uid, seen.st_gid
    else:
        seen = etc.stat()
        mode, uid, gid = (0o640 if seen.st_mode & stat.S_IRGRP else 0o600), seen.st_uid, seen.st_gid
    if (uid, gid) != (os.geteuid(), os.getegid()):
        try:
            os.chown(path, uid if os.geteuid() == 0 else -1, gid)
        except PermissionError:
            mode = 0o600
    path.chmod(mode | 0o600)
