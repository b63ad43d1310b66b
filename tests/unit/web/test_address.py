"""Who is at the other end, when proxies may lie."""

from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from ccserver.web.address import Addresses
from ccserver.web.stream.guard import is_own_host
from multidict import CIMultiDict


def _request(peer: str | None, **headers: str) -> Any:
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (
        (peer, 1) if name == "peername" and peer else default
    )
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return make_mocked_request("GET", "/", headers=named, transport=transport)


PROXIED = Addresses(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.9.9.9", "1.2.3.4"),
        ("10.0.0.1", "rubbish", ""),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("fe80::1%eth0", "", "fe80::1%eth0"),
        (None, "", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str | None, forwarded: str, found: str) -> None:
    headers = {"X_Forwarded_For": forwarded} if forwarded else {}
    assert PROXIED.of(_request(peer, **headers)) == found


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("pbx.example:8443", "http://pbx.example:8443"),
        ("[2001:db8::5]:80", "http://[2001:db8::5]:80"),
        ("cc_server", "http://cc_server"),
        ("a:b", "http://localhost"),
        ("x:99999", "http://localhost"),
        ("", "http://localhost"),
        ("[", "http://localhost"),
        ("x'; rm -rf ~; '", "http://localhost"),
        ("user@x", "http://localhost"),
    ],
)
def test_the_host_that_was_asked_for_is_only_told_when_it_is_one(host: str, origin: str) -> None:
    request = _request("192.0.2.1", Host=host)
    assert Addresses().origin(request) == origin
    assert Addresses(public_url="https://cc.example/").origin(request) == "https://cc.example"


def test_an_origin_that_cannot_be_read_is_not_ours() -> None:
    request = _request("192.0.2.1", Host="pbx.example")
    assert not Addresses().is_own_origin(request, "http://[")
    assert not is_own_host(request, "http://[")


def test_what_is_local() -> None:
    assert Addresses().is_local(_request("127.0.0.1"))
    assert Addresses().is_local(_request("::1"))
    assert not Addresses().is_local(_request("192.168.1.5"))
    # A proxy on this machine that nobody told us about: its clients may be anywhere.
    assert not Addresses().is_local(_request("127.0.0.1", X_Forwarded_For="127.0.0.1"))
    assert not Addresses().is_local(_request("127.0.0.1", Forwarded="for=127.0.0.1"))
    assert not Addresses().is_local(_request(None))


def test_https_is_believed_of_a_trusted_proxy_or_the_public_url() -> None:
    assert PROXIED.is_secure(_request("10.0.0.1", X_Forwarded_Proto="https"))
    assert not PROXIED.is_secure(_request("203.0.113.9", X_Forwarded_Proto="https"))
    assert Addresses(public_url="https://cc.example.org").is_secure(_request("203.0.113.9"))


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://cc.example.org", True),
        ("https://cc.example.org", True),
        ("https://CC.example.org", True),
        ("https://public.example.org", True),
        ("http://public.example.org", False),
        ("https://evil.example", False),
        ("https://cc.example.org.evil.example", False),
        ("https://cc.example.org:8443", False),
        ("null", False),
        ("", False),
        ("javascript://cc.example.org", False),
    ],
)
def test_our_own_origins(origin: str, own: bool) -> None:
    addresses = Addresses(public_url="https://public.example.org")
    assert addresses.is_own_origin(_request("1.2.3.4", Host="cc.example.org"), origin) is own
