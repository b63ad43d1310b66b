"""The machine: its clock, disks, limits, ports and time zones. Everything here blocks."""

import ctypes
import http.client
import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding, advice, bad, good, unknown
from ccserver.stack.preflight import check_web_port
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import PidFile
from ccserver.telephony.pbx_layout import PbxLayout

_GIB: Final = 1 << 30
_UNSYNCHRONISED: Final = 0x40
_CLOCK_ERROR: Final = 5
_FILES_NEEDED: Final = 4096
_FILES_ADVISED: Final = 16384
_ANSWER_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the kernel says of its clock. ``error_ms`` is its own estimate of how wrong it may be."""

    synchronised: bool
    error_ms: float


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def read_clock() -> ClockState:
    """Ask the kernel (adjtimex, reading only). Raises OSError."""
    timex = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    if state < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    lost = state == _CLOCK_ERROR or bool(timex.status & _UNSYNCHRONISED)
    return ClockState(synchronised=not lost, error_ms=timex.maxerror / 1000)


def judge_clock(state: ClockState) -> Finding:
    """Calls are told in milliseconds, tokens and certificates live by the clock."""
    if not state.synchronised:
        return bad(
            "clock",
            "not synchronised with any time server",
            "apt-get install chrony, or systemctl start systemd-timesyncd",
        )
    return good("clock", f"synchronised, wrong by at most {state.error_ms:.0f} ms")


def check_clock() -> Finding:
    try:
        return judge_clock(read_clock())
    except OSError as error:
        return unknown("clock", f"the kernel does not tell ({error.strerror})")


def check_disks(folders: Iterable[tuple[str, Path]]) -> Iterator[Finding]:
    """Room, inodes and the right to write, for each folder; a folder that is not there yet is its parent's case."""
    for name, wanted in folders:
        folder = wanted.absolute()
        while not folder.exists():
            folder = folder.parent
        yield _judge_disk(f"disk: {name}", wanted, folder)


def _judge_disk(name: str, wanted: Path, folder: Path) -> Finding:
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return unknown(name, f"{folder}: {error.strerror}")
    free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    inodes = disk.f_favail / disk.f_files if disk.f_files else 1.0
    told = f"{wanted}: {free / _GIB:.1f} GiB free of {total / _GIB:.1f}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return bad(name, f"{folder} cannot be written to", "give it to the user that runs ccserver")
    if free < _GIB or free < total * 0.03:
        return bad(name, told, "free some space: calls are not recorded on a full disk")
    if inodes < 0.03:
        return bad(
            name,
            f"{wanted}: {inodes:.0%} of the inodes free",
            "remove small files: no new one can be made soon",
        )
    if free < 5 * _GIB or free < total * 0.1 or inodes < 0.1:
        return advice(name, told, "free some space soon")
    return good(name, told)


def check_open_files(settings: Settings) -> Finding:
    """The limit of the running server, or of what is started from here."""
    name = "open files"
    limit, whose = resource.getrlimit(resource.RLIMIT_NOFILE)[0], "processes started from here"
    server = PidFile(settings.data_dir / "run" / "ccserver.pid").live()
    if server is not None:
        with suppress(OSError, ValueError, IndexError):
            lines = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
            value = next(line for line in lines if line.startswith("Max open files")).split()[3]
            limit, whose = (1 << 30 if value == "unlimited" else int(value)), "the running server"
    told = f"{limit} for {whose}"
    if limit < _FILES_NEEDED:
        return bad(name, told, f"LimitNOFILE={_FILES_ADVISED} in the unit, or ulimit -n {_FILES_ADVISED}")
    if limit < _FILES_ADVISED:
        return advice(
            name, told, f"LimitNOFILE={_FILES_ADVISED} in the unit: each browser and each call takes some"
        )
    return good(name, told)


def check_web_port_is_ours(settings: Settings) -> Finding:
    """Free, or answered by a ccserver."""
    name = f"port {settings.port}"
    try:
        check_web_port(settings.host, settings.port)
    except StackProblem as problem:
        if _is_ccserver(settings):
            return good(name, "a ccserver answers there")
        return bad(name, str(problem), "stop what holds it, or set CCSERVER_PORT")
    return good(name, "free")


class _Health(msgspec.Struct, frozen=True):
    status: str
    node: str


def _is_ccserver(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104 - compared, not bound
    link = http.client.HTTPConnection(host, settings.port, timeout=_ANSWER_SECONDS)
    try:
        link.request("GET", "/health")
        return bool(msgspec.json.decode(link.getresponse().read(1 << 16), type=_Health).node)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return False
    finally:
        link.close()


def check_zones(zones: Iterable[str]) -> Finding:
    """Opening hours and reports need the zones of all sites, with their summer time."""
    missing = []
    for zone in sorted({"Europe/Paris", *zones}):
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, ZoneInfoNotFoundError):
            missing.append(zone)
    if missing:
        return bad(
            "time zones",
            f"unknown here: {', '.join(missing)}",
            "apt-get install tzdata, or mend the site's zone",
        )
    return good("time zones", "all known")


def folders_to_watch(settings: Settings, layout: PbxLayout | None, backups: Path) -> list[tuple[str, Path]]:
    """Where this installation writes."""
    found = [
        ("data", settings.data_dir),
        ("journal", settings.data_dir / "journal"),
        ("backups", backups),
    ]
    if layout is not None:
        found += [
            ("Asterisk's logs", Path(layout.directories.log)),
            ("recordings", Path(layout.directories.spool)),
        ]
    return found
