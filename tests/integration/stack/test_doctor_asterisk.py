"""The doctor's looks at a real Asterisk, and at a configuration that waits to be applied."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.background import Supervisor
from ccserver.domain.pbx import PbxModel
from ccserver.live.pbx_plan import PbxPlanner
from ccserver.settings import Settings
from ccserver.stack.doctor import asterisk as asterisk_looks
from ccserver.stack.doctor.asterisk import check_asterisk
from ccserver.stack.doctor.configuration import check_configuration
from ccserver.stack.doctor.finding import Finding, Level
from ccserver.stack.gateway import GatewayProcess
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.telephony.pbx_layout import PbxLayout
from ccserver.telephony.render import render

from tests.integration.stack.healthy import GOOD, KEY, collected, replace_etc, run, settings_for
from tests.rig.asterisk import Central
from tests.rig.installation import fill_database

TRUNKS = (("paris", "peer"),)


@pytest.mark.asterisk
async def test_a_good_asterisk_is_green(asterisk: Central, gateway_paris: GatewayProcess) -> None:
    await asterisk.reachable("trunk-paris")
    found = await collected(check_asterisk(settings_for(asterisk), TRUNKS))
    assert {name for name, finding in found.items() if finding.level is not Level.GOOD} == set(), found
    assert set(found) == {
        "AMI",
        "Asterisk version",
        "Asterisk modules",
        "ARI",
        "AMI not public",
        "ARI not public",
        "trunk paris",
        "Asterisk's event log",
    }


@pytest.mark.asterisk
async def test_what_is_wrong_with_asterisk_is_red(
    own_asterisk: Central, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = settings_for(own_asterisk)

    async def red(settings: Settings, trunks: tuple[tuple[str, str], ...] | None = TRUNKS) -> set[str]:
        found = await collected(check_asterisk(settings, trunks))
        return {name for name, finding in found.items() if finding.level is Level.BAD}

    # No gateway runs, and one trunk is unknown to Asterisk.
    await own_asterisk.unreachable("trunk-paris")
    assert await red(good) == {"trunk paris"}
    assert await red(good, (("nowhere", "peer"),)) == {"trunk nowhere"}
    assert await red(replace(good, ami_secret="wrong-secret-of-somebody")) == {"AMI", "trunk paris"}
    assert await red(replace(good, ari_secret="wrong-secret-of-somebody")) == {"ARI"}
    assert await red(replace(good, asterisk_cel_file=tmp_path / "none.csv")) == {
        "trunk paris",
        "Asterisk's event log",
    }
    await own_asterisk.process.rx("module unload res_stasis_recording.so")
    await own_asterisk.process.rx("module unload app_dial.so")
    monkeypatch.setattr(asterisk_looks, "OLDEST", 99)
    assert await red(good) == {"Asterisk modules", "Asterisk version", "trunk paris"}
    await own_asterisk.process.kill9()
    assert await red(good) == {"AMI", "ARI"}
    found = await collected(check_asterisk(good, None))
    assert found["trunks"].level is Level.UNKNOWN


@pytest.mark.asterisk
async def test_changes_that_wait_are_red(
    database_url: str, asterisk: Central, tmp_path: Path, supervisor: Supervisor
) -> None:
    database = Database(database_url, supervisor)
    await database.start()
    try:
        await fill_database(database, asterisk)
    finally:
        await database.close()
    await run(database_url, "UPDATE phones SET secret_encrypted = $1", Vault(KEY).seal("a-phone-secret"))
    layout = PbxLayout(ports=asterisk.model.ports, directories=asterisk.model.directories)
    layout = replace_etc(layout, tmp_path / "etc")

    async def look() -> dict[str, Finding]:
        return await collected(check_configuration(settings_for(asterisk), layout, database_url))

    waiting = (await look())["configuration"]
    assert waiting.level is Level.BAD and "not applied" in waiting.detail
    none = await collected(check_configuration(GOOD, None, database_url))
    assert none["configuration"].level is Level.ADVICE
    away = await collected(check_configuration(GOOD, layout, None))
    assert away["configuration"].level is Level.UNKNOWN

    planned = await plan_of(settings_for(asterisk), layout, database_url)
    await asyncio.to_thread(lambda: write_tree(tmp_path / "etc", dict(render(planned))))
    assert {finding.level for finding in (await look()).values()} == {Level.GOOD}
    await run(database_url, "UPDATE sites SET caller_id = '+33145679999'")
    assert (await look())["configuration"].level is Level.BAD


def write_tree(etc: Path, files: dict[str, str]) -> None:
    etc.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (etc / name).write_text(text)


async def plan_of(settings: Settings, layout: PbxLayout, dsn: str) -> PbxModel:
    supervisor = Supervisor()
    database = Database(dsn, supervisor)
    await database.start()
    try:
        return (await PbxPlanner(settings, database, layout, lambda: 0.0).plan()).model
    finally:
        await database.close()
        await supervisor.close()
