"""Where an Asterisk that we configure listens and keeps its files: `layout.json` beside its folders.

Who starts Asterisk writes it (`ccserver up`, an operator, the container image); the telephony owner reads
it and keeps that Asterisk's configuration true to the database. Without one, nothing is configured.
"""

from pathlib import Path
from typing import Final

import msgspec

from ccserver.domain.pbx import PbxDirectories, PbxModelError, PbxNat, PbxPorts, PbxTls

FILE_NAME: Final = "layout.json"


class LayoutError(Exception):
    """A layout file cannot be used; the message names it and says why."""


class PbxLayout(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the PBX model that the machine decides, not the database; `tls` and `nat` may be left out."""

    ports: PbxPorts
    directories: PbxDirectories
    tls: PbxTls = PbxTls()
    nat: PbxNat = PbxNat()


def read_layout(path: Path) -> PbxLayout | None:
    """The layout, or None when there is no such file. Raises LayoutError. Blocks."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PbxLayout)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, PbxModelError) as error:
        raise LayoutError(f"{path} cannot be used: {error}") from error


def write_layout(path: Path, layout: PbxLayout) -> None:
    """Write it, whole or not at all. Blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(layout)) + b"\n")
    aside.replace(path)
