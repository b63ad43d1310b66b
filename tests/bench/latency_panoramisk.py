"""The baseline: bare panoramisk on an AMI connection of its own, from Asterisk's Timestamp to its callback.

    python -m tests.bench.latency_panoramisk PORT USER SECRET

Lines of its input are ``mark`` and ``report``, as in latency_boards. The events that count are those that our board's
instants come from: a new channel, a channel that rings or is up, a channel that ended.
"""

import asyncio
import json
import sys
import time
from array import array
from typing import Any

import uvloop
from panoramisk import Manager

EVENTS = ("Newchannel", "Newstate", "Hangup")


async def run(port: int, user: str, secret: str) -> None:
    latencies = array("d")

    def take(manager: Manager, event: Any) -> None:
        if event.event in EVENTS:
            latencies.append(time.time() - float(event.timestamp))

    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host="127.0.0.1", port=port, username=user, secret=secret, encoding="utf8")
    manager.register_event("*", take)
    await manager.connect()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("{}", flush=True)
    while order := await reader.readline():
        if b"mark" in order:
            del latencies[:]
        else:
            ordered = sorted(latencies) or [0.0]
            shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
            figures = {n: ordered[min(len(ordered) - 1, int(s * len(ordered)))] for n, s in shares.items()}
            print(json.dumps({**figures, "samples": len(latencies)}), flush=True)


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
