"""Free ports for private Asterisks, gateways and phones that share one machine with others like them."""

import secrets
import socket
from typing import Final

from ccserver.stack.problems import StackProblem

# Below the range from which the system takes the ports of outgoing connections: such a connection cannot
# snatch a port between our look and the program's bind.
FIRST: Final = 20_000
LAST: Final = 31_999
_ATTEMPTS: Final = 200


def is_free(kind: socket.SocketKind, port: int, address: str = "127.0.0.1") -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(kind: socket.SocketKind, address: str = "127.0.0.1") -> int:
    """A port nobody is bound to at this moment; a random one, so that two seekers seldom meet.

    Raises StackProblem when none is found: the address is then most likely not this machine's.
    """
    for _ in range(_ATTEMPTS):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if is_free(kind, port, address):
            return port
    raise StackProblem(f"No free port was found on {address}. Is that an address of this machine?")


def free_tcp_port(address: str = "127.0.0.1") -> int:
    """A free TCP port."""
    return free_port(socket.SOCK_STREAM, address)


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A free UDP port."""
    return free_port(socket.SOCK_DGRAM, address)


def free_rtp_range(size: int = 400, address: str = "127.0.0.1") -> tuple[int, int]:
    """First and last port of a UDP range whose two ends and middle are free.

    Asterisk takes the next port when one in its range is taken, so the range need not be empty.
    """
    for _ in range(_ATTEMPTS):
        first = (FIRST + secrets.randbelow(LAST - FIRST - size)) & ~1
        if all(is_free(socket.SOCK_DGRAM, first + step, address) for step in (0, size // 2, size - 1)):
            return first, first + size - 1
    raise StackProblem(f"No free range of {size} UDP ports was found on {address}.")
