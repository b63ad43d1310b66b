"""What the scripts answer without doing anything: help, and arguments that they do not know."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ("up", "test", "messages", "prod-check.sh", "backup.sh", "restore.sh", "apply-asterisk-config.sh")


def answer(script: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout in which nothing is installed."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_told_where_nothing_is_installed_and_installs_nothing(fresh: Path, name: str) -> None:
    status, said = answer(fresh / "scripts" / name, "--help")
    assert status == 0, said
    assert f"scripts/{name}" in said
    assert "shellcheck" not in said and "set -" not in said
    assert {path.name for path in fresh.iterdir()} <= {"scripts", ".cache"}


@pytest.mark.parametrize("name", ["test", "messages"])
def test_an_argument_that_does_not_exist_is_named_before_anything_is_done(fresh: Path, name: str) -> None:
    status, said = answer(fresh / "scripts" / name, "no-such-part")
    assert status == 2
    assert said.strip()
    assert {path.name for path in fresh.iterdir()} <= {"scripts", ".cache"}


def test_the_apply_script_tells_what_is_wrong_also_where_asterisk_was_never_set_up(fresh: Path) -> None:
    program = fresh / ".venv" / "bin" / "ccserver"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "asked: $*"\nexit 7\n')
    program.chmod(0o755)
    # What sets an environment up is tested by its use; here it is there already.
    script = fresh / "scripts" / "apply-asterisk-config.sh"
    script.write_text(script.read_text().replace("set_up run >&2", ":"))
    assert answer(script, "--dry-run") == (7, "asked: asterisk apply --dry-run\n")
