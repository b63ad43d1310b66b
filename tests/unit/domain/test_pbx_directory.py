"""From people's entries to Asterisk's model: the good rows arrive, a bad one costs only itself."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.directory import Agent, Did, Directory, PhoneSecret, Site, Trunk
from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxPorts, PbxUser, ring
from ccserver.domain.pbx_directory import PbxPlan, plan

TENANT, PARIS, LYON, ANNE, BRUNO, VPN, DID = (UUID(int=n) for n in range(1, 8))
BASE = PbxModel(
    revision=0,
    tenant="main",
    ports=PbxPorts(),
    directories=PbxDirectories.under("/srv/pbx", modules="/usr/modules", data="/usr/data"),
    ami=PbxUser(name="ccserver", secret="secret-of-ami"),
    ari=PbxUser(name="ccserver", secret="secret-of-ari"),
)
SECRETS = tuple(
    PhoneSecret(user_id=user, extension=extension, secret=f"secret-of-{extension}")
    for user, extension in ((ANNE, "101"), (BRUNO, "102"), (None, "112"))
)


def site(id_: UUID = PARIS, slug: str = "paris", caller_id: str = "+33145678900") -> Site:
    return Site(
        id=id_, tenant_id=TENANT, slug=slug, name=slug, zone="Europe/Paris", country="FR", caller_id=caller_id
    )


def trunk(**other: Any) -> Trunk:
    fields: dict[str, Any] = {
        "id": VPN,
        "tenant_id": TENANT,
        "site_id": PARIS,
        "slug": "paris-vpn",
        "port": 5060,
    }
    return Trunk(**{**fields, "host": "10.1.0.2", "codecs": ("alaw",), "priority": 1, **other})


def agent(**other: Any) -> Agent:
    fields: dict[str, Any] = {"id": ANNE, "tenant_id": TENANT, "login": "anne", "name": "Anne Hébert"}
    return Agent(**{**fields, "site_id": PARIS, "extension": "101", "active": True, **other})


def did(user: UUID | None = ANNE, site_id: UUID = PARIS) -> Did:
    return Did(id=DID, tenant_id=TENANT, number="+33145678901", site_id=site_id, user_id=user, label="")


def planned(**rows: Any) -> PbxPlan:
    return plan(BASE, Directory(**rows), SECRETS, 7)


def test_everything_arrives() -> None:
    result = planned(sites=[site()], trunks=[trunk()], agents=[agent()], dids=[did()])
    model = result.model
    assert result.left_out == ()
    assert model.revision == 7
    assert [(s.slug, s.trunks) for s in model.sites] == [("paris", ("paris-vpn",))]
    assert [(p.extension, p.secret, p.caller_name) for p in model.phones] == [
        ("101", "secret-of-101", "Anne Hébert")
    ]
    assert [(d.number, d.opened) for d in model.dids] == [("+33145678901", ring("101"))]


def test_an_empty_directory_is_a_model() -> None:
    assert planned() == PbxPlan(replace(BASE, revision=7), ())


def test_one_directory_always_gives_the_same_model() -> None:
    rows = [agent(), agent(id=BRUNO, extension="102", login="bruno")]
    assert planned(sites=[site()], agents=rows) == planned(sites=[site()], agents=rows[::-1])


@pytest.mark.parametrize("gone", [agent(active=False), agent(extension="199")], ids=["inactive", "no secret"])
def test_a_phone_that_nobody_may_use_is_not_there(gone: Agent) -> None:
    result = planned(sites=[site()], agents=[gone], dids=[did()])
    assert result.model.phones == ()
    assert result.model.dids[0].opened.target == "none"
    assert result.left_out == ()


def test_trunks_come_in_the_order_of_their_priority() -> None:
    second = trunk(id=UUID(int=50), slug="a-spare", host="10.1.0.3", priority=2)
    model = planned(sites=[site()], trunks=[second, trunk()]).model
    assert model.sites[0].trunks == ("paris-vpn", "a-spare")


def test_a_site_without_a_number_uses_one_of_its_own() -> None:
    assert planned(sites=[site(caller_id="")], dids=[did()]).model.sites[0].caller_id == "+33145678901"


def test_a_site_that_asterisk_cannot_name_is_left_out_with_what_hangs_on_it() -> None:
    lyon = site(LYON, "69-lyon")
    result = planned(sites=[site(), lyon], trunks=[trunk(site_id=LYON)], agents=[agent(site_id=LYON)])
    assert [s.slug for s in result.model.sites] == ["paris"]
    assert result.model.trunks == ()
    assert result.model.phones == ()
    assert [sentence.split(" is ")[0] for sentence in result.left_out] == [
        "Site 69-lyon",
        "Trunk paris-vpn",
        "Phone 101",
    ]


def test_two_gateways_at_one_address_cannot_be_told_apart() -> None:
    twin = trunk(id=UUID(int=50), slug="twin", port=5070)
    result = planned(sites=[site()], trunks=[twin, trunk()])
    assert [t.slug for t in result.model.trunks] == ["paris-vpn"]
    assert "trunk paris-vpn has the same address" in result.left_out[0]


@pytest.mark.parametrize(
    "bad",
    [
        {"agents": [agent(extension="112")]},
        {"agents": [agent(site_id=None)]},
        {"trunks": [trunk(host="10.1.0.2\n[evil]")]},
        {"trunks": [trunk(codecs=("unknown",))]},
    ],
    ids=["emergency number", "no site", "injection", "codec"],
)
def test_a_bad_row_costs_only_itself(bad: dict[str, Any]) -> None:
    good = agent(id=BRUNO, extension="102", login="bruno")
    result = planned(sites=[site()], trunks=bad.get("trunks", []), agents=[*bad.get("agents", []), good])
    assert [p.extension for p in result.model.phones] == ["102"]
    assert len(result.left_out) == 1
