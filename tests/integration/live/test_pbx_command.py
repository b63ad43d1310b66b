"""``ccserver asterisk`` as people type it: what it says, and its exit status."""

import asyncio
import re
import signal

import pytest
from ccserver.domain.errors import Conflict
from ccserver.telephony.pbx_store import PbxLock

from tests.rig.config_bench import ConfigBench
from tests.rig.gate import gate
from tests.rig.wait import PATIENCE_SECONDS

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(300)]


async def test_diff_check_apply_and_again(bench: ConfigBench) -> None:
    code, said = await bench.run("diff")
    assert code == 0 and "Nothing to apply" in said
    await bench.add_phone("1002")
    code, said = await bench.run("diff")
    assert code == 3
    assert re.search(r"added +phone 1002", said)
    assert "+[1002]" in said
    assert "secret-of-1002" not in said
    code, said = await bench.run("check")
    assert code == 0 and "Rehearsed" in said
    assert not await bench.knows("1002")
    code, said = await bench.run("apply", "--dry-run")
    assert code == 3 and not await bench.knows("1002")
    code, said = await bench.run("apply")
    assert code == 0, said
    assert "Applied as revision" in said
    assert await bench.knows("1002")
    code, said = await bench.run("apply")
    assert code == 0 and "Nothing has changed" in said
    who, action, result = (await bench.history())[-1]
    assert "@" in who and (action, result) == ("apply", "applied")


async def test_going_back_and_the_history(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    assert (await bench.run("apply"))[0] == 0
    code, said = await bench.run("rollback", "--dry-run")
    assert code == 3 and "-[1002]" in said
    code, said = await bench.run("rollback")
    assert code == 0, said
    assert not await bench.knows("1002")
    code, said = await bench.run("history")
    assert code == 0 and said.count("applied") == 3 and "rollback" in said
    code, said = await bench.run("rollback", "424242")
    assert code == 1 and "does not exist" in said


async def test_what_asterisk_refuses_ends_with_4(bench: ConfigBench) -> None:
    (bench.etc / "extensions.d").mkdir(exist_ok=True)
    (bench.etc / "extensions.d" / "mine.conf").write_text("[mine]\nexten => 1,1,NoOp(\n")
    await bench.add_phone("1002")
    code, said = await bench.run("apply")
    assert code == 4, said
    assert "No closing parenthesis" in said
    assert "nothing was touched" in said


async def test_a_frozen_asterisk_is_waited_for_with_ctrl_c_and_the_second_admin_is_refused(
    bench: ConfigBench,
) -> None:
    """Asterisk freezes when told to reload: a Ctrl-C then waits for the end, and another apply is refused."""
    await bench.add_phone("1002")
    async with gate(bench.settings.ami_port, b"Action: Reload") as asterisk:
        child = await bench.command("apply", ami_port=asterisk.port)
        assert child.stdout is not None
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            await asterisk.reached.wait()
            child.send_signal(signal.SIGINT)
            said = await child.stdout.readuntil(b"A moment")
            with pytest.raises(Conflict, match="config_busy"):
                await bench.apply()
            assert bench.journal()["phase"] == "installing"
            asterisk.open()
            rest, _ = await child.communicate()
    assert child.returncode == 0, (said + rest).decode()
    assert await bench.knows("1002")


async def test_the_second_admin_is_told_who_is_at_it(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    lock = PbxLock(bench.engine().store, "deputy", "page")
    await asyncio.to_thread(lock.acquire)
    code, said = await bench.run("apply")
    await asyncio.to_thread(lock.release)
    assert code == 7 and "deputy is at it" in said, said


async def test_render_shows_the_files_and_what_is_missing_is_said(bench: ConfigBench) -> None:
    folder = bench.home / "shown"
    code, said = await bench.run("render", str(folder))
    assert code == 0, said
    assert "[1001]" in (folder / "pjsip.conf").read_text()
    assert (folder.stat().st_mode & 0o077, (folder / "pjsip.conf").stat().st_mode & 0o077) == (0, 0)
    (bench.home / "asterisk" / "layout.json").rename(bench.home / "away.json")
    code, said = await bench.run("diff")
    assert code == 1 and "ccserver asterisk adopt" in said.replace("\n", " ")


async def test_adopting_an_asterisk_reads_its_folders(bench: ConfigBench) -> None:
    (bench.home / "asterisk" / "layout.json").rename(bench.home / "away.json")
    (bench.home / "asterisk" / "lib" / "agi-bin").rmdir()
    code, said = await bench.run("adopt", "--etc", str(bench.etc), "--sip-port", "5070")
    assert code == 0, said
    assert (bench.home / "asterisk" / "lib" / "agi-bin").is_dir()
    text = (bench.home / "asterisk" / "layout.json").read_text()
    assert str(bench.layout.directories.modules) in text and "5070" in text
    code, said = await bench.run("adopt", "--etc", str(bench.etc))
    assert code == 1 and "there already" in said
