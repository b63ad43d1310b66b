"""Free ports for private Asterisks, gateways and phones that share one machine with others like them.

A port that is free when we look may be somebody's before the program that it is meant for has bound it. So a port
handed out is claimed until this process ends, against every other process that asks here, and single ports lie
apart from the ranges from which Asterisk and phones take ports for sound as they go.
"""

import fcntl
import os
import secrets
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from ccserver.stack.problems import StackProblem

# Below the range from which the system takes the ports of outgoing connections: such a connection cannot
# snatch a port between our look and the program's bind.
FIRST: Final = 20_000
FIRST_OF_SOUND: Final = 27_000
LAST: Final = 31_999
_ATTEMPTS: Final = 400
_claimed: Final[set[int]] = set()


def is_free(kind: socket.SocketKind, port: int, address: str = "127.0.0.1") -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(kind: socket.SocketKind, address: str = "127.0.0.1", count: int = 1) -> int:
    """The first of ``count`` ports nobody is bound to now, and that nobody else is given while this process lives.

    Where nearly all are claimed, ports that are merely free. Raises StackProblem when none are found: the address is
    then most likely not this machine's.
    """
    for may_claim in (True, False):
        for _ in range(_ATTEMPTS):
            first = FIRST + secrets.randbelow(FIRST_OF_SOUND - FIRST - count + 1)
            ports = range(first, first + count)
            # Claimed first: to look whether a port is free is to bind it, which others' programs may be about to do.
            claimed = [port for port in ports if _claim(port)] if may_claim else []
            ours = len(claimed) == count or not may_claim
            if ours and all(is_free(kind, port, address) for port in ports):
                return first
            for port in claimed:
                _give_back(port)
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
        first = (FIRST_OF_SOUND + secrets.randbelow(LAST - FIRST_OF_SOUND - size)) & ~1
        if all(is_free(socket.SOCK_DGRAM, first + step, address) for step in (0, size // 2, size - 1)):
            return first, first + size - 1
    raise StackProblem(f"No free range of {size} UDP ports was found on {address}.")


def _claim(port: int) -> bool:
    """Whether the port was nobody's and is ours now. The system forgets our claims when this process ends."""
    if port in _claimed:
        return False
    file = _claims()
    if file is not None:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
    _claimed.add(port)
    return True


def _give_back(port: int) -> None:
    """A port claimed in vain is somebody else's to claim."""
    _claimed.discard(port)
    file = _claims()
    if file is not None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, port)


@cache
def _claims() -> int | None:
    """A file whose bytes stand for ports: who holds the lock of one has claimed it. None where there can be no file."""
    try:
        path = Path(tempfile.gettempdir()) / f"ccserver-ports-{os.getuid()}"
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
