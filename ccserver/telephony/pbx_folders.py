"""The folders that an Asterisk of ours works in."""

import os
from pathlib import Path

from ccserver.domain.pbx import PbxDirectories


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
    makes what the package's own configuration needs. Raises OSError. Blocks.
    """
    for path in lacking(directories):
        if path == cel_file(directories):
            path.touch(mode=0o640)
        else:
            path.mkdir()
        _give(path, path.parent)


def lacking(directories: PbxDirectories) -> tuple[Path, ...]:
    """What ``complete_folders`` makes: what is not there, of the folders that are. Blocks."""
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


def _give(path: Path, model: Path) -> None:
    """The owner and group of its surroundings; only root can give anything away."""
    seen = model.stat()
    if os.geteuid() == 0:
        os.chown(path, seen.st_uid, seen.st_gid)
    if path.is_dir():
        path.chmod(seen.st_mode & 0o7777)
