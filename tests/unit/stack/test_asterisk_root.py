"""Where an Asterisk comes from when none is installed, and what is said when none can be had."""

import os
from pathlib import Path

import pytest
from ccserver.stack import asterisk_build, asterisk_root
from ccserver.stack.asterisk_build import debian_mirror, mirror_in
from ccserver.stack.asterisk_root import default_cache, ensure_asterisk
from ccserver.stack.problems import StackProblem
from ccserver.stack.progress import QuietProgress

DEB822 = """\
Types: deb
# a comment: http://other.example/debian
URIs: http://mirror.example/debian
Suites: bookworm
"""


@pytest.fixture
def no_asterisk_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asterisk_root, "_from_path", lambda: None)


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        (DEB822, "http://mirror.example/debian"),
        ("deb [signed-by=/k.gpg] https://mirror.example/debian/ sid main", "https://mirror.example/debian/"),
        ("deb http://security.example/debian-security bookworm-security main", None),
        ("deb http://archive.example/ubuntu noble main", None),
        ("# deb http://mirror.example/debian sid main", None),
        ("", None),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(sources: str, mirror: str | None) -> None:
    assert mirror_in(sources) == mirror


def test_the_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCSERVER_DEBIAN_MIRROR", "http://mine.example/debian")
    assert debian_mirror() == "http://mine.example/debian"


def test_the_cache_is_shared_by_all_clones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCSERVER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_cache() == Path("/xdg/ccserver")
    monkeypatch.setenv("CCSERVER_CACHE", "/mine")
    assert default_cache() == Path("/mine")


@pytest.mark.usefixtures("no_asterisk_on_path")
def test_without_root_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StackProblem, match="Run this once as root"):
        ensure_asterisk(tmp_path, QuietProgress())


@pytest.mark.usefixtures("no_asterisk_on_path")
def test_without_disk_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(asterisk_build, "DISK_NEEDED_BYTES", 10**18)
    with pytest.raises(StackProblem, match="Free some space"):
        ensure_asterisk(tmp_path, QuietProgress())


@pytest.mark.usefixtures("no_asterisk_on_path")
def test_without_network_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(raw: Path, log: Path) -> None:
        asterisk_build._run(["sh", "-c", "echo 'E: Failed getting release file'; exit 1"], log, "debootstrap")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(asterisk_build, "_ensure_debootstrap", lambda log, detail: None)
    monkeypatch.setattr(asterisk_build, "_debootstrap", unreachable)
    with pytest.raises(StackProblem, match=r"Failed getting release file.*CCSERVER_DEBIAN_MIRROR"):
        ensure_asterisk(tmp_path, QuietProgress())
    assert not list(tmp_path.rglob("building-*"))


@pytest.mark.usefixtures("no_asterisk_on_path")
def test_a_damaged_archive_is_told_in_a_sentence(tmp_path: Path) -> None:
    archive = asterisk_root.archive_file(tmp_path)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"not an archive")
    with pytest.raises(StackProblem, match="cannot be unpacked"):
        ensure_asterisk(tmp_path, QuietProgress())


def test_a_cache_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path, no_asterisk_on_path: None) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StackProblem, match="Set CCSERVER_CACHE"):
        ensure_asterisk(blocked / "cache", QuietProgress())
