"""Backups: there, recent, and still what was written. Blocks."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from ccserver.stack.backup import CHECKSUM, backups_in, made_at
from ccserver.stack.doctor.finding import Finding, advice, bad, good

DAILY_HOURS: Final = 26.0
WEEKLY_HOURS: Final = 7 * 24.0
_MEND: Final = "scripts/backup.sh --keep 14, each night by cron or a systemd timer"


def check_backups(folder: Path, now: datetime) -> Iterator[Finding]:
    """The newest backup's age, and whether its bytes are those that were read back when it was made."""
    found = [(moment, path) for path in backups_in(folder) if (moment := made_at(path)) is not None]
    if not found:
        yield bad("backup", f"none in {folder}", _MEND)
        return
    moment, newest = found[-1]
    hours = (now - moment).total_seconds() / 3600
    told = (
        f"{newest.name}, {hours:.0f} hours old" if hours < 72 else f"{newest.name}, {hours / 24:.0f} days old"
    )
    if hours > WEEKLY_HOURS:
        yield bad("backup", told, _MEND)
    elif hours > DAILY_HOURS:
        yield advice("backup", told, _MEND)
    else:
        yield good("backup", told)
    yield _bytes(newest)


def _bytes(path: Path) -> Finding:
    name, again = "backup verified", "scripts/backup.sh, and keep this one apart"
    try:
        promised = path.with_name(path.name + CHECKSUM).read_text().split()[0]
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, IndexError) as error:
        return bad(name, f"cannot be read with its checksum: {error}", again)
    if found != promised:
        return bad(name, f"{path.name} is not what was written", again)
    return good(name, "read back when it was made, and unchanged since")
