"""Shells and problems into HTML responses: the pages' side of ``keys.PageRenderer``."""

from aiohttp import web

from ccserver.web import keys
from ccserver.web.pages.shell import theme_of
from ccserver.web.problem import Problem
from ccserver.web.rendering import Renderer, Shell


class Pages:
    """The page renderer of the application."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    @property
    def watching(self) -> bool:
        """Whether templates are read again when they change."""
        return self._renderer.watching

    def page(self, request: web.Request, template: str, value: Shell) -> web.StreamResponse:
        """The page of a handler's shell."""
        return _html(self._renderer.render(template, value))

    def text(self, template: str, value: Shell) -> str:
        """The page of a shell as text."""
        return self._renderer.render(template, value)

    def error(self, request: web.Request, told: Problem) -> web.StreamResponse:
        """A problem, told to somebody who opened a page. Needs no database and no user."""
        shell = Shell(
            title=told.title,
            module="",
            locale=keys.locale_of(request),
            theme=theme_of(request),
            nonce=keys.nonce_of(request),
            context={"detail": told.detail, "code": told.code},
        )
        return _html(self._renderer.render("pages/error.html", shell), told.status)


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)
