"""A trunk that logs in at a registrar which accepts, refuses, goes away and comes back: what the page shows of it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.storage.pool import Database

from tests.rig.asterisk import LYON_ADDRESS, Central, demo_model, kept_running, new_home
from tests.rig.carrier import Carrier
from tests.rig.installation import CHIEF, Installation, fill_database
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

ACCOUNT, SECRET = "0033478670001", "right-secret"


@pytest.fixture
def central(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    """A central of this test's own, whose trunk lyon logs in."""
    home = new_home()
    model = demo_model(asterisk_binary, home)
    trunks = tuple(
        replace(trunk, mode="register", username=ACCOUNT, secret=SECRET) if trunk.slug == "lyon" else trunk
        for trunk in model.trunks
    )
    model = replace(model, trunks=trunks)
    made = Central.of(asterisk_binary, model)
    with kept_running(made.process, home):
        yield made


@pytest.fixture
async def registrar(central: Central) -> AsyncIterator[Carrier]:
    made = Carrier(LYON_ADDRESS, central.trunk_port("lyon"), accounts={ACCOUNT: SECRET})
    await made.start()
    yield made
    made.stop()


@pytest.fixture
async def installation(
    central: Central, database: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    ids = await fill_database(database, central)
    made = Installation(central, database, database_url, ids, tmp_path)
    await made.change("UPDATE trunks SET mode = 'register', username = $1 WHERE slug = 'lyon'", ACCOUNT)
    yield made
    await made.stop()


async def test_what_the_registrar_says_is_what_the_page_shows(
    installation: Installation, central: Central, registrar: Carrier
) -> None:
    node = await installation.node()
    chief = await node.login(CHIEF)

    async def shown(up: bool, detail: str) -> None:
        async def so() -> bool:
            row = await chief.link("trunk:lyon")
            return row is not None and (row["up"], row["detail"]) == (up, detail)

        await until(so, f"the trunk shown {'up' if up else 'down'} {detail}", 90)

    async def asked_again() -> None:
        await central.process.rx("pjsip qualify trunk-lyon")
        await central.process.rx("pjsip send register trunk-lyon")

    await asked_again()
    await shown(up=True, detail="")
    registrar.accounts = {ACCOUNT: "another-secret"}
    await asked_again()
    await shown(up=False, detail="login refused")
    await chief.linked("site:lyon", False)
    await node.kill9()
    await node.start()
    chief = await node.login(CHIEF)
    await shown(up=False, detail="login refused")
    registrar.accounts = {ACCOUNT: SECRET}
    await asked_again()
    await shown(up=True, detail="")
    registrar.stop()
    # It was restarted, and has forgotten us.
    registrar.contacts.clear()
    await central.process.rx("pjsip qualify trunk-lyon")
    await shown(up=False, detail="unreachable")
    await registrar.start()
    await central.process.rx("pjsip qualify trunk-lyon")
    await until(
        lambda: ACCOUNT in registrar.contacts, "the trunk is logged in without waiting for the expiry", 90
    )
    await shown(up=True, detail="")
