"""Finds an Asterisk to run, or makes one: on PATH, in the cache, or built from Debian's package.

The private root is a folder with Asterisk, its modules, its sounds and every library they need.
It is run in place through its own dynamic loader, so nothing is installed, mounted or chrooted:
any user can run it, several at once, whatever the host's C library is.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ccserver.stack.asterisk_build import MODULES_UNDER_LIB, build_root
from ccserver.stack.locks import machine_lock
from ccserver.stack.problems import StackProblem
from ccserver.stack.progress import Progress

OLDEST_MAJOR_VERSION = 20
# Raise this when the content of the pruned root changes: older caches are then rebuilt, not reused.
LAYOUT = 2
LOCK_TIMEOUT_SECONDS = 900.0
NEEDED_MODULES = ("res_ari.so", "res_ari_channels.so", "res_pjsip.so", "app_stasis.so", "res_srtp.so")
SYSTEM_LIB_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
SYSTEM_DATA_FOLDERS = ("/usr/share/asterisk", "/var/lib/asterisk", "/usr/local/share/asterisk")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskBinary:
    """An Asterisk that runs on this machine.

    argv: how a command line starts; add `-C <asterisk.conf>` and then `-f`, `-rx ...`.
    moddir, datadir: what `astmoddir` and `astdatadir` in that asterisk.conf must say.
    version: as Asterisk tells it, for example `22.10.1`.
    origin: where it comes from, in words for the operator.
    """

    argv: tuple[str, ...]
    moddir: Path
    datadir: Path
    version: str
    origin: str


def default_cache() -> Path:
    """The machine's cache folder, shared by all clones: `CCSERVER_CACHE`, else under XDG's cache."""
    explicit = os.environ.get("CCSERVER_CACHE")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ccserver"


def ensure_asterisk(cache: Path, progress: Progress) -> AsteriskBinary:
    """The Asterisk to run: on PATH, else in `cache`, else built there once (about a minute, as root).

    Raises `StackProblem` when none is there and none can be made. Blocks: run it in a thread.
    """
    found = find_asterisk(cache)
    if found:
        return found
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackProblem(
            f"The cache folder {cache} cannot be made ({error.strerror}). "
            "Set CCSERVER_CACHE to a folder that you may write to."
        ) from error
    with (
        progress.step("Making a private Asterisk (once for this machine)") as step,
        machine_lock(
            cache / "asterisk.lock", lambda: step.detail("another process is at it"), LOCK_TIMEOUT_SECONDS
        ),
    ):
        found = find_asterisk(cache)
        if found:
            return found
        root, archive = root_folder(cache), archive_file(cache)
        if archive.exists():
            step.detail("unpacking the cached archive")
            _unpack(archive, root)
        else:
            build_root(root, archive, step.detail)
        found = _from_root(root)
        if not found:
            raise StackProblem(
                f"The Asterisk in {root} does not run on this machine. Remove {root.parent} and run this "
                f"again, or install Asterisk {OLDEST_MAJOR_VERSION} or newer yourself."
            )
        return found


def find_asterisk(cache: Path) -> AsteriskBinary | None:
    """An Asterisk that is ready to run without any work, or None."""
    return _from_path() or _from_root(root_folder(cache))


def root_folder(cache: Path) -> Path:
    """Where the private root lives in the cache."""
    return cache / "asterisk" / f"v{LAYOUT}-{os.uname().machine}" / "root"


def archive_file(cache: Path) -> Path:
    """The private root as one file, to be carried to other machines or kept by a CI cache."""
    return cache / "asterisk" / f"v{LAYOUT}-{os.uname().machine}.tar.gz"


def _from_path() -> AsteriskBinary | None:
    program = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if not program:
        return None
    version = _version_of((program,))
    if version is None or int(version.split(".")[0]) < OLDEST_MAJOR_VERSION:
        return None
    modules = [
        folder
        for lib in SYSTEM_LIB_FOLDERS
        for folder in (*Path(lib).glob(f"*/{MODULES_UNDER_LIB}"), Path(lib) / MODULES_UNDER_LIB)
        if _has_modules(folder)
    ]
    data = [Path(folder) for folder in SYSTEM_DATA_FOLDERS if (Path(folder) / "documentation").is_dir()]
    if not modules or not data:
        return None
    return AsteriskBinary(
        argv=(program,), moddir=modules[0], datadir=data[0], version=version, origin=f"installed, {program}"
    )


def _from_root(root: Path) -> AsteriskBinary | None:
    program = root / "usr/sbin/asterisk"
    loader = next(iter(sorted(root.glob("usr/lib/*/ld-linux*.so*"))), None)
    if loader is None or not program.exists():
        return None
    libraries = loader.parent
    argv = (str(loader), "--library-path", str(libraries), str(program))
    version = _version_of(argv)
    moddir = libraries / MODULES_UNDER_LIB
    if version is None or not _has_modules(moddir):
        return None
    return AsteriskBinary(
        argv=argv,
        moddir=moddir,
        datadir=root / "usr/share/asterisk",
        version=version,
        origin=f"Debian's package in {root}",
    )


def _has_modules(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NEEDED_MODULES)


def _version_of(argv: tuple[str, ...]) -> str | None:
    try:
        done = subprocess.run([*argv, "-V"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"Asterisk (?:certified/)?(\d+(?:\.\d+)*)", done.stdout)
    return match.group(1) if done.returncode == 0 and match else None


def _unpack(archive: Path, root: Path) -> None:
    """Extract beside and rename, so that a killed run leaves no half root under the final name."""
    aside = root.with_name("unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    aside.mkdir(parents=True)
    done = subprocess.run(
        ["tar", "--extract", "--gzip", "--file", str(archive), "--directory", str(aside)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(aside, ignore_errors=True)
        raise StackProblem(
            f"The cached Asterisk archive {archive} cannot be unpacked ({_last_line(done.stderr)}). "
            "Free some disk space, or remove that file and run this again."
        )
    aside.rename(root)


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"
