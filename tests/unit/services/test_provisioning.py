"""What each softphone is told: its own format, with nothing that could break out of it."""

import configparser
import xml.etree.ElementTree as ET
from pathlib import Path
from uuid import uuid4

import pytest
from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.domain.station import PhoneRow
from ccserver.services.provisioning import (
    LINPHONE_NAMESPACE,
    SipPlace,
    SipServer,
    linphone_xml,
    microsip_ini,
    provisioning,
)
from ccserver.services.sip_accounts import Account
from ccserver.settings import Settings
from ccserver.telephony.pbx_layout import PbxLayout, write_layout
from ccserver.web.api.phones import WORDS
from hypothesis import given
from hypothesis import strategies as st

SERVER = SipServer(host="sip.example.org", port=5060, transport="udp")
URL = "https://calls.example.org/provision/abc"


def _account(name: str = "Zoé Lenoir", secret: str = "s3cretS3cret") -> Account:
    phone = PhoneRow(
        id=uuid4(),
        kind="softphone",
        extension="1001",
        user_id=uuid4(),
        user=name,
        site_id=None,
        label="",
        mobile="",
    )
    return Account(phone=phone, secret=secret, codecs=("alaw", "opus"))


def _linphone(text: str) -> dict[str, dict[str, str]]:
    root = ET.fromstring(text)
    space = f"{{{LINPHONE_NAMESPACE}}}"
    assert root.tag == f"{space}config"
    return {
        section.attrib["name"]: {
            entry.attrib["name"]: entry.text or "" for entry in section.iter(f"{space}entry")
        }
        for section in root.iter(f"{space}section")
    }


def _microsip(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_linphone_registers_with_our_server_and_asks_but_once() -> None:
    told = _linphone(linphone_xml(_account(), SERVER))
    assert told["proxy_0"]["reg_identity"] == '"Zoé Lenoir" <sip:1001@sip.example.org>'
    assert told["proxy_0"]["reg_proxy"] == "<sip:sip.example.org:5060;transport=udp>"
    assert told["auth_info_0"] == {
        "username": "1001",
        "userid": "1001",
        "passwd": "s3cretS3cret",
        "domain": "sip.example.org",
    }
    assert told["misc"]["transient_provisioning"] == "1"
    assert "\nxmlns" not in linphone_xml(_account(), SERVER)


def test_an_ipv6_server_is_bracketed_where_a_port_follows() -> None:
    server = SipServer(host="2001:db8::1", port=5061, transport="tls")
    assert _linphone(linphone_xml(_account(), server))["proxy_0"]["reg_proxy"] == (
        "<sip:[2001:db8::1]:5061;transport=tls>"
    )
    assert _microsip(microsip_ini(_account(), server))["Account1"]["server"] == "[2001:db8::1]:5061"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_or_secret_escapes_its_field(name: str, secret: str) -> None:
    account = _account(name, secret)
    ini = microsip_ini(account, SERVER)
    parsed = _microsip(ini)
    assert parsed.sections() == ["Settings", "Account1"]
    assert parsed["Account1"]["server"] == "sip.example.org:5060"
    assert parsed["Account1"]["displayName"].isascii()
    assert ini.count("\n") == ini.count("\r\n") == len(ini.splitlines())
    told = _linphone(linphone_xml(_account(name), SERVER))
    assert set(told) == {"misc", "sip", "proxy_0", "auth_info_0"}
    identity = told["proxy_0"]["reg_identity"]
    assert identity.count('"') == 2 and identity.endswith("<sip:1001@sip.example.org>")


def test_every_client_is_told_and_only_linphone_scans() -> None:
    told = provisioning(_account(), SERVER, URL, WORDS)
    assert (told.server, told.port, told.transport, told.username) == ("sip.example.org", 5060, "udp", "1001")
    assert [item.client for item in told.items] == ["linphone", "zoiper", "microsip", "generic"]
    assert all("s3cretS3cret" in item.text for item in told.items)
    assert [item.client for item in told.items if item.url or item.qr_svg] == ["linphone"]
    # The code is of the address only: a photograph of it is worth nothing a quarter of an hour later.
    assert "s3cretS3cret" not in told.items[0].url + told.items[0].qr_svg
    picture = ET.fromstring(told.items[0].qr_svg)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    generic = dict(line.split(": ", 1) for line in told.items[3].text.splitlines())
    assert generic["Port"] == "5060" and generic["Audio codecs"] == "alaw, opus"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    ports = PbxPorts(sip_address="0.0.0.0", sip=5070, sip_tls=5071)
    directories = PbxDirectories.under("/var/a", modules="/m", data="/d")
    write_layout(tmp_path / "asterisk" / "layout.json", PbxLayout(ports=ports, directories=directories))
    return tmp_path


async def test_the_server_is_where_settings_layout_and_address_say(layout: Path) -> None:
    bare = SipPlace(Settings(data_dir=layout), "")
    assert await bare.server("10.0.0.9") == SipServer(host="10.0.0.9", port=5070, transport="udp")
    tls = SipPlace(Settings(data_dir=layout, sip_transport="tls"), "calls.example.org")
    assert await tls.server("10.0.0.9") == SipServer(host="calls.example.org", port=5071, transport="tls")
    told = SipPlace(
        Settings(data_dir=layout, sip_server="sip.example.org", sip_port=5099), "calls.example.org"
    )
    assert await told.server("10.0.0.9") == SipServer(host="sip.example.org", port=5099, transport="udp")
    alone = SipPlace(Settings(data_dir=layout / "none", sip_transport="tls"), "")
    assert (await alone.server("h")).port == 5061
