"""Third destinations while no server runs: the dialplan passes callers on, and the history has it afterwards."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.pbx import DestinationPbx, PbxModel, ring
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.storage.pool import Database

from tests.integration.app.test_stations import CALLER, only_call
from tests.rig.asterisk import (
    DID_WITHOUT_FALLBACK,
    PARIS_DID,
    PARIS_SECOND_DID,
    Central,
    own_central,
)
from tests.rig.fixtures import SippFactory
from tests.rig.installation import CHIEF, Installation, fill_database
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(300)]

BUSY_OUTSIDE, ANSWERS_OUTSIDE = "+33145000007", "+33145000001"


def outside(number: str) -> DestinationPbx:
    return DestinationPbx(target="number", number=number, site="paris")


def relaying(model: PbxModel) -> PbxModel:
    """1001, then 1002; 1002, then a number outside; and on lyon's number a forward that is busy, then the voicemail.

    And a number whose first destination Asterisk cannot be told, then 1002.
    """
    second: dict[str, dict[str, Any]] = {
        PARIS_DID: {"unanswered": ring("1002"), "ring_seconds": 5},
        PARIS_SECOND_DID: {"unanswered": outside(ANSWERS_OUTSIDE), "ring_seconds": 5},
        DID_WITHOUT_FALLBACK: {"opened": DestinationPbx(target="unanswered"), "unanswered": ring("1002")},
    }
    busy = {"opened": outside(BUSY_OUTSIDE), "unanswered": DestinationPbx(target="voicemail")}
    lyon = {did.number: busy for did in model.dids if did.site == "lyon"}
    changes: dict[str, dict[str, Any]] = {**second, **lyon}
    return replace(model, dids=tuple(replace(did, **changes.get(did.number, {})) for did in model.dids))


@pytest.fixture
def asterisk(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    """A central of this test's own, whose numbers have third destinations; and the gateway of Paris."""
    with own_central(asterisk_binary, relaying) as central:
        yield central


@pytest.fixture
async def installation(
    asterisk: Central, database: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    """Its server has run, and is dead."""
    ids = await fill_database(database, asterisk)
    made = Installation(asterisk, database, database_url, ids, tmp_path)
    node = await made.node()
    await node.kill9()
    yield made
    await made.stop()


async def history(installation: Installation) -> Any:
    """The one call, as the server tells it that comes when all is over."""
    (node,) = installation.nodes
    await node.start()
    return await only_call(await node.login(CHIEF))


async def test_the_colleague_answers_whom_the_first_phone_rang_in_vain_for(
    installation: Installation, sipp: SippFactory
) -> None:
    await sipp("phone_never_answers", extension="1001")
    await sipp("phone_answers", extension="1002")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait(60) == 0
    assert caller.statuses()[-1] == 200
    journey = await history(installation)
    assert journey["call"]["outcome"] == "answered"
    assert journey["call"]["agent_id"] == str(installation.ids["1002"])
    legs = [leg for leg in journey["legs"] if leg["role"] == "agent"]
    assert [(leg["number"], leg["answered_at"] is not None) for leg in legs] == [
        ("1001", False),
        ("1002", True),
    ]


async def test_a_phone_that_is_not_there_passes_on_to_a_number_outside(
    installation: Installation, sipp: SippFactory
) -> None:
    caller = await sipp("caller", number=PARIS_SECOND_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait(60) == 0
    assert caller.statuses()[-1] == 200
    journey = await history(installation)
    assert journey["call"]["outcome"] == "answered"
    assert [leg["role"] for leg in journey["legs"]] == ["customer", "agent"]


async def test_who_is_not_in_asterisk_at_all_is_passed_over(
    installation: Installation, sipp: SippFactory
) -> None:
    await sipp("phone_answers", extension="1002")
    caller = await sipp("caller", number=DID_WITHOUT_FALLBACK, caller=CALLER, talk_ms=300)
    assert await caller.wait(60) == 0
    assert caller.statuses()[-1] == 200


async def test_nobody_at_all_is_missed(installation: Installation, sipp: SippFactory) -> None:
    for extension in ("1001", "1002"):
        await sipp("phone_rejects", extension=extension)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER)
    await caller.wait(60)
    assert 486 in caller.statuses(), "he hears that it is busy"
    assert (await history(installation))["call"]["outcome"] == "missed"


async def test_a_busy_forward_leads_to_the_voicemail(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    lyon = next(did.number for did in asterisk.model.dids if did.site == "lyon")
    caller = await sipp("caller", number=lyon, caller=CALLER)

    async def recording() -> bool:
        return "!voicemail!" in await asterisk.process.rx("core show channels concise")

    await until(recording, "the caller is asked for a message")
    await caller.stop()
