"""Plays an Asterisk manager: answers every action, and sends a capture when told. A process of its own.

    python -m tests.bench.ami_server CALLS WARM burst|live

Prints its port; sends the first WARM messages and then the others, each after a line on its standard input.
``burst``: as fast as the socket takes them. ``live``: each event alone, at the pace of its own Timestamp.
"""

import re
import socket
import sys
import threading
import time

from tests.bench.ami_capture import multiply

_ACTION_ID = re.compile(rb"ActionID: ?(.*?)\r\n", re.IGNORECASE)
_STAMP = re.compile(rb"Timestamp: (\d+\.\d+)")


def answer(connection: socket.socket, lock: threading.Lock, logged_in: threading.Event) -> None:
    """Success to everything; the boot event after the login."""
    waiting = b""
    while data := connection.recv(4096):
        *actions, waiting = (waiting + data).split(b"\r\n\r\n")
        for action in actions:
            found = _ACTION_ID.search(action + b"\r\n")
            reply = b"Response: Success\r\nActionID: %s\r\nMessage: done\r\n\r\n" % (
                found[1] if found else b""
            )
            if b"login" in action.lower():
                reply += b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
            with lock:
                connection.sendall(reply)
            logged_in.set()


def send(connection: socket.socket, lock: threading.Lock, messages: tuple[bytes, ...], mode: str) -> None:
    if mode == "burst":
        with lock:
            connection.sendall(b"".join(messages))
        return
    instants = [float(_STAMP.findall(message)[0]) for message in messages]
    began = time.perf_counter()
    for message, at in zip(messages, instants, strict=True):
        time.sleep(max(0.0, began + at - instants[0] - time.perf_counter()))
        with lock:
            connection.sendall(message)


def main() -> None:
    calls, warm, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    messages = multiply(calls).messages
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lock, logged_in = threading.Lock(), threading.Event()
    connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
    threading.Thread(target=answer, args=(connection, lock, logged_in), daemon=True).start()
    logged_in.wait(10)
    for part in (messages[:warm], messages[warm:]):
        sys.stdin.readline()
        send(connection, lock, part, mode)
    sys.stdin.read()


if __name__ == "__main__":
    main()
