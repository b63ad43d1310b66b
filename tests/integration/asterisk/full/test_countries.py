"""Sites of other countries while no server runs: what people there type, and how gateways there present numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from ccserver.domain.pbx import DidPbx, PbxModel, ring
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.softphone import CLOSED

from tests.integration.asterisk.full.conftest import CarrierFactory
from tests.integration.asterisk.full_central import complaints, full_central
from tests.rig.asterisk import Central
from tests.rig.fixtures import PhoneFactory

pytestmark = pytest.mark.asterisk


@dataclass(frozen=True)
class Place:
    """A site that may call its own country only; what is typed there, what its gateway gets, what stays inside."""

    country: str
    code: str
    area: str
    sent: dict[str, str]
    refused: tuple[str, ...]
    number: str
    presented: tuple[str, ...]


PLACES = (
    Place(
        country="US",
        code="+1",
        area="201",
        sent={
            "2015550123": "2015550123",
            "12015550123": "2015550123",
            "5550123": "2015550123",
            "01112015550123": "2015550123",
            "411": "411",
        },
        refused=("01133145671230", "12345", "12345678"),
        number="+12015550199",
        presented=("2015550199", "12015550199"),
    ),
    Place(
        country="BE",
        code="+32",
        area="02",
        sent={"022345678": "022345678", "2345678": "022345678", "003222345678": "022345678", "1207": "1207"},
        refused=("0033145671230", "43210", "999"),
        number="+3222345699",
        presented=("022345699", "3222345699", "003222345699"),
    ),
    Place(
        country="IT",
        code="+39",
        area="",
        sent={"0612345678": "0612345678", "+390612345678": "0612345678", "3123456789": "3123456789"},
        refused=("0033145671230", "54321"),
        number="+390612345699",
        presented=("0612345699", "390612345699"),
    ),
)


def moved(model: PbxModel, place: Place) -> PbxModel:
    """The site of paris, in another country."""
    sites = tuple(
        replace(
            site,
            country=place.country,
            area=place.area,
            allowed_prefixes=(place.code,),
            caller_id=place.number,
            routes=(),
        )
        if site.slug == "paris"
        else site
        for site in model.sites
    )
    ours = DidPbx(number=place.number, site="paris", opened=ring("1001"))
    return replace(model, sites=sites, dids=(*model.dids, ours))


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place.country)
def place(request: pytest.FixtureRequest) -> Place:
    assert isinstance(request.param, Place)
    return request.param


@pytest.fixture(scope="module")
def _full(asterisk_binary: AsteriskBinary, place: Place) -> Iterator[Central]:
    with full_central(asterisk_binary, lambda model: moved(model, place)) as central:
        assert complaints(central) == []
        yield central


async def test_what_is_typed_leaves_as_the_countrys_gateways_want_it(
    place: Place, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris = await carrier("paris")
    agent = await phone("1001")
    for typed in place.sent:
        since = agent.mark()
        await agent.dial(typed)
        await agent.event(CLOSED, since=since)
    assert [message.user for message in paris.invites] == list(place.sent.values())


async def test_what_the_site_may_not_call_stays_inside_however_short(
    place: Place, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    for typed in place.refused:
        since = agent.mark()
        await agent.dial(typed)
        assert (await agent.event(CLOSED, since=since)).detail.split()[0] in ("403", "484"), typed
    assert paris.dialled == backup.dialled == []


async def test_a_caller_is_taken_however_the_countrys_gateway_writes_our_number(
    place: Place, asterisk: Central
) -> None:
    for form in (place.number, *place.presented):
        shown = await asterisk.process.rx(f"dialplan show {form}@from-trunk-paris")
        assert f"Goto(inbound-paris,{place.number},1)" in shown, form
