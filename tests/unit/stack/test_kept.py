"""What a local installation decides once stays decided, is private, and moves only when it must."""

import socket
import stat
from pathlib import Path

import pytest
from ccserver.stack.kept import keep_ports, keep_secrets
from ccserver.stack.problems import StackProblem


def test_secrets_stay_and_are_private(tmp_path: Path) -> None:
    made = keep_secrets(tmp_path)
    assert keep_secrets(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert made.jwt_secret not in repr(made)


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert keep_secrets(tmp_path).secrets_key != keep_secrets(tmp_path / "other").secrets_key


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"jwt_secret": 1}'])
def test_damaged_secrets_are_never_replaced_silently(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(StackProblem, match="Restore it from a backup"):
        keep_secrets(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == content


def test_ports_stay(tmp_path: Path) -> None:
    first, moved = keep_ports(tmp_path)
    assert not moved
    assert keep_ports(tmp_path) == (first, False)


def test_a_taken_port_moves_alone_and_it_is_told(tmp_path: Path) -> None:
    first, _ = keep_ports(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.http))
        taken.listen()
        second, moved = keep_ports(tmp_path)
    assert moved
    assert second.http != first.http
    assert (second.sip, second.ami) == (first.sip, first.ami)
