"""TLS: what browsers are shown at PUBLIC_URL, and the certificates of Asterisk itself."""

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding, advice, bad, good
from ccserver.telephony.pbx_layout import PbxLayout

SOON_DAYS: Final = 14
_CONNECT_SECONDS: Final = 5.0
_CERTIFICATE_SETTING: Final = re.compile(
    r"^\s*(?:tlscertfile|cert_file|dtls_cert_file)\s*=>?\s*(\S+)", re.MULTILINE
)


def check_public_url(settings: Settings, now: datetime) -> Finding:
    """Whether browsers reach the pages by https, and for how long the certificate is good. Blocks."""
    name = "PUBLIC_URL"
    if not settings.public_url:
        if settings.is_loopback:
            return advice(
                name,
                "not set: only this machine can reach the pages",
                "put a TLS proxy in front, and set PUBLIC_URL to its https address",
            )
        return bad(
            name,
            f"not set, and the server listens on {settings.host}: passwords travel in clear",
            "put a TLS proxy in front, set PUBLIC_URL to its https address and CCSERVER_HOST to 127.0.0.1",
        )
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        return bad(name, "is not https: passwords and calls travel in clear", "give the proxy a certificate")
    try:
        return judged(name, _shown(parts.hostname or "", parts.port or 443), now)
    except ssl.SSLCertVerificationError as error:
        return bad(
            name, f"browsers refuse its certificate: {error.verify_message}", "renew or mend the certificate"
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return bad(name, f"does not answer by TLS: {reason}", "start the proxy, or mend PUBLIC_URL")


def check_asterisk_certificates(layout: PbxLayout | None, now: datetime) -> Iterator[Finding]:
    """Every certificate that Asterisk's configuration names. Blocks."""
    name = "Asterisk's certificate"
    if layout is None:
        yield advice(
            name, "not looked at: no layout.json says where its files are", "look at http.conf and pjsip.conf"
        )
        return
    paths = sorted(_named_certificates(Path(layout.directories.etc)))
    if not paths:
        yield good(name, "none in use: SIP and WebSocket without TLS of Asterisk's own")
    for path in paths:
        try:
            certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError) as error:
            yield bad(name, f"{path} cannot be used: {error}", "put a PEM certificate there")
        else:
            yield judged(f"{name} {path.name}", certificate, now)


def judged(name: str, certificate: x509.Certificate, now: datetime) -> Finding:
    """By the days that are left."""
    ends = certificate.not_valid_after_utc
    days = (ends - now).days
    if now >= ends:
        return bad(name, f"expired on {ends:%Y-%m-%d}", "renew it")
    if now < certificate.not_valid_before_utc:
        return bad(
            name, f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}", "mend the clock, or it"
        )
    if days < SOON_DAYS:
        return advice(name, f"{days} days left", "renew it, and find out why that did not happen by itself")
    return good(name, f"valid until {ends:%Y-%m-%d}, {days} days left")


def _shown(host: str, port: int) -> x509.Certificate:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as link,
    ):
        return x509.load_der_x509_certificate(link.getpeercert(binary_form=True) or b"")


def _named_certificates(etc: Path) -> set[Path]:
    found = set()
    for path in etc.rglob("*.conf"):
        for name in _CERTIFICATE_SETTING.findall(path.read_text(errors="replace")):
            found.add(Path(name) if name.startswith("/") else etc / name)
    return found


def now_utc() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)
