"""What a site may be, and how its values are spelled when kept."""

import zoneinfo
from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.account import SiteRow
from ccserver.domain.errors import Invalid
from ccserver.domain.site import check_site, read_prefix

ZONES = frozenset(zoneinfo.available_timezones())


def site(**more: Any) -> SiteRow:
    values = {
        "id": UUID(int=1),
        "slug": "lyon",
        "name": "Lyon",
        "zone": "Europe/Paris",
        "country": "FR",
        "caller_id": "",
    }
    return SiteRow(**{**values, **more})


def wrong(**more: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        check_site(site(**more), ZONES)
    return {e.field: e.code for e in error.value.errors}


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"name": "  Lyon "}, {"name": "Lyon"}),
        ({"caller_id": "04 78 12 34 56"}, {"caller_id": "+33478123456"}),
        (
            {"subnets": ("10.1.0.0/24", "10.1.0.7", "10.1.0.0/24")},
            {"subnets": ("10.1.0.0/24", "10.1.0.7/32")},
        ),
        ({"subnets": ("2001:DB8:0::/48",)}, {"subnets": ("2001:db8::/48",)}),
        ({"codecs": ("opus", "alaw", "opus")}, {"codecs": ("opus", "alaw")}),
        ({"allowed_prefixes": ("+33", "+44 20", "+33")}, {"allowed_prefixes": ("+33", "+4420")}),
        ({"area": "387"}, {"area": "387"}),
    ],
)
def test_values_are_brought_to_one_spelling(more: dict[str, Any], kept: dict[str, Any]) -> None:
    found = check_site(site(**more), ZONES)
    assert {name: getattr(found, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"slug": "Lyon"}, {"slug": "slug_format"}),
        ({"slug": "1lyon"}, {"slug": "slug_format"}),
        ({"slug": "lyon-"}, {"slug": "slug_format"}),
        ({"slug": "lyon--2"}, {"slug": "slug_format"}),
        ({"slug": "lyon\n"}, {"slug": "slug_format"}),
        ({"slug": "a" * 32}, {"slug": "slug_format"}),
        ({"name": " "}, {"name": "required"}),
        ({"zone": "Europe/Lyon"}, {"zone": "zone_unknown"}),
        ({"country": "fr"}, {"country": "country_unknown"}),
        ({"caller_id": "15"}, {"caller_id": "number_short"}),
        ({"caller_id": "0123456789&SIP/x"}, {"caller_id": "number_format"}),
        ({"area": "03a"}, {"area": "area_format"}),
        ({"subnets": ("10.1.0.0/24", "10.1.0.300")}, {"subnets[1]": "network_format"}),
        ({"subnets": ("10.1.0.7/24",)}, {"subnets[0]": "network_host_bits"}),
        ({"subnets": ("0.0.0.0/0",)}, {"subnets[0]": "network_too_wide"}),
        ({"subnets": ("::/0",)}, {"subnets[0]": "network_too_wide"}),
        ({"subnets": ("fe80::1%eth0/128",)}, {"subnets[0]": "network_format"}),
        ({"codecs": ()}, {"codecs": "required"}),
        ({"codecs": ("alaw", "ilbc")}, {"codecs[1]": "codec_unknown"}),
        ({"allowed_prefixes": ("0033",)}, {"allowed_prefixes[0]": "prefix_format"}),
        ({"allowed_prefixes": ("+33", "+0")}, {"allowed_prefixes[1]": "prefix_format"}),
        ({"allowed_prefixes": ("",)}, {"allowed_prefixes[0]": "prefix_format"}),
        ({"allowed_prefixes": ("+33,X",)}, {"allowed_prefixes[0]": "prefix_format"}),
        (
            {"name": "", "zone": "x", "area": "x"},
            {"name": "required", "zone": "zone_unknown", "area": "area_format"},
        ),
    ],
)
def test_each_wrong_field_is_named(more: dict[str, Any], errors: dict[str, str]) -> None:
    assert wrong(**more) == errors


def test_a_host_address_is_told_its_network() -> None:
    with pytest.raises(Invalid) as error:
        check_site(site(subnets=("192.168.7.9/16",)), ZONES)
    assert dict(error.value.errors[0].params) == {"network": "192.168.0.0/16"}


@pytest.mark.parametrize(
    ("text", "prefix"), [("+33", "+33"), ("+33 1.2", "+3312"), ("33", None), ("+", None)]
)
def test_prefixes(text: str, prefix: str | None) -> None:
    assert read_prefix(text) == prefix
