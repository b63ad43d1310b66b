"""`ccserver restore`: an installation put back from an archive, into an empty machine or in place of what is there.

The archive is read to its end, the key and the target are judged, and only then anything is touched: first the
database, in one transaction, then Asterisk's files and the recordings, each whole or not at all. Blocks.
"""

import contextlib
import os
import pwd
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx import PbxDirectories, PbxTls
from ccserver.settings import Settings
from ccserver.stack.archive import Checked, Manifest, check_archive, read_members
from ccserver.stack.backup import KEY_WORD, RECORDING_FOLDERS, tls_folder
from ccserver.stack.installation import asterisk_layout, running_database
from ccserver.stack.problems import StackProblem
from ccserver.storage.dump import DumpError
from ccserver.storage.load import check_target, load_database
from ccserver.storage.migrate import SchemaError
from ccserver.storage.vault import Vault, VaultError
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, write_layout

_CHUNK: Final = 1 << 20
_LAYOUT_MEMBER: Final = f"asterisk/{FILE_NAME}"
_SPARE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back. ``upgraded``: migrations of this version that the archive did not have."""

    checked: Checked
    files: int
    upgraded: tuple[str, ...]


def restore_backup(
    settings: Settings, archive: Path, *, replace: bool = False, tell: Callable[[str], None] = lambda _: None
) -> Restored:
    """Restore into the installation that ``settings`` name (see ``as_installed``).

    Raises StackProblem. Unless the message says otherwise, nothing was changed then.
    """
    tell("reading the archive")
    checked = check_archive(archive)
    vault = check_key(settings, checked.manifest)
    layout = _target_layout(settings, archive, checked.manifest)
    if layout is not None:
        _check_files(archive, layout, vault, replace=replace)
        _check_room(checked.manifest, layout)
    database = checked.manifest.database
    try:
        with running_database(settings, make=True) as dsn:
            tell("looking at the database")
            check_target(dsn, database, replace=replace)
            tell("filling the database")
            upgraded = load_database(dsn, database, _pieces(archive, tell), vault)
    except (DumpError, SchemaError) as error:
        raise StackProblem(str(error)) from error
    except Unavailable as error:
        raise StackProblem("PostgreSQL does not answer. Start it, or mend DATABASE_URL.") from error
    files = 0 if layout is None else _put_files(settings, archive, layout, vault, tell)
    return Restored(checked=checked, files=files, upgraded=upgraded)


def check_key(settings: Settings, manifest: Manifest) -> Vault:
    """The vault that opens the archive's secrets. Raises StackProblem."""
    if not settings.secrets_key:
        raise StackProblem(
            "SECRETS_KEY is not set, and the data folder has no secrets.json. The archive does not hold the key, on "
            "purpose: put back the secrets.json that you keep apart, or set SECRETS_KEY. Nothing was touched."
        )
    try:
        vault = Vault(settings.secrets_key)
        if vault.open(manifest.key_check.encode()) == KEY_WORD:
            return vault
    except VaultError:
        pass
    raise StackProblem(
        f"SECRETS_KEY is not the key of this archive (made on {manifest.machine}, {manifest.made_at}). With another "
        "key the SIP passwords in it could not be read. Set the SECRETS_KEY of that installation. Nothing was touched."
    )


def _target_layout(settings: Settings, archive: Path, manifest: Manifest) -> PbxLayout | None:
    """Where Asterisk's files go: where they are here; on an empty machine where they were, below the data folder."""
    here = asterisk_layout(settings)
    if here is not None:
        return here
    saved = next((c.read() for info, c in read_members(archive) if info.name == _LAYOUT_MEMBER), None)
    if saved is None:
        return None
    old, new = manifest.data_dir, str(settings.data_dir.absolute())
    layout = msgspec.json.decode(saved, type=PbxLayout)

    def moved(paths: PbxDirectories | PbxTls) -> dict[str, str]:
        return {
            name: new + path.removeprefix(old) if path == old or path.startswith(old + "/") else path
            for name, path in msgspec.to_builtins(paths).items()
        }

    return msgspec.structs.replace(
        layout,
        directories=msgspec.convert(moved(layout.directories), PbxDirectories),
        tls=msgspec.convert(moved(layout.tls), PbxTls),
    )


def _place(layout: PbxLayout, name: str) -> Path | None:
    """Where a member of the archive belongs; None for those that are no files of Asterisk's."""
    directories = layout.directories
    roots = {"asterisk/etc/": Path(directories.etc), "asterisk/keys/": Path(directories.var_lib) / "keys"}
    roots |= {"asterisk/tls/": tls_folder(layout)}
    roots |= {f"recordings/{folder}/": Path(directories.spool) / folder for folder in RECORDING_FOLDERS}
    return next((root / name.removeprefix(key) for key, root in roots.items() if name.startswith(key)), None)


def _is_sealed(name: str) -> bool:
    return name.startswith(("asterisk/etc/", "asterisk/keys/", "asterisk/tls/"))


def _check_files(archive: Path, layout: PbxLayout, vault: Vault, *, replace: bool) -> None:
    for info, content in read_members(archive):
        if not _is_sealed(info.name):
            continue
        data = _opened(vault, content)
        path = _place(layout, info.name)
        if not replace and path is not None and path.exists() and path.read_bytes() != data:
            raise StackProblem(
                f"{path} exists and differs from the archive's. With --replace it is overwritten. Nothing was touched."
            )


def _opened(vault: Vault, content: IO[bytes]) -> bytes:
    try:
        return vault.open(content.read()).encode("latin-1")
    except VaultError as error:
        raise StackProblem(
            f"A file of the archive cannot be opened: {error}. Nothing was touched."
        ) from error


def _check_room(manifest: Manifest, layout: PbxLayout) -> None:
    needed = sum(member.size for member in manifest.members if member.name.startswith("recordings/"))
    folder = Path(layout.directories.spool)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise StackProblem(
            f"The recordings need {needed >> 20} MiB, and {folder} has {free >> 20} MiB left. Nothing was touched."
        )


def _pieces(archive: Path, tell: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    for info, content in read_members(archive):
        first, _, rest = info.name.partition("/")
        if first == "database":
            table = rest.partition("/")[0]
            tell(f"table {table}")
            yield table, content.read()


def _put_files(
    settings: Settings, archive: Path, layout: PbxLayout, vault: Vault, tell: Callable[[str], None]
) -> int:
    count = 0
    try:
        for info, content in read_members(archive):
            path = _place(layout, info.name)
            if path is not None:
                tell(info.name)
                _put(path, info, _opened(vault, content) if _is_sealed(info.name) else content)
                count += 1
        target = settings.data_dir / "asterisk" / FILE_NAME
        if not target.exists():
            write_layout(target, layout)
    except OSError as error:
        raise StackProblem(
            f"The database is restored, but {error.filename or 'a file'} could not be written: "
            f"{error.strerror or error}. Mend that, and restore once more with --replace."
        ) from error
    return count


def _put(path: Path, info: tarfile.TarInfo, content: bytes | IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    aside = path.with_name(path.name + ".restoring")
    try:
        with aside.open("wb") as file:
            os.fchmod(file.fileno(), info.mode & 0o770)
            _own(file.fileno(), info)
            if isinstance(content, bytes):
                file.write(content)
            else:
                shutil.copyfileobj(content, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        os.utime(aside, (info.mtime, info.mtime))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _own(handle: int, info: tarfile.TarInfo) -> None:
    """Asterisk's own user must be able to read its files; only root can give them away."""
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(info.uname)
            os.fchown(handle, entry.pw_uid, entry.pw_gid)
