"""Applies as the command line does and dies by SIGKILL at a named point: ``python -m ... POINT``."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from ccserver.live import pbx_apply, pbx_history, pbx_installer
from ccserver.settings import read_settings
from ccserver.stack.asterisk_work import machine, me, opened
from ccserver.telephony import pbx_install, pbx_store

MODULE = "tests.integration.live.kill_driver"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner: Any, name: str) -> None:
    """The function does its work, and nothing comes after it."""
    real: Callable[..., Any] = getattr(owner, name)

    def plain(*values: Any, **named: Any) -> Any:
        real(*values, **named)
        die()

    async def awaited(*values: Any, **named: Any) -> Any:
        await real(*values, **named)
        die()

    setattr(owner, name, awaited if asyncio.iscoroutinefunction(real) else plain)


def half_installed() -> None:
    def install(store: pbx_store.PbxStore, changed: tuple[str, ...], *_more: object) -> None:
        name = sorted(changed)[0]
        assert len(changed) > 1
        (store.staged / name).replace(store.etc / name)
        die()

    pbx_install.install = install  # type: ignore[assignment]


POINTS: dict[str, Callable[[], None]] = {
    "begun": lambda: after(pbx_history.PbxHistory, "begin"),
    "staged": lambda: after(pbx_install, "stage"),
    "rehearsed": lambda: after(pbx_apply, "rehearse"),
    "backed_up": lambda: after(pbx_install, "back_up"),
    "half_installed": half_installed,
    "installed": lambda: after(pbx_install, "install"),
    "reloaded": lambda: after(pbx_installer, "reload"),
    "verified": lambda: after(pbx_installer, "verify"),
    "kept": lambda: after(pbx_installer.PbxInstaller, "finish"),
    "told": lambda: after(pbx_history.PbxHistory, "end"),
}
APPLIED = frozenset({"kept", "told"})
"""Points after which the new configuration is the one that counts."""


async def apply() -> None:
    found = machine(read_settings())
    async with opened(found, found.settings.database_url, lambda _run: None) as engine:
        await engine.apply(str(uuid4()), me())


if __name__ == "__main__":
    assert Path.cwd()
    POINTS[sys.argv[1]]()
    asyncio.run(apply())
