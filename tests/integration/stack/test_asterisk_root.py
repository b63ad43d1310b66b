"""A private Asterisk boots from the cache, and the cache survives interruption and competition."""

import asyncio
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ccserver.stack import asterisk_root
from ccserver.stack.asterisk_root import (
    AsteriskBinary,
    archive_file,
    default_cache,
    ensure_asterisk,
    root_folder,
)
from ccserver.stack.processes import spawn
from ccserver.stack.progress import QuietProgress

pytestmark = pytest.mark.asterisk

MODULES = ("res_pjsip_session.so", "res_pjsip_transport_websocket.so", "res_ari_channels.so", "app_queue.so")


@pytest.fixture(scope="module")
def binary() -> AsteriskBinary:
    return ensure_asterisk(default_cache(), QuietProgress())


@pytest.fixture
def archived_cache(tmp_path: Path, binary: AsteriskBinary, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds the archive only, as on a second machine."""
    source = archive_file(default_cache())
    assert source.exists(), "this machine runs an installed Asterisk and has no archive; remove one to test"
    monkeypatch.setattr(asterisk_root, "_from_path", lambda: None)
    target = archive_file(tmp_path)
    target.parent.mkdir(parents=True)
    shutil.copyfile(source, target)
    return tmp_path


def write_configuration(folder: Path, binary: AsteriskBinary) -> Path:
    for name in ("etc", "lib/keys", "spool", "run", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/asterisk.conf").write_text(
        f"[directories]\nastetcdir => {folder}/etc\nastmoddir => {binary.moddir}\n"
        f"astdatadir => {binary.datadir}\nastvarlibdir => {folder}/lib\nastdbdir => {folder}/lib\n"
        f"astkeydir => {folder}/lib\nastspooldir => {folder}/spool\nastrundir => {folder}/run\n"
        f"astlogdir => {folder}/log\n"
    )
    (folder / "etc/modules.conf").write_text("[modules]\nautoload=yes\n")
    (folder / "etc/http.conf").write_text("[general]\nenabled=no\n")
    (folder / "etc/ari.conf").write_text("[general]\nenabled=yes\n")
    (folder / "etc/pjsip.conf").write_text("")
    return folder / "etc/asterisk.conf"


async def ask(binary: AsteriskBinary, configuration: Path, command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *binary.argv,
        "-C",
        str(configuration),
        "-rx",
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


def libraries_from_elsewhere(pid: int, binary: AsteriskBinary) -> set[str]:
    """What a private Asterisk has mapped from outside its own tree (but for the host's own name services)."""
    if len(binary.argv) == 1:
        return set()
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    mapped = {line.split(maxsplit=5)[5] for line in lines if ".so" in line and "libnss_" not in line}
    return {path for path in mapped if not Path(path).is_relative_to(binary.moddir.parents[1])}


async def test_it_boots_with_every_module_and_both_languages(
    binary: AsteriskBinary, tmp_path_factory: pytest.TempPathFactory
) -> None:
    configuration = write_configuration(tmp_path_factory.mktemp("ast"), binary)
    child = await spawn(
        "asterisk", [*binary.argv, "-C", str(configuration), "-f", "-n"], log=configuration.parent / "console"
    )
    try:
        async with asyncio.timeout(100):
            while "fully booted" not in await ask(binary, configuration, "core waitfullybooted"):
                assert child.running, child.last_words()
        for module in MODULES:
            assert "1 modules loaded" in await ask(binary, configuration, f"module show like {module}")
        strangers = libraries_from_elsewhere(child.identity.pid, binary)
    finally:
        await child.stop()
    assert not strangers, "the private root lacks libraries that this machine happens to have"
    for language in ("fr", "en"):
        assert (binary.datadir / "sounds" / language / "vm-goodbye.wav").is_file()


def test_the_archive_alone_is_enough(archived_cache: Path) -> None:
    found = ensure_asterisk(archived_cache, QuietProgress())
    assert found.argv[-1].startswith(str(archived_cache))
    assert int(found.version.split(".")[0]) >= 20


def test_a_half_written_root_is_replaced(archived_cache: Path) -> None:
    root = root_folder(archived_cache)
    (root / "usr/sbin").mkdir(parents=True)
    (root / "usr/sbin/asterisk").write_text("half")
    assert ensure_asterisk(archived_cache, QuietProgress()).moddir.is_relative_to(root)


def test_two_at_once_make_it_once(archived_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[Path] = []
    unpack = asterisk_root._unpack

    def counted(archive: Path, root: Path) -> None:
        unpacked.append(root)
        unpack(archive, root)

    monkeypatch.setattr(asterisk_root, "_unpack", counted)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: ensure_asterisk(archived_cache, QuietProgress()), range(2))
    assert first == second
    assert len(unpacked) == 1
