"""Fan-out: CPU per frame sent to 1,000 sockets, ours against Node ws and aiohttp, in one run on loopback.

    python -m tests.bench.bench_fanout [--clients 1000] [--seconds 4] [--repeat 3]

Three questions, a table each:
1. A board's pace (one frame every 40 ms to everybody): CPU microseconds per frame and client.
2. As fast as it goes: the same, without pauses.
3. 40 calls/s, eight changes a call: cores for 1,000 boards when Node ws sends each change as a message and ours
   coalesces; computed from the first table.

Most of a send is the kernel's TCP; the row of bare write(2) shows how much, and so what is left to gain.

The servers take turns; the middle of the repeats counts. Each runs in a process of its own, next to one process
that plays all clients. Needs node and npm (ws is installed into a cache folder of the user).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

BYTES = 500
WINDOW_MS = 40
CHANGES_PER_SECOND = 40 * 8
HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ccserver" / "bench-ws"
MODES = {"aiohttp send_str": "aiohttp", "ours": "ours", "bare write(2)": "floor"}
SERVERS = ("node ws", *MODES)


@dataclass(frozen=True)
class Load:
    """What every server is made to send."""

    title: str
    clients: int
    rounds: int
    pace_ms: float


def node_modules() -> Path:
    """The folder with the npm package ws, installed when missing."""
    if not (CACHE / "node_modules" / "ws").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(CACHE), "ws"], check=True, cwd=CACHE)
    return CACHE


def command(server: str, load: Load) -> list[str]:
    numbers = [str(load.clients), str(load.rounds), str(load.pace_ms), str(BYTES)]
    if server == "node ws":
        return ["node", str(HERE / "fanout_ws.mjs"), str(node_modules()), *numbers]
    return [sys.executable, "-m", "tests.bench.fanout_server", MODES[server], *numbers]


def measure(server: str, load: Load) -> dict[str, Any]:
    """One run of one server; its own CPU time and nobody else's."""
    with subprocess.Popen(command(server, load), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = json.loads(process.stdout.readline())["port"]
        clients = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.bench.fanout_clients",
                str(port),
                str(load.clients),
                str(int(server == "ours")),
            ]
        )
        try:
            figures: dict[str, Any] = json.loads(process.stdout.readline())
        finally:
            process.wait(30)
            clients.wait(30)
    return figures


def compare(load: Load, repeat: int, console: Console) -> dict[str, float]:
    """Measure all servers in turns and print their table; returns CPU microseconds per frame."""
    runs: dict[str, list[dict[str, Any]]] = {server: [] for server in SERVERS}
    turns = [server for _ in range(repeat) for server in SERVERS]
    for server in track(turns, load.title, console=console, transient=True):
        runs[server].append(measure(server, load))
    cost = {s: statistics.median(r["cpu_us"] / r["frames"] for r in runs[s]) for s in SERVERS}
    table = Table(title=load.title)
    for heading in ("server", "CPU us a send", "of it in user space", "lowest", "highest", "against node ws"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for server in SERVERS:
        each = [r["cpu_us"] / r["frames"] for r in runs[server]]
        user = statistics.median(r["user_us"] / r["frames"] for r in runs[server])
        ratio = cost[server] / cost["node ws"]
        figures = (cost[server], user, min(each), max(each))
        table.add_row(server, *(f"{f:.2f}" for f in figures), f"{ratio:.2f}x")
    console.print(table)
    return cost


def coalesced(paced: dict[str, float], clients: int, console: Console) -> None:
    """What a busy board costs: computed from the measured cost of a frame at a board's pace."""
    frames = 1000 / WINDOW_MS
    node = paced["node ws"] * CHANGES_PER_SECOND * clients / 1e6
    ours = paced["ours"] * frames * clients / 1e6
    table = Table(
        title=f"{clients} boards at 40 calls/s ({CHANGES_PER_SECOND} changes/s), CPU seconds a second"
    )
    for heading in ("server", "frames/s to each", "cores", "against node ws"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    table.add_row("node ws, a message a change", str(CHANGES_PER_SECOND), f"{node:.2f}", "1.00x")
    table.add_row("ours, coalesced", f"{frames:.0f}", f"{ours:.2f}", f"{ours / node:.2f}x")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each paced run")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    console = Console()
    rounds = max(1, int(options.seconds * 1000 / WINDOW_MS))
    paced = compare(
        Load("At a board's pace: a frame every 40 ms", options.clients, rounds, WINDOW_MS),
        options.repeat,
        console,
    )
    compare(Load("As fast as it goes", options.clients, rounds * 2, 0), options.repeat, console)
    coalesced(paced, options.clients, console)


if __name__ == "__main__":
    main()
