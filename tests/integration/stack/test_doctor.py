"""The doctor's looks at real parts: PostgreSQL, Redis, Asterisk, and a whole installation."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from ccserver.background import Supervisor
from ccserver.domain.pbx import PbxModel
from ccserver.live.pbx_plan import PbxPlanner
from ccserver.services.hashing import Hashing
from ccserver.settings import Settings
from ccserver.stack.backup import make_backup
from ccserver.stack.doctor import asterisk as asterisk_looks
from ccserver.stack.doctor import database as database_looks
from ccserver.stack.doctor import machine
from ccserver.stack.doctor.asterisk import check_asterisk
from ccserver.stack.doctor.bus import check_bus
from ccserver.stack.doctor.configuration import check_configuration
from ccserver.stack.doctor.database import DatabaseFacts, check_database
from ccserver.stack.doctor.finding import Finding, Level
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.processes import Child, spawn
from ccserver.stack.redis_server import RedisServer, find_redis_program
from ccserver.storage import migrate
from ccserver.storage.pool import Database
from ccserver.storage.vault import Vault
from ccserver.telephony.pbx_layout import PbxLayout, write_layout
from ccserver.telephony.render import render

from tests.integration.storage.test_migrate import fill
from tests.rig.asterisk import Central
from tests.rig.installation import fill_database
from tests.rig.wait import until

KEY = "Qz6WnEb1KxVy8RmCj3TsGh5LdPf7AuNo"
GOOD = Settings(
    jwt_secret="vM3kq8ZtRw2nXc7LpYs5HdJf9BgTa4Ue",
    secrets_key=KEY,
    ami_secret="f3a91c07be5d42886a17",
    ari_secret="0c5e83b9d7214fa6c1e2",
)


async def collected(findings: AsyncIterable[Finding]) -> dict[str, Finding]:
    return {finding.name: finding async for finding in findings}


async def run(dsn: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def of_database(dsn: str, facts: DatabaseFacts | None = None) -> dict[str, Finding]:
    return await collected(check_database(GOOD, dsn, facts or DatabaseFacts()))


# ---- PostgreSQL


@pytest.fixture
async def filled(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        await fill(connection)
        await connection.execute("UPDATE phones SET secret_encrypted = $1", Vault(KEY).seal("x"))
    finally:
        await connection.close()
    return database_url


@pytest.mark.postgres
async def test_a_good_database_is_green(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")  # durable, unlike the session's
    dsn = await server.start()
    try:
        await asyncio.to_thread(migrate.apply, dsn)
        facts = DatabaseFacts()
        found = await of_database(dsn, facts)
        assert {name for name, finding in found.items() if finding.level is not Level.GOOD} == set()
        assert facts.reached and len(found) == 11
    finally:
        await server.stop()


@pytest.mark.postgres
async def test_what_is_wrong_with_a_database_is_red(
    filled: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await of_database(filled)
    assert found["sealed secrets"].level is Level.GOOD
    assert found["database durability"].level is Level.BAD  # the tests' server forgets on purpose
    assert found["first account"].level is Level.GOOD

    await run(filled, "UPDATE phones SET secret_encrypted = $1", Vault("o" * 32).seal("x"))
    await run(filled, "UPDATE sites SET zone = 'Europe/Atlantis'")
    await run(filled, "UPDATE users SET role = 'ADMIN', must_change_password = true")
    monkeypatch.setattr(database_looks, "OLDEST", 999999)
    clock = SimpleNamespace(time=lambda: datetime.now(UTC).timestamp() + 90)
    monkeypatch.setattr(database_looks, "time", clock)
    facts = DatabaseFacts()
    red = {name for name, finding in (await of_database(filled, facts)).items() if finding.level is Level.BAD}
    assert red == {
        "clock of the database",
        "database durability",
        "database time zones",
        "database version",
        "first account",
        "sealed secrets",
    }
    assert facts.zones == ("Europe/Atlantis",)
    assert [mode for _, mode in facts.trunks] == ["peer"]


@pytest.mark.postgres
async def test_a_password_that_everybody_knows_is_red(filled: str) -> None:
    hashing = Hashing(memory_kib=64)
    known, own = await hashing.hash("admin"), await hashing.hash("Frobnicate-77-gnomes")
    hashing.close()
    await run(
        filled, "UPDATE users SET role = 'ADMIN', must_change_password = false, password_hash = $1", known
    )
    assert "everybody knows" in (await of_database(filled))["first account"].detail
    await run(filled, "UPDATE users SET password_hash = $1", own)
    assert (await of_database(filled))["first account"].level is Level.GOOD


@pytest.mark.postgres
async def test_migrations(empty_dsn: str) -> None:
    known = await asyncio.to_thread(migrate.known_migrations)
    await asyncio.to_thread(lambda: migrate.apply(empty_dsn, only=known[:2]))
    missing = (await of_database(empty_dsn))["migrations"]
    assert missing.level is Level.BAD and missing.mend == "ccserver migrate"
    await asyncio.to_thread(migrate.apply, empty_dsn)
    assert (await of_database(empty_dsn))["migrations"].level is Level.GOOD
    await run(
        empty_dsn, "UPDATE _yoyo_migration SET migration_id = '9999.later' WHERE migration_id = $1", known[-1]
    )
    assert "newer" in (await of_database(empty_dsn))["migrations"].detail


@pytest.mark.postgres
async def test_roles_and_encodings(postgres: EmbeddedPostgres, empty_dsn: str) -> None:
    admin = postgres.dsn("postgres", "postgres")
    name = empty_dsn.partition("?")[0].rpartition("/")[2]
    assert (await of_database(postgres.dsn(name, "postgres")))["database role"].level is Level.ADVICE
    await run(admin, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await run(admin, "CREATE ROLE nobody_much LOGIN")
    try:
        found = await of_database(postgres.dsn("latin", "nobody_much"))
        assert found["database encoding"].level is Level.BAD
        assert found["database role"].level is Level.BAD and "CREATE ROLE" in found["database role"].mend
    finally:
        await run(admin, "DROP DATABASE latin")
        await run(admin, "DROP ROLE nobody_much")


@pytest.mark.postgres
async def test_few_connections(tmp_path: Path) -> None:
    rows = {number: {"max_connections": number, "reserved": 3} for number in (20, 40, 100)}
    told = [database_looks._connections(row).level for row in rows.values()]
    assert told == [Level.BAD, Level.ADVICE, Level.GOOD]


async def test_no_database(tmp_path: Path) -> None:
    found = await of_database(f"postgresql://x@127.0.0.1:{free_tcp_port()}/x")
    assert list(found) == ["database"] and found["database"].level is Level.BAD


# ---- Redis


async def redis_on(folder: Path, *options: str) -> tuple[Child, int]:
    port = free_tcp_port()
    child = await spawn(
        "Redis",
        [find_redis_program(), "--port", str(port), "--save", "", "--appendonly", "no", *options],
        log=folder / f"redis-{port}.log",
        cwd=folder,
    )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await until(answers, "Redis listens")
    return child, port


@pytest.mark.redis
async def test_redis(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    settings = replace(GOOD, redis_url=await server.start())
    found = await collected(check_bus(settings))
    assert {finding.level for finding in found.values()} == {Level.GOOD} and len(found) == 2
    await server.stop()
    assert (await collected(check_bus(settings)))["Redis"].level is Level.BAD
    assert (await collected(check_bus(GOOD)))["Redis"].level is Level.GOOD
    assert (await collected(check_bus(GOOD.with_role("web"))))["Redis"].level is Level.BAD


@pytest.mark.redis
async def test_a_redis_that_answers_to_everybody_is_red(tmp_path: Path) -> None:
    everywhere = ("--bind", "0.0.0.0", "--protected-mode", "no")
    child, port = await redis_on(tmp_path, *everywhere)
    try:
        open_to_all = await collected(check_bus(replace(GOOD, redis_url=f"redis://127.0.0.1:{port}/0")))
        assert open_to_all["Redis not public"].level is Level.BAD, open_to_all
    finally:
        await child.stop()
    child, port = await redis_on(tmp_path, *everywhere, "--requirepass", "a-long-one")
    try:
        url = f"redis://:a-long-one@127.0.0.1:{port}/0"
        closed = await collected(check_bus(replace(GOOD, redis_url=url)))
        assert closed["Redis not public"].level is Level.GOOD, closed
        refused = await collected(check_bus(replace(GOOD, redis_url=url.replace("a-long-one", "other"))))
        assert refused["Redis"].level is Level.BAD and "password" in refused["Redis"].detail
    finally:
        await child.stop()


# ---- Asterisk


def settings_for(central: Central) -> Settings:
    ports = central.model.ports
    return replace(
        GOOD,
        ami_port=ports.ami,
        ami_secret=central.model.ami.secret,
        ari_url=central.ari_url,
        ari_secret=central.model.ari.secret,
        asterisk_cel_file=central.process.cel_file,
    )


TRUNKS = (("paris", "peer"),)


@pytest.mark.asterisk
async def test_a_good_asterisk_is_green(asterisk: Central, gateway_paris: GatewayProcess) -> None:
    async def paris_is_up() -> bool:
        found = await collected(check_asterisk(settings_for(asterisk), TRUNKS))
        return found["trunk paris"].level is Level.GOOD

    await until(paris_is_up, "the trunk answers")
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
    await own_asterisk.process.rx("pjsip qualify trunk-paris")

    async def lost() -> bool:
        return "trunk paris" in await red(good)

    await until(lost, "the trunk is known to be down")
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


# ---- the configuration


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


def replace_etc(layout: PbxLayout, etc: Path) -> PbxLayout:
    directories = replace(layout.directories, etc=str(etc))
    return PbxLayout(ports=layout.ports, directories=directories)


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


# ---- disks


def test_disks(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(folder: Path) -> Level:
        return next(iter(machine.check_disks([("x", folder)]))).level

    assert look(tmp_path / "not/there/yet") in (Level.GOOD, Level.ADVICE)  # as much as this machine has
    assert look(small_disk) is Level.BAD
    monkeypatch.setattr(machine, "_GIB", 1 << 10)
    assert look(small_disk) is Level.GOOD
    for number in range(97):
        (small_disk / str(number)).touch()
    assert look(small_disk) is Level.BAD  # no inode is left


# ---- all of it, by the command


async def doctor(environment: dict[str, str], *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccserver", "doctor", *options),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.fixture
async def environment(
    asterisk: Central, gateway_paris: GatewayProcess, tmp_path: Path
) -> AsyncIterator[dict[str, str]]:
    """An installation that is ready but for TLS, which no test machine has."""
    server = EmbeddedPostgres(tmp_path / "data/postgres")
    dsn = await server.start()
    await asyncio.to_thread(migrate.apply, dsn)
    data = tmp_path / "data"
    settings = replace(GOOD, database_url=dsn, data_dir=data)
    await asyncio.to_thread(make_backup, settings)
    layout = PbxLayout(ports=asterisk.model.ports, directories=asterisk.model.directories)
    await asyncio.to_thread(
        write_layout, data / "asterisk/layout.json", replace_etc(layout, tmp_path / "etc")
    )
    yield {
        "DATABASE_URL": dsn,
        "CCSERVER_DATA": str(data),
        "CCSERVER_PORT": str(free_tcp_port()),
        "JWT_SECRET": GOOD.jwt_secret,
        "SECRETS_KEY": GOOD.secrets_key,
        "BOOTSTRAP_PASSWORD": "Frobnicate-77-gnomes",
        "AMI_PORT": str(asterisk.model.ports.ami),
        "AMI_SECRET": asterisk.model.ami.secret,
        "ARI_URL": asterisk.ari_url,
        "ARI_SECRET": asterisk.model.ari.secret,
        "ASTERISK_CEL_FILE": str(asterisk.process.cel_file),
    }
    await server.stop()


@pytest.mark.asterisk
async def test_the_command_says_it_all_and_ends_accordingly(environment: dict[str, str]) -> None:
    status, output = await doctor(environment, "--json")
    report = json.loads(output)
    levels = {finding["name"]: finding["level"] for finding in report["findings"]}
    # What depends on the machine of the test: its clock, its disks.
    theirs = {name for name in levels if name == "clock" or name.startswith("disk") or name == "open files"}
    expected = {"PUBLIC_URL": "advice", "trunks": "advice", "configuration": "bad"}
    assert {n: v for n, v in levels.items() if v != "good" and n not in theirs} == expected
    assert report["status"] == status == 1
    assert len(levels) > 30

    status, output = await doctor({**environment, "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
    assert status == 1
    lines = output.splitlines()
    assert any(line.startswith("✗ database ") and "→ start PostgreSQL" in line for line in lines)
    assert any(line.startswith("? trunks") and "not checked" in line for line in lines)
    for secret in (
        GOOD.jwt_secret,
        GOOD.secrets_key,
        environment["AMI_SECRET"],
        environment["BOOTSTRAP_PASSWORD"],
    ):
        assert secret not in output


@pytest.mark.postgres
async def test_a_backup_that_is_old_is_told_by_its_name(tmp_path: Path, database_url: str) -> None:
    settings = replace(GOOD, database_url=database_url, data_dir=tmp_path)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    made = await asyncio.to_thread(lambda: make_backup(settings, now=long_ago))
    status, output = await doctor({"CCSERVER_DATA": str(tmp_path), "DATABASE_URL": database_url})
    assert status == 1
    assert f"{made.path.name}, 9 days old" in output
    assert "unchanged since" in output
