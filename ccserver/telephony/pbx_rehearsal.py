"""Boots a throw-away Asterisk on a tree before the real one gets it, and listens to what it has to say.

It has its own folders and loopback ports; everything in the real configuration folder that is not ours (the
hand-written ``*.d`` folders, files of a package) is copied in, for it will be read together with ours.
"""

import asyncio
import re
import secrets
import shutil
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ccserver.domain.config_words import say
from ccserver.domain.errors import Unavailable
from ccserver.domain.pbx import PbxDirectories, PbxModel
from ccserver.domain.pbx_expected import expected_of, sections
from ccserver.ports import AsteriskStarter, ThrowAway
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_folders import make_folders
from ccserver.telephony.pbx_verify import Mismatch, verify
from ccserver.telephony.render import render

BOOT_SECONDS: Final = 40.0
VERIFY_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
"""Free ports are looked for and then used: somebody may come between."""
_POLL_SECONDS: Final = 0.03
_EAGER: Final = (0.05,)
_FIRST_PORT, _LAST_PORT = 20_000, 31_500
_LINE: Final = re.compile(r"^\[[^\]]*\] (?P<level>WARNING|ERROR)(?:\[[^\]]*\])*:? (?P<words>.*)$")
_WHERE: Final = re.compile(r"^(?:\[C-[0-9a-f]+\]:? )?[\w./-]+\.c(?::\d+)?:?\s*(?:in )?(?:\w+:)?\s*")
_HARMLESS: Final = (
    # pjproject's own word when a SIP message happens to arrive while Asterisk still loads.
    "Enable PJSIP_SAFE_MODULE to prevent race condition",
    # Debian's package ships this file, and pbx_config says so whenever it is there.
    "users.conf is deprecated and will be removed",
)
"""What a good tree makes Asterisk say all the same; measured with the trees of the tests."""
_PORT_TAKEN: Final = ("Address already in use", "Address in use", "Unable to bind")
_CLASH: Final = re.compile(r"Transport '([^']+)' could not be started: Address already in use")
_SHOWN: Final = 8
_HAND_WRITTEN_SIP: Final = "pjsip.d"
_ASKS: Final = re.compile(r"^[ \t]*(qualify_frequency)[ \t]*=.*$", re.MULTILINE)
_LEADS: Final = re.compile(r"^[ \t]*(?:outbound_proxy|max_random_initial_delay)[ \t]*=.*\n?", re.MULTILINE)
_REGISTERS: Final = re.compile(r"^([ \t]*type[ \t]*=>?[ \t]*registration\b.*)$", re.MULTILINE)
_NOT_NOW: Final = "\\1\nmax_random_initial_delay = 3600\noutbound_proxy = sip:127.0.0.1:9\\\\;lr"
"""As in the template of our own registrations (asterisk-config/pjsip.conf.j2)."""


class RehearsalFailed(Exception):
    """Asterisk refuses the tree; the message is its own sentences.

    ``passing``: it did not come to a refusal, the same tree may do well at another time.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a good rehearsal saw."""

    seen: str
    seconds: float


async def rehearse(
    model: PbxModel, starter: AsteriskStarter, clock: Callable[[], float] = time.monotonic
) -> Rehearsal | None:
    """Boot the tree of ``model`` aside and look at it. None when there is no program to boot it with.

    Raises RehearsalFailed, Unavailable (the program did not answer), OSError.
    """
    began = clock()
    for attempt in range(ATTEMPTS):
        room = await starter.room()
        if room is None:
            return None
        try:
            seen = await _once(model, starter, room)
        except RehearsalFailed as error:
            if not any(words in str(error) for words in _PORT_TAKEN):
                raise
            if attempt + 1 == ATTEMPTS:
                raise RehearsalFailed(str(error), passing=True) from error
            continue
        finally:
            await asyncio.to_thread(shutil.rmtree, room, ignore_errors=True)
        return Rehearsal(seen=seen, seconds=clock() - began)
    return None


def stand_in(model: PbxModel, room: Path) -> PbxModel:
    """The same model for a throw-away Asterisk that works in ``room``. Blocks."""
    ports, real = model.ports, model.directories
    taken: set[int] = set()
    rtp = _free_port(taken, socket.SOCK_DGRAM) & ~1
    return replace(
        model,
        rehearsal=True,
        directories=PbxDirectories.under(str(room), modules=real.modules, data=real.data),
        ports=replace(
            ports,
            sip=_free_port(taken, socket.SOCK_DGRAM),
            http=_free_port(taken),
            ami=_free_port(taken),
            rtp_first=rtp,
            rtp_last=rtp + 99,
            sip_tcp=_free_port(taken) if ports.sip_tcp else 0,
            sip_tls=_free_port(taken) if ports.sip_tls else 0,
            https=_free_port(taken) if ports.https else 0,
        ),
    )


def furnish(model: PbxModel, real_etc: Path) -> dict[str, str]:
    """Write the stand-in's folders and files, and copy in what is not ours; returns its files. Blocks."""
    files = dict(render(model))
    etc = Path(model.directories.etc)
    make_folders(model.directories)
    if real_etc.is_dir():
        for path in real_etc.iterdir():
            if path.name in files or path.name.startswith("."):
                continue
            if path.is_dir():
                shutil.copytree(path, etc / path.name, dirs_exist_ok=True)
                if path.name == _HAND_WRITTEN_SIP:
                    _quieten(etc / path.name)
            elif path.is_file():
                shutil.copyfile(path, etc / path.name)
    for name, text in files.items():
        (etc / name).touch(mode=0o600)
        (etc / name).write_text(text)
    return files


def _quieten(folder: Path) -> None:
    """Hand-written registrations are read and go nowhere: from here they would take the real Asterisk's calls away."""
    for path in folder.glob("*.conf"):
        if path.is_file():
            path.write_text(quiet(path.read_text(errors="surrogateescape")), errors="surrogateescape")


def quiet(text: str) -> str:
    """Hand-written SIP settings that reach nobody outside this machine."""
    text = _ASKS.sub(r"\1 = 0", text)
    text = _LEADS.sub("", text)
    return _REGISTERS.sub(_NOT_NOW, text)


async def _once(model: PbxModel, starter: AsteriskStarter, room: Path) -> str:
    acted = await asyncio.to_thread(stand_in, model, room)
    files = await asyncio.to_thread(furnish, acted, Path(model.directories.etc))
    log = Path(acted.directories.log) / "messages.log"

    async def complaints() -> list[str]:
        text = await asyncio.to_thread(_read, log)
        return complaints_of(text, acted.directories.etc, model.directories.etc)

    throw_away = await starter.start(Path(acted.directories.etc), BOOT_SECONDS)
    ami = AmiLink(
        "127.0.0.1",
        acted.ports.ami,
        acted.ami.name,
        acted.ami.secret,
        lambda _item: None,
        time.time,
        wanted=frozenset(),
        backoff=LinkBackoff(_EAGER),
        name="rehearsal",
    )
    try:
        await ami.start()
        await _booted(throw_away, ami, complaints)
        _refuse(await complaints(), files)
        try:
            seen = await verify(ami, expected_of(files), seconds=VERIFY_SECONDS)
        except Mismatch as error:
            raise RehearsalFailed(_told([*await complaints(), str(error)])) from error
        except (Unavailable, AmiError) as error:
            said = await complaints()
            raise RehearsalFailed(_told([*said, say("no_answer", why=error)]), passing=not said) from error
        _refuse(await complaints(), files)
        return seen
    finally:
        await ami.close()
        await throw_away.kill()


async def _booted(
    throw_away: ThrowAway, ami: AmiLink, complaints: Callable[[], Awaitable[list[str]]]
) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while not ami.up:
        alive = await throw_away.running()
        if not alive or time.monotonic() > deadline:
            said = await complaints()
            reason = say("not_booted" if alive else "ended_starting")
            console = await throw_away.last_words()
            # Too slow, as on a busy machine: it ends by itself where it does not like the tree.
            raise RehearsalFailed(
                _told(said or [reason, *console.splitlines()[-3:]]), passing=alive and not said
            )
        await asyncio.sleep(_POLL_SECONDS)


def _refuse(said: list[str], files: Mapping[str, str]) -> None:
    """Raises RehearsalFailed for complaints. A hand-written transport cannot but find its real port taken: that is
    no complaint.
    """
    ours = {section.name for section in sections(files.get("pjsip.conf", ""))}
    clashing = {match[1] for words in said if (match := _CLASH.search(words)) and match[1] not in ours}
    said = [words for words in said if not any(f"'{name}'" in words for name in clashing)]
    if said:
        raise RehearsalFailed(_told(said))


def complaints_of(log: str, etc: str = "", real_etc: str = "") -> list[str]:
    """Asterisk's warnings and errors without those that mean nothing, with the real files' names."""
    found: dict[str, None] = {}
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None or any(words in line for words in _HARMLESS):
            continue
        words = _WHERE.sub("", match["words"]).strip()
        found[words.replace(etc, real_etc) if etc else words] = None
    return list(found)


def _told(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return "\n".join(sentences[:_SHOWN]) + ("\n" + say("more", n=more) if more > 0 else "")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _free_port(taken: set[int], kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port below those that the system gives to outgoing connections."""
    while True:
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            taken.add(port)
            return port
