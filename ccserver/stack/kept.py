"""What a local installation decides once and keeps in its data folder: secrets and Asterisk's ports."""

import os
import secrets
import socket
from pathlib import Path
from typing import TypeVar

import msgspec

from ccserver.stack.ports import free_tcp_port, free_udp_port
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_layout import FILE_NAME, LayoutError, read_layout

LOOPBACK = "127.0.0.1"
Kept = TypeVar("Kept", bound=msgspec.Struct)
USUAL_SIP, USUAL_HTTP, USUAL_AMI, USUAL_SIP_TLS, USUAL_HTTPS = 5060, 8088, 5038, 5061, 8089


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Made at the first start. Without `secrets_key` the phones' passwords in the database are unreadable."""

    jwt_secret: str
    secrets_key: str
    ami_secret: str
    ari_secret: str

    def __repr__(self) -> str:
        return "Secrets(...)"


class AsteriskPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the local Asterisk listens, on loopback: phones need to find it again after a restart. 0: not at all."""

    sip: int
    http: int
    ami: int
    sip_tcp: int = 0
    sip_tls: int = 0
    https: int = 0


def keep_secrets(folder: Path) -> Secrets:
    """The secrets of this data folder, made when there are none. Readable by the owner only."""
    path = folder / "secrets.json"
    if path.exists():
        return _read(path, Secrets)
    made = Secrets(
        jwt_secret=secrets.token_urlsafe(48),
        secrets_key=secrets.token_urlsafe(48),
        ami_secret=secrets.token_hex(24),
        ari_secret=secrets.token_hex(24),
    )
    _write(path, made)
    return made


def kept_secrets(folder: Path) -> Secrets | None:
    """The secrets of this data folder, if it has any; none are made. Raises StackProblem."""
    path = folder / "secrets.json"
    return _read(path, Secrets) if path.exists() else None


def keep_ports(folder: Path) -> tuple[AsteriskPorts, bool]:
    """Asterisk's ports: those of last time, else the usual ones, else free ones. And whether they moved.

    After a restore, last time is what the archive's layout says: phones look for Asterisk where it was.
    """
    path = folder / "asterisk-ports.json"
    last = _read(path, AsteriskPorts) if path.exists() else _ports_of_layout(folder / "asterisk" / FILE_NAME)
    wanted = last or AsteriskPorts(sip=USUAL_SIP, http=USUAL_HTTP, ami=USUAL_AMI)
    sip = wanted.sip if _free(wanted.sip, udp=True) else free_udp_port(LOOPBACK)
    chosen = AsteriskPorts(
        sip=sip,
        http=wanted.http if _free(wanted.http) else free_tcp_port(LOOPBACK),
        ami=wanted.ami if _free(wanted.ami) else free_tcp_port(LOOPBACK),
        sip_tcp=_tcp(wanted.sip_tcp or sip),
        sip_tls=_tcp(wanted.sip_tls or USUAL_SIP_TLS),
        https=_tcp(wanted.https or USUAL_HTTPS),
    )
    if chosen != last or not path.exists():
        _write(path, chosen)
    moved = last is not None and (chosen.sip, chosen.http, chosen.ami) != (last.sip, last.http, last.ami)
    return chosen, moved


def _ports_of_layout(path: Path) -> AsteriskPorts | None:
    try:
        layout = read_layout(path)
    except LayoutError:
        return None  # it is written anew at this start
    if layout is None:
        return None
    ports = layout.ports
    return AsteriskPorts(
        sip=ports.sip,
        http=ports.http,
        ami=ports.ami,
        sip_tcp=ports.sip_tcp,
        sip_tls=ports.sip_tls,
        https=ports.https,
    )


def _tcp(port: int) -> int:
    return port if _free(port) else free_tcp_port(LOOPBACK)


def _free(port: int, *, udp: bool = False) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _read(path: Path, kind: type[Kept]) -> Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise StackProblem(
            f"{path} cannot be read ({error}). Restore it from a backup; without one, remove it, and a "
            "new one is made (passwords of phones must then be set again)."
        ) from error


def _write(path: Path, value: msgspec.Struct) -> None:
    """Atomic, and never readable by others, not even for a moment."""
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
