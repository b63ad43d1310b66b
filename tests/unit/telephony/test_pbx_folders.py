"""The folders of an Asterisk that a package has installed: completed, for the package's user to write in."""

import os
from pathlib import Path

import pytest
from ccserver.domain.pbx import PbxDirectories
from ccserver.telephony.pbx_folders import FolderRefused, cel_file, complete_folders, lacking


def packaged(home: Path) -> PbxDirectories:
    """As Debian's package leaves them: its own user's, with some of what lies inside."""
    directories = PbxDirectories.under(str(home), modules="/usr/modules", data="/usr/data")
    for folder in ("etc", "lib", "spool/monitor", "log/cdr-csv", "log/cdr-custom"):
        (home / folder).mkdir(parents=True)
    for folder in ("lib", "spool", "log"):
        (home / folder).chmod(0o750)
        if os.geteuid() == 0:
            os.chown(home / folder, 12345, 12346)
    return directories


def test_what_the_package_has_not_made_is_its_users(tmp_path: Path) -> None:
    directories = packaged(tmp_path)
    complete_folders(directories)
    made = [tmp_path / name for name in ("lib/keys", "lib/agi-bin", "spool/recording", "log/cel-custom")]
    assert all(folder.is_dir() and folder.stat().st_mode & 0o777 == 0o750 for folder in made)
    owner = (tmp_path / "lib").stat().st_uid
    assert {path.stat().st_uid for path in (*made, cel_file(directories))} == {owner}
    assert cel_file(directories).read_bytes() == b""
    assert lacking(directories) == ()


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    directories = packaged(tmp_path)
    complete_folders(directories)
    cel_file(directories).write_text("a call\n")
    complete_folders(directories)
    assert cel_file(directories).read_text() == "a call\n"
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "run").exists()


def linked(home: Path, name: str, to: Path) -> Path:
    """What Asterisk's user may have put into its own folders."""
    link = home / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(to)
    return link


@pytest.mark.parametrize("name", ["log/cel-custom/cel.csv", "log/cel-custom", "lib/keys"])
def test_nothing_is_made_where_a_link_to_nothing_leads(tmp_path: Path, name: str) -> None:
    directories = packaged(tmp_path / "home")
    target = tmp_path / "etc" / "ld.so.preload"
    target.parent.mkdir()
    link = linked(tmp_path / "home", name, target)
    with pytest.raises(FolderRefused, match=f"^{link} is a link"):
        complete_folders(directories)
    assert list(target.parent.iterdir()) == []


def test_no_record_is_made_in_a_folder_elsewhere(tmp_path: Path) -> None:
    directories = packaged(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = linked(tmp_path / "home", "log/cel-custom", elsewhere)
    with pytest.raises(FolderRefused, match=f"^{link} is a link"):
        complete_folders(directories)
    assert list(elsewhere.iterdir()) == []


def test_links_to_what_is_there_stay_and_what_they_lead_to_is_not_given_away(tmp_path: Path) -> None:
    directories = packaged(tmp_path / "home")
    disk, secret = tmp_path / "disk", tmp_path / "secret"
    disk.mkdir(mode=0o700)
    secret.write_text("ours\n")
    secret.chmod(0o600)
    before = [(one.stat().st_uid, one.stat().st_mode) for one in (disk, secret)]
    links = [
        linked(tmp_path / "home", "spool/recording", disk),
        linked(tmp_path / "home", "log/cel-custom/cel.csv", secret),
    ]
    complete_folders(directories)
    assert all(link.is_symlink() for link in links) and lacking(directories) == ()
    assert [(one.stat().st_uid, one.stat().st_mode) for one in (disk, secret)] == before
    assert secret.read_text() == "ours\n"
