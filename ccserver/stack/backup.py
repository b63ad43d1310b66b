"""`ccserver backup`: the database, the recordings and Asterisk's files as one verified archive.

Written aside, read back to its last byte, and only then given its name; the older ones go after that. SECRETS_KEY is
never inside: what of Asterisk's files may hold a secret is sealed with it. Everything here blocks.
"""

import contextlib
import errno
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ccserver import __version__
from ccserver.domain.errors import Unavailable
from ccserver.settings import Settings
from ccserver.stack.archive import FORMAT, ArchiveWriter, Checked, Manifest, check_archive
from ccserver.stack.installation import asterisk_layout, backup_folder, running_database
from ccserver.stack.locks import sole_owner
from ccserver.stack.problems import StackProblem
from ccserver.storage.dump import DumpError, dump_database
from ccserver.storage.vault import Vault, VaultError
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout
from ccserver.telephony.pbx_store import FOLDER

PREFIX: Final = "ccserver-"
SUFFIX: Final = ".tar.gz"
CHECKSUM: Final = ".sha256"
KEY_WORD: Final = "ccserver key check"
RECORDING_FOLDERS: Final = ("recording", "monitor", "voicemail")
"""Folders of Asterisk's spool that hold what people said."""
PASSING: Final = ("lock", "journal.json", "reserve")
"""Of an apply that is under way: whoever restores these would have an apply die that never began."""
_UNFINISHED: Final = ".unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A finished backup. ``removed``: the older ones that it replaced."""

    path: Path
    checked: Checked
    removed: tuple[Path, ...]


def make_backup(
    settings: Settings,
    *,
    folder: Path | None = None,
    keep: int = 0,
    now: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Backup:
    """Back up the installation that ``settings`` name (see ``as_installed``). ``keep``: how many stay, 0 for all.

    Raises StackProblem; then no file of ours is left, and the older backups are as they were.
    """
    folder = folder or backup_folder(settings)
    vault = _vault(settings)
    moment = now or datetime.now(UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with sole_owner(folder / ".lock", "Process {pid} is making a backup into this folder. Wait for it."):
            _sweep(folder)
            path = folder / f"{PREFIX}{moment:%Y%m%dT%H%M%SZ}{SUFFIX}"
            if path.exists():
                raise StackProblem(f"{path} exists already.")
            aside = path.with_name(path.name + _UNFINISHED)
            try:
                _write(settings, vault, aside, moment, tell)
                tell("reading it back")
                checked = check_archive(aside)
                _publish(aside, path, checked)
            finally:
                aside.unlink(missing_ok=True)
            return Backup(path=path, checked=checked, removed=_rotate(folder, keep))
    except OSError as error:
        raise _no_room(folder, error) from error
    except DumpError as error:
        raise StackProblem(f"The database could not be saved. {error}") from error
    except Unavailable as error:
        raise StackProblem("PostgreSQL does not answer. Start it, or mend DATABASE_URL.") from error


def backups_in(folder: Path) -> tuple[Path, ...]:
    """The finished backups, oldest first."""
    return tuple(sorted(folder.glob(f"{PREFIX}*{SUFFIX}")))


def made_at(path: Path) -> datetime | None:
    """When a backup was begun, by its name."""
    try:
        stamp = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def configuration_files(layout: PbxLayout) -> Iterator[tuple[str, Path]]:
    """Asterisk's configuration with what people wrote beside it, and its keys: archive name and path."""
    etc = Path(layout.directories.etc)
    passing = {etc / FOLDER / name for name in PASSING}
    for name, path in _files("asterisk/etc", etc):
        if path not in passing and etc / FOLDER / "staged" not in path.parents:
            yield name, path
    yield from _files("asterisk/keys", Path(layout.directories.var_lib) / "keys")
    yield from _files("asterisk/tls", tls_folder(layout))


def tls_folder(layout: PbxLayout) -> Path:
    """Where a private Asterisk has the certificate that phones trust. One elsewhere is its owner's to save."""
    return Path(layout.directories.var_lib).parent / "tls"


def recordings(layout: PbxLayout) -> Iterator[tuple[str, Path]]:
    """Recordings and voice messages: archive name and path."""
    for name in RECORDING_FOLDERS:
        yield from _files(f"recordings/{name}", Path(layout.directories.spool) / name)


def _vault(settings: Settings) -> Vault:
    try:
        return Vault(settings.secrets_key)
    except VaultError as error:
        raise StackProblem(
            f"{error} A backup needs the server's own key: with another one its secrets could not be read."
        ) from error


def _write(
    settings: Settings, vault: Vault, path: Path, moment: datetime, tell: Callable[[str], None]
) -> None:
    layout = asterisk_layout(settings)
    counts: dict[str, int] = {}
    with ArchiveWriter(path) as archive, running_database(settings) as dsn:

        def put(table: str, piece: bytes) -> None:
            counts[table] = counts.get(table, 0) + 1
            tell(f"table {table}")
            archive.add_bytes(f"database/{table}/{counts[table]:06d}.copy", piece)

        database = dump_database(dsn, vault, put)
        if layout is not None:
            tell("Asterisk's configuration")
            archive.add_file(f"asterisk/{FILE_NAME}", settings.data_dir / "asterisk" / FILE_NAME)
            for name, file in configuration_files(layout):
                _add_sealed(archive, vault, name, file)
            for name, file in recordings(layout):
                tell(name)
                archive.add_file(name, file)
        archive.finish(
            Manifest(
                format=FORMAT,
                made_at=moment.isoformat(timespec="seconds"),
                ccserver=__version__,
                machine=socket.gethostname(),
                key_check=vault.seal(KEY_WORD).decode(),
                data_dir=str(settings.data_dir.absolute()),
                database=database,
                members=(),
            )
        )


def _add_sealed(archive: ArchiveWriter, vault: Vault, name: str, file: Path) -> None:
    """SIP passwords and private keys stand in these files in clear; in the archive they must not."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
        info = archive.describe(name, opened)
        archive.add_bytes(name, vault.seal(opened.read().decode("latin-1")), like=info)


def _files(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _publish(aside: Path, path: Path, checked: Checked) -> None:
    checksum = path.with_name(path.name + CHECKSUM)
    beside = checksum.with_name(checksum.name + _UNFINISHED)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"{checked.sha256}  {path.name}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.rename(checksum)
        aside.rename(path)
    finally:
        beside.unlink(missing_ok=True)
    entry = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _rotate(folder: Path, keep: int) -> tuple[Path, ...]:
    removed = backups_in(folder)[:-keep] if keep > 0 else ()
    for path in removed:
        path.unlink(missing_ok=True)
        path.with_name(path.name + CHECKSUM).unlink(missing_ok=True)
    return tuple(removed)


def _sweep(folder: Path) -> None:
    """What a killed run left behind."""
    for path in folder.glob(f"{PREFIX}*{_UNFINISHED}"):
        path.unlink(missing_ok=True)


def _no_room(folder: Path, error: OSError) -> StackProblem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(folder).free >> 20
            return StackProblem(
                f"The disk of {folder} is full ({free} MiB left). No backup was made; the older ones are untouched. "
                "Free some space, keep fewer (--keep), or set CCSERVER_BACKUPS to another disk."
            )
    return StackProblem(f"The backup could not be written to {folder}: {error.strerror or error}.")
