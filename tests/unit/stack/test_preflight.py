"""What is in the way of a start is told in a sentence that names the mend."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ccserver.stack import preflight
from ccserver.stack.locks import machine_lock, sole_owner
from ccserver.stack.preflight import check_data_folder, check_web_port, port_holder
from ccserver.stack.problems import StackProblem


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_free_port_passes(taken_port: int) -> None:
    check_web_port("127.0.0.2", taken_port)
    check_web_port("127.0.0.1", 0)


def test_a_taken_port_names_its_holder(taken_port: int) -> None:
    assert (port_holder(taken_port) or "").startswith(f"process {os.getpid()} (")
    with pytest.raises(StackProblem, match=f"is taken by process {os.getpid()}"):
        check_web_port("127.0.0.1", taken_port)


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(StackProblem, match="cannot be listened on"):
        check_web_port("2001:db8::1", 1128)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackProblem, match="Set CCSERVER_DATA"):
        check_data_folder(tmp_path / "file" / "data")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "DISK_NEEDED_BYTES", 10**18)
    with pytest.raises(StackProblem, match="Free some space"):
        check_data_folder(tmp_path / "data")


def test_a_lock_has_one_holder_and_tells_who(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        sole_owner(path, "held by {pid}"),
        pytest.raises(StackProblem, match=f"held by {os.getpid()}"),
        sole_owner(path, "held by {pid}"),
    ):
        pass
    with sole_owner(path, "held by {pid}"):
        pass


def test_waiting_for_a_lock_is_told_and_ends(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "lock"
    with (
        machine_lock(path, lambda: None, 1),
        pytest.raises(StackProblem, match="Another process"),
        machine_lock(path, lambda: told.append("waiting"), 0.3),
    ):
        pass
    assert told == ["waiting"]
