"""Applying to a real Asterisk: what is good gets through, what is bad changes nothing, and calls go on."""

import asyncio
import errno
import re
import socket
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from ccserver.domain.errors import Conflict, NotFound
from ccserver.live.pbx_run import Asker
from ccserver.telephony import pbx_install

from tests.rig.config_bench import ADMIN, ConfigBench
from tests.rig.sipp import SippProcess
from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(300)]


def step(run: object, name: str) -> tuple[str, str]:
    return next((one.state, one.message) for one in run.steps if one.name == name)  # type: ignore[attr-defined]


async def test_a_new_phone_is_known_and_the_history_says_who(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    run = await bench.apply()
    assert run.result == "applied", run
    assert [one.state for one in run.steps] == ["done"] * 7
    assert await bench.knows("1002")
    assert "res_pjsip" in step(run, "reload")[1]
    assert await bench.history() == [("chief", "apply", "applied")] * 2
    audit = await bench.rows("SELECT action, target, detail FROM audit_log ORDER BY id")
    assert [row["action"] for row in audit] == ["config.apply"] * 2
    assert '"result": "applied"' in audit[-1]["detail"]


async def test_a_second_run_changes_nothing_and_says_so(bench: ConfigBench) -> None:
    before = {path: path.stat().st_mtime_ns for path in bench.etc.glob("*.conf")}
    run = await bench.apply()
    assert run.result == "unchanged"
    assert {path: path.stat().st_mtime_ns for path in bench.etc.glob("*.conf")} == before
    assert len(await bench.history()) == 1


async def test_only_what_changed_is_reloaded(bench: ConfigBench) -> None:
    await bench.execute("UPDATE sites SET caller_id = '+33145678901'")
    run = await bench.apply()
    assert run.result == "applied"
    assert step(run, "install")[1] == "extensions.conf"
    assert step(run, "reload")[1] == "pbx_config"


async def test_a_removed_phone_is_forgotten(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    await bench.apply()
    await bench.execute("DELETE FROM phones WHERE extension = '1002'")
    run = await bench.apply()
    assert run.result == "applied"
    assert not await bench.knows("1002")


async def test_what_a_package_has_put_beside_is_no_reason_to_refuse(bench: ConfigBench) -> None:
    """Debian's has a users.conf, of which Asterisk says each time that it will be removed one day."""
    (bench.etc / "users.conf").write_text("[general]\nhassip = no\n")
    await bench.add_phone("1002")
    run = await bench.apply()
    assert run.result == "applied", run
    assert (bench.etc / "users.conf").read_text() == "[general]\nhassip = no\n"


async def test_a_hand_written_registration_stays_the_running_asterisks(bench: ConfigBench) -> None:
    """A throw-away Asterisk that registered would take the account's calls with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as provider:
        provider.bind(("127.0.0.1", 0))
        provider.setblocking(False)
        address = f"sip:127.0.0.1:{provider.getsockname()[1]}"
        folder = bench.etc / "pjsip.d"
        folder.mkdir(exist_ok=True)
        (folder / "mine.conf").write_text(
            f"[mine]\ntype = registration\ntransport = udp\nserver_uri = {address}\n"
            f"client_uri = sip:me@127.0.0.1\noutbound_proxy = {address}\\;lr\nmax_random_initial_delay = 0\n"
        )
        run = await bench.engine().check(str(uuid4()), ADMIN)
        assert run.result == "checked", run
        with pytest.raises(BlockingIOError):
            provider.recv(2000)


async def test_what_a_hand_written_file_breaks_is_refused_in_asterisks_words(bench: ConfigBench) -> None:
    before = bench.files()
    folder = bench.etc / "pjsip.d"
    folder.mkdir(exist_ok=True)
    (folder / "mine.conf").write_text("[mine](no-such-template)\ntype = endpoint\n")
    await bench.add_phone("1002")
    run = await bench.apply()
    assert run.result == "refused"
    assert "no-such-template" in run.message
    assert str(bench.etc / "pjsip.d/mine.conf") in run.message
    assert bench.files() == before
    assert await bench.knows("1001")
    assert (await bench.history())[-1] == ("chief", "apply", "refused")
    assert not bench.journal()
    assert not (bench.state / "staged").exists()


async def test_a_template_that_cannot_be_rendered_is_named(
    bench: ConfigBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    templates = tmp_path / "templates"
    from_here = Path("asterisk-config")
    templates.mkdir()
    for path in from_here.glob("*.j2"):
        (templates / path.name).write_text(path.read_text())
    broken = templates / "queues.conf.j2"
    broken.write_text(broken.read_text() + "\n{{ model.nonsense }}\n")
    monkeypatch.setattr("ccserver.telephony.render.TEMPLATES", templates)
    monkeypatch.setattr("ccserver.telephony.render.render.__defaults__", (templates,))
    before = bench.files()
    await bench.add_phone("1002")
    run = await bench.apply()
    assert run.result == "refused"
    assert "queues.conf.j2" in run.message
    assert "nonsense" in run.message
    assert bench.files() == before


async def test_what_asterisk_does_not_run_afterwards_is_rolled_back(
    bench: ConfigBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rehearsal cannot know everything: here the real Asterisk is kept from reading the endpoints."""
    before = bench.files()
    real = bench.ami.action

    async def deaf(name: str, /, **headers: str) -> object:
        if name == "Reload" and headers["Module"] == "res_pjsip":
            files = await asyncio.to_thread(bench.files)
            if "[1002]" in files["pjsip.conf"]:
                return {}
        return await real(name, **headers)

    monkeypatch.setattr(bench.ami, "action", deaf)
    engine = bench.engine()
    engine.installer.verify_seconds = 0.5
    await bench.add_phone("1002")
    run = await engine.apply(str(uuid4()), ADMIN)
    assert run.result == "rolled_back", run
    assert "endpoint 1002 is not there" in run.message
    assert step(run, "roll_back")[0] == "done"
    assert bench.files() == before
    assert (await bench.history())[-1][2] == "rolled_back"
    monkeypatch.undo()
    assert (await bench.apply()).result == "applied"
    assert await bench.knows("1002")


async def without_sound(bench: ConfigBench) -> None:
    """Calls of trunk paris live on without sound, which SIPp does not send, however long an apply takes."""
    folder = bench.etc / "pjsip.d"
    folder.mkdir(exist_ok=True)
    (folder / "patient.conf").write_text("[trunk-paris](+)\nrtp_timeout = 0\n")
    await bench.asterisk.rx("module reload res_pjsip")

    async def patient() -> bool:
        shown = await bench.asterisk.rx("pjsip show endpoint trunk-paris")
        return re.search(r"rtp_timeout +: 0\b", shown) is not None

    await until(patient, "Asterisk knows of it")


async def test_an_apply_drops_none_of_fifty_calls(bench: ConfigBench, tmp_path: Path) -> None:
    folder = bench.etc / "extensions.d"
    folder.mkdir(exist_ok=True)
    (folder / "echo.conf").write_text("[from-trunk-paris](+)\nexten => 999,1,Answer()\n same => n,Echo()\n")
    await bench.asterisk.rx("dialplan reload")
    await without_sound(bench)
    central = await bench.central()
    calls = SippProcess(central, "caller", tmp_path / "sipp", number="999", calls=50, rate=50)
    await calls.start()

    async def talking() -> int:
        return (await bench.asterisk.rx("core show channels concise")).count("!Up!Echo!")

    async def all_talk() -> bool:
        return await talking() == 50

    try:
        await until(all_talk, "fifty calls")
        await bench.add_phone("1002")
        await bench.add_trunk("backup", "127.0.0.9")
        await bench.execute("UPDATE sites SET caller_id = '+33145678901'")
        run = await bench.apply()
        assert run.result == "applied", run
        assert {"pjsip.conf", "extensions.conf"} <= set(step(run, "install")[1].split(", "))
        assert await talking() == 50
        await bench.asterisk.rx("channel request hangup all")
        assert await calls.wait() == 0
    finally:
        await calls.stop()
    assert (folder / "echo.conf").exists()


async def test_what_others_wrote_is_never_touched(bench: ConfigBench) -> None:
    mine = bench.etc / "pjsip.d" / "mine.conf"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("[hand-made]\ntype = aor\nmax_contacts = 1\n")
    foreign = bench.etc / "festival.conf"
    foreign.write_text("[general]\nhost=localhost\n")
    await bench.add_phone("1002")
    assert (await bench.apply()).result == "applied"
    assert mine.read_text().startswith("[hand-made]")
    assert foreign.read_text() == "[general]\nhost=localhost\n"
    assert "hand-made" in await bench.asterisk.rx("pjsip show aors")


async def test_a_new_hand_written_file_is_a_change_that_is_tried_out_and_read(bench: ConfigBench) -> None:
    mine = bench.etc / "extensions.d" / "mine.conf"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("[mine]\nexten => 1,1,NoOp(\n")
    planned = await bench.engine().planner.plan()
    assert [(c.kind, c.name, c.action) for c in planned.changes] == [
        ("file", "extensions.d/mine.conf", "changed")
    ]
    assert (await bench.apply()).result == "refused"
    mine.write_text("[mine]\nexten => 1,1,NoOp()\n")
    run = await bench.apply()
    assert run.result == "applied", run
    assert step(run, "reload")[1] == "pbx_config"
    assert "NoOp" in await bench.asterisk.rx("dialplan show mine")
    assert (await bench.apply()).result == "unchanged"


async def test_a_module_that_is_newly_listed_is_loaded_without_a_restart(bench: ConfigBench) -> None:
    path = bench.etc / "modules.conf"
    line = "load = app_echo.so\n"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, ""))
    await bench.asterisk.rx("module unload app_echo.so")
    run = await bench.apply()
    assert run.result == "applied", run
    assert "Running" in await bench.asterisk.rx("module show like app_echo")
    engine = bench.engine()
    assert (await asyncio.to_thread(engine.store.notes)).unread == {}


async def test_an_edit_by_hand_is_noticed_shown_and_kept(bench: ConfigBench) -> None:
    path = bench.etc / "queues.conf"
    path.write_text(path.read_text() + "; my own remark\n")
    planned = await bench.engine().planner.plan()
    assert planned.difference.edited == ("queues.conf",)
    assert [(c.kind, c.name, c.action) for c in planned.changes] == [("file", "queues.conf", "edited")]
    run = await bench.apply()
    assert run.result == "applied"
    assert "my own remark" not in path.read_text()
    kept = bench.state / "revisions" / str(run.revision) / "before" / "queues.conf"
    assert "my own remark" in kept.read_text()


async def test_files_are_closed_to_others(bench: ConfigBench) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in bench.etc.rglob("*") if path.is_file()}
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
    assert stat.S_IMODE(bench.state.stat().st_mode) == 0o700


async def test_going_back_holds_automatic_mode_until_somebody_applies(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    await bench.apply()
    first = (await bench.rows("SELECT min(id) AS id FROM pbx_revisions"))[0]["id"]
    engine = bench.engine()
    run = await engine.rollback(str(uuid4()), ADMIN, first)
    assert run.result == "applied", run
    assert not await bench.knows("1002")
    assert (await asyncio.to_thread(engine.store.notes)).held
    assert (await bench.history())[-1] == ("chief", "rollback", "applied")
    planned = await engine.planner.plan()
    assert ("phone", "1002", "added") in [(c.kind, c.name, c.action) for c in planned.changes]
    assert (await engine.apply(str(uuid4()), ADMIN)).result == "applied"
    assert not (await asyncio.to_thread(engine.store.notes)).held
    with pytest.raises(NotFound):
        await engine.rollback(str(uuid4()), ADMIN, 10**9)


async def test_a_rollback_that_does_not_come_about_holds_nothing(
    bench: ConfigBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.add_phone("1002")
    await bench.apply()
    first = (await bench.rows("SELECT min(id) AS id FROM pbx_revisions"))[0]["id"]
    engine = bench.engine()

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pbx_install, "stage", full)
    run = await engine.rollback(str(uuid4()), ADMIN, first)
    assert run.result == "refused", run
    assert await bench.knows("1002")
    assert not (await asyncio.to_thread(engine.store.notes)).held


async def test_what_was_seen_is_what_is_applied(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    seen = (await bench.engine().planner.plan()).fingerprint
    await bench.add_phone("1003")
    with pytest.raises(Conflict, match="config_changed"):
        await bench.apply(fingerprint=seen)
    assert not await bench.knows("1002")


async def test_two_at_once_do_not_clash_and_the_second_is_told_who(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    other = Asker(who="deputy", origin="command")
    runs = await asyncio.gather(
        bench.engine().apply(str(uuid4()), ADMIN),
        bench.engine().apply(str(uuid4()), other),
        return_exceptions=True,
    )
    refused = [run for run in runs if isinstance(run, Conflict)]
    done = [run for run in runs if not isinstance(run, BaseException)]
    assert len(refused) == 1 and refused[0].code == "config_busy"
    assert len(done) == 1 and done[0].result == "applied"
    assert refused[0].params["who"] == done[0].who


async def test_no_secret_is_in_the_history(bench: ConfigBench) -> None:
    await bench.add_phone("1002")
    await bench.apply()
    rows = await bench.rows("SELECT diff, detail::text AS detail FROM pbx_revisions")
    text = "".join(row["diff"] + row["detail"] for row in rows)
    text += (bench.state / "applied.json").read_text()
    assert "1002" in text
    for secret in ("secret-of-1001", "secret-of-1002", "ami-secret-of-tests", "ari-secret-of-tests"):
        assert secret not in text
