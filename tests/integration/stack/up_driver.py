"""Runs `up` as the command line does, with a stand-in for the server: `python -m ... [serve]`."""

import os
import sys
from pathlib import Path

import asyncpg
import uvloop
from aiohttp import web
from ccserver.settings import read_settings
from ccserver.stack.problems import StackProblem
from ccserver.stack.progress import ConsoleProgress
from ccserver.stack.up import UpOptions, up

MODULE = "tests.integration.stack.up_driver"


def serve() -> None:
    async def health(request: web.Request) -> web.Response:
        return web.json_response(
            {"status": "ok", "parts": {"asterisk": {"up": bool(os.environ["AMI_PORT"])}}}
        )

    async def first_account(app: web.Application) -> None:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.execute(
            "WITH t AS (INSERT INTO tenants (id, slug, name, created_at) "
            "VALUES (gen_random_uuid(), 'x', 'X', now()) ON CONFLICT DO NOTHING RETURNING id) "
            "INSERT INTO users (id, tenant_id, login, role, password_hash, created_at, updated_at) "
            "SELECT gen_random_uuid(), t.id, 'admin', 'ADMIN', 'x', now(), now() FROM t"
        )
        await connection.close()

    app = web.Application()
    app.on_startup.append(first_account)
    app.router.add_get("/health", health)
    settings = read_settings()
    web.run_app(app, host=settings.host, port=settings.port, print=None)


def main() -> int:
    settings = read_settings()
    options = UpOptions(
        settings=settings,
        cache=Path(os.environ["CCSERVER_CACHE"]),
        server=(sys.executable, "-m", MODULE, "serve"),
    )
    try:
        uvloop.run(up(options, ConsoleProgress()))
    except StackProblem as problem:
        sys.stdout.write(f"PROBLEM {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else sys.exit(main())
