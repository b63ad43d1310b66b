"""``ccserver asterisk``: Asterisk's configuration from a terminal."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table

from ccserver.domain.config import ConfigRun, ObjectChange
from ccserver.domain.errors import Conflict, DomainError, NotFound, Unavailable
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_plan import PlanFailed, Planned, diff_of, diff_text
from ccserver.logs import configure
from ccserver.settings import SettingsError, read_settings
from ccserver.stack.adopt import Adoption, adopt
from ccserver.stack.asterisk_work import Patient, machine, me, opened
from ccserver.stack.installation import running_database
from ccserver.stack.problems import StackProblem
from ccserver.storage.migrate import SchemaError

app = typer.Typer(
    no_args_is_help=True,
    help="""Asterisk's configuration: look, check, apply, go back.

What people enter in the pages is in PostgreSQL. These commands render it for Asterisk, show what would change, try it
out with a throw-away Asterisk, and put it in force without dropping a call; what Asterisk refuses is undone. They
work with and without a running ccserver, against the Asterisk that the data folder's asterisk/layout.json names.

\b
Exit status:
  0  done, or nothing to do
  1  something is missing or away
  3  there are differences (diff, --dry-run)
  4  refused; nothing was touched
  5  rolled back; Asterisk runs as before
  6  rolling back failed: look at Asterisk
  7  somebody else is at it""",
)
_console = Console(stderr=True, highlight=False)
_output = Console(highlight=False)
T = TypeVar("T")

DIFFERENT: Final = 3
STATUS: Final = {"refused": 4, "rolled_back": 5, "interrupted": 5, "failed": 6}
BUSY: Final = 7
_MARKS: Final = {"done": "[green]✓[/green]", "failed": "[red]✗[/red]", "skipped": "[yellow]–[/yellow]"}
_WORDS: Final = {
    "plan": "Compared with the database",
    "stage": "Written aside",
    "rehearse": "Rehearsed",
    "back_up": "Backed up",
    "install": "Installed",
    "reload": "Reloaded",
    "verify": "Verified",
    "roll_back": "Put back",
}


class _Screen:
    """Shows each step of a run when it is over."""

    def __init__(self) -> None:
        self._shown: set[str] = set()
        self.patient = Patient(lambda words: _console.print(words))

    def tell(self, run: ConfigRun) -> None:
        self.patient.step = "" if run.result else run.step
        for step in run.steps:
            if step.state in _MARKS and step.name not in self._shown:
                self._shown.add(step.name)
                _console.print(f"{_MARKS[step.state]} {_WORDS[step.name]}", end="")
                _console.print(
                    f"  {step.message}" if step.message else "", markup=False, style="dim", soft_wrap=True
                )


def _work(task: Callable[[PbxApply, _Screen], Awaitable[T]]) -> T:
    """Opens everything, does the task, and turns what goes wrong into an exit status with a sentence."""
    configure("text", "CRITICAL")  # what goes wrong is said in the steps
    screen = _Screen()
    try:
        found = machine(read_settings())
        with running_database(found.settings) as dsn:

            async def inside() -> T:
                async with opened(found, dsn, screen.tell) as engine:
                    return await screen.patient.run(engine, task(engine, screen))

            return asyncio.run(inside())
    except Conflict as error:
        if error.code == "config_busy":
            raise typer.Exit(
                _say(f"{error.params['who']} is at it. Try again when that is done.", BUSY)
            ) from error
        raise typer.Exit(_say(_SENTENCES.get(error.code, error.code), 4)) from error
    except NotFound as error:
        raise typer.Exit(_say(_SENTENCES.get(error.code, error.code), 1)) from error
    except PlanFailed as error:
        raise typer.Exit(_say(str(error), 4)) from error
    except Unavailable as error:
        raise typer.Exit(_say(f"A part is away: {error}", 1)) from error
    except (StackProblem, SettingsError, SchemaError, DomainError) as error:
        raise typer.Exit(_say(str(error), 1)) from error
    except PermissionError as error:
        raise typer.Exit(
            _say(f"{error.filename}: {error.strerror}. Run this as its owner, or as root.", 1)
        ) from error
    except (asyncio.CancelledError, KeyboardInterrupt) as error:
        raise typer.Exit(_say("Interrupted; nothing was touched.", 130)) from error


_UNREAD: Final = (
    "Asterisk has not read it: start it, or restart it if it runs (it may not know ccserver's account yet)."
)
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - phones and gateways are other machines

_SENTENCES: Final = {
    "config_changed": "The configuration has changed since you looked at it. Look again (ccserver asterisk diff).",
    "revision_unknown": "This revision does not exist, or is not kept any more (ccserver asterisk history).",
    "revision_other_machine": "This revision was made for other ports, folders or accounts and does not fit any more.",
}


def _say(sentence: str, status: int) -> int:
    _console.print(sentence, style="red", markup=False)
    return status


def _show_run(run: ConfigRun) -> None:
    """The last line of a run; exits with its status."""
    words = {
        "applied": f"Applied as revision {run.revision}.",
        "unchanged": "Nothing has changed: Asterisk is as the database says.",
        "checked": f"Asterisk takes it. {run.message}.",
        "refused": "Refused; nothing was touched, Asterisk goes on as before.",
        "rolled_back": "Rolled back; Asterisk runs as before.",
        "failed": "Rolling back failed: look at Asterisk now.",
    }
    good = run.result in ("applied", "unchanged", "checked")
    told = "\n".join(step.message for step in run.steps if step.state == "failed")
    if not good and run.message not in told:
        _console.print(run.message, markup=False, soft_wrap=True)
    _console.print(words.get(run.result, run.result), style="green" if good else "red", markup=False)
    if run.result == "applied" and any(step.state == "skipped" for step in run.steps):
        _console.print(_UNREAD, style="yellow", markup=False)
    if status := STATUS.get(run.result):
        raise typer.Exit(status)


def _show_changes(changes: tuple[ObjectChange, ...], diffs: str, left_out: tuple[str, ...]) -> None:
    for change in changes:
        fields = f" ({', '.join(change.fields)})" if change.fields else ""
        _output.print(f"{change.action:8} {change.kind} {change.name}{fields}", markup=False)
    for line in diffs.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        _output.print(line, style=style, markup=False, soft_wrap=True)
    for sentence in left_out:
        _console.print(sentence, style="yellow", markup=False)


def _show_plan(planned: Planned) -> None:
    text = "\n".join(file.diff for file in diff_of(planned).files)
    _show_changes(planned.changes, text, planned.left_out)


@app.command()
def render(
    folder: Annotated[Path, typer.Argument(help="an empty or new folder for the files; they hold passwords")],
) -> None:
    """Write the files that would be applied into a folder, to be read. Asterisk is not touched."""
    planned = _work(lambda engine, _screen: engine.planner.plan())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise typer.Exit(_say(f"{folder} is not empty.", 1))
    for name, text in planned.files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text)
    _show_changes((), "", planned.left_out)
    _console.print(f"{len(planned.files)} files in {folder}, fingerprint {planned.fingerprint}")


@app.command()
def diff() -> None:
    """Show what an apply would change: each object, then each file; passwords are masked.

    Ends with 3 when there are differences, with 0 when there are none.
    """
    planned = _work(lambda engine, _screen: engine.planner.plan())
    _show_plan(planned)
    if planned.nothing_to_do:
        _console.print("Nothing to apply.", style="green")
        return
    _console.print(f"Not applied yet, fingerprint {planned.fingerprint}.")
    raise typer.Exit(DIFFERENT)


@app.command()
def check() -> None:
    """Boot a throw-away Asterisk on what would be applied, and report every word of its. Nothing is touched."""
    _show_run(_work(lambda engine, _screen: engine.check(str(uuid4()), me())))


@app.command("apply")
def apply_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show the differences and check them, no more")
    ] = False,
    fingerprint: Annotated[
        str, typer.Option(help="apply only if this is still what diff showed; empty: whatever there is")
    ] = "",
) -> None:
    """Bring Asterisk to what the database says.

    Rehearses, backs up, installs, reloads only what changed (calls go on), verifies over AMI, and puts everything back
    by itself if any of it fails. A second run changes nothing.
    """
    if dry_run:
        _dry(lambda engine: engine.planner.plan())
    _show_run(_work(lambda engine, _screen: engine.apply(str(uuid4()), me(), fingerprint)))


def _dry(plan: Callable[[PbxApply], Awaitable[Planned]]) -> None:
    async def both(engine: PbxApply, _screen: _Screen) -> tuple[Planned, ConfigRun]:
        return await plan(engine), await engine.check(str(uuid4()), me())

    planned, run = _work(both)
    _show_plan(planned)
    _show_run(run)
    raise typer.Exit(0 if planned.nothing_to_do else DIFFERENT)


@app.command()
def rollback(
    revision: Annotated[
        int, typer.Argument(help="a revision of `history`; without it, the one before this one")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would change")] = False,
) -> None:
    """Go back to the files of an older revision, with the same care as an apply.

    The database keeps what people entered. In automatic mode nothing more is applied until somebody applies.
    """

    async def go(engine: PbxApply, _screen: _Screen) -> ConfigRun | str:
        number = revision or _before(engine)
        if dry_run:
            return diff_text(engine.target_of(number).difference)
        return await engine.rollback(str(uuid4()), me(), number)

    done = _work(go)
    if isinstance(done, str):
        _show_changes((), done, ())
        raise typer.Exit(DIFFERENT if done else 0)
    _show_run(done)


def _before(engine: PbxApply) -> int:
    """The revision that was in force before this one. Raises NotFound."""
    applied = engine.store.applied()
    older = [number for number in engine.store.revisions() if applied is None or number < applied.revision]
    if not older:
        raise NotFound("revision_unknown")
    return older[0]


@app.command()
def history(
    revision: Annotated[int, typer.Argument(help="one revision, with its steps and differences")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=200, help="so many lines")] = 20,
) -> None:
    """Who applied what, when, and how it ended."""
    if revision:
        detail = _work(lambda engine, _screen: engine.history.one(revision))
        if detail is None:
            raise typer.Exit(_say(_SENTENCES["revision_unknown"], 1))
        for step in detail.steps:
            _output.print(f"{step.state:8} {step.name:9} {step.message}", markup=False)
        _output.print(f"{detail.result}  {detail.message}".rstrip(), markup=False)
        _show_changes(detail.objects, detail.diff, ())
        return
    rows = _work(lambda engine, _screen: engine.history.rows(limit))
    table = Table(box=None, header_style="bold")
    for column in ("revision", "when", "who", "by", "what", "result", "changes"):
        table.add_column(column, no_wrap=column != "who", overflow="fold")
    for row in rows:
        when = datetime.fromtimestamp(row.at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(str(row.id), when, row.who, row.origin, row.action, row.result, str(row.changes))
    _output.print(table)


@app.command("adopt")
def adopt_command(
    etc: Annotated[Path, typer.Option(help="its configuration folder")] = Path("/etc/asterisk"),
    sip_address: Annotated[str, typer.Option(help="where phones and gateways reach it")] = EVERYWHERE,
    sip_port: Annotated[int, typer.Option(help="UDP")] = 5060,
    http_address: Annotated[
        str, typer.Option(help="ARI and browser phones; loopback behind a proxy")
    ] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(help="TCP")] = 8088,
    ami_port: Annotated[int, typer.Option(help="TCP, loopback only")] = 5038,
    rtp_ports: Annotated[str, typer.Option(help="UDP, first-last")] = "10000-20000",
) -> None:
    """Take the Asterisk of a package under ccserver's care: writes the data folder's asterisk/layout.json, and makes
    the folders for records and keys that the package has not made.

    Its folders are read from its asterisk.conf. Look at `ccserver asterisk diff` afterwards: an apply replaces the
    files of /etc/asterisk that ccserver renders (they are kept in /etc/asterisk/.ccserver/revisions), and touches no
    other file there. Restart Asterisk once after the first apply: it did not know ccserver's account before.
    """
    try:
        path = adopt(
            read_settings().data_dir.absolute(),
            Adoption(
                etc=etc,
                sip_address=sip_address,
                sip_port=sip_port,
                http_address=http_address,
                http_port=http_port,
                ami_port=ami_port,
                rtp_ports=rtp_ports,
            ),
        )
    except (StackProblem, SettingsError, DomainError, OSError) as error:
        raise typer.Exit(_say(str(error), 1)) from error
    _console.print(
        f"{path} is written. Next: ccserver asterisk diff, then ccserver asterisk apply, then restart Asterisk once.",
        style="green",
    )
