"""The folders that an Asterisk of ours works in."""

from pathlib import Path

from ccserver.domain.pbx import PbxDirectories


def make_folders(directories: PbxDirectories) -> None:
    """Make them, the configuration's readable by the owner only. Asterisk makes none of the inner ones itself, and
    loses records or complains without them. Blocks.
    """
    where = directories
    outer = (where.etc, where.var_lib, where.spool, where.run, where.log)
    inner = (
        f"{where.var_lib}/keys",
        f"{where.var_lib}/agi-bin",
        f"{where.spool}/cache",
        f"{where.spool}/recording",
        f"{where.spool}/monitor",
        f"{where.log}/cel-custom",
        f"{where.log}/cdr-custom",
    )
    for folder in (*outer, *inner):
        Path(folder).mkdir(parents=True, exist_ok=True)
    cel_file(directories).touch()  # it is read before the first call writes to it
    Path(where.etc).chmod(0o700)


def cel_file(directories: PbxDirectories) -> Path:
    """The channel event log (``cel_custom.conf``)."""
    return Path(directories.log) / "cel-custom" / "cel.csv"
