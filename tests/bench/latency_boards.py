"""Many boards in one process: real WebSocket clients that note when each instant of a call reached them.

    python -m tests.bench.latency_boards

The first line of its input is ``{"port", "tokens", "per_token", "topics"}``; then each line ``mark`` forgets what was
noted so far and each line ``report`` prints it. An instant is a row's started_at, ringing_at, answered_at or ended_at,
by Asterisk's clock; it counts in the frame that brings it first, once for each board. Distinct frames are parsed
once: boards that see the same get the same bytes.
"""

import base64
import json
import os
import select
import socket
import sys
import time
from array import array
from typing import Any

INSTANTS = ("started_at", "ringing_at", "answered_at", "ended_at")
TEXT, CLOSE, PING = 0x1, 0x8, 0x9


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    assert len(payload) < 126
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


class Board:
    """One socket and what has come of its next frame."""

    def __init__(self, port: int, token: str, topics: list[str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.socket.recv(4096)
            assert received, head
            head += received
        assert b" 101 " in head.split(b"\r\n")[0], head
        self.waiting = head.split(b"\r\n\r\n", 1)[1]
        self.socket.sendall(masked(TEXT, json.dumps({"type": "subscribe", "topics": topics}).encode()))
        self.socket.setblocking(False)

    def frames(self) -> list[bytes]:
        """Whole text frames that came. Raises ConnectionError when the server closed."""
        received = self.socket.recv(1 << 18)
        if not received:
            raise ConnectionError("closed")
        data = self.waiting + received
        found, at = [], 0
        while len(data) - at >= 2:
            size, head = data[at + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                size = int.from_bytes(data[at + 2 : at + head], "big")
            if len(data) - at < head + size:
                break
            opcode, payload = data[at] & 0xF, data[at + head : at + head + size]
            at += head + size
            if opcode == TEXT:
                found.append(payload)
            elif opcode == PING:
                self.socket.sendall(masked(0xA, payload))
            elif opcode == CLOSE:
                raise ConnectionError(payload[2:].decode())
        self.waiting = data[at:]
        return found


class Notes:
    """Latencies in seconds, and frames counted."""

    def __init__(self) -> None:
        self.latencies = array("d")
        self.frames = 0
        self.bytes = 0
        self.closed: list[str] = []
        self._seen: set[tuple[str, str]] = set()
        self._parsed: dict[bytes, list[float]] = {}

    def clear(self) -> None:
        """Forget figures, not what was seen of calls in progress."""
        self.latencies = array("d")
        self.frames = self.bytes = 0

    def take(self, payload: bytes, at: float) -> None:
        instants = self._parsed.get(payload)
        if instants is None:
            if len(self._parsed) > 200:
                del self._parsed[next(iter(self._parsed))]
            instants = self._parsed[payload] = self._first_told(json.loads(payload))
        if payload.startswith(b'{"type":"delta"'):
            self.frames += 1
            self.bytes += len(payload)
        for instant in instants:
            self.latencies.append(at - instant)

    def _first_told(self, message: dict[str, Any]) -> list[float]:
        """Instants that no frame before this one has brought; a snapshot's are old already."""
        changes = message.get("changes", ())
        if message["type"] == "snapshot":
            changes = [
                (topic, k, row) for topic, rows in message["topics"].items() for k, row in rows.items()
            ]
        new = []
        for topic, key, row in changes:
            if topic not in ("calls", "history") or row is None:
                continue
            for name in INSTANTS:
                if row[name] is not None and (key, name) not in self._seen:
                    self._seen.add((key, name))
                    new.append(row[name])
        return new if message["type"] == "delta" else []


def report(notes: Notes, boards: int) -> dict[str, Any]:
    ordered = sorted(notes.latencies)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0  # noqa: E731
    cpu = time.process_time()
    return {
        "samples": len(ordered), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0), "cpu": cpu,
        "frames": notes.frames / boards, "bytes": notes.bytes / boards, "closed": notes.closed,
    }  # fmt: skip


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    boards = [
        Board(orders["port"], token, orders["topics"])
        for token in orders["tokens"]
        for _ in range(orders["per_token"])
    ]
    by_file = {board.socket.fileno(): board for board in boards}
    notes = Notes()
    poll = select.epoll()
    for file in (*by_file, sys.stdin.fileno()):
        poll.register(file, select.EPOLLIN)
    print(json.dumps({"boards": len(boards)}), flush=True)
    while True:
        for file, _ in poll.poll():
            if file == sys.stdin.fileno():
                order = os.read(file, 4096).decode()
                if not order:
                    return
                if "mark" in order:
                    notes.clear()
                if "report" in order:
                    print(json.dumps(report(notes, len(boards))), flush=True)
                continue
            try:
                payloads = by_file[file].frames()
            except BlockingIOError:
                continue
            except ConnectionError as error:
                notes.closed.append(str(error))
                poll.unregister(file)
                continue
            at = time.time()
            for payload in payloads:
                notes.take(payload, at)


if __name__ == "__main__":
    main()
