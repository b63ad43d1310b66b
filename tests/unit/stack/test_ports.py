"""Ports handed out: never twice, not even to another process, and apart from those of sound."""

import os
import socket
import subprocess
import sys

import pytest
from ccserver.stack import ports
from ccserver.stack.ports import (
    FIRST,
    FIRST_OF_SOUND,
    LAST,
    free_port,
    free_rtp_range,
    free_tcp_port,
    free_udp_port,
)
from ccserver.stack.problems import StackProblem

CLAIM = "from ccserver.stack import ports; import sys; print(ports._claim(int(sys.argv[1])))"


def another_process_may_have(port: int) -> bool:
    asked = subprocess.run(
        [sys.executable, "-c", CLAIM, str(port)], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip() == "True"


def test_a_port_is_handed_out_once_and_lies_apart_from_sound() -> None:
    given = [free_tcp_port() for _ in range(50)] + [free_udp_port() for _ in range(50)]
    assert len(set(given)) == len(given)
    assert min(given) >= FIRST and max(given) < FIRST_OF_SOUND
    first, last = free_rtp_range()
    assert FIRST_OF_SOUND <= first < last <= LAST


def test_ports_side_by_side_are_claimed_together() -> None:
    first = free_port(socket.SOCK_DGRAM, count=4)
    assert not any(another_process_may_have(port) for port in range(first, first + 4))


def test_what_is_claimed_here_is_given_to_no_other_process() -> None:
    claimed = free_tcp_port()
    assert not another_process_may_have(claimed)


def test_where_all_are_claimed_a_free_one_is_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = free_tcp_port()
    monkeypatch.setattr(ports, "FIRST", claimed)
    monkeypatch.setattr(ports, "FIRST_OF_SOUND", claimed + 1)
    assert free_tcp_port() == claimed


def test_what_was_claimed_in_vain_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ports side by side the second is bound: whoever comes later may have both when it is free again."""
    first = 61_000 + os.getpid() % 4_000  # apart from all that anybody else claims
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "FIRST_OF_SOUND", first + 2)
    monkeypatch.setattr(ports, "is_free", lambda _kind, port, _address: port == first)
    with pytest.raises(StackProblem):
        free_port(socket.SOCK_DGRAM, count=2)
    assert another_process_may_have(first) and another_process_may_have(first + 1)
    monkeypatch.setattr(ports, "is_free", lambda *_: True)
    assert free_port(socket.SOCK_DGRAM, count=2) == first
    monkeypatch.setattr(ports, "is_free", lambda *_: False)
    with pytest.raises(StackProblem):
        free_port(socket.SOCK_DGRAM, count=2)
    assert not another_process_may_have(first), "what is handed out stays claimed"


def test_a_bound_port_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "FIRST", port)
        monkeypatch.setattr(ports, "FIRST_OF_SOUND", port + 1)
        with pytest.raises(StackProblem, match=r"No free port was found on 127\.0\.0\.1"):
            free_udp_port()
