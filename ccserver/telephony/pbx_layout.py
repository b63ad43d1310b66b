"""Where an Asterisk that we configure listens and keeps its files: `layout.json` beside its folders.

Who starts Asterisk writes it (`ccserver up`, an operator, the container image); the telephony owner reads
it and keeps that Asterisk's configuration true to the database. Without one, nothing is configured.
"""

import errno
import re
from pathlib import Path
from typing import Final

import msgspec

from ccserver.domain.config_words import cause, say
from ccserver.domain.pbx import PbxDirectories, PbxModelError, PbxNat, PbxPorts, PbxTls

FILE_NAME: Final = "layout.json"


_PLACE: Final = re.compile(r" - at `\$?\.?(?P<place>[^`]*)`$")
_KIND: Final = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<found>[^`]*)`")
_MISSING: Final = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_MALFORMED: Final = re.compile(r"JSON is malformed: .*\(byte (?P<place>[0-9]+)\)")
_TRUNCATED: Final = "Input data was truncated"


class LayoutError(Exception):
    """A layout file cannot be used; the message names it and says why, in words of ``domain/config_words.py``."""


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
        raise LayoutError(say("layout_unusable", file=path, why=_why(error))) from error


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        if error.errno in (errno.EACCES, errno.EPERM):
            return cause("layout_forbidden")
        return cause("layout_unreadable", said=error.strerror or error)
    if isinstance(error.__cause__, PbxModelError):
        return str(error.__cause__)  # msgspec has put the place behind it
    text = str(error)
    place = _PLACE.search(text)
    where = place["place"] if place else ""
    said = text[: place.start()] if place else text
    if match := _KIND.fullmatch(said):
        return cause("layout_kind", field=where or FILE_NAME, **match.groupdict())
    if match := _MISSING.fullmatch(said):
        return cause("layout_missing", field=f"{where}.{match['field']}".lstrip("."))
    if match := _MALFORMED.fullmatch(said):
        return cause("layout_malformed", **match.groupdict())
    return cause("layout_truncated") if said == _TRUNCATED else cause("layout_said", said=said)


def write_layout(path: Path, layout: PbxLayout) -> None:
    """Write it, whole or not at all. Blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(layout)) + b"\n")
    aside.replace(path)
