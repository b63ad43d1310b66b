"""One run of bare panoramisk over the capture: its parser and one callback for every event, nothing of ccserver.

python -m tests.bench.pipeline_panoramisk CALLS WARM burst|live
"""

import asyncio
import json
import os
import sys
from typing import Any

import uvloop
from panoramisk import Manager

from tests.bench.ami_capture import multiply
from tests.bench.pipeline_measure import Progress, measure


async def panoramisk(port: int) -> Progress:
    taken = 0

    def count(manager: Manager, event: Any) -> None:
        nonlocal taken
        taken += event.event != "FullyBooted"

    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host="127.0.0.1", port=port, username="u", secret="s", encoding="utf8")
    manager.register_event("*", count)
    await manager.connect()
    return lambda: taken


def main() -> None:
    calls, warm, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    figures = uvloop.run(measure(panoramisk, len(multiply(calls).messages), calls, warm, mode))
    print(json.dumps(figures), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
