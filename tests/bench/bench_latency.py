"""From Asterisk's event to the browser's socket, with 200 boards open, at 10, 20 and 40 real calls a second.

    python -m tests.bench.bench_latency [--boards 200] [--seconds 15] [--rates 10 20 40]

A real Asterisk, a real PostgreSQL and ``ccserver serve`` as a process of its own; SIPp calls from the gateway's
address to a hundred numbers whose agents' phones answer; a call rings 0.1 s and talks 0.6 s. A process apart plays
the boards (topics agents, calls, history, links). Latency: receipt at a board minus Asterisk's own timestamp of the
instant that the frame brings first (call started, rings, answered, ended); one machine, one clock.

The baseline, at the same time on the same events: from Asterisk's timestamp to the callback of a bare panoramisk
client on an AMI connection of its own. It shows what of the latency is Asterisk's and the machine's.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.latency_scene import WATCHERS, scene, start_callers
from tests.rig.installation import Installation, Node

TOPICS = ["agents", "calls", "history", "links"]
SETTLE_SECONDS = 2.0
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


@dataclass
class Helper:
    """A process that takes orders by line and answers in JSON."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, module: str, *arguments: str) -> "Helper":
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", f"tests.bench.{module}", *arguments)
        return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))

    def tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        async with asyncio.timeout(60):
            answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return answer

    async def ask(self, line: str) -> dict[str, Any]:
        self.tell(line)
        return await self.hear()


async def open_boards(node: Node, boards: int) -> Helper:
    tokens = [(await node.login(login)).token for login in WATCHERS]
    helper = await Helper.start("latency_boards")
    per_token = boards // len(tokens)
    await helper.ask(
        json.dumps({"port": node.port, "tokens": tokens, "per_token": per_token, "topics": TOPICS})
    )
    return helper


async def measure(
    installation: Installation, node: Node, boards: Helper, bare: Helper, rate: int, seconds: float
) -> dict[str, Any]:
    """Calls at this rate for so long; the figures of all who took part."""
    central = installation.central
    assert node.process and central.process.pid
    callers = await start_callers(central, installation.home, rate, round(rate * (seconds + SETTLE_SECONDS)))
    await asyncio.sleep(SETTLE_SECONDS)
    loop = asyncio.get_running_loop()
    pids = {"server": node.process.pid, "asterisk": central.process.pid, "boards": boards.process.pid}
    boards.tell("mark")
    bare.tell("mark")
    began, before = loop.time(), {name: cpu_seconds(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds - 0.2)
    lasted = loop.time() - began
    shares = {name: (cpu_seconds(pid) - before[name]) / lasted for name, pid in pids.items()}
    figures = {"rate": rate, "seconds": lasted, "cpu": shares, "load": os.getloadavg()[0]}
    figures |= {"boards": await boards.ask("report"), "bare": await bare.ask("report")}
    async with asyncio.timeout(30):
        figures["sipp"] = await callers.wait()
    return figures


def show(results: list[dict[str, Any]], boards: int, console: Console) -> None:
    table = Table(title=f"Asterisk's event to the socket of {boards} boards, milliseconds")
    for heading in (
        "calls/s",
        "instants/s",
        "p50",
        "p90",
        "p99",
        "max",
        "bare p50",
        "bare p99",
        "ratio p50",
        "ratio p99",
    ):
        table.add_column(heading, justify="right")
    load = Table(title="What it costs: share of one core, frames")
    for heading in (
        "calls/s",
        "server",
        "Asterisk",
        "boards' process",
        "frames/s to a board",
        "bytes a frame",
        "load",
    ):
        load.add_column(heading, justify="right")
    for r in results:
        ours, bare, cpu = r["boards"], r["bare"], r["cpu"]
        ms = [f"{ours[name] * 1000:.1f}" for name in ("p50", "p90", "p99", "max")]
        bare_ms = [f"{bare[name] * 1000:.2f}" for name in ("p50", "p99")]
        ratios = [f"{ours[name] / bare[name]:.1f}x" if bare[name] > 0 else "-" for name in ("p50", "p99")]
        table.add_row(
            str(r["rate"]), f"{ours['samples'] / boards / r['seconds']:.0f}", *ms, *bare_ms, *ratios
        )
        shares = [f"{cpu[name]:.0%}" for name in ("server", "asterisk", "boards")]
        size = f"{ours['bytes'] / max(1, ours['frames']):.0f}"
        load.add_row(
            str(r["rate"]), *shares, f"{ours['frames'] / r['seconds']:.1f}", size, f"{r['load']:.1f}"
        )
    console.print(table)
    console.print(load)
    closed = results[-1]["boards"]["closed"]
    if closed:
        console.print(f"{len(closed)} boards were closed by the server: {closed[:3]}")
    if any(r["sipp"] for r in results):
        console.print(
            "Some calls did not go as written: SIPp's exit codes " + str([r["sipp"] for r in results])
        )


async def run(boards: int, seconds: float, rates: list[int], console: Console) -> None:
    results = []
    async with scene() as installation:
        node = await installation.node()
        helper = await open_boards(node, boards)
        ami = installation.central.model.ami
        port = str(installation.central.model.ports.ami)
        bare = await Helper.start("latency_panoramisk", port, ami.name, ami.secret)
        await bare.hear()
        try:
            for rate in rates:
                with console.status(f"{rate} calls a second for {seconds:g} s"):
                    results.append(await measure(installation, node, helper, bare, rate, seconds))
        finally:
            for process in (helper.process, bare.process):
                process.kill()
                await process.wait()
    show(results, boards, console)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each rate's measurement")
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 20, 40])
    options = parser.parse_args()
    console = Console()
    console.width = max(110, console.width)
    asyncio.run(run(options.boards, options.seconds, options.rates, console))


if __name__ == "__main__":
    main()
