"""How a phone is set up: where its server is, and its account as each common softphone wants to be told.

Only pure text is made here. What a client reads is documented by its makers: Linphone's remote provisioning (XML,
fetched from an address that it scans), MicroSIP's ``microsip.ini``. Zoiper's codes lead through a web service of
Zoiper's own, which would learn the password, so its users type.
"""

import asyncio
import io
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import segno
import structlog

from ccserver.domain.pbx import PbxPorts, caller_name
from ccserver.services.sip_accounts import Account
from ccserver.settings import Settings
from ccserver.telephony.pbx_layout import FILE_NAME, LayoutError, read_layout

REALM: Final = "asterisk"
"""What Asterisk calls itself when it asks for a password; ours has no other ``default_realm``."""
REGISTER_SECONDS: Final = 300
LINPHONE_NAMESPACE: Final = "http://www.linphone.org/xsds/lpconfig.xsd"
_DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SipServer:
    """Where phones register. ``host`` is an IP address or a name."""

    host: str
    port: int
    transport: str

    @property
    def uri_host(self) -> str:
        """The host as it stands in a SIP address: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host


class ProvisioningItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account for one client: ``text`` to copy or to keep as ``filename``, ``qr_svg`` to scan ("": none).

    ``url``: where the client fetches it by itself, once, within a quarter of an hour.
    """

    client: str
    label: str
    filename: str
    text: str
    url: str = ""
    qr_svg: str = ""


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """How a phone is set up. The secret is in each item's text: shown once, like the secret itself."""

    server: str
    port: int
    transport: str
    realm: str
    username: str
    items: tuple[ProvisioningItem, ...]


class SipPlace:
    """Where phones find Asterisk: what the settings say, else what its layout file and the public address tell."""

    def __init__(self, settings: Settings, public_host: str) -> None:
        self._settings = settings
        self._host = settings.sip_server or public_host

    async def server(self, asked_host: str) -> SipServer:
        """``asked_host``: the host by which the administrator reached us, for want of anything better."""
        transport = self._settings.sip_transport
        port = self._settings.sip_port or _port_of(await asyncio.to_thread(self._ports), transport)
        return SipServer(host=self._host or asked_host, port=port, transport=transport)

    def _ports(self) -> PbxPorts | None:
        try:
            layout = read_layout(self._settings.data_dir / "asterisk" / FILE_NAME)
        except LayoutError as error:
            _log.warning("Asterisk's layout cannot be read, its usual ports are told", error=str(error))
            return None
        return layout.ports if layout else None


def _port_of(ports: PbxPorts | None, transport: str) -> int:
    known = {"udp": ports.sip, "tcp": ports.sip_tcp, "tls": ports.sip_tls} if ports else {}
    return known.get(transport) or _DEFAULT_PORTS[transport]


def provisioning(account: Account, server: SipServer, url: str, words: Mapping[str, str]) -> Provisioning:
    """The account for every client. ``words``: the fields' names in the reader's language. Takes milliseconds."""
    extension = account.phone.extension
    items = (
        ProvisioningItem(
            client="linphone",
            label="Linphone",
            filename=f"linphone-{extension}.xml",
            text=linphone_xml(account, server),
            url=url,
            qr_svg=qr_svg(url),
        ),
        ProvisioningItem(
            client="zoiper",
            label="Zoiper",
            filename=f"zoiper-{extension}.txt",
            text=zoiper_text(account, server, words),
        ),
        ProvisioningItem(
            client="microsip",
            label="MicroSIP",
            filename=f"microsip-{extension}.ini",
            text=microsip_ini(account, server),
        ),
        ProvisioningItem(
            client="generic",
            label=words["generic"],
            filename=f"sip-{extension}.txt",
            text=generic_text(account, server, words),
        ),
    )
    return Provisioning(
        server=server.host,
        port=server.port,
        transport=server.transport,
        realm=REALM,
        username=extension,
        items=items,
    )


def linphone_xml(account: Account, server: SipServer) -> str:
    """Linphone's remote provisioning: settings of its ``linphonerc`` as XML.

    ``transient_provisioning``: the address is good once, so Linphone must not ask it again at its next start. No realm:
    Linphone then takes the account's domain, whatever Asterisk calls itself.
    """
    extension, host = account.phone.extension, server.uri_host
    proxy = f"<sip:{host}:{server.port};transport={server.transport}>"
    sections = {
        "misc": {"transient_provisioning": "1"},
        "sip": {"default_proxy": "0"},
        "proxy_0": {
            "reg_proxy": proxy,
            "reg_route": proxy,
            "reg_identity": f'"{_shown_name(account)}" <sip:{extension}@{host}>',
            "reg_expires": str(REGISTER_SECONDS),
            "reg_sendregister": "1",
            "publish": "0",
            "dial_escape_plus": "0",
            # Nobody sends pushes for us: a phone that waited for them would sleep through its calls.
            "push_notification_allowed": "0",
            "remote_push_notification_allowed": "0",
        },
        "auth_info_0": {
            "username": extension,
            "userid": extension,
            "passwd": account.secret,
            "domain": server.host,
        },
    }
    root = ET.Element("config", {"xmlns": LINPHONE_NAMESPACE})
    for name, entries in sections.items():
        section = ET.SubElement(root, "section", {"name": name})
        for key, value in entries.items():
            ET.SubElement(section, "entry", {"name": key, "overwrite": "true"}).text = value
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def microsip_ini(account: Account, server: SipServer) -> str:
    """The account section of MicroSIP's ``microsip.ini``, to be put into a fresh one.

    Plain letters only: MicroSIP reads the file in the machine's own code page.
    """
    extension = account.phone.extension
    name = _plain(_shown_name(account))
    values = {
        "label": f"{extension} {name}".strip(),
        "server": f"{server.uri_host}:{server.port}",
        "proxy": "",
        "domain": server.uri_host,
        "username": extension,
        "password": account.secret,
        "authID": extension,
        "displayName": name,
        "dialingPrefix": "",
        "dialPlan": "",
        "hideCID": "0",
        "voicemailNumber": "",
        "transport": server.transport,
        "publicAddr": "",
        "SRTP": "",
        "registerRefresh": str(REGISTER_SECONDS),
        "keepAlive": "15",
        "publish": "0",
        "ICE": "0",
        "allowRewrite": "0",
        "disableSessionTimer": "0",
    }
    lines = ["[Settings]", "accountId=1", "", "[Account1]"]
    lines += [f"{key}={_one_line(value)}" for key, value in values.items()]
    return "\r\n".join(lines) + "\r\n"


def zoiper_text(account: Account, server: SipServer, words: Mapping[str, str]) -> str:
    """The fields that Zoiper asks for, in its order."""
    extension = account.phone.extension
    fields = {
        "username": extension,
        "password": account.secret,
        "hostname": f"{server.uri_host}:{server.port}",
        "auth_username": extension,
        "transport": f"SIP {server.transport.upper()}",
    }
    return _fields(fields, words) + f"\n{words['zoiper_note']}\n"


def generic_text(account: Account, server: SipServer, words: Mapping[str, str]) -> str:
    """Everything that any SIP phone may ask for."""
    extension = account.phone.extension
    fields = {
        "server": server.host,
        "port": str(server.port),
        "transport": server.transport.upper(),
        "username": extension,
        "auth_username": extension,
        "password": account.secret,
        "display_name": _shown_name(account),
        "codecs": ", ".join(account.codecs),
    }
    return _fields(fields, words)


def qr_svg(text: str) -> str:
    """A code to be scanned, black on white whatever the page's colours. Takes some milliseconds."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer, kind="svg", scale=4, border=4, light="#fff", xmldecl=False, nl=False
    )
    return buffer.getvalue().decode()


def _shown_name(account: Account) -> str:
    """Whose phone it is, without what could end a quoted name or a line."""
    return caller_name(account.phone.user or account.phone.label) or account.phone.extension


def _fields(fields: Mapping[str, str], words: Mapping[str, str]) -> str:
    return "".join(
        words["field"] % {"name": words[key], "value": _one_line(fields[key])} + "\n" for key in fields
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip()


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
