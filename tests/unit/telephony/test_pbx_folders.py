"""The folders of an Asterisk that a package has installed: completed, for the package's user to write in."""

import os
from pathlib import Path

from ccserver.domain.pbx import PbxDirectories
from ccserver.telephony.pbx_folders import cel_file, complete_folders, lacking


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
