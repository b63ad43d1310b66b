"""Whatever the model allows, a real Asterisk loads it without a warning; and what changes is read again as a whole."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.domain.pbx import PbxModel, RoutePbx, TrunkPbx, WeeklyHoursPbx, ring
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.ports import free_tcp_port
from ccserver.telephony.pbx_files import modules_to_reload, put_files
from ccserver.telephony.render import render
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.asterisk.full_central import complaints, full_central
from tests.rig.asterisk import Central, demo_model, new_home, remove_home
from tests.rig.full_pbx import certificate
from tests.rig.pbx_strategies import models
from tests.rig.wait import PATIENCE_SECONDS

pytestmark = pytest.mark.asterisk


def test_any_model_is_loaded_without_a_warning(asterisk_binary: AsteriskBinary) -> None:
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def boots(data: st.DataObject) -> None:
        home = new_home()
        demo = demo_model(asterisk_binary, home)
        base = replace(
            demo, sites=(), trunks=(), phones=(), dids=(), tls=certificate(home / "tls"), rehearsal=True
        )
        base = replace(base, ports=replace(base.ports, sip_tcp=free_tcp_port()))
        model = data.draw(models(base))
        central = Central.of(asterisk_binary, model)
        try:
            central.process.start_now()
            assert complaints(central) == []
            shown = central.process.rx_now("pjsip show endpoints")
            assert len(re.findall(r"^ Endpoint:  [^<]", shown, re.MULTILINE)) == len(model.phones) + len(
                model.trunks
            )
            assert central.process.rx_now("queue show").count("fallback-") == len(
                {p.site for p in model.phones}
            )
            assert central.process.rx_now("voicemail show users").count("\ndids ") == sum(
                bool(d.box) for d in model.dids
            )
        finally:
            central.process.kill9_now()
            remove_home(home)

    boots()


@pytest.fixture
def full(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    with full_central(asterisk_binary) as central:
        yield central


def change(model: PbxModel) -> PbxModel:
    """Something else in each file that can be read again while it runs."""
    paris, lyon, remote, bordered = model.sites
    first, *others = model.trunks
    kept = [trunk for trunk in others if trunk.slug != "lyon-two"]
    provider = next(trunk for trunk in kept if trunk.slug == "lyon-one")
    kept[kept.index(provider)] = replace(provider, username="0033478679999")
    return replace(
        model,
        revision=2,
        sites=(
            replace(paris, routes=(RoutePbx(prefix="+34", trunk="new"),)),
            replace(lyon, trunks=("lyon", "lyon-one", "new")),
            replace(bordered, subnets=("127.0.0.99/32",)),
        ),
        trunks=(
            replace(first, addresses=("127.0.9.0/24",)),
            *kept,
            TrunkPbx(slug="new", site="lyon", host="127.0.0.77", port=5070, qualify_seconds=0),
        ),
        phones=tuple(p for p in model.phones if p.site != remote.slug and p.extension != "1002"),
        schedules=tuple(
            replace(s, hours=(WeeklyHoursPbx(day=7, opens="01:00", closes="02:00"),)) for s in model.schedules
        ),
        dids=(
            *(d for d in model.dids if not any(x.extension == "1002" for x in d.destinations)),
            replace(model.dids[0], number="+33145679999", opened=ring("1001")),
        ),
    )


def test_what_changes_is_read_again_by_the_modules_of_its_files(full: Central) -> None:
    """`res_pjsip` reads all of pjsip.conf again, registrations and addresses too; what is gone is gone."""
    process = full.process
    files = dict(render(change(full.model)))
    changed = put_files(Path(full.model.directories.etc), files)
    assert set(changed) == {"pjsip.conf", "extensions.conf", "queues.conf", "voicemail.conf"}
    for module in modules_to_reload(changed):
        process.rx_now(f"module reload {module}")

    async def seen(command: str, here: tuple[str, ...], gone: tuple[str, ...]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                shown = await process.rx(command)
                if all(word in shown for word in here) and not any(word in shown for word in gone):
                    return

    async def look() -> None:
        await seen("pjsip show identifies", ("127.0.9.0/24", "trunk-new"), ("127.0.1.0/24",))
        await seen("pjsip show registrations", ("trunk-lyon-one/",), ("trunk-lyon-two/",))
        await seen("pjsip show registration trunk-lyon-one", ("0033478679999",), ("0033478670001",))
        await seen(
            "pjsip show endpoints",
            ("trunk-new", "1001"),
            ("trunk-lyon-two", "Endpoint:  1002", "Endpoint:  300"),
        )
        await seen("pjsip show aors", ("trunk-new",), ("trunk-lyon-two",))
        await seen("queue show", ("fallback-paris", "PJSIP/200"), ("fallback-remote", "PJSIP/1002"))
        await seen("voicemail show users", ("33145679999",), ("33145670002",))
        await seen("dialplan show", ("way-new", "33145679999"), ("from-agents-remote", "way-lyon-two"))
        mark = re.search(r"^CC_FINGERPRINT = (\w+)$", files["extensions.conf"], re.MULTILINE)
        assert mark
        await seen("dialplan show globals", (f"CC_FINGERPRINT={mark.group(1)}",), ())

    asyncio.run(look())
    assert complaints(full) == []
