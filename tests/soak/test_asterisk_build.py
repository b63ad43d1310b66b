"""The private Asterisk made from nothing, as on a machine that has never seen one. Needs root and a mirror."""

from pathlib import Path

import pytest
from ccserver.stack import asterisk_root
from ccserver.stack.asterisk_root import archive_file, ensure_asterisk, root_folder
from ccserver.stack.progress import QuietProgress

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(900)]


def test_it_is_built_archived_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asterisk_root, "_from_path", lambda: None)
    binary = ensure_asterisk(tmp_path, QuietProgress())
    assert binary.moddir.is_relative_to(root_folder(tmp_path))
    assert archive_file(tmp_path).stat().st_size > 50_000_000
    assert not list(root_folder(tmp_path).parent.glob("building-*"))
    assert len(list(binary.moddir.glob("*.so"))) > 300
