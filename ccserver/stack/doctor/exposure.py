"""Who can reach a port: read from the kernel's own table of listening sockets, on this machine."""

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from ccserver.stack.doctor.finding import Finding, advice, bad, good

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENING: Final = "0A"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def listening(port: int) -> tuple[Address, ...]:
    """The addresses on which somebody listens on this TCP port here. Blocks."""
    found: set[Address] = set()
    for table in _TABLES:
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                host, _, number = fields[1].rpartition(":")
                if fields[3] == _LISTENING and int(number, 16) == port:
                    found.add(_address(host))
    return tuple(sorted(found, key=str))


def _address(text: str) -> Address:
    """The kernel prints each group of four bytes as a number of this machine, which has its bytes turned round."""
    raw = bytes.fromhex(text)
    turned = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    address = ipaddress.ip_address(turned)
    return getattr(address, "ipv4_mapped", None) or address


def is_this_machine(host: str) -> bool:
    """Whether a name or address is loopback."""
    try:
        found = {item[4][0] for item in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(
        ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found
    )


def check_exposure(name: str, host: str, port: int, where: str) -> Finding:
    """Whether a port that commands Asterisk is open to nobody but this machine. Blocks."""
    line = f"{name} not public"
    if not is_this_machine(host):
        return advice(
            line,
            f"it is on {host}, which cannot be seen from here, and its secret travels there in clear",
            "run this on that machine too; let only this one through its firewall, or put both in one VPN",
        )
    open_to = [str(address) for address in listening(port) if not address.is_loopback]
    if open_to:
        return bad(line, f"port {port} listens on {', '.join(open_to)}", f"bind it to 127.0.0.1 in {where}")
    return good(line, f"port {port} listens on loopback only")
