"""Progress is one readable line a step, in a log as on a terminal."""

import io
import re

import pytest
from ccserver.stack.progress import ConsoleProgress, Progress, QuietProgress
from rich.console import Console


def test_a_step_is_ticked_and_a_failed_one_crossed() -> None:
    output = io.StringIO()
    progress: Progress = ConsoleProgress(Console(file=output))
    with progress.step("Good") as step:
        step.detail("[half] way")
    with pytest.raises(ValueError, match="bad"), progress.step("Bad"):
        raise ValueError("bad")
    progress.say("[plain] words")
    lines = output.getvalue().splitlines()
    assert re.match(r"✓ Good \(\d+\.\d", lines[0])
    assert lines[1:] == ["✗ Bad", "[plain] words"]


def test_the_quiet_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = QuietProgress()
    with progress.step("Something") as step:
        step.detail("half way")
    progress.say("words")
    assert capsys.readouterr().out == ""
