"""The installation of this machine, as commands beside the server see it: what the environment does not say is
taken from what `scripts/up` keeps in the data folder. Nothing is made here.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ccserver.settings import Settings
from ccserver.stack.kept import kept_secrets
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_layout import FILE_NAME, LayoutError, PbxLayout, read_layout


def as_installed(settings: Settings) -> Settings:
    """The settings with which the server runs here. Raises StackProblem. Blocks."""
    secrets = kept_secrets(settings.data_dir)
    if secrets is None:
        return settings
    settings = replace(
        settings,
        jwt_secret=settings.jwt_secret or secrets.jwt_secret,
        secrets_key=settings.secrets_key or secrets.secrets_key,
    )
    layout = asterisk_layout(settings)
    if settings.ami_secret or layout is None:
        return settings
    return replace(
        settings,
        asterisk_host="127.0.0.1",
        ami_port=layout.ports.ami,
        ami_secret=secrets.ami_secret,
        ari_url=f"http://127.0.0.1:{layout.ports.http}/ari",
        ari_secret=secrets.ari_secret,
        asterisk_cel_file=settings.asterisk_cel_file or Path(layout.directories.log) / "cel-custom/cel.csv",
    )


def embedded(settings: Settings) -> EmbeddedPostgres | None:
    """The PostgreSQL of the data folder, where DATABASE_URL names no other."""
    return None if settings.database_url else EmbeddedPostgres(settings.data_dir.absolute() / "postgres")


@contextmanager
def running_database(settings: Settings, *, make: bool = False) -> Iterator[str]:
    """The database's address; the embedded server is started for as long as needed, if it does not run.

    With ``make`` it is also made where there is none. Raises StackProblem.
    """
    server = embedded(settings)
    if server is None:
        yield settings.database_url
        return
    if not make and not (server.cluster / "PG_VERSION").exists():
        raise StackProblem(
            f"DATABASE_URL is not set, and there is no embedded PostgreSQL in {server.folder}. "
            "Set DATABASE_URL, or CCSERVER_DATA to the data folder."
        )
    loop = asyncio.new_event_loop()  # start and stop on one loop: the child belongs to it
    try:
        yield loop.run_until_complete(server.start())
    finally:
        if server.started_here:
            loop.run_until_complete(server.stop())
        loop.close()


def asterisk_layout(settings: Settings) -> PbxLayout | None:
    """Where the Asterisk that we configure keeps its files. Raises StackProblem."""
    try:
        return read_layout(settings.data_dir / "asterisk" / FILE_NAME)
    except LayoutError as error:
        raise StackProblem(str(error)) from error


def backup_folder(settings: Settings) -> Path:
    """Where backups go."""
    return settings.backup_dir or settings.data_dir / "backups"
