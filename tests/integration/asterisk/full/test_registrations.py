"""Who may register with it, and with whom it registers."""

import asyncio
from functools import partial

import pytest

from tests.rig.asterisk import Central, end_all_calls
from tests.rig.carrier import Carrier
from tests.rig.fixtures import SippFactory
from tests.rig.full_pbx import INSIDE, OUTSIDE, PROVIDER_ADDRESS, PROVIDER_SECRETS, VOICEMAIL_DID
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk


async def test_a_phone_registers_from_its_sites_networks_only(asterisk: Central, sipp: SippFactory) -> None:
    await sipp("phone_answers", extension="400", address=INSIDE)
    with pytest.raises(AssertionError, match="could not register 400"):
        await sipp("phone_answers", extension="400", address=OUTSIDE)
    shown = await asterisk.process.rx("pjsip show contacts")
    assert f"@{INSIDE}:" in shown and f"@{OUTSIDE}:" not in shown


async def test_a_site_without_networks_registers_from_anywhere(sipp: SippFactory) -> None:
    phone = await sipp("phone_answers", extension="300", address=OUTSIDE)
    assert phone.extension == "300"


async def test_two_accounts_at_one_provider_are_told_apart(asterisk: Central) -> None:
    """Both register with their own secret; what the provider then calls comes back by the right one."""
    one, two = asterisk.model.trunk("lyon-one"), asterisk.model.trunk("lyon-two")
    accounts = dict(zip((one.username, two.username), PROVIDER_SECRETS, strict=True))
    provider = Carrier(PROVIDER_ADDRESS, one.port, accounts=accounts)
    await provider.start()
    try:
        for trunk in (one, two):
            await asterisk.process.rx(f"pjsip send register trunk-{trunk.slug}")
        await until(lambda: set(provider.contacts) == set(accounts), "both accounts registered")
        assert provider.refused == []
        assert all(f"sip:{name}@" in uri and ";line=" in uri for name, uri in provider.contacts.items())
        for trunk in (one, two):
            call = provider.call(trunk.username, VOICEMAIL_DID, asterisk.sip)
            await until(
                partial(entered, asterisk, f"PJSIP/trunk-{trunk.slug}-", VOICEMAIL_DID),
                f"a call of {trunk.slug}",
            )
            assert 401 not in provider.answers[call]
            await asyncio.to_thread(end_all_calls, asterisk)
        stranger = provider.invite(f"sip:{VOICEMAIL_DID}@127.0.0.1", VOICEMAIL_DID, asterisk.sip)
        await until(lambda: 401 in provider.answers[stranger], "a call along no registration is refused")
    finally:
        provider.stop()


async def entered(central: Central, channel: str, number: str) -> bool:
    """Whether a call that came by this channel has reached the number's destination."""
    rows = (await asyncio.to_thread(central.process.cel_file.read_text)).splitlines()
    return any(channel in row and f'"{number}","voicemail"' in row for row in rows)
