"""Records what a real Asterisk says of one call: every AMI event and every ARI message, as it came.

``python -m tests.rig.shapes [shape...]`` drives real phones and a gateway through the call shapes and writes
``tests/golden/<shape>.jsonl``, a line for each message:
``{"src": "ami" | "ari" | "rest", "at": epoch seconds of receipt, "raw": text}``. ``rest`` lines are the
commands that drove the call with their answers; a replay skips them.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.rig.asterisk import Central
from tests.rig.wait import until

_QUIET_SECONDS = 0.4
_DEADLINE_SECONDS = 60.0


@dataclass
class Recording:
    """What was heard, in order of receipt."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    ari: list[dict[str, Any]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, src: str, raw: str) -> None:
        self.lines.append({"src": src, "at": time.time(), "raw": raw})
        if src == "ari":
            self.ari.append(json.loads(raw))
        self.heard.set()

    async def event(self, kind: str, channel: str | None = None, **wanted: str) -> dict[str, Any]:
        """The first ARI event of this type, of this channel id, with these fields; waits for it."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while True:
                for event in self.ari:
                    if event["type"] == kind and _matches(event, channel, wanted):
                        return event
                self.heard.clear()
                await self.heard.wait()

    async def quiet(self) -> None:
        """Return when nothing was heard for a while."""
        while True:
            self.heard.clear()
            try:
                async with asyncio.timeout(_QUIET_SECONDS):
                    await self.heard.wait()
            except TimeoutError:
                return

    def write(self, path: Path) -> None:
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines))


def _matches(event: Mapping[str, Any], channel: str | None, wanted: Mapping[str, str]) -> bool:
    about = event.get("channel") or event.get("peer") or {}
    return (channel is None or about.get("id") == channel) and all(
        event.get(name) == value or about.get(name) == value for name, value in wanted.items()
    )


class Listener:
    """AMI and ARI of one Asterisk, listening; and ARI's commands."""

    def __init__(self, central: Central, app: str = "ccserver") -> None:
        self._central = central
        self._app = app
        self.recording = Recording()
        self._http: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """While this is open everything is recorded."""
        model = self._central.model
        async with aiohttp.ClientSession(headers=self._central.ari_headers) as self._http:
            reader, writer = await asyncio.open_connection("127.0.0.1", model.ports.ami)
            login = f"Action: Login\r\nUsername: {model.ami.name}\r\nSecret: {model.ami.secret}\r\n\r\n"
            writer.write(login.encode())
            ws = await self._http.ws_connect(f"{self._central.ari_url}/events?app={self._app}")
            tasks = [asyncio.create_task(self._hear_ami(reader)), asyncio.create_task(self._hear_ari(ws))]
            try:
                await self.recording.quiet()  # the greeting is not part of the call
                self.recording.lines.clear()
                yield self
            finally:
                writer.close()
                await ws.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear_ami(self, reader: asyncio.StreamReader) -> None:
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            self.recording.add("ami", raw.decode())

    async def _hear_ari(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            self.recording.add("ari", message.data)

    async def rest(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, **query: str | int
    ) -> tuple[int, str]:
        """One ARI command; it and its answer become lines of the recording."""
        assert self._http is not None
        target = path + ("?" + urlencode(query) if query else "")
        async with self._http.request(verb, f"{self._central.ari_url}{target}", json=body) as answer:
            text = await answer.text()
        words = json.dumps(body) if body is not None else ""
        self.recording.add("rest", f"{verb} {target} {words} -> {answer.status} {text}".replace("  ", " "))
        return answer.status, text


async def no_channels(central: Central) -> None:
    """Wait until every call is over."""

    async def silent() -> bool:
        return (await central.process.rx("core show channels count")).startswith("0 active channels")

    await until(silent, "every call is over")
