"""The keeper of docker/asterisk.sh's mailbox, with this machine's Asterisk in the container's place."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.rehearsal import starter_for
from ccserver.telephony.pbx_mailbox import MAILBOX, Mailbox
from ccserver.telephony.pbx_rehearsal import RehearsalFailed, rehearse

from tests.rig.asterisk import demo_model, new_home, remove_home
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk]

KEEPER = Path(__file__).resolve().parents[3] / "docker" / "rehearse.sh"


@pytest.fixture
def data(asterisk_binary: AsteriskBinary) -> Iterator[Path]:
    """A shared folder with a keeper beside it."""
    home = new_home()
    folder = home / "asterisk" / MAILBOX
    keeper = subprocess.Popen(
        ["/bin/sh", str(KEEPER), str(folder), *asterisk_binary.argv], start_new_session=True
    )
    yield home
    os.killpg(keeper.pid, signal.SIGKILL)  # with what it started
    keeper.wait()
    remove_home(home)


def nothing_is_left(data: Path) -> bool:
    """Whether the mailbox holds no room any more, and no process but the keeper works there."""
    rooms = [path for path in (data / "asterisk" / MAILBOX).iterdir() if path.is_dir()]
    shown = subprocess.run(["pgrep", "-af", str(data)], capture_output=True, text=True, check=False).stdout
    others = [line for line in shown.splitlines() if "rehearse.sh" not in line]
    return not rooms and not others


async def test_a_good_tree_passes_and_a_bad_one_is_refused(
    data: Path, asterisk_binary: AsteriskBinary
) -> None:
    mailbox = Mailbox(data / "asterisk" / MAILBOX)
    await until(lambda: asyncio.to_thread(mailbox.is_open), "the mailbox to open")
    home = await asyncio.to_thread(new_home)
    model = demo_model(asterisk_binary, home)
    report = await rehearse(model, starter_for(data))
    assert report is not None and "6 endpoints" in report.seen
    etc = Path(model.directories.etc)
    (etc / "pjsip.d").mkdir(parents=True)
    (etc / "pjsip.d" / "mine.conf").write_text("[mine](nobody)\n")
    with pytest.raises(RehearsalFailed, match="nobody"):
        await rehearse(model, starter_for(data))
    nowhere = replace(model, directories=replace(model.directories, modules="/nowhere"))
    with pytest.raises(RehearsalFailed):
        await rehearse(nowhere, starter_for(data))
    # Nothing of them stays: no process, no password.
    await until(
        lambda: asyncio.to_thread(nothing_is_left, data), "rooms and processes of the rehearsals gone"
    )
    await asyncio.to_thread(remove_home, home)


async def test_a_mailbox_that_nobody_keeps_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / MAILBOX
    folder.mkdir()
    assert not await asyncio.to_thread(Mailbox(folder).is_open)
    assert await Mailbox(folder).room() is None
