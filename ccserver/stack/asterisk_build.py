"""Builds the private Asterisk root from Debian's own packages: debootstrap, apt, prune, archive.

Steps: a minimal Debian testing tree is made aside, Asterisk is installed in it by apt, then only
what Asterisk needs at run time is copied out (the program, its modules, the libraries they link to,
French and English prompts, music on hold). The rest of the tree is thrown away.
"""

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ccserver.stack.problems import StackProblem

MODULES_UNDER_LIB = "asterisk/modules"
SUITE = "forky"
PACKAGES = (
    "asterisk",
    "asterisk-modules",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
)
DATA_FOLDERS = ("documentation", "rest-api", "static-http", "moh", "conf")
# Debian names the prompts after the voice; Asterisk looks them up by language.
VOICES = {"fr": "fr_CA_f_June", "en": "en_US_f_Allison"}
# Opened by name at run time, so no ELF header lists them: name resolution, and the cryptography that SRTP uses
# (libsoftokn3 and libfreebl3 check themselves against the .chk files beside them).
OPENED_BY_NAME = (
    *("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"),
    *("libsoftokn3.*", "libfreebl*3.*", "libnssdbm3.*", "libnssckbi.so"),
)
DISK_NEEDED_BYTES = 2_000_000_000
DOCS = ("usr/share/doc/asterisk/copyright", "usr/share/doc/asterisk-moh-opsound-wav/copyright")
APT_OPTIONS = (
    # A mirror of the testing suite may be frozen at a date: its Release file is then "expired".
    "-oAcquire::Check-Valid-Until=false",
    "-oAPT::Install-Recommends=false",
    "-oAcquire::Retries=3",
)

TellDetail = Callable[[str], None]


def build_root(root: Path, archive: Path, detail: TellDetail) -> None:
    """Make the pruned tree at `root` and its archive. Atomic: either whole or not there.

    Needs root, debootstrap (installed by apt when missing), the network and 2 GB of disk.
    Raises `StackProblem` with what is missing.
    """
    _remove_builds(root.parent)
    # A name of our own: the children of a killed build may still be writing in theirs.
    work = root.parent / f"building-{os.getpid()}"
    work.mkdir(parents=True, exist_ok=True)
    _check_preconditions(work)
    log = root.parent / "build.log"
    log.unlink(missing_ok=True)
    raw, pruned = work / "raw", work / "pruned"
    try:
        _ensure_debootstrap(log, detail)
        detail(f"downloading a minimal Debian {SUITE}")
        _debootstrap(raw, log)
        detail("installing Asterisk in it")
        _install_asterisk(raw, log)
        detail("keeping what Asterisk needs")
        copy_runtime(raw, pruned)
        detail("archiving")
        _archive(pruned, archive)
        _remove_tree(root)
        pruned.rename(root)
    except OSError as error:
        raise StackProblem(
            f"The private Asterisk could not be written under {work} ({error.strerror or error}). "
            "Free some disk space or set CCSERVER_CACHE to another folder, then run this again."
        ) from error
    finally:
        _remove_builds(root.parent)


def _check_preconditions(work: Path) -> None:
    if os.geteuid() != 0:
        raise StackProblem(
            "No Asterisk is installed here, and making a private one needs root the first time. "
            "Run this once as root, or install Asterisk 20 or newer yourself, or set CCSERVER_CACHE to "
            "a cache folder that already holds one."
        )
    free = shutil.disk_usage(work).free
    if free < DISK_NEEDED_BYTES:
        raise StackProblem(
            f"Making a private Asterisk needs 2 GB of disk for a minute, and {work} has "
            f"{free / 1e9:.1f} GB. Free some space or set CCSERVER_CACHE to a folder on another disk."
        )


def _ensure_debootstrap(log: Path, detail: TellDetail) -> None:
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise StackProblem(
            "This system has neither an asterisk (20 or newer), nor debootstrap to make one, nor apt-get "
            "to install it. Install Asterisk or debootstrap with your system's package manager."
        )
    detail("installing debootstrap")
    install = ["apt-get", "-oDPkg::Lock::Timeout=300", "-q", "-y", "--no-install-recommends", "install"]
    if not _succeeds([*install, "debootstrap"], log):
        _run(["apt-get", "-oDPkg::Lock::Timeout=300", "-q", "update"], log, "apt-get update")
        _run([*install, "debootstrap"], log, "Installing debootstrap")


def _debootstrap(raw: Path, log: Path) -> None:
    # `sid` is the script of every recent suite; older debootstraps do not know forky by name.
    script = "/usr/share/debootstrap/scripts/sid"
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(raw)]
    _run([*command, debian_mirror() or "", script], log, f"debootstrap of Debian {SUITE}")


def _install_asterisk(raw: Path, log: Path) -> None:
    for name in ("hosts", "resolv.conf", "ssl/certs/ca-certificates.crt"):
        source = Path("/etc") / name
        if source.exists():
            shutil.copyfile(source, raw / "etc" / name)
    # Packages that come with a service must not start it inside the tree.
    policy = raw / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    apt = ["chroot", str(raw), "apt-get", *APT_OPTIONS, "-q", "-y"]
    _run([*apt, "update"], log, "apt-get update in the private tree")
    _run([*apt, "install", *PACKAGES], log, "Installing Asterisk in the private tree")


def copy_runtime(raw: Path, pruned: Path) -> None:
    """Copy from the Debian tree `raw` to `pruned` only what Asterisk needs to run."""
    program = raw / "usr/sbin/asterisk"
    loader = next(iter(sorted(raw.glob("usr/lib/*/ld-linux*.so*"))), None)
    if loader is None:
        raise StackProblem(f"Debian {SUITE} has no dynamic loader where one was expected, in {raw}/usr/lib.")
    libraries = loader.parent
    modules = sorted((libraries / MODULES_UNDER_LIB).glob("*.so"))
    opened = {path for pattern in OPENED_BY_NAME for path in libraries.glob(pattern)}
    wanted = {loader, *opened}
    for elf in (program, *modules, *sorted(opened)):
        wanted.update(_linked_libraries(loader, libraries, elf))
    for source in (program, *modules, *sorted(wanted)):
        if source.exists():
            _copy_file(raw, pruned, source)
    for name in DATA_FOLDERS:
        _copy_tree(raw / "usr/share/asterisk" / name, pruned / "usr/share/asterisk" / name)
    for language, voice in VOICES.items():
        sounds = pruned / "usr/share/asterisk/sounds"
        _copy_tree(raw / "usr/share/asterisk/sounds" / voice, sounds / voice)
        (sounds / language).symlink_to(voice)
    for name in DOCS:
        if (raw / name).is_file():
            _copy_file(raw, pruned, raw / name)


def _linked_libraries(loader: Path, libraries: Path, elf: Path) -> Iterator[Path]:
    """The shared libraries that `elf` needs, as the tree's own loader resolves them."""
    listed = subprocess.run(
        [str(loader), "--library-path", str(libraries), "--list", str(elf)],
        capture_output=True,
        text=True,
        check=False,
    )
    for match in re.finditer(r"=> (/\S+) \(0x", listed.stdout):
        path = Path(match.group(1))
        if path.is_relative_to(libraries):
            yield path


def _copy_file(raw: Path, pruned: Path, source: Path) -> None:
    target = pruned / source.relative_to(raw)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _copy_tree(source: Path, target: Path) -> None:
    # Dangling links (Debian's alternatives point outside the tree) are of no use here.
    shutil.copytree(source, target, symlinks=False, ignore_dangling_symlinks=True)


def _archive(pruned: Path, archive: Path) -> None:
    aside = archive.with_suffix(".part")
    with tarfile.open(aside, "w:gz", compresslevel=3) as tar:
        tar.add(pruned, arcname=".")
    aside.rename(archive)


def debian_mirror() -> str | None:
    """The Debian mirror that this machine's own apt uses, or None to let debootstrap choose."""
    explicit = os.environ.get("CCSERVER_DEBIAN_MIRROR")
    if explicit:
        return explicit
    folder = Path("/etc/apt")
    files = [*sorted(folder.glob("sources.list.d/*.sources")), *sorted(folder.glob("sources.list.d/*.list"))]
    for file in (*files, folder / "sources.list"):
        if file.is_file():
            mirror = mirror_in(file.read_text(errors="replace"))
            if mirror:
                return mirror
    return None


def mirror_in(sources: str) -> str | None:
    """The first address in an apt sources file (either syntax) that serves a Debian archive."""
    for line in sources.splitlines():
        if re.match(r"\s*(deb\s|URIs:)", line):
            match = re.search(r"https?://\S+/debian/?(?=\s|$)", line)
            if match:
                return match.group(0)
    return None


def _succeeds(command: list[str], log: Path) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with log.open("a") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False)
    return done.returncode == 0


def _run(command: list[str], log: Path, what: str) -> None:
    if _succeeds(command, log):
        return
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E:", "W: Failure"))] or lines
    raise StackProblem(
        f"{what} failed: {telling[-1] if telling else 'no output'}. Check that this machine reaches its "
        f"Debian mirror (CCSERVER_DEBIAN_MIRROR names another one); the whole output is in {log}."
    )


def _remove_builds(folder: Path) -> None:
    """Remove our own build and what killed ones left: the lock lets nobody else build meanwhile."""
    for left in folder.glob("building-*"):
        _remove_tree(left)


def _remove_tree(tree: Path) -> None:
    """Remove a build tree, first unmounting what a killed debootstrap may have left mounted in it."""
    mounts = Path("/proc/self/mounts")
    if mounts.exists():
        points = [line.split()[1] for line in mounts.read_text().splitlines()]
        for point in sorted(points, reverse=True):
            if Path(point).is_relative_to(tree.resolve()):
                subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)
    shutil.rmtree(tree, ignore_errors=True)
