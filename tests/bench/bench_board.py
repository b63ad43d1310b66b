"""What a full board costs the browser: CPU of a Chromium without a GPU, against a board that makes all rows anew.

    python -m tests.bench.bench_board [--agents 500] [--calls 500] [--rate 20] [--seconds 12] [--repeat 3]

The real page on the tests' scripted server, at 0 and at ``rate`` changes a second, on a desk's screen and on the wall.
CPU is that of all of Chromium's processes (its own accounts, over the DevTools protocol), in shares of one core; page,
script, style and layout are the page's main thread only. A long task is one of over 50 ms (PerformanceObserver).

The baseline is board_naive.js in the place of the board's controller, in the same run; the boards take turns. It takes
a quarter of the changes and is watched until it has shown them all: it cannot keep up with ``rate``, so what is
compared is the CPU of one change, over what the same board costs when nothing changes.
"""

import argparse
import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, Route, async_playwright, expect
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.bench.board_scene import BigScene
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.harness import Harness

NAIVE = Path(__file__).parent / "board_naive.js"
SETTLE_SECONDS = 3.0
DRAIN_SECONDS = 200.0
"""A board that cannot keep up shows the last change this much later at most."""
LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: "longtask" });
"""
SCREENS = {"desk": ("/board", 1440, 900), "wall": ("/board?wall=1", 1920, 1080)}
BOARDS = ("naive", "ours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a board cost over a while, in shares of one core; ``long`` tasks a second and the longest in ms.

    ``changes``: how many it took a second.
    """

    changes: float
    total: float
    page: float
    script: float
    style: float
    layout: float
    long: float
    longest: float


@asynccontextmanager
async def serving(harness: Harness) -> AsyncIterator[None]:
    runner = web.AppRunner(harness.app(), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    harness.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


async def cpu_seconds(browser: Browser) -> float:
    session = await browser.new_browser_cdp_session()
    told = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return float(sum(process["cpuTime"] for process in told["processInfo"]))


@asynccontextmanager
async def main_thread(page: Page) -> AsyncIterator[Callable[[], Awaitable[dict[str, float]]]]:
    """Tells what the page's main thread has spent since the block began, in seconds by what it was spent on."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")

    async def told() -> dict[str, float]:
        metrics = (await session.send("Performance.getMetrics"))["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}

    yield told
    await session.detach()


async def answer_naive(route: Route) -> None:
    source = await asyncio.to_thread(NAIVE.read_text)
    await route.fulfill(body=source, content_type="text/javascript")


async def measure(
    browser: Browser, screen: str, board: str, rate: float, options: argparse.Namespace
) -> Cost:
    """One board, opened, settled, watched for ``options.seconds``."""
    path, width, height = SCREENS[screen]
    harness = await asyncio.to_thread(Harness)
    scene = BigScene(harness, agents=options.agents, calls=options.calls)
    context = await browser.new_context(locale="fr-FR", viewport={"width": width, "height": height})
    try:
        async with serving(harness):
            page = await context.new_page()
            await page.add_init_script(LONG_TASKS)
            if board == "naive":
                await page.route("**/js/controllers/board.*js*", answer_naive)
            await page.goto(harness.url + path)
            await expect(page.locator("#agents > *")).to_have_count(options.agents, timeout=60_000)
            await expect(page.locator("#pulse")).to_have_attribute("data-tone", "good", timeout=60_000)
            await asyncio.sleep(SETTLE_SECONDS)
            seconds = options.seconds / 4 if board == "naive" and rate else options.seconds
            return await _watch(browser, page, scene, rate, seconds)
    finally:
        await context.close()


async def _watch(browser: Browser, page: Page, scene: BigScene, rate: float, seconds: float) -> Cost:
    loop = asyncio.get_running_loop()
    async with main_thread(page) as spent_on:
        await page.evaluate("window.longTasks.length = 0")
        before, began, cpu = await spent_on(), loop.time(), await cpu_seconds(browser)
        sent = 0
        if rate:
            sent = await scene.change(rate, seconds)
            key, name = await scene.last()
            shown = page.locator(f"#agent-{key} [data-field=name]")
            await expect(shown).to_have_text(name, timeout=DRAIN_SECONDS * 1000)
        else:
            await asyncio.sleep(seconds)
        spent, wall, after = await cpu_seconds(browser) - cpu, loop.time() - began, await spent_on()
    tasks: list[float] = await page.evaluate("window.longTasks")

    def share(name: str) -> float:
        return (after[name] - before[name]) / wall

    return Cost(
        changes=sent / wall,
        total=spent / wall,
        page=share("TaskDuration"),
        script=share("ScriptDuration"),
        style=share("RecalcStyleDuration"),
        layout=share("LayoutDuration"),
        long=len(tasks) / wall,
        longest=max(tasks, default=0.0),
    )


def median(costs: list[Cost]) -> Cost:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(cost, name) for cost in costs))

    return Cost(**{name: middle(name) for name in Cost.__slots__})


def show(console: Console, title: str, results: dict[str, list[Cost]], still: dict[str, list[Cost]]) -> None:
    table = Table(
        *(
            "board",
            "changes/s",
            "of one core",
            "page",
            "script",
            "style",
            "layout",
            "long tasks/s",
            "longest ms",
        ),
        *("CPU ms/change", "ratio"),
        title=title,
    )
    baseline = _per_change(results, still, "naive")
    for board, costs in results.items():
        cost, each = median(costs), _per_change(results, still, board)
        table.add_row(
            board,
            f"{cost.changes:.1f}",
            f"{cost.total:.0%}",
            *(f"{part:.1%}" for part in (cost.page, cost.script, cost.style, cost.layout)),
            f"{cost.long:.2f}",
            f"{cost.longest:.0f}",
            f"{each * 1000:.1f}" if each else "",
            f"{each / baseline:.2f}x" if each and baseline else "",
        )
    console.print(table)


def _per_change(results: dict[str, list[Cost]], still: dict[str, list[Cost]], board: str) -> float:
    """CPU seconds of a change, 0 when nothing changed or the board was not run."""
    if board not in results or not (cost := median(results[board])).changes:
        return 0.0
    return (cost.total - median(still[board]).total) / cost.changes


async def run(options: argparse.Namespace, console: Console) -> None:
    cases = [(screen, rate) for screen in options.screens for rate in (0.0, options.rate)]
    rounds: list[Any] = [
        (*case, board) for case in cases for _ in range(options.repeat) for board in options.boards
    ]
    results: dict[tuple[str, float], dict[str, list[Cost]]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for screen, rate, board in track(rounds, console=Console(stderr=True), description="boards"):
            cost = await measure(browser, screen, board, rate, options)
            results.setdefault((screen, rate), {}).setdefault(board, []).append(cost)
        await browser.close()
    for (screen, rate), costs in results.items():
        title = f"{screen}: {options.agents} agents, {options.calls} calls, {rate:g} changes/s"
        show(console, title, costs, results[screen, 0.0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--screens", nargs="+", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--boards", nargs="+", choices=BOARDS, default=list(BOARDS))
    options = parser.parse_args()
    asyncio.run(run(options, Console(width=130)))


if __name__ == "__main__":
    main()
