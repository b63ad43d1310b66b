"""A small server that serves the real templates and scripts with scripted data, and speaks the live protocol.

Fast tests of the pages stand on it: no database, no Asterisk, every fault of the stream at will.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web
from ccserver.web.assets import Assets, setup_assets
from ccserver.web.i18n import Catalogues
from ccserver.web.rendering import Renderer, Shell, content_security_policy

from tests.browser import scenes, scenes_pbx, scenes_sites
from tests.rig.wait import until

Row = dict[str, Any]

ADMIN = [
    "use",
    "call",
    "see_board",
    "see_history",
    "manage_users",
    "manage_sites",
    "see_system",
    "manage_pbx",
]
AGENT = ["use", "call", "see_history"]

PAGES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "/login": ("pages/login.html", "Log in", "login", ()),
    "/password": ("pages/password.html", "Change my password", "password", ()),
    "/desk": ("pages/desk.html", "My desk", "desk", ("agents", "calls", "history", "links", "me")),
    "/board": ("pages/board.html", "Board", "board", ("agents", "calls", "links", "me")),
    "/calls": ("pages/calls.html", "Calls", "calls", ("calls", "history", "links", "me")),
    "/users": ("pages/users.html", "Users", "users", ("users", "links", "me")),
    "/sites": ("pages/sites.html", "Sites", "sites", ("sites", "phones", "links", "me")),
    "/sites/paris": ("pages/site.html", "Site", "site", ("sites", "phones", "links", "me")),
    "/schedules": ("pages/schedules.html", "Opening hours", "schedules", ("sites", "phones", "links", "me")),
    "/phones": ("pages/phones.html", "Phones", "phones", ("phones", "agents", "stations", "links", "me")),
    "/config": ("pages/config.html", "Asterisk configuration", "config", ("links", "me")),
    "/system": ("pages/system.html", "System", "system", ("links", "me")),
    "/styleguide": ("pages/styleguide.html", "Style guide", "styleguide", ()),
}


SITE_MODULES = ("site", "sites", "schedules")


class Harness:
    """State of the scripted server; tests change it and the pages follow."""

    def __init__(self) -> None:
        self.renderer = Renderer(Assets(), Catalogues())
        self.choices = {locale: scenes_sites.choices(locale) for locale in ("fr", "en")}
        self.me: Row = {
            "id": scenes.uid(scenes.NAMES[0]),
            "login": "camille.roux",
            "session_id": scenes.uid("session"),
            "name": scenes.NAMES[0],
            "role": "ADMIN",
            "locale": "fr",
            "site_id": scenes.PARIS,
            "must_change_password": False,
            "extension": "201",
            "abilities": ADMIN,
        }
        self.url = ""
        self.locale = "fr"
        self.theme = ""
        # It sends none: a page whose test takes long must not take its link for dead.
        self.heartbeat = 300.0
        self.epoch = "e1"
        self.seq = 0
        self.blind_since: float | None = None
        self.accepting = True
        self.sockets: list[web.WebSocketResponse] = []
        self.subscriptions: list[Row] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        # What is answered only when its gate is opened.
        self.gates: dict[tuple[str, str], asyncio.Event] = {}
        self.following: dict[str, Any] = {}  # What a list answers after a cursor.
        # What it answers one time after the other, the last one from then on.
        self.turns: dict[tuple[str, str], list[Any]] = {}
        self.topics: dict[str, dict[str, Row]] = {}
        self.fill_topics()

    def fill_topics(self) -> None:
        """The morning of ``scenes``."""
        now = time.time()
        agents = [scenes.agent(i, now) for i in range(len(scenes.NAMES))]
        self.topics = {
            "agents": {row["id"]: row for row in agents},
            "calls": {row["id"]: row for row in scenes.calls_now(now)},
            "history": {row["id"]: row for row in scenes.history(now)},
            "links": {row["id"]: row for row in scenes.links(now)},
            "stations": scenes_pbx.stations(now),
            "config": {"state": scenes_pbx.state(now)},
            "users": {},
            "sites": {},
            "phones": {},
            "me": {},
        }

    def app(self) -> web.Application:
        """The application; one per harness."""
        app = web.Application()
        setup_assets(app, self.renderer._assets)
        for path in PAGES:
            app.router.add_get(path, self.page)
        app.router.add_get("/ws", self.stream)
        app.router.add_route("*", "/api/{rest:.*}", self.api)
        app.router.add_get("/", self.home)
        return app

    async def home(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/board")

    async def page(self, request: web.Request) -> web.Response:
        template, title, module, topics = PAGES[request.path]
        if topics and "manage_pbx" in self.me["abilities"]:
            topics = (*topics, "config")
        locale = request.query.get("lang", self.locale)
        shell = Shell(
            title=title,
            module=module,
            path=request.path,
            locale=locale,
            theme=self.theme or request.cookies.get("ccs_theme", "auto"),
            wall="wall" in request.query,
            me=None if request.path == "/login" else self.me,
            topics=topics,
            snapshot=self.snapshot(topics),
            section="/sites" if module in ("site", "schedules") else "",
            data=self.data(),
            context=self.context() | self.choices[locale] if module in SITE_MODULES else self.context(),
        )
        headers = {"Content-Security-Policy": content_security_policy(shell.nonce)}
        text = self.renderer.render(template, shell)
        return web.Response(text=text, content_type="text/html", headers=headers)

    def data(self) -> Row:
        sites = [{"id": key, "name": name} for key, name in scenes.SITES.items()]
        agents = [{"id": scenes.uid(name), "name": name} for name in scenes.NAMES]
        return {"sites": sites, "agents": agents, "site": scenes_sites.sites()[0]}

    def context(self) -> Row:
        roles = [("AGENT", "Agent"), ("SUPERVISOR", "Superviseur"), ("ADMIN", "Administrateur")]
        return {"roles": roles, "sites": list(scenes.SITES.items()), "users": []}

    def snapshot(self, topics: tuple[str, ...] | list[str]) -> dict[str, dict[str, Row]]:
        rows = {topic: self.topics.get(topic, {}) for topic in topics}
        if "sites" in topics:  # The other pages have the few lines of ``scenes``.
            rows["links"] = scenes_sites.links(time.time()) | rows["links"]
        return rows

    async def api(self, request: web.Request) -> web.Response:
        body: Any = await request.read()
        if request.content_type in ("application/json", "application/octet-stream"):
            body = json.loads(body) if body else None
        self.requests.append((request.method, request.path_qs, body))
        key = (request.method, request.path)
        if key in self.gates:
            await self.gates[key].wait()
        if request.query.get("after") in self.following:
            status, answer = 200, self.following[request.query["after"]]
        elif turns := self.turns.get(key):
            status, answer = 200, turns.pop(0) if len(turns) > 1 else turns[0]
        elif key in self.answers:
            status, answer = self.answers[key]
        else:
            status, answer = self.default_answer(request)
        if status == 204:
            return web.Response(status=204)
        return web.json_response(answer, status=status)

    def default_answer(self, request: web.Request) -> tuple[int, Any]:
        if request.path == "/api/calls" and request.method == "GET":
            return 200, {"items": scenes.history(time.time()), "next": None}
        if request.path == "/api/users" and request.method == "GET":
            return 200, {"items": scenes.users(), "next": None}
        if request.path.startswith("/api/calls/") and request.method == "GET":
            return 200, scenes.journey(time.time())
        if (told := scenes_pbx.answer(request.method, request.path, time.time())) is not None:
            return 200, told
        if (
            told := scenes_sites.answer(request.method, request.path, time.time(), request.query)
        ) is not None:
            return 200, told
        return 202, {"id": scenes.uid("new")}

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if not self.accepting:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json(
            {
                "type": "hello",
                "heartbeat": self.heartbeat,
                "epoch": self.epoch,
                "node": "harness",
                "protocol": 1,
            }
        )
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            wanted = json.loads(message.data)
            self.subscriptions.append(wanted)
            await socket.send_json(
                {
                    "type": "snapshot",
                    "epoch": self.epoch,
                    "seq": self.seq,
                    "as_of": time.time(),
                    "topics": self.snapshot(wanted["topics"]),
                    "blind_since": self.blind_since,
                }
            )
        self.sockets.remove(socket)
        return socket

    async def asked(self, method: str, path: str, times: int = 1) -> list[Any]:
        """The bodies of these requests, once there were so many: a click returns before its request comes."""

        def bodies() -> list[Any]:
            return [body for verb, asked, body in self.requests if (verb, asked) == (method, path)]

        await until(lambda: len(bodies()) >= times, f"{method} {path}, {times} times")
        return bodies()

    async def send(self, message: Mapping[str, Any]) -> None:
        """One frame to every open page."""
        for socket in list(self.sockets):
            with suppress(ConnectionError):  # A page that was just left, or loaded anew.
                await socket.send_json({"as_of": time.time(), **message})

    async def put(self, topic: str, key: str, row: Row | None, *, lose: bool = False) -> None:
        """Change one row; ``lose``: the frame never arrives, as after a fault."""
        table = self.topics.setdefault(topic, {})
        if row is None:
            table.pop(key, None)
        else:
            table[key] = row
        before, self.seq = self.seq, self.seq + 1
        if not lose:
            delta = {"type": "delta", "epoch": self.epoch, "prev": before, "seq": self.seq}
            await self.send({**delta, "changes": [[topic, key, row]]})

    async def go_blind(self, since: float | None) -> None:
        """Tell the pages that the owner no longer sees, or sees again."""
        self.blind_since = since
        await self.send({"type": "blind", "since": since})

    async def bye(self, code: str) -> None:
        """End the session of every page."""
        for socket in list(self.sockets):
            with suppress(ConnectionError):
                await socket.send_json({"type": "bye", "code": code})
            await socket.close(code=4001)

    async def cut(self) -> None:
        """Close every socket as a fault would."""
        for socket in list(self.sockets):
            await socket.close(code=1011)
