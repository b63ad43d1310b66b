"""What a trunk may be: its login, its address against the site's networks, its presets."""

from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.account import TrunkRow
from ccserver.domain.errors import Invalid
from ccserver.domain.trunk import PRESETS, check_trunk

VPN = ("10.1.0.0/24", "2001:db8:1::/48")


def trunk(**more: Any) -> TrunkRow:
    values = {
        "id": UUID(int=1),
        "site_id": UUID(int=2),
        "slug": "lyon-1",
        "host": "10.1.0.5",
        "port": 5060,
        "codecs": ("alaw",),
        "priority": 1,
        "preset": "yeastar_s",
    }
    return TrunkRow(**{**values, **more})


def wrong(secret: str | None = "", subnets: tuple[str, ...] = VPN, **more: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        check_trunk(trunk(**more), secret, subnets)
    return {e.field: e.code for e in error.value.errors}


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"name": " Main "}, {"name": "Main"}),
        ({}, {"name": "lyon-1"}),
        ({"host": "GW.Example.ORG."}, {"host": "gw.example.org"}),
        ({"host": "2001:DB8:1:0::5"}, {"host": "2001:db8:1::5"}),
        ({"addresses": ("10.1.0.9", "10.1.0.64/26")}, {"addresses": ("10.1.0.9/32", "10.1.0.64/26")}),
        ({"codecs": ("alaw", "g722", "alaw")}, {"codecs": ("alaw", "g722")}),
        ({"from_domain": "SIP.Example.org"}, {"from_domain": "sip.example.org"}),
        ({"dial_prefix": "0*#"}, {"dial_prefix": "0*#"}),
    ],
)
def test_values_are_brought_to_one_spelling(more: dict[str, Any], kept: dict[str, Any]) -> None:
    found = check_trunk(trunk(**more), "", VPN)
    assert {name: getattr(found, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"slug": "a b"}, {"slug": "slug_format"}),
        ({"host": "10.0.0"}, {"host": "host_format"}),
        ({"host": "gw;transport=tcp"}, {"host": "host_format"}),
        ({"host": "fe80::1%eth0"}, {"host": "host_format"}),
        ({"host": ""}, {"host": "host_format"}),
        ({"from_domain": "a b"}, {"from_domain": "host_format"}),
        ({"dial_prefix": "0,"}, {"dial_prefix": "dial_prefix_format"}),
        ({"dial_prefix": "${X}"}, {"dial_prefix": "dial_prefix_format"}),
        ({"codecs": ()}, {"codecs": "required"}),
        ({"addresses": ("10.1.0.1/24",)}, {"addresses[0]": "network_host_bits"}),
        ({"username": "a b"}, {"username": "trunk_username_format"}),
        ({"username": "a\nb"}, {"username": "trunk_username_format"}),
        ({"mode": "register"}, {"username": "required", "secret": "required"}),
        ({"mode": "register", "username": "user"}, {"secret": "required"}),
    ],
)
def test_each_wrong_field_is_named(more: dict[str, Any], errors: dict[str, str]) -> None:
    assert wrong(**more) == errors


@pytest.mark.parametrize(
    "secret", ["abc", "with space", "semi;colon", "new\nline", 'quo"te', "x" * 129, "[x]abcd"]
)
def test_a_secret_that_no_configuration_can_carry(secret: str) -> None:
    assert wrong(secret, username="user") == {"secret": "trunk_secret_format"}


def test_a_secret_needs_a_user_name() -> None:
    assert wrong("long-enough") == {"username": "required"}


def test_the_present_secret_counts_unless_it_is_taken_away() -> None:
    login = {"mode": "register", "username": "user", "has_secret": True}
    assert check_trunk(trunk(**login), None, VPN).has_secret
    assert wrong("", **login) == {"secret": "required"}


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"host": "10.2.0.5"}, {"host": "address_outside_vpn"}),
        ({"host": "2001:db8:2::5"}, {"host": "address_outside_vpn"}),
        ({"addresses": ("10.1.0.0/25", "10.0.0.0/15")}, {"addresses[1]": "address_outside_vpn"}),
        ({"host": "10.2.0.5", "preset": "yeastar_p"}, {"host": "address_outside_vpn"}),
    ],
)
def test_a_gateway_outside_its_sites_networks_is_refused(
    more: dict[str, Any], errors: dict[str, str]
) -> None:
    assert wrong(**more) == errors


def test_the_refusal_names_the_networks() -> None:
    with pytest.raises(Invalid) as error:
        check_trunk(trunk(host="192.0.2.1"), "", VPN)
    assert dict(error.value.errors[0].params) == {"networks": "10.1.0.0/24, 2001:db8:1::/48"}


@pytest.mark.parametrize(
    ("more", "subnets"),
    [
        ({"host": "10.1.0.5"}, VPN),
        ({"host": "192.0.2.1"}, ()),
        ({"host": "gateway.example.org"}, VPN),
        ({"host": "192.0.2.1", "preset": "generic"}, VPN),
        ({"host": "192.0.2.1", "preset": "ovh"}, VPN),
    ],
)
def test_who_may_stand_where(more: dict[str, Any], subnets: tuple[str, ...]) -> None:
    assert check_trunk(trunk(**more), "", subnets).host == more["host"]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_presets_are_right_but_for_what_they_need(preset: str) -> None:
    made = PRESETS[preset]
    fields = ("mode", "port", "transport", "codecs", "from_domain", "number_format", "dial_prefix")
    values = {name: getattr(made, name) for name in fields}
    mine = {"host": "10.1.0.5", "username": "0033123456789"}
    needed = {name: mine[name] for name in made.needs if name in mine}
    row = trunk(preset=preset, **{**values, "host": made.host, **needed})
    assert check_trunk(row, "a-secret" if "secret" in made.needs else "", VPN).preset == preset
