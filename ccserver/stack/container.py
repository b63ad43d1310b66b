"""The first process of the ccserver container: secrets, Asterisk's layout, the schema, then the server.

Asterisk and PostgreSQL are containers beside this one; the data folder is a volume that Asterisk shares.
Not a supervisor: it turns into the server by exec.
"""

import os
import sys
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path

from ccserver.domain.errors import Unavailable
from ccserver.stack.kept import keep_secrets
from ccserver.stack.problems import StackProblem
from ccserver.stack.self_signed import keep_certificate
from ccserver.storage import migrate
from ccserver.telephony.pbx_folders import make_folders
from ccserver.telephony.pbx_layout import FILE_NAME, LayoutError, PbxLayout, read_layout

WAIT_SECONDS = 120.0
POLL_SECONDS = 0.5


def fill_environment(environment: MutableMapping[str, str], data: Path, layout: PbxLayout) -> None:
    """Add what the operator has not set: kept secrets, and where Asterisk is."""
    secrets = keep_secrets(data)
    defaults = {
        "JWT_SECRET": secrets.jwt_secret,
        "SECRETS_KEY": secrets.secrets_key,
        "AMI_SECRET": secrets.ami_secret,
        "ARI_SECRET": secrets.ari_secret,
        "AMI_PORT": str(layout.ports.ami),
        "ARI_URL": f"http://127.0.0.1:{layout.ports.http}/ari",
        "ASTERISK_CEL_FILE": f"{layout.directories.log}/cel-custom/cel.csv",
    }
    for name, value in defaults.items():
        if not environment.get(name):
            environment[name] = value


def wait_for_layout(path: Path, seconds: float = WAIT_SECONDS) -> PbxLayout:
    """The layout that the Asterisk container writes when it starts. Raises `StackProblem` if none comes."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            layout = read_layout(path)
        except LayoutError as error:
            raise StackProblem(str(error)) from error
        if layout:
            return layout
        if time.monotonic() > deadline:
            raise StackProblem(
                f"The Asterisk container has not written {path}. Is it running, on the same volume?"
            )
        time.sleep(POLL_SECONDS)


def furnish(layout: PbxLayout, now: datetime) -> None:
    """What Asterisk finds when it starts: its folders, and a certificate unless the operator has put one there."""
    make_folders(layout.directories)
    if layout.tls.certificate:
        keep_certificate(Path(layout.tls.certificate).parent, now)


def migrate_when_up(url: str, say: Callable[[str], None], seconds: float = WAIT_SECONDS) -> None:
    """Apply the migrations as soon as PostgreSQL answers. Raises `StackProblem` if it does not."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            applied = migrate.apply(url)
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise StackProblem(
                    "PostgreSQL does not answer at DATABASE_URL. Is its container up?"
                ) from error
            time.sleep(POLL_SECONDS)
        except migrate.SchemaError as error:
            raise StackProblem(str(error)) from error
        else:
            say(f"schema: {len(applied)} migrations applied" if applied else "schema: up to date")
            return


def main() -> None:
    """Entry point of the image."""
    data = Path(os.environ.get("CCSERVER_DATA", "/var/lib/ccserver"))

    def say(text: str) -> None:
        sys.stderr.write(f"ccserver container: {text}\n")
        sys.stderr.flush()

    try:
        layout = wait_for_layout(data / "asterisk" / FILE_NAME)
        furnish(layout, datetime.now(tz=UTC))
        fill_environment(os.environ, data, layout)
        migrate_when_up(os.environ["DATABASE_URL"], say)
    except StackProblem as problem:
        say(str(problem))
        sys.exit(1)
    os.execv(sys.executable, [sys.executable, "-m", "ccserver", "serve", *sys.argv[1:]])  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
