"""A backup that is killed while it writes: ``python -m tests.integration.stack.backup_killed DSN DATA KEY``."""

import os
import signal
import sys
from pathlib import Path

from ccserver.settings import Settings
from ccserver.stack.backup import make_backup


def main(dsn: str, data: str, key: str) -> None:
    told: list[str] = []

    def tell(what: str) -> None:
        told.append(what)
        if len(told) > 3:
            os.kill(os.getpid(), signal.SIGKILL)

    make_backup(Settings(database_url=dsn, data_dir=Path(data), secrets_key=key), tell=tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
