"""Keys of the throttle."""

import pytest
from ccserver.services.throttle import account_key, address_key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "address:203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "address:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("not:an:address", "address:unknown"),
        ("", "address:"),
    ],
)
def test_addresses_count_as_those_who_hold_them(address: str, key: str) -> None:
    assert address_key(address) == key


def test_what_was_typed_as_a_login_is_not_kept() -> None:
    assert account_key("Hunter2") == account_key("hunter2")
    assert "hunter2" not in account_key("hunter2")
    assert account_key("anna") != account_key("bob")
