"""What people's entries may be is what Asterisk can be told: nothing that was accepted is left out later."""

import zoneinfo
from typing import Any
from uuid import UUID

import msgspec
from ccserver.domain.account import SiteRow, TrunkRow
from ccserver.domain.did import check_destination
from ccserver.domain.directory import Destination, Did, Directory, Route, Site, Trunk, TrunkSecret
from ccserver.domain.errors import Invalid
from ccserver.domain.numbers import to_e164
from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxPorts, PbxUser
from ccserver.domain.pbx_directory import plan
from ccserver.domain.pbx_machine import PbxTls
from ccserver.domain.route import RouteLine, check_routes
from ccserver.domain.schedule import Opening, Schedule, check_schedule
from ccserver.domain.site import check_site, site_of
from ccserver.domain.trunk import PRESETS, check_trunk
from hypothesis import given
from hypothesis import strategies as st

TENANT, SITE, TRUNK, OTHER = (UUID(int=n) for n in range(1, 5))
ZONES = frozenset(zoneinfo.available_timezones())
BASE = PbxModel(
    revision=0,
    tenant="main",
    ports=PbxPorts(sip_address="::", sip_tcp=5060, sip_tls=5061),
    tls=PbxTls(certificate="/srv/tls/cert.pem", key="/srv/tls/key.pem"),
    directories=PbxDirectories.under("/srv/pbx", modules="/usr/modules", data="/usr/data"),
    ami=PbxUser(name="ccserver", secret="secret-of-ami"),
    ari=PbxUser(name="ccserver", secret="secret-of-ari"),
)

# What could mean something to a configuration file, a dialplan or a SIP header, and what is nearly right.
_SIGNS = st.text(st.sampled_from("aZ9-._+*#;,&${}[]()<>\"'\\/ \n\r\t:=@!?é|%~^`"), max_size=12)
SLUGS = st.one_of(st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True), _SIGNS)
HOSTS = st.one_of(
    st.ip_addresses().map(str),
    st.from_regex(r"[A-Za-z0-9.-]{1,20}", fullmatch=True),
    _SIGNS,
    st.just("x" * 254),
)
NETWORKS = st.lists(st.one_of(st.ip_addresses().map(str), st.just("10.0.0.0/8"), _SIGNS), max_size=2).map(
    tuple
)
CODECS = st.lists(st.sampled_from(("alaw", "ulaw", "g722", "opus", "gsm", "g729", "mp3")), max_size=4).map(
    tuple
)
PREFIXES = st.one_of(st.from_regex(r"\+?[0-9 ]{0,17}", fullmatch=True), _SIGNS)
HOURS = st.one_of(
    st.times().map(lambda t: t.isoformat("minutes")), st.sampled_from(("24:00", "T0900", "9:00")), _SIGNS
)


def wild(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Up to three of the fields, with values that may be right or wrong: the others stay as they are, and right."""
    one = st.one_of(*(st.tuples(st.just(name), values) for name, values in fields.items()))
    return st.lists(one, max_size=3).map(dict)


@given(
    wild(
        slug=SLUGS,
        name=_SIGNS,
        zone=st.one_of(st.sampled_from(sorted(ZONES)), _SIGNS),
        country=st.one_of(st.sampled_from(("FR", "BE", "US", "GB")), _SIGNS),
        caller_id=st.one_of(st.from_regex(r"\+33[1-9][0-9]{8}", fullmatch=True), st.just(""), _SIGNS),
        area=st.one_of(st.from_regex(r"[0-9]{0,7}", fullmatch=True), _SIGNS),
        subnets=NETWORKS,
        codecs=CODECS,
        allowed_prefixes=st.lists(PREFIXES, max_size=2).map(tuple),
    )
)
def test_a_site(entered: dict[str, Any]) -> None:
    row = SiteRow(id=SITE, slug="paris", name="Paris", zone="Europe/Paris", country="FR", caller_id="")
    try:
        site = check_site(msgspec.structs.replace(row, **entered), ZONES)
    except Invalid:
        return
    made = site_of(TENANT, site)
    assert plan(BASE, Directory(sites=[made]), (), 1).left_out == ()


@given(
    wild(
        slug=SLUGS,
        host=HOSTS,
        port=st.integers(1, 65535),
        codecs=CODECS,
        preset=st.sampled_from(sorted(PRESETS)),
        mode=st.sampled_from(("peer", "register")),
        transport=st.sampled_from(("udp", "tcp", "tls")),
        username=st.one_of(st.from_regex(r"[A-Za-z0-9+._-]{0,8}", fullmatch=True), _SIGNS),
        from_domain=st.one_of(st.just(""), HOSTS),
        addresses=NETWORKS,
        number_format=st.sampled_from(("national", "e164", "digits")),
        dial_prefix=st.one_of(st.from_regex(r"[0-9*#]{0,9}", fullmatch=True), _SIGNS),
        qualify_seconds=st.integers(0, 3600),
    ),
    st.one_of(st.just("right-secret"), st.from_regex(r"[A-Za-z0-9!*=@%-]{3,16}", fullmatch=True), _SIGNS),
)
def test_a_trunk(entered: dict[str, Any], secret: str) -> None:
    row = TrunkRow(
        id=TRUNK, site_id=SITE, slug="gw", host="gw", port=5060, codecs=("alaw",), priority=1, username="user"
    )
    try:
        kept = check_trunk(msgspec.structs.replace(row, **entered), secret, ())
    except Invalid:
        return
    fields = msgspec.structs.asdict(kept)
    for name in ("has_secret", "version"):
        del fields[name]
    secrets = [TrunkSecret(trunk_id=TRUNK, secret=secret)] if secret else []
    directory = Directory(sites=[_site()], trunks=[Trunk(tenant_id=TENANT, **fields)])
    assert plan(BASE, directory, (), 1, trunk_secrets=secrets).left_out == ()


@given(
    wild(
        number=st.one_of(st.from_regex(r"(\+33|0)[1-9][0-9]{8}", fullmatch=True), _SIGNS),
        target=st.sampled_from(("number", "voicemail", "none")),
        forward_to=st.one_of(st.from_regex(r"(\+44|00?)[1-9][0-9]{5,9}", fullmatch=True), _SIGNS),
        prefix=PREFIXES,
    )
)
def test_a_number_and_a_route(entered: dict[str, str]) -> None:
    target = entered.get("target", "number")
    forward_to = entered.get("forward_to", "0612345678")
    prefix = entered.get("prefix", "+33")
    try:
        kept = to_e164(entered.get("number", "0123456789"), "FR", short=False)
        way = check_destination(Destination(target=target, forward_to=forward_to), "opened", "FR")
        (line,) = check_routes([RouteLine(trunk_id=TRUNK, prefix=prefix)])
    except Invalid:
        return
    did = Did(id=OTHER, tenant_id=TENANT, number=kept, site_id=SITE, user_id=None, label="x", opened=way)
    route = Route(
        id=OTHER, tenant_id=TENANT, site_id=SITE, trunk_id=TRUNK, prefix=line.prefix, priority=line.priority
    )
    planned = plan(BASE, Directory(sites=[_site()], trunks=[_trunk()], dids=[did], routes=[route]), (), 1)
    assert planned.left_out == ()
    assert [r.prefix for site in planned.model.sites for r in site.routes] == [line.prefix]


@given(
    zone=st.sampled_from(sorted(ZONES)),
    hours=st.lists(st.tuples(st.integers(0, 8), HOURS, HOURS), max_size=3),
)
def test_a_schedule(zone: str, hours: list[tuple[int, str, str]]) -> None:
    schedule = Schedule(
        id=OTHER,
        tenant_id=TENANT,
        name="Day",
        zone=zone,
        hours=tuple(Opening(day=day, opens=opens, closes=closes) for day, opens, closes in hours),
    )
    try:
        check_schedule(schedule, ZONES)
    except Invalid:
        return
    assert plan(BASE, Directory(schedules=[schedule]), (), 1).left_out == ()


def test_every_zone_that_may_be_chosen() -> None:
    for zone in sorted(ZONES):
        site = check_site(
            SiteRow(id=SITE, slug="paris", name="Paris", zone=zone, country="FR", caller_id=""), ZONES
        )
        made = site_of(TENANT, site)
        assert plan(BASE, Directory(sites=[made]), (), 1).left_out == (), zone


def _site() -> Site:
    return Site(
        id=SITE, tenant_id=TENANT, slug="paris", name="Paris", zone="Europe/Paris", country="FR", caller_id=""
    )


def _trunk() -> Trunk:
    return Trunk(
        id=TRUNK,
        tenant_id=TENANT,
        site_id=SITE,
        slug="gw",
        host="gw",
        port=5060,
        codecs=("alaw",),
        priority=1,
    )
