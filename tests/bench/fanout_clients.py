"""A thousand WebSocket clients that read and do nothing else: python -m tests.bench.fanout_clients PORT N SUBSCRIBE."""

import base64
import os
import select
import socket
import sys

TEXT = b'{"type":"subscribe","topics":["agents"]}'


def connect(port: int, subscribe: bool) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + base64.b64encode(os.urandom(16))
        + b"\r\n\r\n"
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    if subscribe:
        client.sendall(bytes((0x81, 0x80 | len(TEXT))) + bytes(4) + TEXT)  # masked with zeros
    client.setblocking(False)
    return client


def main() -> None:
    port, count, subscribe = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    clients = [connect(port, subscribe) for _ in range(count)]
    by_file = {client.fileno(): client for client in clients}
    poll = select.epoll()
    for file in by_file:
        poll.register(file, select.EPOLLIN)
    buffer = bytearray(1 << 18)
    while by_file:
        for file, _ in poll.poll():
            try:
                if by_file[file].recv_into(buffer):
                    continue
            except BlockingIOError:
                continue
            except ConnectionError:
                pass
            poll.unregister(file)
            del by_file[file]


if __name__ == "__main__":
    main()
