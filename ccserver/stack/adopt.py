"""Takes an Asterisk that the machine's package manager installed under our care: finds its folders, writes a layout."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.stack.asterisk_root import SYSTEM_DATA_FOLDERS, find_asterisk
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_folders import FolderRefused, complete_folders, lacking
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, write_layout

_DIRECTORY: Final = re.compile(r"^\s*(ast\w+dir)\s*=>?\s*([^;\s]+)", re.MULTILINE)
_RANGE: Final = re.compile(r"(\d{2,5})-(\d{2,5})")
_USUAL: Final = {
    "astvarlibdir": "/var/lib/asterisk",
    "astspooldir": "/var/spool/asterisk",
    "astrundir": "/var/run/asterisk",
    "astlogdir": "/var/log/asterisk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What the operator says about his Asterisk."""

    etc: Path
    sip_address: str
    sip_port: int
    http_address: str
    http_port: int
    ami_port: int
    rtp_ports: str


def adopt(data: Path, wanted: Adoption) -> Path:
    """Make the folders that our configuration needs and the package has not made, and write the layout; returns its
    path. Raises StackProblem, PbxModelError, OSError.
    """
    path = data / "asterisk" / FILE_NAME
    if path.exists():
        raise StackProblem(f"{path} is there already. Remove it to adopt another Asterisk.")
    if not wanted.etc.is_dir():
        raise StackProblem(
            f"{wanted.etc} is no folder. Install Asterisk first, or name its folder with --etc."
        )
    rtp = _RANGE.fullmatch(wanted.rtp_ports)
    if rtp is None:
        raise StackProblem(f"--rtp-ports {wanted.rtp_ports}: write it as 10000-20000.")
    said = dict(_DIRECTORY.findall(_text(wanted.etc / "asterisk.conf")))
    binary = find_asterisk(data / "no-cache")
    modules = said.get("astmoddir") or (str(binary.moddir) if binary else "")
    sounds = said.get("astdatadir") or (str(binary.datadir) if binary else "")
    if not modules:
        raise StackProblem(
            "No asterisk program (20 or newer) was found on this machine, so its modules are not known. Install it, "
            f"or name astmoddir in {wanted.etc}/asterisk.conf."
        )
    layout = PbxLayout(
        ports=PbxPorts(
            sip_address=wanted.sip_address,
            sip=wanted.sip_port,
            http_address=wanted.http_address,
            http=wanted.http_port,
            ami=wanted.ami_port,
            rtp_first=int(rtp[1]),
            rtp_last=int(rtp[2]),
        ),
        directories=PbxDirectories(
            etc=str(wanted.etc.absolute()),
            modules=modules,
            var_lib=said.get("astvarlibdir") or _USUAL["astvarlibdir"],
            data=sounds or SYSTEM_DATA_FOLDERS[0],
            spool=said.get("astspooldir") or _USUAL["astspooldir"],
            run=said.get("astrundir") or _USUAL["astrundir"],
            log=said.get("astlogdir") or _USUAL["astlogdir"],
        ),
    )
    _complete(layout.directories)
    write_layout(path, layout)
    return path


def _complete(directories: PbxDirectories) -> None:
    """Raises StackProblem that says how to do it, for only root or Asterisk's own user may, and nobody by links."""
    try:
        complete_folders(directories)
    except FolderRefused as error:
        raise StackProblem(str(error)) from error
    except PermissionError as error:
        missing = ", ".join(str(path) for path in lacking(directories))
        raise StackProblem(
            f"Asterisk lacks what its new configuration needs, and {error.filename} cannot be made: run this as root, "
            f"or make it yourself with the owner of the folder that it lies in. Missing: {missing}."
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
