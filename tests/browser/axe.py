"""axe-core in a page: what a checker of accessibility finds serious."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page

SCRIPT = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return result.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help,
    nodes: nodes.slice(0, 4).map((node) => node.target.join(" ") + " :: " + node.failureSummary),
  }));
}"""


async def violations(page: Page) -> list[dict[str, Any]]:
    """Every violation, best practices included; the tests accept none that is serious or critical."""
    # By the debugger and not by a <script>: the page's own policy would rightly refuse it.
    await page.evaluate(SCRIPT)
    found: list[dict[str, Any]] = await page.evaluate(RUN)
    return found


async def assert_accessible(page: Page) -> None:
    """Nothing serious; says where if there is."""
    serious = [v for v in await violations(page) if v["impact"] in ("serious", "critical", "moderate")]
    told = "\n".join(f"{v['id']} ({v['impact']}): {v['help']}\n  " + "\n  ".join(v["nodes"]) for v in serious)
    assert not serious, f"{page.url}\n{told}"
