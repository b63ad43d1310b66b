"""The folders that an Asterisk of ours works in."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccserver.domain.pbx import PbxDirectories

_IN_THE_WAY = (errno.EEXIST, errno.ELOOP, errno.ENOTDIR)
"""What the system says where a link, or what is no folder, lies in a place that we make something in."""


class FolderRefused(Exception):
    """Something lies where a folder or file is to be made, and is not touched."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is a link that leads elsewhere or nowhere, or no folder. Nothing is made or given away there, for "
            "it may lead to files that are not Asterisk's: remove it, or make yourself what it stands for."
        )


def make_folders(directories: PbxDirectories) -> None:
    """Make them, the configuration's readable by the owner only. Asterisk makes none of the inner ones itself, and
    loses records or complains without them. Blocks.
    """
    where = directories
    for folder in (where.etc, where.var_lib, where.spool, where.run, where.log):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for inner in _inner(where):
        inner.mkdir(parents=True, exist_ok=True)
    cel_file(directories).touch()  # it is read before the first call writes to it
    Path(where.etc).chmod(0o700)


def complete_folders(directories: PbxDirectories) -> None:
    """Make what an Asterisk that was there before us lacks inside its folders, for their owner to write in: a package
    makes what the package's own configuration needs.

    Done by root among what belongs to Asterisk's user, who may have put links there: none is followed below the outer
    folders, and what is given away is what we made, by its descriptor. Links to folders and files that are there
    already stay as they are. Raises FolderRefused, OSError. Blocks.
    """
    cel, missing = cel_file(directories), lacking(directories)
    for path in missing:
        if path == cel:
            continue
        with _opened(path.parent) as outer:
            model = os.fstat(outer)
            with _telling(path):
                os.mkdir(path.name, 0o700, dir_fd=outer)
            with _opened(path, outer) as folder:
                if path == cel.parent:
                    _make_file(folder, cel, model)
                # Last: from here on its owner may put things inside.
                _give(folder, model, model.st_mode & 0o7777)
    if cel in missing and cel.parent not in missing:
        with _opened(cel.parent.parent) as outer, _opened(cel.parent, outer) as folder:
            _make_file(folder, cel, os.fstat(folder))


def lacking(directories: PbxDirectories) -> tuple[Path, ...]:
    """What ``complete_folders`` makes: what is not there (or a link to nothing), of the folders that are. Blocks."""
    outer = [Path(one) for one in (directories.var_lib, directories.spool, directories.log)]
    wanted = (*_inner(directories), cel_file(directories))
    return tuple(
        path
        for path in wanted
        if not path.exists() and any(path.is_relative_to(one) and one.is_dir() for one in outer)
    )


def cel_file(directories: PbxDirectories) -> Path:
    """The channel event log (``cel_custom.conf``)."""
    return Path(directories.log) / "cel-custom" / "cel.csv"


def _inner(where: PbxDirectories) -> tuple[Path, ...]:
    """Folders that the rendered configuration names or takes for granted."""
    return (
        Path(where.var_lib) / "keys",
        Path(where.var_lib) / "agi-bin",
        Path(where.spool) / "cache",
        Path(where.spool) / "recording",
        Path(where.spool) / "monitor",
        Path(where.log) / "cel-custom",
        Path(where.log) / "cdr-custom",
    )


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Errors tell the whole path, and what is in the way as a refusal."""
    try:
        yield
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            raise FolderRefused(path) from error
        error.filename = str(path)
        raise


@contextmanager
def _opened(path: Path, outer: int | None = None) -> Iterator[int]:
    """A folder's descriptor; with ``outer`` the one that lies in it, and no link."""
    kind = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with _telling(path):
        name, links = (path, 0) if outer is None else (Path(path.name), os.O_NOFOLLOW)
        folder = os.open(name, kind | links, dir_fd=outer)
    try:
        yield folder
    finally:
        os.close(folder)


def _make_file(folder: int, path: Path, model: os.stat_result) -> None:
    """An empty file that was not there, for the owner and group of ``model``."""
    with _telling(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path.name, flags, 0o600, dir_fd=folder)
        try:
            _give(file, model, 0o640)
        finally:
            os.close(file)


def _give(made: int, model: os.stat_result, mode: int) -> None:
    """The owner and group of its surroundings; only root can give anything away."""
    if os.geteuid() == 0:
        os.fchown(made, model.st_uid, model.st_gid)
    os.fchmod(made, mode)
