"""AMI events through our whole pipeline against bare panoramisk parsing the same bytes, in one run on loopback.

    python -m tests.bench.bench_pipeline [--calls 550] [--repeat 7]

The whole pipeline: bytes on a socket, AmiLink's reader, normalise, the engine with call machines and agent book,
the journal (written and synced by its thread), publisher, bus in memory, LiveFeed, LiveView. The baseline is
panoramisk with one callback for ``*`` that counts: it parses, and does nothing else.

Each run is a process of its own, with uvloop; the readers take turns and the middle of the repeats counts. The
first 1,000 events of each run warm it up and are not measured. CPU is of the whole process, threads included.
Other work on the machine makes every run dearer: ``of lowest`` is the ratio of the cheapest runs.

Two tables: as fast as the socket goes, and at the capture's own pace, each event when Asterisk sent it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.bench.ami_capture import RATE, multiply

WARM = 1000
LIVE_CALLS = 250
BASELINE = "bare panoramisk"
STAGES = {
    "ours: parse every event": "parse all",
    "ours: parse what is wanted": "parse",
    "  + normalise": "normalise",
    "  + call machines, agents, rows": "machines",
    "  + journal": "journal",
    "  + publish, bus, feed, view = whole": "whole",
}
WHOLE = list(STAGES)[-1]


def run(reader: str, calls: int, mode: str) -> dict[str, float]:
    """One run; its figures."""
    numbers = [str(calls), str(WARM), mode]
    if reader == BASELINE:
        command = [sys.executable, "-m", "tests.bench.pipeline_panoramisk", *numbers]
    else:
        command = [sys.executable, "-m", "tests.bench.pipeline_run", STAGES[reader], *numbers]
    with tempfile.TemporaryFile("w+") as log:  # as a server's log: a file
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, timeout=60)
        if done.returncode:
            log.seek(0)
            raise RuntimeError(f"{reader}: {log.read()[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(title: str, mode: str, calls: int, repeat: int, console: Console, readers: list[str]) -> None:
    """Measure in turns and print the table."""
    costs: dict[str, list[float]] = {reader: [] for reader in readers}
    turns = [reader for _ in range(repeat) for reader in readers]
    for reader in track(turns, title, console=console, transient=True):
        figures = run(reader, calls, mode)
        costs[reader].append(figures["cpu_us"] / figures["events"])
    base = statistics.median(costs[BASELINE])
    table = Table(title=title)
    for heading in ("reader", "CPU us/event", "lowest", "highest", "events/s/core", "ratio", "of lowest"):
        table.add_column(heading, justify="left" if heading == "reader" else "right")
    for reader in readers:
        cost, low, high = statistics.median(costs[reader]), min(costs[reader]), max(costs[reader])
        ratios = f"{cost / base:.2f}x", f"{low / min(costs[BASELINE]):.2f}x"
        table.add_row(reader, f"{cost:.1f}", f"{low:.1f}", f"{high:.1f}", f"{1e6 / cost:,.0f}", *ratios)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=550)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    console = Console(width=max(100, Console().width))
    console.print(f"The capture: {multiply(options.calls).how}.", soft_wrap=True, highlight=False)
    everything = [BASELINE, *STAGES]
    compare("As fast as the socket goes", "burst", options.calls, options.repeat, console, everything)
    few = [BASELINE, WHOLE]
    title = f"At the capture's own pace, {RATE:.0f} calls a second"
    compare(title, "live", LIVE_CALLS, max(3, options.repeat // 2), console, few)


if __name__ == "__main__":
    main()
