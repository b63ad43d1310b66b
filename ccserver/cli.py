"""The ``ccserver`` command."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from ccserver import __version__, memory
from ccserver.app import serve as serve_application
from ccserver.cli_asterisk import app as asterisk_commands
from ccserver.logs import configure
from ccserver.settings import Settings, SettingsError, read_settings
from ccserver.stack.archive import check_archive
from ccserver.stack.backup import make_backup
from ccserver.stack.doctor.examination import examine
from ccserver.stack.doctor.finding import Finding, exit_status
from ccserver.stack.doctor.report import as_json, closing_line, print_finding
from ccserver.stack.installation import as_installed
from ccserver.stack.problems import StackProblem
from ccserver.stack.progress import ConsoleProgress
from ccserver.stack.rehearsal import starter_for
from ccserver.stack.restore import restore_backup
from ccserver.stack.up import UpOptions, up
from ccserver.storage import migrate as migrations

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Contact-center server on Asterisk and PostgreSQL.",
)
app.add_typer(asterisk_commands, name="asterisk")
_console = Console(stderr=True)
_output = Console()


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        raise typer.Exit(_fail(str(error))) from error


def _fail(sentence: str) -> int:
    _console.print(f"[red]{sentence}[/red]", highlight=False)
    return 1


def _run(work: Callable[[], Awaitable[None]]) -> None:
    try:
        uvloop.run(_main(work))
    except (StackProblem, SettingsError, migrations.SchemaError) as error:
        raise typer.Exit(_fail(str(error))) from error


async def _main(work: Callable[[], Awaitable[None]]) -> None:
    await work()


@app.command()
def serve(
    role: Annotated[str, typer.Option(help="all (one process does everything), web, or telephony")] = "",
) -> None:
    """Run the server: pages, API and stream, and the telephony owner.

    DATABASE_URL must be set. Several processes share one database and one REDIS_URL: `--role web` as many as you
    like, `--role telephony` one active and any number of standbys.
    """
    settings = _settings()
    if role:
        if role not in ("all", "web", "telephony"):
            raise typer.Exit(_fail(f"--role {role}: must be all, web or telephony"))
        settings = settings.with_role(role)
    configure(settings.log_format, settings.log_level)
    memory.settle()
    _run(lambda: serve_application(settings, starter_for(settings.data_dir.absolute())))


@app.command("up")
def up_command(
    demo: Annotated[bool, typer.Option(help="add a demo organisation with steady real SIP traffic")] = False,
) -> None:
    """Start everything on this machine: PostgreSQL, Asterisk and the server. Ctrl-C stops it all."""
    settings = _settings()
    configure("text", "ERROR")  # what it does is told by its progress
    _run(lambda: up(UpOptions(settings=settings, demo=demo), ConsoleProgress()))


@app.command()
def migrate(
    rollback: Annotated[int, typer.Option(help="undo this many of the last migrations instead")] = 0,
    show: Annotated[bool, typer.Option("--status", help="only say what is applied")] = False,
) -> None:
    """Bring the schema of DATABASE_URL up to date, under a lock."""
    settings = _settings()
    if not settings.database_url:
        raise typer.Exit(_fail("DATABASE_URL is not set: which database?"))
    try:
        if show:
            typer.echo(migrations.status(settings.database_url))
        elif rollback:
            for name in migrations.rollback(settings.database_url, rollback):
                typer.echo(f"rolled back {name}")
        else:
            applied = migrations.apply(settings.database_url)
            typer.echo("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")
    except migrations.SchemaError as error:
        raise typer.Exit(_fail(str(error))) from error


@app.command()
def doctor(
    json: Annotated[
        bool, typer.Option("--json", help="for programs: one JSON document on standard output")
    ] = False,
) -> None:
    """Look at every precondition of a production start, one line each, with the mend.

    Ends with 0 when all is ready, 1 when something is red, 2 when nothing is red but something could not be looked
    at. Give it the environment with which the server runs.
    """
    configure("text", "CRITICAL")  # what fails is one of the lines
    found: list[Finding] = []

    async def look() -> None:
        async for finding in examine(as_installed(_settings())):
            found.append(finding)
            if not json:
                print_finding(_output, finding)

    _run(look)
    typer.echo(as_json(found) if json else closing_line(found))
    raise typer.Exit(exit_status(found))


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option(help="folder of the backups, by default CCSERVER_BACKUPS")
    ] = None,
    keep: Annotated[int, typer.Option(min=0, help="how many backups stay in the folder; 0: all")] = 0,
) -> None:
    """Save the database, the recordings and Asterisk's files as one verified archive.

    The server may go on working. SECRETS_KEY is not in the archive: keep it apart, a restore needs it.
    """
    progress = ConsoleProgress(_console)
    try:
        with progress.step("Backing up") as step:
            made = make_backup(as_installed(_settings()), folder=to, keep=keep, tell=step.detail)
    except StackProblem as error:
        raise typer.Exit(_fail(str(error))) from error
    database = made.checked.manifest.database
    typer.echo(f"{made.path}")
    typer.echo(
        f"{made.checked.size} bytes, {database.rows} rows, {len(made.checked.manifest.members)} files; verified"
    )
    if database.unreadable:
        progress.say(
            f"Careful: {database.unreadable} of {database.sealed} sealed secrets (SIP passwords) do not open with this "
            "SECRETS_KEY. They are in the archive as they are."
        )
    for path in made.removed:
        typer.echo(f"removed {path}")


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="what `ccserver backup` has written")],
    replace: Annotated[bool, typer.Option("--replace", help="delete what is there now")] = False,
    check: Annotated[bool, typer.Option("--check", help="only read the archive, and say what it is")] = False,
) -> None:
    """Put an installation back from an archive. The server must be stopped.

    Everything is checked before anything is touched. A database or configuration that is not empty is refused
    unless --replace is given.
    """
    progress = ConsoleProgress(_console)
    try:
        if check:
            with progress.step("Reading the archive"):
                manifest = check_archive(archive).manifest
            typer.echo(f"made {manifest.made_at} on {manifest.machine} by ccserver {manifest.ccserver}")
            typer.echo(f"PostgreSQL {manifest.database.server}, schema {manifest.database.migrations[-1]}")
            typer.echo(f"{manifest.database.rows} rows, {len(manifest.members)} files; it is whole")
            return
        with progress.step("Restoring") as step:
            done = restore_backup(as_installed(_settings()), archive, replace=replace, tell=step.detail)
    except StackProblem as error:
        raise typer.Exit(_fail(str(error))) from error
    typer.echo(f"{done.checked.manifest.database.rows} rows and {done.files} files are back")
    typer.echo("\n".join(f"then applied {name}" for name in done.upgraded) or "the schema is up to date")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"ccserver {__version__}, Python {sys.version.split()[0]}, {Path(__file__).parent}")


def main() -> None:
    """The console script's entry."""
    app()
