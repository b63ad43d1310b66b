"""Has a running Asterisk read again what changed, and only that; remembers what it has not read yet."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ccserver.ports import Ami
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_files import MODULE_OF_FILE, modules_to_reload
from ccserver.telephony.pbx_store import Unread
from ccserver.telephony.pbx_verify import started_at

MODULES_FILE: Final = "modules.conf"
_LOAD: Final = re.compile(r"^\s*load\s*=>?\s*(\S+)\s*$", re.MULTILINE)
_NOT_LOADED: Final = ("No such module", "Module not loaded", "Module not initialized", "not support reload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """``modules`` were told to read; ``restart`` are the files that only a restart makes effective."""

    modules: tuple[str, ...]
    restart: tuple[str, ...]


async def reload(
    ami: Ami, names: Iterable[str], before: Mapping[str, str], after: Mapping[str, str]
) -> Reloaded:
    """Reload the modules of the files ``names``. Raises AmiError (a reload failed), Unavailable."""
    files = set(names)
    if MODULES_FILE in files and await _load_new(
        ami, before.get(MODULES_FILE, ""), after.get(MODULES_FILE, "")
    ):
        files.discard(MODULES_FILE)
    restart = {name for name in files if name not in MODULE_OF_FILE}
    told = []
    for module in modules_to_reload(files):
        try:
            await ami.action("Reload", Module=module)
            told.append(module)
        except AmiError as error:
            if not any(words in error.message for words in _NOT_LOADED):
                raise
            # It runs without this module, so its file says nothing to it until it starts anew.
            restart |= {name for name in files if MODULE_OF_FILE.get(name) == module}
    return Reloaded(modules=tuple(told), restart=tuple(sorted(restart)))


async def _load_new(ami: Ami, before: str, after: str) -> bool:
    """Load modules that the list now names; whether Asterisk then has what the list says."""
    old, new = set(_LOAD.findall(before)), _LOAD.findall(after)
    whole = old <= set(new) and bool(old)
    for module in new:
        if module in old or await _is_loaded(ami, module):
            continue
        try:
            await ami.action("ModuleLoad", Module=module, LoadType="load")
        except AmiError:
            whole = False
    return whole


async def _is_loaded(ami: Ami, module: str) -> bool:
    try:
        await ami.action("ModuleCheck", Module=module.removesuffix(".so"))
    except AmiError:
        return False
    return True


async def unread(
    ami: Ami, names: Iterable[str], now: float, known: Mapping[str, Unread], read: Iterable[str] = ()
) -> dict[str, Unread]:
    """What Asterisk has still to read: ``names`` as of now, and what was known before without ``read``."""
    startup = ""
    if ami.up:
        startup, _at = await started_at(ami)
    left = {name: one for name, one in known.items() if name not in set(read)}
    return left | {name: Unread(at=now, startup=startup) for name in names}


async def still_unread(ami: Ami, known: Mapping[str, Unread]) -> tuple[dict[str, Unread], dict[str, Unread]]:
    """What of ``known`` the Asterisk that answers has not read when it started, and what it may have missed.

    It tells its start to the second: whether a file that was written in that very second was there in time, nobody
    knows. Raises Unavailable, AmiError.
    """
    startup, at = await started_at(ami)
    left, doubtful = {}, {}
    for name, one in known.items():
        if startup == one.startup or (not one.startup and at < int(one.at)):
            left[name] = Unread(at=one.at, startup=startup)
        elif not one.startup and at == int(one.at):
            doubtful[name] = Unread(at=one.at, startup=startup)
    return left, doubtful
