"""A whole installation under real calls: an Asterisk with 100 phones, SIPp as phones and callers, the real server."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from ccserver.background import Supervisor
from ccserver.domain.access import Role
from ccserver.domain.pbx import DidPbx, PhonePbx, ring
from ccserver.services.base import new_id, utc_now
from ccserver.services.hashing import Hashing
from ccserver.stack.asterisk_root import default_cache, ensure_asterisk
from ccserver.stack.ports import free_rtp_range, free_udp_port
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.progress import QuietProgress
from ccserver.storage import migrate
from ccserver.storage import users as user_store
from ccserver.storage.pool import Database

from tests.rig.asterisk import PARIS_ADDRESS, Central, demo_model, new_home, remove_home
from tests.rig.installation import PASSWORD, Installation, fill_database
from tests.rig.sipp import SCENARIOS
from tests.rig.wait import until

PHONES = 100
EXTENSIONS = tuple(str(3000 + n) for n in range(PHONES))
WATCHERS = tuple(f"watcher{n:02d}" for n in range(10))
RING_MS, TALK_MS = 100, 600
"""A call lasts 0.7 s: at 40 a second each phone has rested 1.8 s when it is called again."""


def number_of(extension: str) -> str:
    return f"+3314568{extension}"


def make_central(home: Path) -> Central:
    """The model of the tests with a hundred phones more, each with a number of its own."""
    binary = ensure_asterisk(default_cache(), QuietProgress())
    model = demo_model(binary, home)
    phones = tuple(
        PhonePbx(extension=e, secret=f"secret-of-{e}", site="paris", display_name="", agent_id=f"agent-{e}")
        for e in EXTENSIONS
    )
    dids = tuple(DidPbx(number=number_of(e), site="paris", opened=ring(e)) for e in EXTENSIONS)
    first, last = free_rtp_range(2000)
    ports = replace(model.ports, rtp_first=first, rtp_last=last)
    model = replace(model, phones=model.phones + phones, dids=model.dids + dids, ports=ports)
    return Central.of(binary, model)


async def add_watchers(installation: Installation) -> None:
    """Users who watch boards: one login may have 24 sockets, so ten of them have twenty each."""
    now, hashing = utc_now(), Hashing(memory_kib=64)
    secret = await hashing.hash(PASSWORD)
    hashing.close()
    async with installation.database.system() as connection:
        for login in WATCHERS:
            user = user_store.NewUser(
                id=new_id(now), tenant_id=installation.ids["tenant"], login=login, first_name=login,
                last_name="Test", email="", role=Role.ADMIN, site_id=None, locale="fr", password_hash=secret,
                must_change_password=False,
            )  # fmt: skip
            await user_store.insert_user(connection, user, now)


async def spawn_sipp(
    central: Central, home: Path, name: str, text: str, *options: str
) -> asyncio.subprocess.Process:
    """SIPp with this scenario."""
    program = shutil.which("sipp")
    assert program, "SIPp is not installed: apt-get install sip-tester"
    file = home / f"{name}.xml"
    file.write_text(text)
    host, port = central.sip
    errors = ("-trace_err", "-error_file", str(home / f"{name}.log"))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *(program, f"{host}:{port}", "-sf", str(file), "-nostdin", *errors, *options),
        stdin=quiet, stdout=quiet, stderr=quiet, cwd=home,
    )  # fmt: skip


def scenario(name: str, **words: str) -> str:
    text = (SCENARIOS / f"{name}.xml").read_text()
    for word, value in words.items():
        text = text.replace(f"%{word}%", value)
    return text


async def start_phones(central: Central, home: Path) -> asyncio.subprocess.Process:
    """All phones registered at one port, where one SIPp answers for all of them."""
    here = ("-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(free_udp_port()))
    rows = [f"{e};[authentication username={e} password={central.phone_secret(e)}]" for e in EXTENSIONS]
    (home / "phones.csv").write_text("\n".join(["SEQUENTIAL", *rows, ""]))
    register = scenario("register", extension="[field0]")
    register = register.replace("[authentication username=[field0] password=%secret%]", "[field1]")
    options = ("-inf", str(home / "phones.csv"), "-m", str(PHONES), "-r", "40")
    registered = await spawn_sipp(central, home, "register", register, *here, *options)
    assert await registered.wait() == 0, (home / "register.log").read_text()[:2000]
    text = scenario("phone_answers", ring_ms=str(RING_MS), talk_ms="600000", status="486 Busy Here")
    bank = await spawn_sipp(central, home, "bank", text, *here)
    # Keep-alive questions of the time when nobody listened are given up after 3 s, and count as "gone" then.
    await asyncio.sleep(3.5)
    for extension in EXTENSIONS:
        await central.process.rx(f"pjsip qualify {extension}")

    async def reachable() -> bool:
        contacts = await central.process.rx("pjsip show contacts")
        return sum(" Avail " in line for line in contacts.splitlines()) >= PHONES

    await until(reachable, "all phones reachable", 30)
    return bank


async def start_callers(central: Central, home: Path, rate: int, calls: int) -> asyncio.subprocess.Process:
    """Callers from the gateway's address, ``rate`` a second, to every number in turn."""
    rows = [f"{number_of(e)};06123{e}0" for e in EXTENSIONS]
    (home / "numbers.csv").write_text("\n".join(["SEQUENTIAL", *rows, ""]))
    text = scenario("caller", caller="[field1]", talk_ms=str(TALK_MS)).replace("[service]", "[field0]")
    port = str(free_udp_port(PARIS_ADDRESS))
    here = ("-i", PARIS_ADDRESS, "-mi", PARIS_ADDRESS, "-p", port)
    options = ("-inf", str(home / "numbers.csv"), "-m", str(calls), "-r", str(rate), "-l", "400")
    return await spawn_sipp(central, home, f"callers-{rate}", text, *here, *options)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Installation]:
    """PostgreSQL, Asterisk and phones; no node of ccserver yet."""
    home, asterisk_home = Path(tempfile.mkdtemp(prefix="ccs-bench-")), new_home()
    supervisor = Supervisor()
    home.chmod(0o755)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(remove_home, asterisk_home)
        stack.callback(remove_home, home)
        central = await asyncio.to_thread(make_central, asterisk_home)
        server = EmbeddedPostgres(home / "pg")
        await server.start()
        stack.push_async_callback(server.stop)
        await asyncio.to_thread(migrate.apply, server.dsn())
        database = Database(server.dsn(), supervisor, pool_size=2)
        await database.start()
        stack.push_async_callback(supervisor.close)
        stack.push_async_callback(database.close)
        ids = await fill_database(database, central)
        installation = Installation(central, database, server.dsn(), ids, home)
        await add_watchers(installation)
        await asyncio.to_thread(central.process.start_now)
        stack.callback(central.process.stop_now)
        stack.push_async_callback(installation.stop)
        bank = await start_phones(central, home)
        stack.callback(bank.kill)
        yield installation
