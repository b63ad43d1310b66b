"""/api/openapi.json and /api/docs: the interface as the routes themselves tell it."""

import asyncio
import shlex
from collections.abc import Sequence
from html import escape
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from ccserver import __version__
from ccserver.domain.access import Ability, Actor
from ccserver.web import keys, reference
from ccserver.web.curl import LOGIN, TOKEN_FILE
from ccserver.web.decoding import Body
from ccserver.web.i18n import N_, Catalogues
from ccserver.web.openapi import build_openapi
from ccserver.web.pages.shell import theme_of
from ccserver.web.published import Gapped
from ccserver.web.rendering import Shell
from ccserver.web.route import Route
from ccserver.web.sentences import ERRORS, FIELDS
from ccserver.web.stream import asyncapi

TEMPLATE = "pages/reference.html"
NONCE, ORIGIN = "gap-of-the-nonce-5d1c", "gap-of-the-origin-5d1c"
"""What stands in the kept page where each answer has its own."""
ME = f'curl -sS "$CCSERVER/api/me" -H @{TOKEN_FILE}'


class DocsQuery(Body, frozen=True, kw_only=True):
    """``lang``: the page's language. ``q`` is read by the page itself."""

    lang: Annotated[str, Meta(max_length=10)] = ""
    q: Annotated[str, Meta(max_length=200)] = ""


async def openapi(request: web.Request, _actor: Actor | None) -> web.Response:
    routes = request.app[keys.ROUTES]
    document = await request.app[keys.PUBLISHED].document("openapi", lambda: build_openapi(routes))
    return document.answer(request)


async def docs(request: web.Request, _actor: Actor | None, query: DocsQuery) -> web.StreamResponse:
    routes, catalogues = request.app[keys.ROUTES], request.app[keys.CATALOGUES]
    renderer, theme = request.app[keys.RENDERER], theme_of(request)
    locale = query.lang if query.lang in catalogues.locales else keys.locale_of(request)

    def make() -> Gapped:
        shell = docs_shell(routes, catalogues, origin=ORIGIN, locale=locale, theme=theme, nonce=NONCE)
        return Gapped(renderer.text(TEMPLATE, shell), ORIGIN, NONCE)

    if renderer.watching:
        page = await asyncio.to_thread(make)
    else:
        page = await request.app[keys.PUBLISHED].page((TEMPLATE, locale, theme), make)
    origin = escape(shlex.quote(request.app[keys.ADDRESSES].origin(request)))
    text = page.filled({ORIGIN: origin, NONCE: keys.nonce_of(request)})
    return web.Response(text=text, content_type="text/html")


def docs_shell(
    routes: Sequence[Route], catalogues: Catalogues, *, origin: str, locale: str, theme: str, nonce: str
) -> Shell:
    """The page's shell, from the very documents that are served beside it."""
    document, stream, told = build_openapi(routes), asyncapi.document(__version__), asyncapi.protocol()
    return Shell(
        title=N_("Programming interface"),
        module="reference",
        path="/api/docs",
        locale=locale,
        theme=theme,
        nonce=nonce,
        context={
            "begin": f"export CCSERVER={shlex.quote(origin)}\n{LOGIN}\n{ME}",
            "version": __version__,
            "groups": reference.groups(document),
            "schemas": reference.schemas(document, stream),
            "topics": [{**topic, "who": reference.who_may(topic["ability"])} for topic in told["topics"]],
            "heard": reference.messages(stream, "send"),
            "said": reference.messages(stream, "receive"),
            "close_codes": told["close_codes"],
            "errors": {code: catalogues.say(locale, told) for code, told in {**FIELDS, **ERRORS}.items()},
        },
    )


ROUTES = (
    Route(
        "GET",
        "/api/openapi.json",
        openapi,
        ability=Ability.PUBLIC,
        published=True,
        summary="This interface as OpenAPI 3.1",
    ),
    Route(
        "GET",
        "/api/docs",
        docs,
        ability=Ability.PUBLIC,
        query=DocsQuery,
        content_type="text/html",
        summary="This interface for people",
    ),
)
