"""A certificate of our own making for Asterisk's TLS, where the operator has given none: encrypted, not trusted."""

import datetime
import ipaddress
import os
import socket
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ccserver.domain.pbx import PbxTls

CERTIFICATE, KEY = "certificate.pem", "key.pem"
LIFE_DAYS: Final = 825
"""Phones of some makers refuse more."""
RENEW_DAYS: Final = 30
_MAKER: Final = "ccserver (self-signed)"


def keep_certificate(folder: Path, now: datetime.datetime) -> PbxTls:
    """The certificate and key in ``folder``: the operator's own when he has put some there, else ours. Blocks."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not (certificate.exists() and key.exists()) or _is_old(certificate, now):
        _make(certificate, key, now)
    return PbxTls(certificate=str(certificate), key=str(key))


def _is_old(certificate: Path, now: datetime.datetime) -> bool:
    """Whether it is ours and soon over. What is not ours is never replaced."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return False
    maker = read.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    ours = bool(maker) and maker[0].value == _MAKER
    return ours and read.not_valid_after_utc - now < datetime.timedelta(days=RENEW_DAYS)


def _make(certificate: Path, key: Path, now: datetime.datetime) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname()[:64] or "localhost"
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, host), x509.NameAttribute(NameOID.ORGANIZATION_NAME, _MAKER)]
    )
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in sorted({host, "localhost"})]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=LIFE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    private = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, private)
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
