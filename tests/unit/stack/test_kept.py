"""What a local installation decides once stays decided, is private, and moves only when it must."""

import socket
import stat
from pathlib import Path

import pytest
from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.stack import kept as module
from ccserver.stack.kept import keep_ports, keep_secrets
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, write_layout


@pytest.fixture(autouse=True)
def usual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports of this test's own are the usual ones: another test's Asterisk may take the real ones at any moment."""
    for name in ("SIP", "HTTP", "AMI", "SIP_TLS", "HTTPS"):
        monkeypatch.setattr(module, f"USUAL_{name}", free_tcp_port())


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
    assert all((first.sip, first.sip_tcp, first.sip_tls, first.https))
    assert keep_ports(tmp_path) == (first, False)


def test_after_a_restore_phones_find_asterisk_where_it_was(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", module.USUAL_HTTP))
        first, _ = keep_ports(tmp_path)
    assert first.http != module.USUAL_HTTP
    ports = PbxPorts(**{name: getattr(first, name) for name in first.__struct_fields__})
    directories = PbxDirectories.under(str(tmp_path / "asterisk"), modules="/usr/lib/m", data="/usr/share/a")
    write_layout(tmp_path / "asterisk" / FILE_NAME, PbxLayout(ports=ports, directories=directories))
    kept = tmp_path / "asterisk-ports.json"
    kept.unlink()
    assert keep_ports(tmp_path) == (first, False)
    assert kept.exists()


def test_a_taken_port_moves_alone_and_it_is_told(tmp_path: Path) -> None:
    first, _ = keep_ports(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.http))
        taken.listen()
        second, moved = keep_ports(tmp_path)
    assert moved
    assert second.http != first.http
    assert (second.sip, second.ami, second.sip_tcp) == (first.sip, first.ami, first.sip_tcp)
