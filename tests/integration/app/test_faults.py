"""What is killed, stopped and brought back while calls go on: nothing lost, nothing doubled, no ghost."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ccserver.background import Supervisor
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.redis_server import RedisServer
from ccserver.storage import migrate
from ccserver.storage.pool import Database

from tests.integration.app.conftest import MANY
from tests.rig.api import Api
from tests.rig.asterisk import Central
from tests.rig.installation import CHIEF, Installation, Node, fill_database
from tests.rig.sipp import PhoneBank
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(400)]

ANSWERS = "0145000001"


async def place_all(node: Node, extensions: tuple[str, ...]) -> list[str]:
    """One call of each agent."""
    chief = await node.login(CHIEF)
    agents = {row["extension"]: row["id"] for row in (await chief.get("/api/agents"))["items"]}
    return [await chief.call(ANSWERS, agents[extension]) for extension in extensions]


async def states(chief: Api) -> Counter[str]:
    return Counter(row["state"] for row in (await chief.get("/api/status"))["calls"])


async def all_talk(chief: Api, count: int) -> None:
    seen: list[Counter[str]] = []

    async def so() -> bool:
        seen[:] = [await states(chief)]
        return seen[0]["talking"] == count

    try:
        await until(so, f"{count} calls talking")
    except AssertionError:
        ended = Counter(row["outcome"] for row in (await chief.get("/api/calls"))["items"])
        raise AssertionError(f"{count} calls should talk: {seen}, history: {ended}") from None


async def history(database: Database) -> list[Any]:
    async with database.system() as connection:
        return list(
            await connection.fetch(
                "SELECT id::text, outcome, ended_by, ended_at, end_estimated, talk_ms, started_at, answered_at,"
                " (SELECT count(*) FROM call_events e WHERE e.call_id = c.id AND kind = 'ended') AS endings"
                " FROM calls c ORDER BY id"
            )
        )


async def hang_up_in_asterisk(installation: Installation, channels: list[str]) -> None:
    for channel in channels:
        await installation.central.process.rx(f"channel request hangup {channel}")


async def channels_of(installation: Installation) -> dict[str, str]:
    """Channel names by uniqueid."""
    lines = (await installation.central.process.rx("core show channels concise")).splitlines()
    return {line.split("!")[-1]: line.split("!")[0] for line in lines if "!" in line}


async def nothing_left(installation: Installation, chief: Api) -> None:
    """No channel, no call on the board, no agent in a call."""

    async def so() -> bool:
        agents = (await chief.get("/api/agents"))["items"]
        busy = [row for row in agents if row["call_id"] is not None]
        return not busy and not await states(chief) and not await channels_of(installation)

    await until(so, "nothing is left of the calls")


async def test_killed_in_the_middle_of_twenty_calls(big_installation: Installation, tmp_path: Path) -> None:
    installation = big_installation
    bank = PhoneBank(installation.central, MANY, tmp_path / "bank")
    await bank.start()
    try:
        node = await installation.node()
        calls = await place_all(node, MANY)
        await all_talk(await node.login(CHIEF), 20)
        await node.kill9()
        before = await channels_of(installation)
        assert len(before) == 40, "the calls go on without us"
        # Five end while nobody looks.
        dead = [before[f"cc-{call_id}-customer"] for call_id in calls[:5]]
        agents = [before[f"cc-{call_id}-agent"] for call_id in calls[:5]]
        await hang_up_in_asterisk(installation, dead + agents)

        async def five_gone() -> bool:
            return len(await channels_of(installation)) == 30

        await until(five_gone, "five calls ended in Asterisk")
        await node.start()
        chief = await node.login(CHIEF)
        await all_talk(chief, 15)
        for call_id in calls[5:]:
            await chief.hang_up(call_id)
        journeys = [await chief.ended(call_id) for call_id in calls]
        assert all(journey["call"]["outcome"] == "answered" for journey in journeys)
        assert not any(journey["call"]["end_estimated"] for journey in journeys), "CEL knows the true end"
        rows = await history(installation.database)
        assert sorted(row["id"] for row in rows) == sorted(calls), "each call exactly once"
        assert all(row["endings"] == 1 for row in rows)
        await nothing_left(installation, chief)
    finally:
        await bank.stop()


async def test_killed_while_phones_ring_and_callers_wait(
    big_installation: Installation, tmp_path: Path
) -> None:
    """Caught at every stage of being joined, each call is brought to its end by the next owner."""
    installation = big_installation
    bank = PhoneBank(installation.central, MANY[:8], tmp_path / "bank", ring_ms=1500)
    await bank.start()
    try:
        node = await installation.node()
        calls = await place_all(node, MANY[:8])
        await node.kill9()
        await node.start()
        chief = await node.login(CHIEF)
        for call_id in calls:
            await chief.hang_up(call_id, may_be_over=True)
        journeys = [await chief.ended(call_id) for call_id in calls]
        assert len(await history(installation.database)) == 8
        assert all(journey["call"]["outcome"] for journey in journeys)
        await nothing_left(installation, chief)
    finally:
        await bank.stop()


async def test_asterisk_restarts_blind_then_right_again(
    big_installation: Installation, tmp_path: Path
) -> None:
    installation = big_installation
    bank = PhoneBank(installation.central, MANY[:4], tmp_path / "bank")
    await bank.start()
    try:
        node = await installation.node()
        chief = await node.login(CHIEF)
        calls = await place_all(node, MANY[:4])
        await all_talk(chief, 4)
        await installation.central.process.kill9()

        async def blind() -> bool:
            return (await chief.get("/api/status"))["blind_since"] is not None

        await until(blind, "the board says it is blind")
        status, problem = await chief.send(
            "POST", "/api/calls", {"number": ANSWERS, "agent_id": str(installation.ids["2001"])}
        )
        assert (status, problem["code"]) == (503, "telephony_blind")
        await installation.central.process.start()

        async def sees() -> bool:
            state = await chief.get("/api/status")
            return state["blind_since"] is None and state["calls"] == []

        await until(sees, "sees again, without ghosts")
        journeys = [await chief.ended(call_id) for call_id in calls]
        assert all(journey["call"]["end_estimated"] for journey in journeys)
        assert all(journey["call"]["outcome"] == "answered" for journey in journeys)
    finally:
        await bank.stop()


async def test_a_standby_takes_over_and_the_old_owner_stands_down(
    big_installation: Installation, tmp_path: Path, redis_url: str
) -> None:
    installation = big_installation
    bank = PhoneBank(installation.central, MANY[:6], tmp_path / "bank")
    await bank.start()
    try:
        first = await installation.node("first", "telephony", REDIS_URL=redis_url)
        web = await installation.node("web", "web", REDIS_URL=redis_url)
        other = await installation.node("other", "web", REDIS_URL=redis_url)
        calls = await place_all(web, MANY[:6])
        chief, elsewhere = await web.login(CHIEF), await other.login(CHIEF)
        await all_talk(chief, 6)
        await all_talk(elsewhere, 6)
        await installation.node("second", "telephony", REDIS_URL=redis_url)
        await first.kill9()
        # Taken once the standby acts.
        await chief.hang_up(calls[0])
        assert (await chief.ended(calls[0]))["call"]["outcome"] == "answered"
        for call_id in calls[1:]:
            await chief.hang_up(call_id)
        for call_id in calls:
            await elsewhere.ended(call_id)
        rows = await history(installation.database)
        assert sorted(row["id"] for row in rows) == sorted(calls)
        assert all(row["endings"] == 1 for row in rows)
    finally:
        await bank.stop()


async def test_postgresql_away_for_half_a_minute_under_traffic(
    big_central: Central, tmp_path: Path, own_postgres: EmbeddedPostgres, supervisor: Supervisor
) -> None:
    url = own_postgres.dsn()
    await asyncio.to_thread(migrate.apply, url)
    database = Database(url, supervisor, pool_size=5)
    await database.start()
    ids = await fill_database(database, big_central)
    installation = Installation(big_central, database, url, ids, tmp_path)
    bank = PhoneBank(big_central, MANY[:6], tmp_path / "bank")
    await bank.start()
    try:
        node = await installation.node()
        chief = await node.login(CHIEF)
        calls = await place_all(node, MANY[:3])
        await all_talk(chief, 3)
        await own_postgres.stop(at_once=True)
        loop = asyncio.get_running_loop()
        back_at = loop.time() + 30

        async def says_so() -> bool:
            links = {link["id"]: link for link in (await chief.get("/api/status"))["links"]}
            return not links["postgresql"]["up"]

        await until(says_so, "the board tells that PostgreSQL is away")
        assert (await chief.send("GET", "/api/calls"))[0] == 503
        # Telephony goes on: calls end, calls begin, the board moves.
        await chief.hang_up(calls[0])
        for extension in MANY[3:6]:
            calls.append(await chief.call(ANSWERS, str(ids[extension])))
        await all_talk(chief, 5)
        await until(lambda: loop.time() > back_at, "half a minute gone")
        await own_postgres.start()
        for call_id in calls[1:]:
            await chief.hang_up(call_id)

        async def drained() -> bool:
            links = {link["id"]: link for link in (await chief.get("/api/status"))["links"]}
            return bool(links["postgresql"]["up"] and links["journal"]["detail"] == "")

        await until(drained, "the journal drained")
        for call_id in calls:
            assert (await chief.ended(call_id))["call"]["outcome"] == "answered"
        rows = await history(database)
        assert sorted(row["id"] for row in rows) == sorted(calls)
        assert all(row["endings"] == 1 for row in rows)
    finally:
        await bank.stop()
        await installation.stop()
        await database.close()


async def test_redis_killed_and_back_heals_without_a_reload(
    big_installation: Installation, tmp_path: Path, redis_server: RedisServer
) -> None:
    installation, url = big_installation, redis_server.url
    bank = PhoneBank(installation.central, MANY[:2], tmp_path / "bank")
    await bank.start()
    try:
        await installation.node("owner", "telephony", REDIS_URL=url)
        web = await installation.node("web", "web", REDIS_URL=url)
        chief = await web.login(CHIEF)
        calls = await place_all(web, MANY[:2])
        await all_talk(chief, 2)
        await redis_server.stop(at_once=True)

        async def blind() -> bool:
            return (await chief.get("/api/status"))["blind_since"] is not None

        await until(blind, "a web node without its bus says it is blind")
        # One call ends while nobody can tell the web node.
        channels = await channels_of(installation)
        await hang_up_in_asterisk(installation, [channels[f"cc-{calls[0]}-customer"]])
        await redis_server.start()

        async def healed() -> bool:
            status = await chief.get("/api/status")
            return status["blind_since"] is None and [row["id"] for row in status["calls"]] == [calls[1]]

        await until(healed, "the same socket shows the truth again")
        await chief.hang_up(calls[1])
        for call_id in calls:
            await chief.ended(call_id)
    finally:
        await bank.stop()
