"""What every answer has: an id, safe headers, problems instead of tracebacks, in the reader's language."""

import asyncio
import html
import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.access import Ability, Actor, Role
from ccserver.services.health import PartHealth
from ccserver.web import keys
from ccserver.web.api import docs
from ccserver.web.openapi import build_openapi
from ccserver.web.problem import Problem, respond
from ccserver.web.route import Route
from ccserver.web.routing import register
from openapi_spec_validator import validate

from tests.rig.office import PASSWORD, Office

pytestmark = pytest.mark.postgres


async def test_every_answer_carries_its_id_and_safe_headers(office: Office) -> None:
    caller = await office.caller()
    for path in ("/health", "/api/docs", "/api/me", "/nothing"):
        answer = await caller.get(path)
        assert len(answer.headers["X-Request-Id"]) >= 8
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "ccserver"


async def test_a_request_id_is_kept_when_it_is_harmless(office: Office) -> None:
    caller = await office.caller()
    kept = await caller.get("/health", headers={"X-Request-Id": "order-66-abc"})
    assert kept.headers["X-Request-Id"] == "order-66-abc"
    refused = await caller.get("/health", headers={"X-Request-Id": "x; injected=1"})
    assert refused.headers["X-Request-Id"] != "x; injected=1"


async def test_unknown_paths_and_methods(office: Office) -> None:
    caller = await office.caller()
    missing = await caller.get("/api/nothing")
    assert (missing.status, missing.code) == (404, "not_found")
    wrong = await caller.send("DELETE", "/api/me")
    assert (wrong.status, wrong.code) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(",")) >= {"GET", "PATCH"}


async def test_problems_speak_the_readers_language(office: Office) -> None:
    caller = await office.caller()
    french = await caller.get("/api/me")
    english = await caller.get("/api/me", headers={"Accept-Language": "en-GB, fr;q=0.5"})
    other = await caller.get("/api/me", headers={"Accept-Language": "xx, de;q=0.9"})
    assert french.json["title"] == other.json["title"] == "Non connecté"
    assert english.json["title"] == "Not signed in"
    browser = await office.browser(await office.person("anna"))
    await browser.patch("/api/me", {"locale": "en"})
    office.clock.pass_seconds(6)
    own = await browser.get("/api/users", headers={"Accept-Language": "fr"})
    assert own.json["title"] == "Not allowed"


async def test_an_internal_error_tells_nothing_but_its_reference(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("the secret is 1234 in /etc/shadow")

    monkeypatch.setattr(office.health, "look", broken)
    answer = await (await office.caller()).get("/health")
    assert (answer.status, answer.code) == (500, "internal")
    assert answer.headers["X-Request-Id"] in answer.json["detail"]
    assert b"1234" not in answer.body and b"RuntimeError" not in answer.body
    assert f"'request_id': '{answer.headers['X-Request-Id']}'" in caplog.text


async def test_health_tells_each_part_and_503_when_nobody_can_be_served(office: Office) -> None:
    caller = await office.caller()
    office.health.add("ami", lambda: PartHealth(up=True, since=1.0, lag=0.5))
    assert (await caller.get("/health")).json["status"] == "ok"
    office.health.add("ami", lambda: PartHealth(up=False, since=2.0, detail="refused"))
    degraded = await caller.get("/health")
    assert (degraded.status, degraded.json["status"]) == (200, "degraded")
    assert degraded.json["parts"]["ami"] == {"up": False, "since": 2.0, "lag": 0.0, "detail": "refused"}
    office.database.up = False
    try:
        down = await caller.get("/health")
        assert (down.status, down.json["status"]) == (503, "down")
    finally:
        office.database.up = True


async def test_details_of_health_are_not_for_strangers(office: Office) -> None:
    office.health.add("ami", lambda: PartHealth(up=False, since=2.0, detail="10.0.0.8 refused"))
    stranger = await (await office.caller()).get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
    assert stranger.json["parts"]["ami"]["detail"] == ""
    admin = await office.browser(await office.person("root", Role.ADMIN))
    told = await admin.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
    assert told.json["parts"]["ami"]["detail"] == "10.0.0.8 refused"


async def test_metrics_are_for_this_machine_or_those_who_see_the_system(office: Office) -> None:
    caller = await office.caller()
    await caller.get("/api/me")
    local = await caller.get("/metrics")
    assert local.status == 200
    assert b'ccserver_http_request_seconds_count{method="GET",route="/api/me",status="401"}' in local.body
    away = {"X-Forwarded-For": "203.0.113.9"}
    assert (await caller.get("/metrics", headers=away)).status == 401
    agent = await office.browser(await office.person("anna"))
    assert (await agent.get("/metrics", headers=away)).status == 403
    admin = await office.browser(await office.person("root", Role.ADMIN))
    assert (await admin.get("/metrics", headers=away)).status == 200


async def test_the_docs_can_be_read_by_anybody_and_name_every_error(office: Office) -> None:
    answer = await (await office.caller()).get("/api/docs", headers={"Accept-Language": "en"})
    page = answer.body.decode()
    nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    assert f'<script type="importmap" nonce="{nonce}">' in page
    assert "<style" not in page
    assert 'id="error-wrong_credentials"' in page
    assert "/api/users/{id}" in page and 'id="topic-agents"' in page
    french = await (await office.caller()).get("/api/docs?lang=fr", headers={"Accept-Language": "en"})
    assert "Codes d’erreur" in french.body.decode()


async def test_the_docs_are_made_once_whoever_asks(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are public, and a tenth of a second's work: nobody may hold up the loop by asking again."""
    made: list[str] = []

    def build(routes: Sequence[Route]) -> dict[str, Any]:
        made.append(threading.current_thread().name)
        return build_openapi(routes)

    monkeypatch.setattr(docs, "build_openapi", build)
    caller = await office.caller()
    pages = await asyncio.gather(
        *(caller.get("/api/docs?lang=en", headers={"Host": f"pbx{n}.example:8443"}) for n in range(4))
    )
    assert len(made) == 1
    assert threading.current_thread().name not in made
    for number, answer in enumerate(pages):
        nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
        page = answer.body.decode()
        assert f"export CCSERVER=http://pbx{number}.example:8443\n" in page
        assert page.count(f'nonce="{nonce}"') == page.count("nonce=") == 3
        assert docs.NONCE not in page and docs.ORIGIN not in page
    assert len({answer.headers["Content-Security-Policy"] for answer in pages}) == 4
    # The office has read this one already.
    assert (await caller.get("/api/openapi.json")).status == 200
    assert len(made) == 1


@pytest.mark.parametrize("host", ["a:b", "x:99999", "[", "x';id;'"])
async def test_the_docs_are_told_to_whoever_asks_for_no_real_host(office: Office, host: str) -> None:
    answer = await (await office.caller()).get("/api/docs", headers={"Host": host})
    assert answer.status == 200
    assert "export CCSERVER=http://localhost\n" in answer.body.decode()


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/asyncapi.json", "/api/protocol"])
async def test_a_document_that_one_has_is_not_sent_again(office: Office, path: str) -> None:
    caller = await office.caller()
    first = await caller.get(path)
    assert (first.status, first.headers["Cache-Control"]) == (200, "no-cache")
    again = await caller.get(path, headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (await caller.get(path, headers={"If-None-Match": '"other"'})).body == first.body


async def test_what_the_docs_tell_to_type_works(office: Office, tmp_path: Path) -> None:
    """A newcomer's first minute: the commands of the page, in a shell, on the server."""
    if shutil.which("curl") is None:
        pytest.fail("no curl here: apt-get install -y curl")
    await office.person("anna", Role.SUPERVISOR)
    page = (await (await office.caller()).get("/api/docs?lang=en")).body.decode()
    begin = html.unescape(page.split('<code id="curl-begin" lang="en">')[1].split("</code>")[0])
    told = json.dumps({"login": "anna", "password": PASSWORD})
    await asyncio.to_thread((tmp_path / "login.json").write_text, told)
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", begin, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(shell.communicate(), 60)
    assert shell.returncode == 0
    assert json.loads(said)["login"] == "anna"
    assert (tmp_path / "token.txt").stat().st_mode & 0o777 == 0o600


async def test_the_document_keeps_to_openapi_and_tells_every_route(office: Office) -> None:
    document = (await (await office.caller()).get("/api/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    validate(document)
    operations = {
        (verb.upper(), path): operation
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    }
    assert set(operations) == {
        (route.method, route.path)
        for route in office.server.app[keys.ROUTES]
        if route.path.startswith(("/api/", "/health", "/metrics"))
    }
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    for (method, path), operation in operations.items():
        assert ("{id}" in path) == any(p["in"] == "path" for p in operation.get("parameters", ()))
        assert operation["responses"]["default"], (method, path)


class Pages:
    """A renderer that shows what it was given."""

    def page(self, request: Any, template: str, value: Any) -> Any:
        return keys.web.Response(text=f"{template}: {value}", content_type="text/html")

    def error(self, request: Any, told: Problem) -> Any:
        return keys.web.Response(text=f"page {told.code}", content_type="text/html", status=told.status)


async def _board(_request: Any, actor: Actor) -> str:
    return actor.login


async def test_pages_send_people_where_they_can_put_things_right(office: Office) -> None:
    app = keys.web.Application(middlewares=list(office.server.app.middlewares))
    for key, value in office.server.app.items():
        app[key] = value
    app[keys.RENDERER] = Pages()
    register(app, [Route("GET", "/board", _board, ability=Ability.SEE_BOARD, page="board.html")])
    office.server = type(office.server)(app)
    await office.server.start_server()
    office.contract = None
    # The pages' own application has no login route: programs bring a token of the other one.
    sessions = app[keys.SESSIONS]
    caller = await office.caller()
    away = await caller.get("/board?wall=1")
    assert (away.status, away.headers["Location"]) == (303, "/login?next=%2Fboard%3Fwall%3D1")
    for login, role, must_change, expected in (
        ("sam", Role.SUPERVISOR, False, (200, b"board.html: sam")),
        ("fresh", Role.SUPERVISOR, True, (303, b"")),
        ("anna", Role.AGENT, False, (403, b"page forbidden")),
    ):
        person = await office.person(login, role, must_change=must_change)
        async with office.database.system() as connection:
            session_id, _ = await sessions.open(
                connection, tenant_id=person.tenant_id, user_id=person.id, address="", user_agent=""
            )
        caller.bearer = app[keys.ACCESS_TOKENS].sign(session_id)
        answer = await caller.get("/board")
        assert (answer.status, answer.body) == expected
    missing = await caller.get("/nowhere", headers={"Accept": "text/html"})
    assert (missing.status, missing.body) == (404, b"page not_found")


def test_a_problem_is_never_cached() -> None:
    told = Problem(type="x", title="x", status=404, detail="x", code="x")
    assert respond(told).headers["Cache-Control"] == "no-store"
