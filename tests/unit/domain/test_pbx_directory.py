"""From people's entries to Asterisk's model: the good rows arrive, a bad one costs only itself."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.directory import (
    Agent,
    Destination,
    Did,
    Directory,
    Phone,
    PhoneSecret,
    Route,
    Site,
    Trunk,
    TrunkSecret,
)
from ccserver.domain.pbx import DestinationPbx, PbxDirectories, PbxModel, PbxPorts, PbxUser, ring
from ccserver.domain.pbx_directory import PbxPlan, plan
from ccserver.domain.schedule import Opening, Schedule, SpecialDay
from msgspec import structs

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


# ---- what sites and trunks became since: accounts, networks, routes, hours, stations

OFFICE, DESK = UUID(int=60), UUID(int=61)


def provider(**other: Any) -> Trunk:
    fields: dict[str, Any] = {
        "id": UUID(int=51),
        "slug": "ovh",
        "host": "siptrunk.example",
        "mode": "register",
    }
    return trunk(**{**fields, "username": "0033145678900", "number_format": "e164", **other})


def schedule(**other: Any) -> Schedule:
    hours = (Opening(day=1, opens="08:00", closes="12:00"), Opening(day=7, opens="22:00", closes="24:00"))
    fields: dict[str, Any] = {"id": OFFICE, "tenant_id": TENANT, "name": "office", "zone": "Europe/Paris"}
    return Schedule(**{**fields, "hours": hours, **other})


def planned_with(**rows: Any) -> PbxPlan:
    secrets = (*SECRETS, PhoneSecret(user_id=None, extension="200", secret="secret-of-200"))
    given = [TrunkSecret(trunk_id=UUID(int=51), secret="p@ss:word!")]
    return plan(BASE, Directory(**rows), secrets, 7, trunk_secrets=given, today=date(2026, 11, 21))


def test_a_registering_trunk_brings_its_account() -> None:
    made = planned_with(
        sites=[site()], trunks=[provider(from_domain="ovh.example", dial_prefix="0")]
    ).model.trunks[0]
    assert (made.mode, made.username, made.secret) == ("register", "0033145678900", "p@ss:word!")
    assert (made.from_domain, made.number_format, made.dial_prefix) == ("ovh.example", "e164", "0")
    assert "p@ss" not in repr(made)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([provider(id=UUID(int=52))], "a trunk that registers needs its account and its secret"),
        (
            [trunk(addresses=("10.1.0.0/30",)), trunk(id=DID, slug="z", host="10.1.0.1")],
            "has the same address",
        ),
        ([trunk(transport="tls")], "this Asterisk does not listen on tls"),
        ([trunk(host="fd00::1")], "this Asterisk does not listen on IPv6"),
        ([trunk(addresses=("not a network",))], "a network such as"),
        ([trunk(dial_prefix="9;x")], "up to eight digits"),
        ([trunk(number_format="sung")], "one of national, e164, digits"),
    ],
)
def test_a_trunk_that_cannot_be_carried_is_named_and_the_others_stay(
    rows: list[Trunk], sentence: str
) -> None:
    good = trunk(id=BRUNO, slug="a-good-one", host="10.9.0.9")
    result = planned_with(sites=[site()], trunks=[good, *rows])
    assert "a-good-one" in [made.slug for made in result.model.trunks]
    assert len(result.left_out) == 1
    assert sentence in result.left_out[0]


def test_a_trunk_out_of_use_is_not_there_and_not_missed() -> None:
    result = planned_with(sites=[site()], trunks=[trunk(active=False)])
    assert result == PbxPlan(result.model, ())
    assert result.model.trunks == ()
    assert result.model.sites[0].trunks == ()


def test_a_site_brings_its_rules() -> None:
    rules = {"area": "01", "subnets": ("10.1.0.0/24",), "codecs": ("g722",), "allowed_prefixes": ("+33",)}
    made = planned_with(sites=[structs.replace(site(), **rules)]).model.sites[0]
    assert {name: getattr(made, name) for name in rules} == rules


def test_ways_are_those_of_the_directory() -> None:
    """The dialplan and the server must send a call the same way."""
    lines = [trunk(), trunk(id=DID, slug="b", host="10.1.0.3", priority=2), provider()]
    routes = [
        Route(
            id=UUID(int=n), tenant_id=TENANT, site_id=PARIS, trunk_id=line, prefix=prefix, priority=priority
        )
        for n, (line, prefix, priority) in enumerate(
            [(DID, "+44", 2), (UUID(int=51), "+44", 1), (VPN, "+4420", 1), (UUID(int=51), "", 5)], start=70
        )
    ]
    rows: dict[str, Any] = {"sites": [site()], "trunks": lines, "routes": routes}
    made = planned_with(**rows).model.sites[0]
    for prefix, number in (
        ("+4420", "+442079460000"),
        ("+44", "+441632960000"),
        ("", "+33145670000"),
        ("", "3639"),
    ):
        ways = Directory(**rows).ways(PARIS, number)
        assert made.ways(prefix) == tuple(way.slug for way in ways), number
    assert made.prefixes == ("+44", "+4420")
    assert made.emergency_ways == ("ovh", "paris-vpn", "b"), "its own, in the order of their priority"


def test_stations_and_physical_phones_become_what_they_are() -> None:
    desk = Phone(id=DESK, tenant_id=TENANT, site_id=PARIS, extension="200", label="Accueil")
    browser = agent(station="browser")
    mobile = agent(id=BRUNO, extension="102", login="bruno", station="mobile", mobile="+33612345678")
    model = planned_with(sites=[site()], agents=[browser, mobile], phones=[desk]).model
    assert [(p.extension, p.kind, p.agent_id) for p in model.phones] == [
        ("101", "browser", str(ANNE)),
        ("200", "physical", ""),
    ]
    assert [(m.extension, m.number, m.site) for m in model.mobiles] == [("102", "+33612345678", "paris")]


def test_an_extension_taken_twice_and_an_emergency_number_of_the_country_are_named() -> None:
    desk = Phone(id=DESK, tenant_id=TENANT, site_id=PARIS, extension="101", label="")
    german = structs.replace(site(LYON, "berlin"), country="DE")
    mobile = agent(id=BRUNO, site_id=LYON, extension="110", station="mobile", mobile="+491711234567")
    result = planned_with(sites=[site(), german], agents=[agent(), mobile], phones=[desk])
    assert [s.split(": ", 1)[1] for s in result.left_out] == [
        "phone extension: this is an emergency number",
        "phone extension: another phone has the same extension",
    ]


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        (Destination(target="agent", user_id=ANNE), ring("101")),
        (
            Destination(target="agent", user_id=BRUNO),
            DestinationPbx(target="number", number="+33612345678", site="lyon"),
        ),
        (Destination(target="phone", phone_id=DESK), DestinationPbx(target="phone", extension="200")),
        (
            Destination(target="number", forward_to="+33145670000"),
            DestinationPbx(target="number", number="+33145670000", site="paris"),
        ),
        (Destination(target="voicemail"), DestinationPbx(target="voicemail")),
        (Destination(target="phone", phone_id=OFFICE), DestinationPbx()),
        (Destination(), DestinationPbx()),
    ],
)
def test_destinations(wanted: Destination, made: DestinationPbx) -> None:
    number = structs.replace(did(user=None), opened=wanted, closed=wanted, schedule_id=OFFICE)
    desk = Phone(id=DESK, tenant_id=TENANT, site_id=PARIS, extension="200", label="Accueil")
    mobile = agent(id=BRUNO, site_id=LYON, extension="102", station="mobile", mobile="+33612345678")
    result = planned_with(
        sites=[site(), site(LYON, "lyon")],
        agents=[agent(), mobile],
        phones=[desk],
        schedules=[schedule()],
        dids=[number],
    )
    assert result.left_out == ()
    assert (result.model.dids[0].opened, result.model.dids[0].closed) == (made, made)
    assert result.model.dids[0].schedule == str(OFFICE)


def test_hours_bring_holidays_and_special_days_of_this_year_and_the_next() -> None:
    days = (
        SpecialDay(date=date(2026, 12, 25), opens="10:00", closes="12:00"),
        SpecialDay(date=date(2027, 8, 2)),
        SpecialDay(date=date(2029, 1, 2)),
    )
    made = planned_with(schedules=[schedule(holidays="FR", exceptions=days)]).model.schedules[0]
    found = {day.date: day.hours for day in made.special_days}
    assert found["2026-12-25"] == (("10:00", "12:00"),), "an exception decides before a holiday"
    assert found["2027-07-14"] == found["2027-08-02"] == ()
    assert {day[:4] for day in found} == {"2026", "2027"}
    assert [(h.day_name, h.opens, h.last_minute) for h in made.hours] == [
        ("mon", "08:00", "11:59"),
        ("sun", "22:00", "23:59"),
    ]


def test_the_files_change_with_the_year_and_not_with_the_day() -> None:
    rows = Directory(schedules=[schedule(holidays="FR")])
    first, later, next_year = (
        plan(BASE, rows, (), 7, today=day) for day in (date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))
    )
    assert first == later != next_year


@pytest.mark.parametrize(("prefixes", "made"), [((), "number"), (("+33",), "number"), (("+34",), "none")])
def test_callers_are_forwarded_as_far_as_the_site_may_call(prefixes: tuple[str, ...], made: str) -> None:
    number = structs.replace(did(user=None), opened=Destination(target="number", forward_to="+33145670000"))
    place = structs.replace(site(), allowed_prefixes=prefixes)
    assert planned_with(sites=[place], dids=[number]).model.dids[0].opened.target == made


def test_a_host_with_a_zone_costs_only_its_own_trunk() -> None:
    """A zone may hold anything: written, it would keep the whole configuration from Asterisk."""
    result = planned(sites=[site()], trunks=[trunk(host="fe80::1%eth0;[x]")])
    assert result.model.trunks == ()
    assert len(result.left_out) == 1


@pytest.mark.parametrize(
    ("opened", "third", "made"),
    [
        (Destination(target="agent", user_id=BRUNO), Destination(target="voicemail"), "unanswered"),
        (
            Destination(target="number", forward_to="+447911123456"),
            Destination(target="voicemail"),
            "unanswered",
        ),
        (Destination(target="agent", user_id=BRUNO), Destination(), "none"),
        (Destination(target="agent", user_id=BRUNO), Destination(target="agent", user_id=BRUNO), "none"),
        (Destination(), Destination(target="voicemail"), "none"),
    ],
    ids=["nobody's phone", "not allowed", "no third", "neither", "nobody was wanted"],
)
def test_whom_asterisk_cannot_reach_passes_on_at_once(
    opened: Destination, third: Destination, made: str
) -> None:
    number = structs.replace(
        did(user=None), opened=opened, closed=opened, schedule_id=OFFICE, unanswered=third
    )
    place = structs.replace(site(), allowed_prefixes=("+33",))
    result = planned_with(sites=[place], schedules=[schedule()], dids=[number]).model.dids[0]
    assert (result.opened.target, result.closed.target) == (made, made)


@pytest.mark.parametrize(
    ("tenant", "third", "relieved"),
    [(TENANT, "voicemail", True), (TENANT, "none", False), (LYON, "voicemail", False)],
    ids=["its own", "none", "another organisation's"],
)
def test_a_forward_to_a_number_of_ours_knows_whether_that_one_passes_on(
    tenant: UUID, third: str, relieved: bool
) -> None:
    other = structs.replace(
        did(), id=OFFICE, tenant_id=tenant, number="+33145678902", unanswered=Destination(target=third)
    )
    forward = Destination(target="number", forward_to="+33145678902")
    made = planned(sites=[site()], agents=[agent()], dids=[structs.replace(did(), opened=forward), other])
    assert made.model.dids[0].opened.relieved is relieved
