"""What is looked at before anything is started: can the port be had, is there disk, may we write."""

import errno
import shutil
import socket
from contextlib import suppress
from pathlib import Path

from ccserver.stack.problems import StackProblem

DISK_NEEDED_BYTES = 500_000_000
LISTENING = "0A"  # the state of a listening socket in /proc/net/tcp


def check_data_folder(folder: Path) -> None:
    """Make the data folder. Raises `StackProblem` if it cannot be made or is nearly full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StackProblem(
            f"The data folder {folder} cannot be written to ({error.strerror}). "
            "Set CCSERVER_DATA to a folder that you may write to."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < DISK_NEEDED_BYTES:
        raise StackProblem(
            f"The disk of {folder} has {free // 1_000_000} MB free; 500 MB are needed to start. "
            "Free some space, or set CCSERVER_DATA to a folder on another disk."
        )


def check_web_port(host: str, port: int) -> None:
    """Raises `StackProblem` when the web port cannot be had, naming who holds it if that can be seen."""
    if port == 0:
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise StackProblem(
                f"{host}, port {port}, cannot be listened on ({error.strerror}). "
                "Set CCSERVER_HOST to an address of this machine."
            ) from error
        raise StackProblem(
            f"Port {port} on {host} is taken by {port_holder(port) or 'another program'}. Stop that, or choose "
            "another port: CCSERVER_PORT=1129 scripts/up"
        ) from error


def port_holder(port: int) -> str | None:
    """The process that listens on a TCP port, as `process 123 (nginx)`, if the system lets us see it."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                if str(handle.readlink()) in inodes:
                    return f"process {process.name} ({(process / 'comm').read_text().strip()})"
    return "another program"


def _listening_inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
