"""The shape of a route: one line of a table that handlers, checks, OpenAPI and tests all read."""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import msgspec

from ccserver.domain.access import Ability
from ccserver.web.decoding import BODY_LIMIT

Handler = Callable[..., Awaitable[Any]]
"""``handler(request, actor, [query], [body])``: the query and the body are there when the route names their
structs; the body is bytes when it names the types of an upload. Returns a struct (sent as JSON), None (204), what
the renderer wants for ``page``, or a response."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``page``: the template that shows what the handler returns.

    ``upload``: the content types of a file that is the whole body, instead of a struct. ``other_types``: those in
    which the answer may also come. ``versioned``: the struct of the row that the route reads or changes, which has a
    version: answers carry it as ``ETag``, and what changes it keeps to ``If-Match`` (the handler asks ``versions_of``).
    ``published``: the answer is the same for everybody, and 304 for who names its ``ETag`` (``published.Document``).
    """

    method: str
    path: str
    handler: Handler
    _: KW_ONLY
    ability: Ability
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    returns: Any = None
    page: str = ""
    status: int = 200
    summary: str = ""
    upload: tuple[str, ...] = ()
    body_limit: int = BODY_LIMIT
    content_type: str = "application/json"
    other_types: tuple[str, ...] = ()
    versioned: Any = None
    published: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing, so that no CSRF token is asked for."""
        return self.method in ("GET", "HEAD", "OPTIONS")
